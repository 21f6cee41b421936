"""`make demo`: app.py on a local AWS: who answers a request, where tasks leave, and where their log lines end up.

app.py ──> CDK CLI ──> emulator ──> requests through the load balancer's rules; default routes of the tasks' subnets;
                                    log lines ──> CloudWatch ──> Lambda ──> S3 ──> Athena;
                                    the commands status, logs and egress
"""

import gzip
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, chdir
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tests.emulator.commands import run_here
from tests.emulator.emulator import ROOT, Emulator, EmulatorError
from tests.emulator.load_balancer import LoadBalancer, answering
from tests.emulator.queries import Queries, QueryError, Rows

ARCHIVE_SECONDS = 60
SIGNALLED = 128  # plus the signal's number: the exit code in a shell of a command that a signal ended
INDENT = " " * 9
QUERY = "errors_in_the_last_hour"
# On the local AWS they do what they do on AWS.
COMMANDS = ("status Web", "logs Web", "egress Network")
MESSAGES = ("listening on port 80", "GET / 200 3 ms", '{"level": "error", "path": "/café", "text": "✗ not found"}')


class DemoError(RuntimeError):
    """The deployed system does not do what the example promises."""


@dataclass(frozen=True)
class Service:
    """A deployed ECS service: its tasks, where requests find them, their subnets, and where they log to."""

    name: str
    tasks: tuple[str, ...]
    target_group: str
    subnets: tuple[str, ...]
    log_group: str
    log_stream: str
    """The stream of a task's main container."""


@dataclass(frozen=True)
class Arrival:
    """Where a request for one of the load balancer's routes arrives."""

    path: str
    rule: str
    service: str
    answer: str
    """The service and the task that answered."""


@dataclass(frozen=True)
class Departure:
    """How a service's tasks in one subnet reach the world."""

    service: str
    subnet: str
    gateway: str
    public_ips: tuple[str, ...]


@dataclass(frozen=True, order=True)
class Line:
    """A log line, as sent or as archived."""

    log_group: str
    log_stream: str
    timestamp: int
    message: str


@dataclass(frozen=True)
class Result:
    """What the demo saw."""

    outputs: dict[str, str]
    arrivals: list[Arrival]
    departures: list[Departure]
    sent: list[Line]
    archived: dict[str, list[Line]]
    """The archived lines by the object that holds them."""
    errors: Rows
    """What the saved query `QUERY` found."""
    printed: dict[str, list[str]]
    """The lines that each of `COMMANDS` printed."""


def run(say: Callable[[str], None] = lambda _line: None) -> Result:
    """Deploy app.py to a local AWS; check who answers, where tasks leave, and that log lines arrive in S3.

    Args:
        say: is called with each line of the story. By default nothing is printed.

    Raises:
        EmulatorError: the local AWS did not start, or the deployment failed.
        DemoError: a request reaches another service than its route's, a task leaves from another address than the
            promised ones, or a log line is not archived.
        QueryError: the query fails.
    """
    began = time.monotonic()

    def step(text: str) -> None:
        say(f"{time.monotonic() - began:5.1f} s  {text}")

    def hear(line: str) -> None:
        if line.startswith(("✅", "✨  Synthesis")):
            step(f"  {line}")

    step("starting a local AWS: MiniStack, on 127.0.0.1 alone; no account, no Docker, so it runs no containers")
    with Emulator(progress=hear) as aws, tempfile.TemporaryDirectory() as outdir:
        step("deploying app.py with the CDK CLI")
        outputs = aws.deploy(ROOT, outdir=Path(outdir))
        for name in ("EndpointUrl", "EgressIps", "ArchiveBucket"):
            say(f"{INDENT}{name:<13}  {outputs[name]}")
        say(f"{INDENT}The URL answers only inside the local AWS, and only until the demo ends.")

        services = list(_services(aws))
        step("asking its load balancer, one request for each route; a tiny web server answers for each task")
        arrivals = list(_arrivals(aws, services))
        for each in arrivals:
            say(f"{INDENT}GET {each.path:<10} ──> rule {each.rule:<6} ──> {each.answer}")
        check_arrivals(arrivals, services)

        step("following the default route of each service's subnets")
        departures = list(_departures(aws, services))
        for way in departures:
            say(f"{INDENT}{way.service:<5} {way.subnet} ──> {way.gateway} ──> {', '.join(way.public_ips)}")
        check_departures(departures, outputs["EgressIps"].split(","))

        step(f"writing log lines to CloudWatch Logs: {len(MESSAGES)} for each service")
        sent = [line for service in services for line in _send(aws, service)]
        step("reading them from S3, as soon as the Lambda function has archived them")
        archived = _wait_for(aws, outputs["ArchiveBucket"], sent)
        for row in _table(services, archived):
            say(f"{INDENT}{row}")

        step(f"asking Athena, as the catalog's saved query {QUERY} does")
        errors = _ask(aws)
        for row in errors.table():
            say(f"{INDENT}{row}")

        step("calling the command line: running tasks are a count here, and the log has the lines from above")
        printed = call_commands(aws)
        for row in (row for command, rows in printed.items() for row in (f"$ fargate-constructs {command}", *rows)):
            say(f"{INDENT}{row}".rstrip())
    step("done: every route leads to its service, and every task leaves from a fixed address;")
    say(f"{INDENT}{len(sent)} of {len(sent)} log lines are in S3")
    return Result(outputs, arrivals, departures, sent, archived, errors, printed)


def _ask(aws: Emulator) -> Rows:
    """Run the saved query, once the table knows the log groups: a schedule would tell it within five minutes."""
    functions = aws.client("lambda").list_functions()["Functions"]
    [name] = [each["FunctionName"] for each in functions if "CatalogLogGroups" in each["FunctionName"]]
    aws.client("lambda").invoke(FunctionName=name, Payload="{}")
    [workgroup] = [
        each["Name"] for each in aws.client("athena").list_work_groups()["WorkGroups"] if each["Name"] != "primary"
    ]
    return Queries(aws, workgroup).run(QUERY)


def call_commands(aws: Emulator, commands: Sequence[str] = COMMANDS) -> dict[str, list[str]]:
    """Call commands as a person does; return what each prints.

    Raises:
        DemoError: If one has a finding, or no answer.
    """
    printed = {}
    with chdir(aws.folder):  # without cdk.out, so the region is searched
        for command in commands:
            result = run_here(aws, *command.split())
            if result.exit_code:
                raise DemoError(f"{command} ends with {result.exit_code}: {result.output}")
            printed[command] = result.stdout.splitlines()
    return printed


def _table(services: list[Service], archived: dict[str, list[Line]]) -> Iterator[str]:
    """What came out: a row for each line, and below them the objects that hold them."""
    names = {service.log_group: service.name for service in services}
    yield "service  time (UTC)    message"
    for line in (line for lines in archived.values() for line in lines):
        at = datetime.fromtimestamp(line.timestamp / 1000, UTC).time()
        yield f"{names[line.log_group]:<7}  {at.isoformat('milliseconds')}  {line.message}"
    for key in archived:
        yield f"in {key}"


def _services(aws: Emulator) -> Iterator[Service]:
    """Every ECS service there is."""
    ecs = aws.client("ecs")
    for cluster in ecs.list_clusters()["clusterArns"]:
        arns = ecs.list_services(cluster=cluster)["serviceArns"]
        for service in ecs.describe_services(cluster=cluster, services=arns)["services"] if arns else []:
            task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
            container = task["containerDefinitions"][0]
            options = container["logConfiguration"]["options"]
            arns = ecs.list_tasks(cluster=cluster, serviceName=service["serviceName"])["taskArns"]
            tasks = tuple(arn.rpartition("/")[2] for arn in arns)
            yield Service(
                container["name"],
                tasks=tasks,
                target_group=service["loadBalancers"][0]["targetGroupArn"],
                subnets=tuple(service["networkConfiguration"]["awsvpcConfiguration"]["subnets"]),
                log_group=options["awslogs-group"],
                log_stream=f"{options['awslogs-stream-prefix']}/{container['name']}/{tasks[0]}",
            )


def _arrivals(aws: Emulator, services: list[Service]) -> Iterator[Arrival]:
    """Let a web server answer for each task, and send a request for each of the load balancer's rules."""
    elb = aws.client("elbv2")
    names = {service.target_group: service.name for service in services}
    with ExitStack() as running:
        for service in services:
            for task in service.tasks:
                running.enter_context(answering(aws, f"{service.name}/{task[:8]}", service.target_group))
        [found] = elb.describe_load_balancers()["LoadBalancers"]
        load_balancer = LoadBalancer(aws, found["LoadBalancerArn"])
        for listener in elb.describe_listeners(LoadBalancerArn=found["LoadBalancerArn"])["Listeners"]:
            for rule in elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
                for pattern in (value for condition in rule["Conditions"] for value in condition["Values"]):
                    path = pattern.replace("*", "hello")
                    answer = load_balancer.send(path)
                    text = answer.name if answer.status == HTTPStatus.OK else f"{answer.status} {answer.body}"
                    yield Arrival(path, pattern, names[rule["Actions"][0]["TargetGroupArn"]], text)


def check_arrivals(arrivals: list[Arrival], services: list[Service]) -> None:
    """Refuse a request that another service answers than its route's, and a service that no request reaches."""
    for arrival in arrivals:
        if arrival.answer.partition("/")[0] != arrival.service:
            raise DemoError(f"{arrival} is not answered by its route's service")
    if missing := {service.name for service in services} - {arrival.service for arrival in arrivals}:
        raise DemoError(f"no route leads to {sorted(missing)}")


def _departures(aws: Emulator, services: list[Service]) -> Iterator[Departure]:
    """The default route of each of the services' subnets, followed to the public addresses it ends at."""
    ec2 = aws.client("ec2")
    for service in services:
        for subnet in service.subnets:
            tables = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])
            routes = [route for table in tables["RouteTables"] for route in table["Routes"]]
            defaults = [route for route in routes if route.get("DestinationCidrBlock") == "0.0.0.0/0"]
            gateways = [route["NatGatewayId"] for route in defaults if "NatGatewayId" in route]
            if not gateways:
                raise DemoError(f"{service.name} in {subnet}: its default route is {defaults}, not to a NAT gateway")
            addresses = ec2.describe_nat_gateways(NatGatewayIds=gateways)["NatGateways"][0]["NatGatewayAddresses"]
            yield Departure(service.name, subnet, gateways[0], tuple(address["PublicIp"] for address in addresses))


def check_departures(departures: list[Departure], egress_ips: list[str]) -> None:
    """Refuse a way out that ends at another address than the promised ones."""
    if not departures:
        raise DemoError("no ECS service was deployed")
    for departure in departures:
        if not departure.public_ips or not set(departure.public_ips) <= set(egress_ips):
            raise DemoError(f"{departure} does not end at one of the output EgressIps: {egress_ips}")


def _send(aws: Emulator, service: Service) -> list[Line]:
    """Write log lines to a service's log group, as its tasks' log driver would."""
    logs, stream, now = aws.client("logs"), service.log_stream, time.time_ns() // 1_000_000
    lines = [Line(service.log_group, stream, now + i, message) for i, message in enumerate(MESSAGES)]
    logs.create_log_stream(logGroupName=service.log_group, logStreamName=stream)
    logs.put_log_events(
        logGroupName=service.log_group,
        logStreamName=stream,
        logEvents=[{"timestamp": line.timestamp, "message": line.message} for line in lines],
    )
    return lines


def _wait_for(aws: Emulator, bucket: str, sent: list[Line]) -> dict[str, list[Line]]:
    """Read the archive until it holds every line that was sent, and nothing else."""
    s3, deadline = aws.client("s3"), time.monotonic() + ARCHIVE_SECONDS
    while True:
        archived = _read(s3, bucket)
        lines = [line for lines in archived.values() for line in lines]
        if sorted(lines) == sorted(sent):
            return archived
        if time.monotonic() > deadline:
            missing, extra = set(sent).difference(lines), set(lines).difference(sent)
            raise DemoError(
                f"after {ARCHIVE_SECONDS} s s3://{bucket} lacks {missing}; it has {extra}, which was not sent"
            )
        time.sleep(0.2)


def _read(s3: Any, bucket: str) -> dict[str, list[Line]]:  # noqa: ANN401  # boto3 makes its client classes at run time
    """The lines in each archived object."""
    archived = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="log_group="):
        for key in (entry["Key"] for entry in page.get("Contents", [])):
            text = gzip.decompress(s3.get_object(Bucket=bucket, Key=key)["Body"].read()).decode()
            records = [json.loads(row) for row in text.splitlines()]
            archived[key] = [
                Line(record["logGroup"], record["logStream"], record["timestamp"], record["message"])
                for record in records
            ]
    return archived


def main() -> int:
    """Run the demo and tell its story; an exit code."""
    try:
        run(lambda line: print(line, flush=True))  # noqa: T201  # the story is for a terminal
    except KeyboardInterrupt:
        print("\nstopped, and the local AWS with it", file=sys.stderr)  # noqa: T201  # the same
        return SIGNALLED + signal.SIGINT
    except BrokenPipeError:  # `make demo | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or else Python's end would write again
        return SIGNALLED + signal.SIGPIPE
    except (DemoError, EmulatorError, OSError, QueryError) as error:
        print(f"\nthe demo failed: {error}", file=sys.stderr)  # noqa: T201  # the same
        return 1
    return 0
