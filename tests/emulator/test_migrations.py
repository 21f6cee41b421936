"""The apps of docs/migrating.md: each is deployed as its pattern makes it, serves, and moves.

app with a pattern ──> deploy ──> adoption.json ──> app with this library ──> deploy ──> again ──> destroy
"""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from itertools import count
from pathlib import Path

import pytest

from tests.emulator.emulator import REGION, Emulator
from tests.emulator.load_balancer import LoadBalancer, answering
from tests.emulator.updates import CloudFormationStack, Resource
from tests.origins import FILE, ZONE_ID, Origin, beside, origins, plan, synthesize, unprotected

ELB = "AWS::ElasticLoadBalancingV2"
# What may go with a move. CloudFormation deletes it after the service has its new tasks.
MAY_GO = {
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::CloudWatch::Alarm",
    "AWS::EC2::SecurityGroup",
    "AWS::ECS::TaskDefinition",
    "AWS::Events::Rule",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
}
FIRST, *OTHERS = origins()
DEPLOYED = ("CREATE_COMPLETE", "UPDATE_COMPLETE")


class Apps:
    """Apps that are deployed one after the other, and what their callers get.

    Args:
        aws: The local AWS.
        folder: Where the apps are.
        by_cli: Whether the CDK CLI deploys them, which takes a second more each time.
    """

    def __init__(self, aws: Emulator, folder: Path, *, by_cli: bool = True) -> None:
        self.aws = aws
        self._by_cli = by_cli
        self.stack = CloudFormationStack(aws, "Shop")
        zone = aws.client("route53").create_hosted_zone(Name="example.com", CallerReference=str(folder))
        self._zone_id = zone["HostedZone"]["Id"].rpartition("/")[2]
        self._folder = folder
        self._number = count()

    def deploy(self, program: str, **context: str) -> dict[str, Resource]:
        """Deploy an app, and return the resources of the stack `Shop` by logical ID."""
        self._deployed = self._synthesize(program, **context)
        if self._by_cli:
            self.aws.deploy_assembly(self._deployed)
        else:
            assert self.stack.deploy_assembly(self._deployed) in DEPLOYED, self.stack.why()
        return self.stack.by_logical_id()

    def deploy_again(self) -> None:
        """Deploy the app that is deployed; nothing changes."""
        events = self.stack.events()
        self.aws.deploy_assembly(self._deployed)
        assert self.stack.events() == events

    def adopt(self, origin: Origin) -> None:
        """Write the file of logical IDs, from the template that is deployed."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.aws.environment.items():
                patch.setenv(name, value)
            options = ("--region", REGION, "--write", str(self._folder / FILE), *origin.accepted)
            written = plan(*options, app=self._synthesize(origin.first))
        assert written.exit_code == 0, written.output

    def _synthesize(self, program: str, **context: str) -> Path:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self._folder)  # where the app looks for the file
            return synthesize(
                program.replace(ZONE_ID, self._zone_id), self._folder / str(next(self._number)), **context
            )

    def destroy(self) -> None:
        """Destroy the stacks as they are deployed."""
        if self._by_cli:
            self.aws.destroy(self._deployed)
        else:
            assert self.stack.destroy() == "DELETE_COMPLETE", self.stack.why()

    @contextmanager
    def asked(self, resources: Mapping[str, Resource], paths: list[str], *, host: str = "") -> Iterator[Counter[int]]:
        """Answer for the tasks, and ask for paths without a pause, for the length of a block; count the statuses."""
        statuses: Counter[int] = Counter()
        with ExitStack() as running:
            for each in resources.values():
                if each.type == f"{ELB}::TargetGroup":
                    running.enter_context(answering(self.aws, "task", each.physical_id))
            if paths:
                running.enter_context(_asking(self.load_balancer(), paths, host, statuses))
            yield statuses

    def task_counts(self) -> list[int]:
        """Return how many tasks each service wants, none of which stops before its successor is healthy."""
        ecs, counts = self.aws.client("ecs"), []
        for arn in self.stack.physical_ids("AWS::ECS::Service").values():
            (found,) = ecs.describe_services(cluster=arn.split("/")[1], services=[arn])["services"]
            counts.append(found["desiredCount"])
        return counts

    def load_balancer(self) -> LoadBalancer:
        """Return the load balancer of the stack `Shop`."""
        (arn,) = self.stack.physical_ids(f"{ELB}::LoadBalancer").values()
        return LoadBalancer(self.aws, arn)


@contextmanager
def _asking(load_balancer: LoadBalancer, paths: list[str], host: str, statuses: Counter[int]) -> Iterator[None]:
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(0.05):
            statuses.update(load_balancer.send(path, host=host).status for path in paths)

    caller = threading.Thread(target=ask)
    caller.start()
    try:
        yield
    finally:
        ended.set()
        caller.join()


def _gone(before: Mapping[str, Resource], after: Mapping[str, Resource]) -> set[str]:
    """Return the types of the resources that an update replaced or deleted."""
    return {each.type for key, each in before.items() if after.get(key) != each}


def _move(apps: Apps, origin: Origin, *, and_back: bool) -> None:
    """Deploy the old app and the new one; check what stays, that tasks stay, and that each request is answered."""
    before = apps.deploy(origin.before)
    counts = apps.task_counts()
    host = "shop.example.com:443" if "HTTPS" in origin.before else ""
    apps.adopt(origin)
    with apps.asked(before, origin.paths, host=host) as statuses:
        assert _gone(before, apps.deploy(unprotected(origin.after))) <= MAY_GO
        assert apps.task_counts() >= counts
        if and_back:
            apps.deploy_again()
            assert _gone(before, apps.deploy(origin.before)) <= MAY_GO
            apps.deploy(unprotected(origin.after))
            assert _gone(before, apps.deploy(unprotected(origin.last))) <= MAY_GO
            assert apps.task_counts() >= counts
    assert set(statuses) == ({HTTPStatus.OK} if origin.paths else set()), "no request fails"


def test_the_first_origin_moves(aws: Emulator, tmp_path: Path) -> None:
    """Everything that callers, tasks and readers of logs know stays. What is deployed then can be destroyed."""
    apps = Apps(aws, tmp_path, by_cli=False)

    _move(apps, FIRST, and_back=False)

    apps.destroy()
    assert [each["StackName"] for each in aws.client("cloudformation").describe_stacks()["Stacks"]] == ["CDKToolkit"]


@pytest.mark.long
@pytest.mark.parametrize("origin", [FIRST, *OTHERS], ids=lambda origin: origin.name)
def test_each_origin_moves_and_goes_back(aws: Emulator, tmp_path: Path, origin: Origin) -> None:
    """The old code, deployed again, changes the same resources back."""
    aws.reset()
    apps = Apps(aws, tmp_path)

    _move(apps, origin, and_back=True)

    apps.destroy()


@pytest.mark.long
def test_requests_move_beside_the_old_service(aws: Emulator, tmp_path: Path) -> None:
    """By a weighted rule, and back; the old stack keeps all its resources."""
    aws.reset()
    apps = Apps(aws, tmp_path)
    alone, both = beside()
    before = apps.deploy(alone)
    apps.deploy(both)
    old, new = (CloudFormationStack(aws, name).physical_ids(f"{ELB}::TargetGroup") for name in ("Shop", "ShopNext"))

    def answers(**headers: str) -> set[str]:
        return {apps.load_balancer().send("/", headers=headers).name for _ in range(50)}

    with answering(aws, "old", *old.values()), answering(aws, "new", *new.values()):
        assert (answers(), answers(**{"x-version": "next"})) == ({"old"}, {"new"})
        for share, expected in {"50": {"old", "new"}, "100": {"new"}, "0": {"old"}}.items():
            after = apps.deploy(both, share=share)
            assert answers() == expected
    assert _gone(before, after) == set()
    apps.destroy()
