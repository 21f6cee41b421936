"""Asks from inside a network which address the internet sees, with a task in each subnet.

task definition for this run ──> one task in each subnet ──> https://checkip.amazonaws.com ──> log ──> compared
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any, NamedTuple

from fargate_constructs.cli.aws import Answer, aws_errors, meaning_of
from fargate_constructs.cli.deployed.deployed_networks import Subject
from fargate_constructs.cli.deployed.deployed_services import DeployedService
from fargate_constructs.cli.deployed.egress_addresses import Departure
from fargate_constructs.cli.deployed.service_egress import subnets_of
from fargate_constructs.cli.tasks.container_log import ContainerLog
from fargate_constructs.cli.tasks.one_off_tasks import ENDED, Ended, StartedTask, start_task
from fargate_constructs.cli.tasks.task_launch import Launch, Override
from fargate_constructs.cli.terminal.interrupts import deferred_interrupts, terminations_as_interrupts
from fargate_constructs.cli.terminal.output import say

if TYPE_CHECKING:
    from boto3 import Session

# Amazon Linux has curl (https://docs.aws.amazon.com/linux/al2023/ug/curl-minimal.html).
IMAGE = "public.ecr.aws/amazonlinux/amazonlinux:2023"
# The first one has IPv4 only, the second one also IPv6.
IPV4_PAGE, IPV6_PAGE = "https://checkip.amazonaws.com", "https://checkip.global.api.aws"
FAMILY, CONTAINER = "fargate-constructs-egress", "egress"
# The smallest task. A minute, the least that AWS bills, costs 0.0002 USD in us-east-1, and the image's 0.05 GB through
# a NAT gateway 0.002 USD (https://aws.amazon.com/fargate/pricing/, https://aws.amazon.com/vpc/pricing/).
CPU, MEMORY, USD_AT_MOST = "256", "512", 0.01
# A NAT gateway with several addresses chooses one for each connection.
REQUESTS = 5
TIMEOUT_SECONDS, LOG_SECONDS = 300.0, 30
WITHOUT_ADDRESS = {"ipv4=": "nothing over IPv4", "ipv6=": "nothing over IPv6"}
LINE = re.compile(r"(?P<kind>ipv[46])=(?P<address>[0-9a-f.:]+)")


class Probe(NamedTuple):
    """A task that asks from one subnet."""

    subnet: str
    zone: str
    departures: Sequence[Departure]
    """How the subnet's traffic leaves."""
    host: DeployedService
    """The service whose cluster, security groups, execution role and log group it has."""
    service: Answer
    """The host, of DescribeServices."""

    @property
    def expected(self) -> list[str]:
        """The IPv4 addresses that VPC routes lead to."""
        return [address for each in self.departures for address in each.addresses if ":" not in address]

    @property
    def ipv6_ranges(self) -> list[str]:
        """The IPv6 ranges that it may leave from."""
        return [address for each in self.departures for address in each.addresses if ":" in address]


class Seen(NamedTuple):
    """What the internet sees of a probe."""

    probe: Probe
    addresses: Sequence[str] = ()
    """IPv4 and IPv6 addresses, each once."""
    text: str = ""
    """What the task logged besides, or why it did not start."""

    def verdict(self, elastic_ips: Collection[str]) -> str:
        """Return `proven`, `otherAddress` or `noAnswer`.

        The Elastic IPs of the account count if the VPC routes do not show which addresses are expected.
        """
        expected = set(self.probe.expected or elastic_ips)
        ranges = [ip_network(each) for each in self.probe.ipv6_ranges]
        if not any("." in each for each in self.addresses):
            return "noAnswer"
        known = [
            each in expected if "." in each else any(ip_address(each) in ranges_of for ranges_of in ranges)
            for each in self.addresses
        ]
        return "proven" if all(known) else "otherAddress"


def plan_probes(subject: Subject, departures: Sequence[Departure]) -> list[Probe]:
    """Return a probe for each subnet with egress.

    Raises:
        ValueError: If a network has no service whose settings a task could take.
    """
    by_subnet: dict[str, list[Departure]] = {}
    for each in departures:
        if each.problem != "noRoute":
            by_subnet.setdefault(each.subnet, []).append(each)
    probes = []
    for subnet, found in by_subnet.items():
        vpc = subject.facts.subnets[subnet]["VpcId"]
        own = [pair for pair in subject.services if subnet in subnets_of(pair[1])]
        hosts = own or [pair for pair in subject.services if vpc in _vpcs(subject, pair[1])]
        if not hosts:
            raise ValueError(f"--prove needs a service in {vpc}, got none: its tasks have the settings of a service")
        probes.append(Probe(subnet, found[0].zone, found, *hosts[0]))
    if not probes:
        raise ValueError(f"--prove needs a VPC route to the internet, got none in {subject.name}")
    return probes


def _vpcs(subject: Subject, service: Answer) -> set[str]:
    known = subject.facts.subnets
    return {known[each]["VpcId"] for each in subnets_of(service) if each in known}


def summary(probes: Sequence[Probe]) -> str:
    """Return what `ask_from_inside` will do, and what it costs."""
    clusters = ", ".join(sorted({each.host.cluster for each in probes}))
    tasks = "a task" if len(probes) == 1 else f"{len(probes)} tasks, one in each subnet,"
    return (
        f"This starts {tasks} of {IMAGE} in the cluster {clusters}, with a task definition of its own, and removes "
        f"both. It takes about a minute, and costs less than {len(probes) * USD_AT_MOST:.2f} USD."
    )


def ask_from_inside(session: Session, region: str, probes: Sequence[Probe]) -> list[Seen]:
    """Start the probes, wait for them, and return what the internet sees. Nothing is left, also after Ctrl-C.

    Raises:
        ValueError: If a service has no log group that the probe can write to, or ECS starts no task.
        KeyboardInterrupt: After an interrupt.
    """
    ecs: Any = session.client("ecs", region_name=region)
    hosts = {each.service["serviceArn"]: each for each in probes}
    settings = {arn: _settings(ecs, each) for arn, each in hosts.items()}
    definitions: dict[str, str] = {}
    started: list[StartedTask] = []
    with terminations_as_interrupts():
        try:
            for arn, (role, log) in settings.items():
                with deferred_interrupts(f"ECS may have registered a task definition of {FAMILY}") as interrupts:
                    definitions[arn] = _register(ecs, role, log)
                if interrupts:
                    raise KeyboardInterrupt
            for each in probes:
                launch = _launch(each, definitions[each.service["serviceArn"]])
                override = Override(CONTAINER, command=[_script(each)])
                task = start_task(ecs, launch, override, started_by=FAMILY)
                started.append(task)
                say(f"task {task.id} asks from {each.subnet} ({each.zone})")
            found = []
            for each, task in zip(probes, started, strict=True):
                ended = task.wait(timeout=TIMEOUT_SECONDS)
                _, log = settings[each.service["serviceArn"]]
                found.append(_seen(session, each, ended, log))
            return found
        finally:
            _clean_up(ecs, started, definitions.values())


def _settings(ecs: Any, probe: Probe) -> tuple[str, dict[str, str]]:  # noqa: ANN401 - of boto3
    """Return the execution role of a service, and its log options: the role may write there."""
    name = Launch.of_service(probe.service).task_definition
    definition = ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]
    logs = [each.get("logConfiguration", {}) for each in definition["containerDefinitions"]]
    options = [each["options"] for each in logs if each.get("logDriver") == "awslogs"]
    if not options or "executionRoleArn" not in definition:
        raise ValueError(
            f"--prove needs a service with the log driver awslogs, got: {probe.host.name}; name another service: the "
            "task writes what it finds into the service's log group"
        )
    kept = ("awslogs-group", "awslogs-region")
    return definition["executionRoleArn"], {key: options[0][key] for key in kept} | {"awslogs-stream-prefix": FAMILY}


def _register(ecs: Any, role: str, log: Mapping[str, str]) -> str:  # noqa: ANN401 - of boto3
    """Register a task definition without a task role: the program in it needs no permission."""
    container = {
        "name": CONTAINER,
        "image": IMAGE,
        "essential": True,
        "entryPoint": ["sh", "-c"],
        "command": ["true"],
        "readonlyRootFilesystem": True,
        "logConfiguration": {"logDriver": "awslogs", "options": {**log}},
    }
    answer = ecs.register_task_definition(
        family=FAMILY,
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu=CPU,
        memory=MEMORY,
        executionRoleArn=role,
        containerDefinitions=[container],
    )
    return str(answer["taskDefinition"]["taskDefinitionArn"])


def _launch(probe: Probe, definition: str) -> Launch:
    of_service = Launch.of_service(probe.service).parameters["networkConfiguration"]["awsvpcConfiguration"]
    network = {"awsvpcConfiguration": {**of_service, "subnets": [probe.subnet]}}
    parameters = {"launchType": "FARGATE", "networkConfiguration": network}
    return Launch(probe.service["clusterArn"], definition, parameters)


def _script(probe: Probe) -> str:
    """Return what the task does: it writes each address into a line."""
    count = REQUESTS if len(probe.expected) > 1 else 1
    # This page has IPv4 only. From a subnet with IPv6 only, DNS64 and the NAT gateway translate.
    lines = [f'echo "ipv4=$(curl -sS --max-time 10 {IPV4_PAGE})"'] * count
    if probe.ipv6_ranges:
        lines.append(f'echo "ipv6=$(curl -6 -sS --max-time 10 {IPV6_PAGE})"')
    return "; ".join(lines)


def _seen(session: Session, probe: Probe, ended: Ended, log: Mapping[str, str]) -> Seen:
    """Return what the log of a task has. CloudWatch Logs may have it some seconds later."""
    if ended.exit_code is None or ended.is_over_time:
        return Seen(probe, text=ended.explanation)
    logs: Any = session.client("logs", region_name=log["awslogs-region"])
    stream = f"{FAMILY}/{CONTAINER}/{ended.task['taskArn'].rpartition('/')[2]}"
    lines: list[str] = []
    for _ in range(LOG_SECONDS):
        lines = [each.strip() for each in ContainerLog(logs, log["awslogs-group"], stream).new_lines()]
        if lines:
            break
        time.sleep(1)
    matches = [LINE.fullmatch(each) for each in lines]
    addresses = dict.fromkeys(each["address"] for each in matches if each)
    others = [WITHOUT_ADDRESS.get(line, line) for line, match in zip(lines, matches, strict=True) if not match]
    return Seen(probe, list(addresses), "; ".join(others) or ("" if lines else "its log is empty"))


def _clean_up(ecs: Any, started: Sequence[StartedTask], definitions: Collection[str]) -> None:  # noqa: ANN401 - of boto3
    """Stop tasks that run, and remove the task definitions; name what could not be removed, also after Ctrl-C."""
    running = [each for each in started if each.task["lastStatus"] not in ENDED]
    steps: list[tuple[str, Callable[[], object]]] = [
        *((f"task {each.id}", lambda each=each: each.stop("interrupted")) for each in running),
        *((each, lambda each=each: _remove(ecs, each)) for each in definitions),
    ]
    interrupts = []
    for what, remove in steps:
        try:
            remove()
        except aws_errors() as error:
            say(f"{what} is still there: {meaning_of(error)}")
        except KeyboardInterrupt as interrupt:
            say(f"{what} may still be there")
            interrupts.append(interrupt)
    for each in interrupts:
        raise each


def _remove(ecs: Any, definition: str) -> None:  # noqa: ANN401 - of boto3
    ecs.deregister_task_definition(taskDefinition=definition)
    for each in ecs.delete_task_definitions(taskDefinitions=[definition])["failures"]:
        say(f"{definition} is deregistered, but not deleted: {each.get('reason')}")
