"""A proof on an AWS of recorded answers, with a clock that no test waits for."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fargate_constructs.cli.prove.outcomes import Waiting
from fargate_constructs.cli.prove.proof_state import ProofState
from fargate_constructs.cli.prove.proof_step import Proof
from fargate_constructs.cli.prove.stack_operations import StackOperations
from tests.cli.recorded_aws import (
    ACCOUNT,
    BEFORE,
    GROUP_ARN,
    IMAGE,
    NOW,
    REGION,
    SERVICE_ARN,
    RecordedAws,
    service,
    task,
)

STACK = "FargateProof-1a2b"
STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/1"
TASK_ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/shop/1dc5c17a"
OUTPUTS = {
    "EndpointUrl": "http://shop.example.com",
    "EgressIps": "192.0.2.1,192.0.2.2",
    "ArchiveBucket": "archive",
    "Database": "catalog",
    "Workgroup": "catalog",
    "Cluster": "shop",
    "Service": "web",
    "Container": "web",
    "Image": IMAGE,
    "LogGroup": "/shop/web",
    "TargetGroup": GROUP_ARN,
}


class Clock:
    """A clock that goes on when the program sleeps, and each time that it is read."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.on_sleep: Callable[[], None] = lambda: None

    def now(self) -> float:
        """Return the time."""
        self.seconds += 0.001
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Let time go on."""
        self.seconds += seconds
        self.on_sleep()


class Sequence:
    """Gives one answer after the other, and the last one again and again."""

    def __init__(self, *answers: Any) -> None:  # noqa: ANN401 - answers
        self.answers = [*answers]

    def __deepcopy__(self, _memo: object) -> "Sequence":
        """Return itself: the recorded AWS copies answers, and would get the first one again and again."""
        return self

    def __call__(self, _request: Any) -> Any:  # noqa: ANN401 - an answer
        """Return the next answer."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def stack(status: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return the answer about the stack of the proof."""
    outputs = [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()]
    values = {"StackName": STACK, "StackId": STACK_ID, "CreationTime": BEFORE, "StackStatus": status}
    return {"Stacks": [{**values, "Outputs": outputs, **changes}]}


CONTAINERS = [{"name": "web", "exitCode": 0, "lastStatus": "STOPPED"}]
STARTED = {"taskArn": TASK_ARN, "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/shop"}
STOPPED: dict[str, Any] = task(**STARTED, lastStatus="STOPPED", containers=CONTAINERS)
ROWS = [{"Data": [{"VarCharValue": value}]} for value in ("message", "proof-1a2b 192.0.2.1")]
NO_STACK = ("ValidationError", f"Stack with id {STACK} does not exist")


def stack_event(number: int, logical_id: str, status: str, reason: str = "") -> dict[str, Any]:
    """Return an event of the stack."""
    return {
        "StackId": STACK_ID,
        "EventId": str(number),
        "StackName": STACK,
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": STACK_ID if logical_id == STACK else logical_id,
        "ResourceType": "AWS::EC2::VPC",
        "Timestamp": NOW,
        "ResourceStatus": status,
        **({"ResourceStatusReason": reason} if reason else {}),
    }


def service_deployment(number: int, status: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return a deployment of the service, which took 95 seconds."""
    begin = BEFORE + timedelta(minutes=number)
    times = {"createdAt": begin, "startedAt": begin, "finishedAt": begin + timedelta(seconds=95)}
    return {"serviceDeploymentArn": f"{SERVICE_ARN}/{number}", "status": status, **times, **changes}


def log_event(message: str, stream: str = "web/web/1dc5c17a") -> dict[str, Any]:
    """Return an event in the log group of the service."""
    at = int(NOW.timestamp() * 1000)
    return {"logStreamName": stream, "timestamp": at, "ingestionTime": at + 1500, "message": message, "eventId": "1"}


def answers() -> dict[str, Any]:
    """Return what AWS answers if each promise holds, by operation."""
    group = {"TargetGroupArn": GROUP_ARN, "HealthCheckIntervalSeconds": 10}
    drain = [{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}]
    network = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}}
    query = {"QueryExecutionId": "q1", "Status": {"State": "SUCCEEDED"}, "Statistics": {"DataScannedInBytes": 1024}}
    return {
        "DescribeStacks": stack("CREATE_COMPLETE"),
        "DescribeStackEvents": {"StackEvents": [stack_event(1, STACK, "CREATE_IN_PROGRESS")]},
        "CreateStack": {"StackId": STACK_ID},
        "UpdateStack": {"StackId": STACK_ID},
        "CancelUpdateStack": {},
        "DeleteStack": {},
        "ListStackResources": {"StackResourceSummaries": []},
        "HeadBucket": {},
        "CreateBucket": {},
        "PutBucketTagging": {},
        "ListObjectsV2": {},
        "ListObjectVersions": {},
        "PutObject": {},
        "DeleteObjects": {},
        "DeleteBucket": {},
        "DescribeServices": {"services": [service(networkConfiguration=network)]},
        "RunTask": {"tasks": [{**STARTED, "lastStatus": "PENDING", "containers": []}], "failures": []},
        "DescribeTasks": {"tasks": [STOPPED]},
        "StopTask": {},
        "FilterLogEvents": {"events": [log_event("proof-1a2b 192.0.2.1\n")]},
        "StartQueryExecution": {"QueryExecutionId": "q1"},
        "GetQueryExecution": {"QueryExecution": query},
        "GetQueryResults": {"ResultSet": {"Rows": ROWS}},
        "DescribeTargetGroups": {"TargetGroups": [group]},
        "DescribeTargetGroupAttributes": {"Attributes": drain},
        "ListAccountAliases": {"AccountAliases": []},
        "DescribeAddresses": {"Addresses": []},
        "DescribeNatGateways": {"NatGateways": []},
        "DescribeNetworkInterfaces": {"NetworkInterfaces": []},
        "DescribeVpcs": {"Vpcs": []},
        "DescribeLogGroups": {"logGroups": []},
        "ListBuckets": {"Buckets": []},
        "ListClusters": {"clusterArns": []},
        "ListTaskDefinitionFamilies": {"families": []},
        "GetResources": {"ResourceTagMappingList": []},
    }


@pytest.fixture
def aws(clients: RecordedAws) -> RecordedAws:
    """An AWS where each promise holds."""
    clients.answers.update(answers())
    return clients


@pytest.fixture
def clock() -> Clock:
    """The time."""
    return Clock()


@pytest.fixture
def said() -> list[str]:
    """The lines of progress."""
    return []


@pytest.fixture
def proof(aws: RecordedAws, clock: Clock, said: list[str], tmp_path: Path) -> Proof:
    """A proof whose stack is deployed; each request is answered."""
    state = ProofState(tmp_path / "proof", "1a2b", ACCOUNT, REGION, BEFORE.isoformat())
    waiting = Waiting(clock.now, clock.sleep)
    session: Any = aws
    assemblies = tmp_path / "assemblies"
    for name in ("first", "second", "broken"):
        write_assembly(assemblies / name)
    operations = StackOperations(session, state, waiting, said.append)
    return Proof(operations, assemblies, waiting, lambda _url: (200, "nginx"))


def write_assembly(folder: Path) -> None:
    """Write the assembly of a stack with a function."""
    files = {"code": ("asset.code", "zip", "code.zip"), "template": (f"{STACK}.template.json", "file", "template.json")}
    (folder / "asset.code/inner").mkdir(parents=True)
    (folder / "asset.code/inner/index.py").write_text("")
    (folder / f"{STACK}.template.json").write_text(json.dumps({"Resources": {}}))
    manifest = {
        name: {"source": {"path": path, "packaging": packaging}, "destinations": {"here": {"objectKey": key}}}
        for name, (path, packaging, key) in files.items()
    }
    (folder / f"{STACK}.assets.json").write_text(json.dumps({"files": manifest}))
