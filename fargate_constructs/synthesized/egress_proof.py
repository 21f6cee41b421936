"""The proof, at synth, that tasks leave only from known addresses.

```
task ──> subnet ──> route table ──> route ──> NAT gateway ──> [is its Elastic IP known?] ──> the world
```
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from aws_cdk import PolicyViolation, Stack
from aws_cdk import aws_ec2 as ec2
from constructs import IConstruct

from fargate_constructs._core.app_singleton import app_singleton, existing_app_singleton
from fargate_constructs._core.construct_paths import path_of
from fargate_constructs.synthesized.egress_routes import EgressRoutes
from fargate_constructs.synthesized.intrinsics import as_text
from fargate_constructs.synthesized.task_launchers import Launch, launches_in
from fargate_constructs.synthesized.template_checks import NAMESPACE, TemplateChecks, violation
from fargate_constructs.synthesized.templates import Place, Templates

# By rule: how grave, what it asks of tasks, what to change.
RULES = {
    "publicAddress": ("error", "must have no public address", "remove what changes AssignPublicIp from DISABLED"),
    "publicSubnet": ("error", "must not run in a public subnet", "run them in subnets that a NAT gateway lets out"),
    "unknownEgress": (
        "error",
        "must leave from Elastic IPs that are known and stay",
        "give the way out Elastic IPs with RemovalPolicy.RETAIN, or name their allocation IDs as known",
    ),
    "unprovenEgress": (
        "warning",
        "should leave by ways that can be followed to an Elastic IP",
        "route to a NAT gateway of this app, or acknowledge this if you know the addresses at the far end",
    ),
    "unseenEgress": (
        "error",
        "must run in subnets of this app",
        "ask this of the app that makes them, or name their addresses as egress_ips of FixedEgressNetwork.from_vpc",
    ),
    "instanceAddress": (
        "error",
        "must have addresses of their own",
        "run them in network mode awsvpc: where the addresses of instances lead is not read",
    ),
    "ipv6Egress": (
        "warning",
        "should reach IPv6 hosts from known addresses, and a NAT gateway's are IPv4",
        "drop the IPv6 route, or give partners the VPC's IPv6 range",
    ),
}


class _Tasks(NamedTuple):
    path: str
    subnets: Sequence[ec2.ISubnet]
    known_allocation_ids: Sequence[str]
    trusts_given_addresses: bool


class EgressProof:
    """What is proven of an app's tasks."""

    def __init__(self) -> None:
        self.tasks: list[_Tasks] = []

    @classmethod
    def of(cls, construct: IConstruct) -> "EgressProof":
        """Return the one of a construct's app."""
        return app_singleton(construct, cls)

    def add(
        self,
        owner: IConstruct,
        *,
        subnets: Sequence[ec2.ISubnet],
        known_allocation_ids: Sequence[str] = (),
        trusts_given_addresses: bool = False,
    ) -> None:
        """Let synthesis fail unless tasks have no public address and leave from known Elastic IPs.

        The templates are read as they are written, so overrides and aspects count. Refused are public addresses,
        public subnets, and NAT gateways or instances on other addresses than the app's retained Elastic IPs and those
        named here. Ways that cannot be followed, such as a transit gateway, and IPv6, which passes NAT by, are
        warnings. Subnets that the app does not define are skipped. A finding can be accepted on the owner.

        Args:
            owner: What runs the tasks. The network configuration of each ECS service, task set, schedule, rule and pipe
                counts that is at or below it, or that starts a task definition which is.
            subnets: Where the tasks run, if there is no such service.
            known_allocation_ids: The allocation IDs (`eipalloc-…`) of Elastic IPs kept elsewhere. By default none.
            trusts_given_addresses: Whether a person named the addresses that tasks leave from. Then any address of a
                NAT gateway or instance is allowed; public addresses and subnets are still refused. By default false.
        """
        if not self.tasks:
            TemplateChecks.add(owner, self.check)
        self.tasks.append(_Tasks(path_of(owner), subnets, known_allocation_ids, trusts_given_addresses))

    def check(self, templates: Templates) -> Iterator[PolicyViolation]:
        """Yield what is wrong with the ways that tasks take."""
        judge = _Judge(templates)
        for tasks in self.tasks:
            yield from judge.judge(tasks)


class _Judge:
    """What an app's templates say of the ways that tasks take."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._routes = EgressRoutes(templates)
        self._launches = [(launch, self._owners(launch)) for launch in launches_in(templates)]

    def judge(self, tasks: _Tasks) -> Iterator[PolicyViolation]:
        """Yield a violation for each fault, and one for each kind of warning."""
        return self._tell(tasks, self._find_faults(tasks))

    def unproven(self, scope: IConstruct, proven: Sequence[_Tasks]) -> Iterator[_Tasks]:
        """Yield the tasks started at or below a construct that nobody has asked to be proven."""
        for _, (path, *others) in self._launches:
            is_proven = any(f"{owner}/".startswith(f"{each.path}/") for owner in (path, *others) for each in proven)
            if _is_at(path, scope) and not is_proven:
                yield _Tasks(path, (), (), trusts_given_addresses=False)

    def unseen(self, tasks: _Tasks) -> Iterator[PolicyViolation]:
        """Yield a violation for each subnet that is not in the app, unless somebody says where it leads."""
        launches = [each for each in self._launches_of(tasks) if each.task_definition and each.network is None]
        if launches:
            got = [f"no AwsvpcConfiguration on {self._templates.path(each.place)}" for each in launches]
            yield from self._tell(tasks, [("instanceAddress", each) for each in dict.fromkeys(got)])
        elif not tasks.trusts_given_addresses:
            references = self._subnets(tasks)
            unseen = [reference for stack, reference in references if not self._locate(stack, reference)]
            got = unseen if references else ["subnets known only when deployed"]
            yield from self._tell(tasks, [("unseenEgress", each) for each in dict.fromkeys(map(as_text, got))])

    def _tell(self, tasks: _Tasks, faults: Iterable[tuple[str, str]]) -> Iterator[PolicyViolation]:
        findings: defaultdict[str, list[str]] = defaultdict(list)
        for rule, got in faults:
            findings[rule].append(got)
        for rule, each in findings.items():
            severity, demand, fix = RULES[rule]
            for got in each if severity == "error" else ["; ".join(each)]:
                description = f"tasks of {tasks.path} {demand}, got: {got}"
                yield violation(rule, tasks.path, description, fix=fix, severity=severity)

    def _find_faults(self, tasks: _Tasks) -> Iterator[tuple[str, str]]:
        for launch in self._launches_of(tasks):
            if launch.public_address not in (None, "DISABLED"):
                yield "publicAddress", f"AssignPublicIp {launch.public_address} on {self._templates.path(launch.place)}"

        def is_known(stack: Stack, address: Any) -> bool:  # noqa: ANN401 - a piece of a template
            return address in stack.resolve(list(tasks.known_allocation_ids))

        for subnet in dict.fromkeys(filter(None, (self._locate(*each) for each in self._subnets(tasks)))):
            for fault in self._routes.faults(subnet, is_known=is_known):
                if fault.kind != "unknownEgress" or not tasks.trusts_given_addresses:
                    yield fault.kind, fault.way

    def _locate(self, stack: Stack, subnet: Any) -> Place | None:  # noqa: ANN401 - a piece of a template
        return self._templates.locate(stack, subnet, "AWS::EC2::Subnet")

    def _launches_of(self, tasks: _Tasks) -> list[Launch]:
        return [
            each for each, owners in self._launches if any(f"{owner}/".startswith(f"{tasks.path}/") for owner in owners)
        ]

    def _subnets(self, tasks: _Tasks) -> list[tuple[Stack, Any]]:
        """Return where tasks run, as a stack's template refers to each."""
        launches = self._launches_of(tasks)
        subnets = [] if any(each.is_service for each in launches) else tasks.subnets
        return [
            *((Stack.of(each), subnet) for each in subnets for subnet in _as_written(each)),
            *((each.place.stack, subnet) for each in launches for subnet in each.subnets),
        ]

    def _owners(self, launch: Launch) -> list[str]:
        """Return the paths of what starts tasks and of their definition: whoever is above either answers for them."""
        return [self._templates.path(place) for place in (launch.place, launch.definition) if place]


def _as_written(subnet: ec2.ISubnet) -> list[Any]:
    """Return how a template refers to a subnet, or to each of an import that is a list only the deployment knows."""
    written = Stack.of(subnet).resolve([subnet.subnet_id])
    return written if isinstance(written, list) else [written]


def judge_egress(
    scope: IConstruct, templates: Templates, *, known_allocation_ids: Sequence[str] = ()
) -> dict[str, list[PolicyViolation]]:
    """Return what the proof would find of all tasks at or below a construct, asked for or not; by whose they are.

    What it skips is found too: subnets that the app does not define, as `unseenEgress`, and tasks without any, which
    have the addresses of the instances that they run on, as `instanceAddress`. What is acknowledged is left out.
    """
    judge, proof = _Judge(templates), existing_app_singleton(scope.node.root, EgressProof)
    proven = [each for each in (proof.tasks if proof else []) if _is_at(each.path, scope)]
    claims = [*proven, *judge.unproven(scope, proven)]
    named = [each._replace(known_allocation_ids=[*each.known_allocation_ids, *known_allocation_ids]) for each in claims]
    return {
        each.path: [
            violation
            for violation in (*judge.judge(each), *judge.unseen(each))
            if f"{NAMESPACE}::{violation.rule_name}" not in templates.acknowledged(each.path)
        ]
        for each in named
    }


def _is_at(path: str, scope: IConstruct) -> bool:
    return f"/{path}/".startswith(f"/{scope.node.path}/".replace("//", "/"))
