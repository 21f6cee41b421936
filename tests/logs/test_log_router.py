"""Logs past CloudWatch: what the task gets, and what Fluent Bit is told."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Aws, Environment, Fn, PhysicalName, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from fargate_constructs._core.fluent_bit import IMAGE, PROGRAM
from fargate_constructs.logs.archive_format import ArchiveFormat
from fargate_constructs.logs.log_archive import LogArchive
from fargate_constructs.logs.log_router import CONFIG, LogRouter
from tests.audit import findings
from tests.logs.archives import resources, statements

IMAGES = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")


def task_with_router(stack: Stack, router: LogRouter) -> ecs.TaskDefinition:
    """A task of two containers that log by the router."""
    task = ecs.FargateTaskDefinition(stack, "Task", memory_limit_mib=1024)
    for name in ("web", "metrics-agent"):
        task.add_container(name, image=IMAGES, logging=router.driver(task, stream_prefix=f"of-{name}"))
    return task


def router_in(stack: Stack, bucket: s3.IBucket, image: ecs.ContainerImage | None = None) -> LogRouter:
    """A router to a bucket."""
    return LogRouter(bucket=bucket, log_group=logs.LogGroup(stack, "Logs"), image=image, on_grant=lambda *_: None)


def router_of(log_group: logs.ILogGroup) -> LogRouter:
    """A router of a log group."""
    bucket = s3.Bucket.from_bucket_name(Stack(), "Bucket", "logs")
    return LogRouter(bucket=bucket, log_group=log_group, image=None, on_grant=lambda *_: None)


def containers(stack: Stack) -> dict[str, dict[str, Any]]:
    """The task's containers in the template, by name."""
    [task] = resources(Template.from_stack(stack), "AWS::ECS::TaskDefinition").values()
    return {each["Name"]: each for each in task["ContainerDefinitions"]}


@pytest.fixture(scope="module")
def app() -> App:
    """A task with a router by default, and one with a router's image and a bucket's key of one's own."""
    app = App()
    default, own = Stack(app, "Default"), Stack(app, "Own")
    task_with_router(default, router_in(default, s3.Bucket.from_bucket_name(default, "Bucket", "logs")))
    key = kms.Key(own, "Key", enable_key_rotation=True)
    bucket = s3.Bucket.from_bucket_attributes(own, "Bucket", bucket_name="logs", encryption_key=key)
    image = ecs.ContainerImage.from_ecr_repository(ecr.Repository(own, "Images"), "3.0.1")
    task_with_router(own, router_in(own, bucket, image))
    return app


@pytest.fixture(scope="module")
def own(app: App) -> Stack:
    """The stack of the second."""
    stack = app.node.find_child("Own")
    assert isinstance(stack, Stack)
    return stack


@pytest.fixture(scope="module")
def made(app: App) -> dict[str, dict[str, Any]]:
    """The containers of the first."""
    stack = app.node.find_child("Default")
    assert isinstance(stack, Stack)
    return containers(stack)


def test_the_router(made: dict[str, dict[str, Any]]) -> None:
    """One for the task: essential, of a pinned image, with a check, a limit and a log of its own."""
    router = made["LogRouter"]

    assert (router["Essential"], router["Image"], router["Memory"], router["StopTimeout"]) == (True, IMAGE, 256, 30)
    assert re.fullmatch(r".*:\d+\.\d+\.\d+", IMAGE)
    log = router["LogConfiguration"]
    assert (log["LogDriver"], log["Options"]["awslogs-stream-prefix"]) == ("awslogs", "log-router")
    assert router["HealthCheck"]["Command"] == ["CMD-SHELL", "curl -fs http://127.0.0.1:2020/ || exit 1"]
    assert router["FirelensConfiguration"] == {
        "Type": "fluentbit",
        "Options": {
            "config-file-type": "file",
            "config-file-value": "/tmp/archive.conf",  # noqa: S108 -- in the container
            "enable-ecs-log-metadata": "false",
        },
    }
    assert router["EntryPoint"] == ["/bin/sh", "-c"]
    assert router["Command"] == [f"printf '%s' \"$CONFIG\" > /tmp/archive.conf && exec {PROGRAM}"]
    environment = {each["Name"]: each["Value"] for each in router["Environment"]}
    assert environment["CONFIG"] == CONFIG
    assert environment["OWNER"] == {"Ref": "AWS::AccountId"}
    assert environment["STREAM_PREFIXES"] == "web=of-web,metrics-agent=of-metrics-agent"


@pytest.mark.parametrize("name", ["web", "metrics-agent"])
def test_a_container(made: dict[str, dict[str, Any]], name: str) -> None:
    """It writes under the archive's keys, and starts after the router, so it ends before it."""
    assert made[name]["DependsOn"] == [{"Condition": "HEALTHY", "ContainerName": "LogRouter"}]
    log = made[name]["LogConfiguration"]
    assert log["LogDriver"] == "awsfirelens"
    [start, group, rest] = log["Options"].pop("s3_key_format")["Fn::Join"][1]
    assert (start, rest) == ("/log_group=", "/dt=%Y-%m-%d/hour=%H/$UUID.ndjson.gz")
    assert list(group) == ["Ref"]
    assert log["Options"] == {
        "Name": "s3",
        "bucket": "logs",
        "region": {"Ref": "AWS::Region"},
        "use_put_object": "On",
        "compression": "gzip",
        "content_type": "application/x-ndjson",
        "json_date_key": "false",
        "total_file_size": "16M",
        "upload_timeout": "1m",
        "retry_limit": "5",
        "send_content_md5": "On",  # for Object Lock
    }


def test_configuration() -> None:
    """Fluent Bit's sections, each setting on a line of its own, with braces and quotes that pair."""
    sections = re.findall(r"^\[(\w+)\]\n((?:    \S+ .+\n)+)", CONFIG, re.MULTILINE)

    assert [name for name, _ in sections] == ["SERVICE", "FILTER"]
    [code] = re.findall(r"^    code (.*)$", CONFIG, re.MULTILINE)
    assert "${" not in code, "Fluent Bit would take it for an environment variable"
    assert (code.count("{"), code.count("("), code.count('"') % 2) == (code.count("}"), code.count(")"), 0)
    fields = re.findall(r"(\w+) = ", code[code.index("return") :])
    assert fields == ["logGroup", "logStream", "owner", "id", "timestamp", "message"]


def test_the_task_may_put_lines_and_no_more(own: Stack) -> None:
    """Of S3 its role has one action, and with a key one of KMS."""
    lines, key = statements(Template.from_stack(own), "TaskTaskRole")

    assert (lines["Action"], key["Action"]) == (["s3:PutObject"], ["kms:GenerateDataKey"])
    *_, before, _, after = lines["Resource"]["Fn::Join"][1]
    assert (before.endswith(":s3:::logs/log_group="), after) == (True, "/*"), "of its own log group alone"


def test_an_image_of_ones_own(app: App, own: Stack) -> None:
    """For tasks that reach no public registry; that ECR's login knows no resource is accepted here too."""
    assert ":3.0.1" in str(containers(own)["LogRouter"]["Image"])
    assert [each for each in findings(app) if "IAM5" in str(each) or "LogRouter" in str(each)] == []


def test_a_bucket_of_another_account() -> None:
    """Its owner must allow the task's role, too. The archive's router has the image that it is given."""
    stack = Stack(App(), "Test", env=Environment(account="111111111111", region="eu-west-1"))
    bucket = s3.Bucket.from_bucket_attributes(stack, "Bucket", bucket_name="logs-of-all", account="222222222222")
    archive = LogArchive(stack, "Archive", bucket=bucket, archive_format=ArchiveFormat.raw)
    task = task_with_router(stack, archive.log_router(logs.LogGroup(stack, "Logs"), image=IMAGES))

    assert containers(stack)["LogRouter"]["Image"] == "public.ecr.aws/nginx/nginx:stable"
    principals = [stack.resolve(each.to_statement_json())["Principal"] for each in archive.bucket_policy_statements]
    assert {"AWS": stack.resolve(task.task_role.role_arn)} in principals


def test_a_task_elsewhere_is_refused() -> None:
    """CloudFormation would know neither the bucket nor the log group there."""
    app = App()
    here, there = (
        Stack(app, region, env=Environment(account="111111111111", region=region))
        for region in ("us-east-1", "eu-west-1")
    )
    router = router_in(here, s3.Bucket.from_bucket_name(here, "Bucket", "logs"))

    with pytest.raises(ValueError, match="log_router must be in the region of 'eu-west-1/Task'"):
        router.driver(ecs.FargateTaskDefinition(there, "Task"), stream_prefix="web")


ENCODED = {
    "text": "/ecs/web",
    "of a stack": f"/ecs/{Aws.STACK_NAME}",
    "number": f"{Aws.STACK_ID}#1",
    "joined": Fn.join("/", ["ecs", "web"]),
    "joined with a token": Fn.join("/", ["ecs", Aws.STACK_ID]),
    "substituted": Fn.sub("/ecs/${AWS::StackName}"),
    "substituted with a variable": Fn.sub("/ecs/${Name}", {"Name": Aws.STACK_ID}),
}


@pytest.mark.parametrize("name", ENCODED.values(), ids=ENCODED)
@pytest.mark.parametrize("make", [logs.LogGroup, logs.LogGroup.from_log_group_name], ids=["made", "imported"])
def test_a_name_that_would_be_encoded(make: Callable[..., logs.ILogGroup], name: str) -> None:
    """Fluent Bit cannot write a key with a percent sign; a slash in it would make folders where nothing looks."""
    group = make(Stack(), "Group", log_group_name=name)

    with pytest.raises(ValueError, match=r"got: '.*[/#].*'; let CloudFormation name it"):
        router_of(group)


UNENCODED = {
    "text": "web",
    "of a stack": f"web-{Aws.STACK_NAME}",
    "token": Aws.STACK_ID,
    "joined": Fn.join("-", ["web", Aws.STACK_ID]),
    "substituted": Fn.sub("web-${AWS::StackName}"),
    "selected": Fn.select(0, ["web", Aws.STACK_ID]),
    "split": Fn.select(5, Fn.split(":", Aws.STACK_ID)),
    "generated": PhysicalName.GENERATE_IF_NEEDED,
    "none": None,
}


@pytest.mark.parametrize("name", UNENCODED.values(), ids=UNENCODED)
def test_a_name_that_needs_no_encoding(name: str | None) -> None:
    """Or of which only the deployment knows that it would."""
    router_of(logs.LogGroup(Stack(), "Group", log_group_name=name))


@pytest.mark.parametrize(
    ("bucket_region", "expected"), [("us-east-1", "us-east-1"), ("eu-west-1", {"Ref": "AWS::Region"})]
)
def test_a_bucket_of_another_region(bucket_region: str, expected: object) -> None:
    """Fluent Bit is told the bucket's region: S3 takes nothing for it in another one."""
    stack = Stack(App(), "Test", env=Environment(account="111111111111", region="eu-west-1"))
    bucket = s3.Bucket.from_bucket_attributes(stack, "Bucket", bucket_name="logs", region=bucket_region)
    task = ecs.FargateTaskDefinition(stack, "Task")
    router = router_in(stack, bucket)

    web = task.add_container("web", image=IMAGES, logging=router.driver(task, stream_prefix="web"))

    assert web.log_driver_config
    assert stack.resolve(web.log_driver_config.options)["region"] == expected
