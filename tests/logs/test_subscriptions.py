"""Which log groups are shipped, and which must never be."""

import json
import re

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Match, Template

from fargate_constructs.logs import Delivery, LogArchive


@pytest.fixture
def archive(stack: Stack) -> LogArchive:
    """An archive."""
    return LogArchive(stack, "LogArchive")


def own_groups(archive: LogArchive) -> list[logs.ILogGroup]:
    """The log groups of the archive's functions."""
    return [archive.log_group, archive.replayer.function.own_logs]


@pytest.mark.parametrize("number", [0, 1])
def test_own_log_groups_are_refused(archive: LogArchive, number: int) -> None:
    """What they say about shipping would be shipped, for ever."""
    group = own_groups(archive)[number]
    with pytest.raises(ValueError, match=f"log_group must not be one of the archive's own, got: {group.node.path}"):
        archive.add_log_group(group)


def test_own_log_groups_in_disguise_are_refused(stack: Stack, archive: LogArchive) -> None:
    """Imported by name or ARN, also in another stack, they are the same."""
    other = Stack(App.of(stack), "Other")
    own = archive.log_group
    disguised = [
        logs.LogGroup.from_log_group_name(stack, "Name", own.log_group_name),
        logs.LogGroup.from_log_group_name(other, "Name", own.log_group_name),
        logs.LogGroup.from_log_group_arn(stack, "Arn", own.log_group_arn),
    ]
    for group in disguised:
        with pytest.raises(ValueError, match="one of the archive's own"):
            archive.add_log_group(group)


def test_own_log_groups_are_dropped_at_run_time(stack: Stack, archive: LogArchive) -> None:
    """Whoever subscribes them, the shipper is told to drop them; so it is told of one added later."""
    extra = logs.LogGroup(stack, "Extra")
    archive.ignore_log_group(extra)

    names = stack.resolve([group.log_group_name for group in [*own_groups(archive), extra]])
    (shipper,) = (
        Template.from_stack(stack)
        .find_resources(
            "AWS::Lambda::Function", {"Properties": {"Environment": {"Variables": {"ARCHIVE_FORMAT": "ndjson"}}}}
        )
        .values()
    )
    ignored = shipper["Properties"]["Environment"]["Variables"]["IGNORED_LOG_GROUPS"]["Fn::Join"][1]
    assert ignored[1::2] == [","] * (len(ignored) // 2)
    assert [name for name in ignored[::2] if name in names] == names
    with pytest.raises(ValueError, match="one of the archive's own"):
        archive.add_log_group(extra)


def test_shipped_and_ignored_is_refused(stack: Stack, archive: LogArchive) -> None:
    """A log group is one or the other."""
    group = logs.LogGroup(stack, "Logs")
    archive.add_log_group(group)
    with pytest.raises(ValueError, match="must not be shipped and ignored, got both for: Test/Logs"):
        archive.ignore_log_group(group)


def test_a_log_group_is_shipped_once(stack: Stack, archive: LogArchive) -> None:
    """Asked for again, as for services that share it, or under an imported name, it has the subscription it had."""
    group = logs.LogGroup(stack, "Logs")
    imported = logs.LogGroup.from_log_group_arn(stack, "Imported", group.log_group_arn)
    subscription = archive.add_log_group(group)

    assert archive.add_log_group(group) is subscription
    assert archive.add_log_group(imported) is subscription
    Template.from_stack(stack).resource_count_is("AWS::Logs::SubscriptionFilter", 1)


def test_archives_that_share_a_log_group(stack: Stack, archive: LogArchive) -> None:
    """Each has a subscription, under its own ID, which therefore must differ."""
    group = logs.LogGroup(stack, "Logs")
    other = Stack(App.of(stack), "Other")
    archive.add_log_group(group)

    with pytest.raises(
        ValueError,
        match="another archive with the ID 'LogArchive', got: Test/Logs/LogArchive; give one of the archives another",
    ):
        LogArchive(other, "LogArchive").add_log_group(group)
    assert LogArchive(other, "Second").add_log_group(group)


@pytest.mark.parametrize("log_class", ["INFREQUENT_ACCESS", "DELIVERY"])
def test_other_classes_are_refused(stack: Stack, archive: LogArchive, log_class: str) -> None:
    """No class but Standard has subscriptions."""
    group = logs.LogGroup(stack, "Logs", log_group_class=logs.LogGroupClass[log_class])
    message = f"log_group must be of the class STANDARD, the only one that has subscriptions, got: {log_class} for"
    with pytest.raises(ValueError, match=message):
        archive.add_log_group(group)


def test_a_name_is_refused(archive: LogArchive) -> None:
    """A log group is one of CDK's."""
    with pytest.raises(TypeError, match=re.escape("log_group must be aws_logs.ILogGroup, got: '/app/web'")):
        archive.add_log_group("/app/web")  # type: ignore[arg-type]


@pytest.mark.parametrize("delivery", [Delivery.direct(), Delivery.buffered()], ids=["direct", "buffered"])
def resources(delivery: Delivery, log_groups: int) -> Template:
    """The template of an archive with so many log groups."""
    stack = Stack(App(), "Test")
    archive = LogArchive(stack, "LogArchive", delivery=delivery)
    for number in range(log_groups):
        archive.add_log_group(logs.LogGroup.from_log_group_name(stack, f"Logs{number}", f"/app/{number}"))
    return Template.from_stack(stack)


@pytest.mark.parametrize("delivery", [Delivery.direct(), Delivery.buffered()], ids=["direct", "buffered"])
def test_two_hundred_log_groups(delivery: Delivery) -> None:
    """They share one Lambda permission, or one role, and one name, by which one alarm watches all of them."""
    template = resources(delivery, 200)

    subscriptions = template.find_resources("AWS::Logs::SubscriptionFilter")
    assert len(subscriptions) == 200
    assert {each["Properties"]["FilterName"] for each in subscriptions.values()} == {"Test-LogArchive-07FA4CCE"}
    permissions = 0 if delivery.is_buffered else 1
    template.resource_properties_count_is("AWS::Lambda::Permission", {"Principal": "logs.amazonaws.com"}, permissions)
    without = resources(delivery, 0).to_json()["Resources"]
    assert template.to_json()["Resources"].keys() - without.keys() == subscriptions.keys()


def test_log_groups_of_other_stacks() -> None:
    """A stack with a log group depends on the archive's, and never the other way round."""
    app = App()
    archive = LogArchive(Stack(app, "Archive"), "LogArchive")
    services = Stack(app, "Services")

    archive.add_log_group(logs.LogGroup(services, "Logs"))

    app.synth()
    assert [stack.node.id for stack in services.dependencies] == ["Archive"]


# --- All log groups of an account ---


def selection(template: Template) -> list[str]:
    """The account policy's selection criteria, each reference as its logical ID."""
    (policy,) = template.find_resources("AWS::Logs::AccountPolicy").values()
    criteria = policy["Properties"]["SelectionCriteria"]["Fn::Join"][1]
    text = "".join(part if isinstance(part, str) else part["Ref"] for part in criteria)
    names: list[str] = json.loads(text.removeprefix("LogGroupName NOT IN "))
    return names


def test_all_log_groups(stack: Stack, archive: LogArchive) -> None:
    """One policy subscribes every log group, but for the archive's own and those that are named."""
    archive.add_all_log_groups(except_for=[logs.LogGroup.from_log_group_name(stack, "Noise", "/noise")])
    later = logs.LogGroup(stack, "Later")
    archive.ignore_log_group(later)

    template = Template.from_stack(stack)
    template.has_resource(
        "AWS::Logs::AccountPolicy",
        {
            "Properties": {
                "PolicyType": "SUBSCRIPTION_FILTER_POLICY",
                "Scope": "ALL",
                "PolicyDocument": {
                    "Fn::Join": [
                        "",
                        ['{"DestinationArn":"', stack.resolve(archive.function.function_arn), '","FilterPattern":""}'],
                    ]
                },
            },
            "DependsOn": list(
                template.find_resources("AWS::Lambda::Permission", {"Properties": {"Principal": "logs.amazonaws.com"}})
            ),
        },
    )
    own = stack.resolve([group.log_group_name for group in [*own_groups(archive), later]])
    excepted = selection(template)
    assert excepted[-1] == "/noise"
    assert {group["Ref"] for group in own} <= set(excepted)


def test_all_log_groups_buffered(stack: Stack) -> None:
    """CloudWatch Logs writes to Data Firehose in a role that may do that alone."""
    archive = LogArchive(stack, "LogArchive", delivery=Delivery.buffered())
    archive.add_all_log_groups()
    assert archive.buffer

    (policy,) = Template.from_stack(stack).find_resources("AWS::Logs::AccountPolicy").values()
    document = json.dumps(policy["Properties"]["PolicyDocument"])
    assert json.dumps(stack.resolve(archive.buffer.stream.delivery_stream_arn)) in document
    assert "WriterRole" in document
    put = {
        "Action": ["firehose:PutRecord", "firehose:PutRecordBatch"],
        "Effect": "Allow",
        "Resource": stack.resolve(archive.buffer.stream.delivery_stream_arn),
    }
    Template.from_stack(stack).has_resource_properties(
        "AWS::IAM::Role",
        {"Policies": [{"PolicyName": "Put", "PolicyDocument": Match.object_like({"Statement": [put]})}]},
    )


def test_one_of_all_log_groups(stack: Stack, archive: LogArchive) -> None:
    """A log group that the policy ships gets no subscription of its own: its lines would come twice."""
    archive.add_all_log_groups()

    assert archive.add_log_group(logs.LogGroup(stack, "Logs")) is None
    Template.from_stack(stack).resource_count_is("AWS::Logs::SubscriptionFilter", 0)


def test_all_after_one_is_refused(stack: Stack, archive: LogArchive) -> None:
    """Its lines would come twice."""
    archive.add_log_group(logs.LogGroup(stack, "Logs"))
    with pytest.raises(ValueError, match="add_all_log_groups must be called before add_log_group, got Test/Logs first"):
        archive.add_all_log_groups()


@pytest.mark.parametrize("one", ["/noise", None], ids=["name", "log-group"])
def test_one_exception_is_refused(stack: Stack, archive: LogArchive, one: str | None) -> None:
    """Exceptions are a list."""
    with pytest.raises(TypeError, match=re.escape("except_for must be a list of aws_logs.ILogGroup")):
        archive.add_all_log_groups(except_for=one or logs.LogGroup(stack, "Noise"))  # type: ignore[arg-type]


def test_a_log_group_of_another_region_is_refused() -> None:
    """A subscription leads to a function in its own region."""
    app = App()
    here, there = (
        Stack(app, region, env=Environment(account="111111111111", region=region))
        for region in ("us-east-1", "eu-west-1")
    )
    log_group = logs.LogGroup(there, "Logs")

    with pytest.raises(ValueError, match=r"in the archive's region, us-east-1, .* got: eu-west-1/Logs in eu-west-1"):
        LogArchive(here, "LogArchive").add_log_group(log_group)
