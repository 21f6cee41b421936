"""Which log groups are shipped, and which must never be."""

import json
import re
from collections.abc import Callable
from contextlib import nullcontext

import pytest
from aws_cdk import App, Aws, CfnParameter, Environment, Fn, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Template
from constructs import Construct

from fargate_constructs.logs.archive_format import ArchiveFormat
from fargate_constructs.logs.log_archive import LogArchive
from fargate_constructs.logs.subscriptions import Subscriptions, function_target
from tests.logs.archives import archive_of, environment, resources, stack_of, template_of


def archive_in(stack: Stack, id_: str = "LogArchive") -> LogArchive:
    """An archive with no more than subscriptions need: without a catalog and a compaction."""
    return LogArchive(stack, id_, archive_format=ArchiveFormat.raw)


class Archive(Subscriptions):
    """The subscriptions of an archive that has a function and a log group, and nothing else."""

    def __init__(self, app: App, name: str, env: Environment | None = None) -> None:
        """Make it in a stack with its own name."""
        scope = Construct(Stack(app, name, env=env), name)
        function = lambda_.Function.from_function_name(scope, "Function", name)
        super().__init__(scope, function_target(scope, function))
        self.log_group = logs.LogGroup(scope, "Logs")
        self.ignore_own(self.log_group)


@pytest.fixture(scope="module")
def made() -> LogArchive:
    """An archive that ships one log group and ignores another; not to be changed."""
    stack = Stack(App(), "Test")
    archive = archive_in(stack)
    archive.add_log_group(logs.LogGroup(stack, "Shipped"))
    archive.ignore_log_group(logs.LogGroup(stack, "Ignored"))
    return archive


@pytest.fixture(scope="module")
def template(made: LogArchive) -> Template:
    """Its template."""
    return Template.from_stack(Stack.of(made))


def group_of(archive: LogArchive, id_: str) -> logs.LogGroup:
    """A log group of an archive's stack."""
    group = Stack.of(archive).node.find_child(id_)
    assert isinstance(group, logs.LogGroup)
    return group


def own_groups(archive: LogArchive) -> list[logs.ILogGroup]:
    """The log groups of the archive's functions."""
    return [archive.log_group, archive.replay.function.own_log_group]


def test_what_is_ignored_is_refused(made: LogArchive) -> None:
    """What they say about shipping would be shipped, for ever."""
    for group in [*own_groups(made), group_of(made, "Ignored")]:
        with pytest.raises(ValueError, match=f"must not be one that is ignored, .*, got: {group.node.path}"):
            made.add_log_group(group)


def test_own_log_groups_in_disguise_are_refused(made: LogArchive) -> None:
    """Imported by name or ARN, also in another stack, they are the same."""
    one, other = Stack(), Stack()
    own = made.log_group
    for group in (
        logs.LogGroup.from_log_group_name(one, "Name", own.log_group_name),
        logs.LogGroup.from_log_group_name(other, "Name", own.log_group_name),
        logs.LogGroup.from_log_group_arn(one, "Arn", own.log_group_arn),
    ):
        with pytest.raises(ValueError, match="one that is ignored"):
            made.add_log_group(group)


def test_ignored_log_groups_are_dropped_at_run_time(made: LogArchive, template: Template) -> None:
    """The shipper drops them, whatever subscribes them, and also one that is added later."""
    names = Stack.of(made).resolve([each.log_group_name for each in [*own_groups(made), group_of(made, "Ignored")]])

    ignored = environment(template, "shipper.handler.handler")["IGNORED_LOG_GROUPS"]["Fn::Join"][1]
    assert ignored[1::2] == [","] * (len(ignored) // 2)
    assert [name for name in ignored[::2] if name in names] == names


def test_a_log_group_is_shipped_once(made: LogArchive, template: Template) -> None:
    """Asked for again, as for services that share it, or under an imported name, it has the subscription it had."""
    group = group_of(made, "Shipped")
    subscription = made.add_log_group(group)

    assert subscription
    assert subscription.node.path == "Test/Shipped/LogArchive"
    assert made.add_log_group(logs.LogGroup.from_log_group_arn(Stack(), "Arn", group.log_group_arn)) is subscription
    template.resource_count_is("AWS::Logs::SubscriptionFilter", 1)


def test_archives_that_share_a_log_group() -> None:
    """Each has a subscription, under its own ID, which therefore must differ."""
    app = App()
    group = logs.LogGroup(Stack(app, "Test"), "Logs")
    assert Archive(app, "One").add(group)
    assert Archive(app, "Second").add(group)

    with pytest.raises(ValueError, match="another archive, got: Test/Logs/One; give the archive another ID"):
        Archive(App(), "One").add(group)


def test_another_error_of_cdk_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not said to be a second archive, also if the subscription was made before it."""

    def make_and_fail(log_group: logs.LogGroup, id_: str, **_: object) -> None:
        Construct(log_group, id_)
        raise RuntimeError("no destination")

    monkeypatch.setattr(logs.LogGroup, "add_subscription_filter", make_and_fail)
    with pytest.raises(RuntimeError, match="no destination"):
        Archive(App(), "One").add(logs.LogGroup(Stack(), "Logs"))


def test_archives_that_ship_each_other() -> None:
    """What one logs may be in another, but not round in a circle: each line would make another one, for ever."""
    app = App()
    one, two, three, four = (Archive(app, name) for name in ("A", "B", "C", "D"))
    assert two.add(one.log_group)
    assert three.add(two.log_group)
    named = logs.LogGroup.from_log_group_name(Stack(app, "E"), "Named", three.log_group.log_group_name)

    for group in (three.log_group, named, two.log_group):
        with pytest.raises(ValueError, match=f"got: {group.node.path} for A/A, whose own logs B/B ships; leave one"):
            one.add(group)
    assert three.add(one.log_group)
    with pytest.raises(ValueError, match=r"got: all log groups for A/A, whose own logs [BC]/[BC] ships"):
        one.add_all([])
    four.add_all([])
    with pytest.raises(ValueError, match=f"got: {four.log_group.node.path} for B/B, whose own logs D/D ships"):
        two.add(four.log_group)
    assert one.add_all(["*"])
    assert Archive(app, "F", env=HERE).add_all([])


@pytest.mark.parametrize("log_class", ["INFREQUENT_ACCESS", "DELIVERY"])
def test_other_classes_are_refused(made: LogArchive, log_class: str) -> None:
    """No class but Standard has subscriptions."""
    group = logs.LogGroup(Stack(), "Logs", log_group_class=logs.LogGroupClass[log_class])
    with pytest.raises(ValueError, match=f"log_group must be of the class STANDARD, .* got: {log_class} for"):
        made.add_log_group(group)


REFUSED: dict[str, tuple[Callable[[LogArchive], object], str]] = {
    "a-name": (
        lambda archive: archive.add_log_group("/app/web"),  # type: ignore[arg-type]
        "log_group must be aws_logs.ILogGroup, got: '/app/web'",
    ),
    "shipped-and-ignored": (
        lambda archive: archive.ignore_log_group(group_of(archive, "Shipped")),
        "a log group must not be shipped and ignored, got both for: Test/Shipped",
    ),
    "all-after-one": (
        lambda archive: archive.add_all_log_groups(),
        "must be called before add_log_group, got Test/Shipped first",
    ),
    "one-exception": (
        lambda archive: archive.add_all_log_groups(except_for="/noise"),
        "except_for must be a list of aws_logs.ILogGroup or str",
    ),
    "one-group": (
        lambda archive: archive.add_all_log_groups(except_for=group_of(archive, "Ignored")),  # type: ignore[arg-type]
        "except_for must be a list of aws_logs.ILogGroup or str",
    ),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_refusals(made: LogArchive, call: Callable[[LogArchive], object], message: str) -> None:
    """A log group is one of CDK's, and shipped once or ignored; exceptions are a list."""
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        call(made)


# --- All log groups of an account ---


def selection(template: Template) -> list[str]:
    """The account policy's selection criteria, each reference as its logical ID."""
    (policy,) = template.find_resources("AWS::Logs::AccountPolicy").values()
    criteria = policy["Properties"]["SelectionCriteria"]["Fn::Join"][1]
    text = "".join(part if isinstance(part, str) else part["Ref"] for part in criteria)
    names: list[str] = json.loads(text.removeprefix("LogGroupName NOT IN "))
    return names


@pytest.fixture(scope="module")
def of_account() -> LogArchive:
    """An archive of all log groups but two."""
    stack = Stack(App(), "Test")
    archive = archive_in(stack)
    archive.add_all_log_groups(except_for=[logs.LogGroup.from_log_group_name(stack, "Noise", "/noise")])
    archive.ignore_log_group(logs.LogGroup(stack, "Later"))
    return archive


def test_all_log_groups(of_account: LogArchive) -> None:
    """One policy subscribes every log group, but for the archive's own and those that are named."""
    stack = Stack.of(of_account)
    template = Template.from_stack(stack)
    [policy] = template.find_resources("AWS::Logs::AccountPolicy").values()
    is_of_logs = {"Properties": {"Principal": "logs.amazonaws.com"}}

    assert policy["DependsOn"] == list(template.find_resources("AWS::Lambda::Permission", is_of_logs))
    assert (policy["Properties"]["PolicyType"], policy["Properties"]["Scope"]) == ("SUBSCRIPTION_FILTER_POLICY", "ALL")
    function = stack.resolve(of_account.function.function_arn)
    document = policy["Properties"]["PolicyDocument"]["Fn::Join"][1]
    assert document == ['{"DestinationArn":"', function, '","FilterPattern":""}']
    own = stack.resolve([group.log_group_name for group in [*own_groups(of_account), group_of(of_account, "Later")]])
    excepted = selection(template)
    assert excepted[-1] == "/noise"
    assert {group["Ref"] for group in own} <= set(excepted)


def test_one_of_all_log_groups(of_account: LogArchive) -> None:
    """A log group that the policy ships gets no subscription of its own: its lines would come twice."""
    group = logs.LogGroup(Stack(), "Logs")

    assert of_account.add_log_group(group) is None
    assert group.node.try_find_child("LogArchive") is None


def test_all_log_groups_buffered() -> None:
    """CloudWatch Logs writes to Data Firehose, in a role of its own."""
    stack, archive, template = stack_of("key-buffered"), archive_of("key-buffered"), template_of("key-buffered")
    assert archive.firehose

    (policy,) = resources(template, "AWS::Logs::AccountPolicy").values()
    document = json.dumps(policy["PolicyDocument"])
    assert json.dumps(stack.resolve(archive.firehose.stream.delivery_stream_arn)) in document
    assert "WriterRole" in document


# --- Names, patterns, and where ---

HERE = Environment(account="111111111111", region="us-east-1")


@pytest.fixture(scope="module")
def named() -> LogArchive:
    """An archive with a known environment that ships `/ecs/web` and ignores `/replay` and `/aws/lambda/*-resize`."""
    stack = Stack(App(), "Test", env=HERE)
    archive = archive_in(stack)
    archive.add_log_group(logs.LogGroup(stack, "Web", log_group_name="/ecs/web"))
    archive.ignore_log_group(logs.LogGroup(stack, "Replay", log_group_name="/replay"))
    archive.ignore_log_group("/aws/lambda/*-resize")
    return archive


def beside(archive: LogArchive) -> Stack:
    """Another stack of an archive's app, in the same environment."""
    app = App.of(archive)
    assert app
    return Stack(app, f"Stack{len(app.node.children)}", env=HERE)


def same_name(archive: LogArchive, name: str) -> list[logs.ILogGroup]:
    """Log groups of a name, each another construct: made in the app by L2 or L1, or imported by name or either ARN."""
    stack = beside(archive)
    made, raw = logs.LogGroup(stack, "Made", log_group_name=name), logs.CfnLogGroup(stack, "Raw", log_group_name=name)
    arn = f"arn:{Aws.PARTITION}:logs:{HERE.region}:{HERE.account}:log-group:{name}"
    by_name = [logs.LogGroup.from_log_group_name(stack, f"Name{len(each)}", each) for each in (name, raw.ref)]
    by_arn = [logs.LogGroup.from_log_group_arn(stack, f"Arn{len(each)}", each) for each in (arn, made.log_group_arn)]
    return [made, *by_name, *by_arn]


def test_a_name_says_what_is_one_log_group(named: LogArchive) -> None:
    """However a log group is made or imported, and though the name of one that is made is a token."""
    shipped = named.add_log_group(group_of(named, "Web"))

    assert [named.add_log_group(each) for each in same_name(named, "/ecs/web")] == [shipped] * 5
    for group in [*same_name(named, "/replay"), *same_name(named, "/aws/lambda/photo-resize")]:
        with pytest.raises(ValueError, match="one that is ignored"):
            named.add_log_group(group)
    refused: list[logs.ILogGroup | str] = [*same_name(named, "/ecs/web"), "/ecs/web", "/ecs/*", "*"]
    for ignored in refused:
        with pytest.raises(ValueError, match="shipped and ignored, got both for: Test/Web"):
            named.ignore_log_group(ignored)


def test_a_name_that_holds_the_stacks_is_known() -> None:
    """Two stacks whose log groups are named after them have two log groups; a pattern sees the text around a token."""
    app = App()
    archive = archive_in(Stack(app, "Archive"))
    one, two, late = (Stack(app, name) for name in ("One", "Two", "Late"))
    groups = [logs.LogGroup(each, "Logs", log_group_name=f"/ecs/{Aws.STACK_NAME}") for each in (one, two)]
    suffix = CfnParameter(late, "Suffix").value_as_string

    first, second = map(archive.add_log_group, groups)
    archive.ignore_log_group("/batch/*")

    assert first is not second
    assert archive.add_log_group(logs.LogGroup.from_log_group_name(late, "Named", "/ecs/One")) is first
    joined, others = Fn.join("/", ["/batch", suffix]), [Fn.sub("/ecs/${Suffix}", {"Suffix": each}) for each in "ab"]
    for number, name in enumerate((f"/batch/{suffix}", joined, Fn.sub("/batch/${Suffix}"))):
        with pytest.raises(ValueError, match=r"one that is ignored, .* as '/batch/\*'"):
            archive.add_log_group(logs.LogGroup(late, f"Logs{number}", log_group_name=name))
    third, fourth, again = (
        archive.add_log_group(logs.LogGroup(late, f"Other{number}", log_group_name=name))
        for number, name in enumerate([*others, others[0]])
    )
    assert third is again is not fourth


def test_patterns_are_dropped_at_run_time() -> None:
    """An account policy knows none: the names go there, the patterns to the function; neither is then added by hand."""
    stack = Stack(App(), "Test")
    archive = archive_in(stack)
    archive.add_all_log_groups(except_for=["/aws/lambda/*", "/noise"])
    archive.ignore_log_group("*/debug")

    template = Template.from_stack(stack)
    ignored = environment(template, "shipper.handler.handler")["IGNORED_LOG_GROUPS"]["Fn::Join"][1]
    assert ignored[-1] == ",*/debug,/aws/lambda/*"
    assert [name for name in selection(template) if "/" in name] == ["/noise"]
    for number, name in enumerate(("/aws/lambda/resize", "/noise", "/ecs/debug")):
        with pytest.raises(ValueError, match="one that is ignored"):
            archive.add_log_group(logs.LogGroup.from_log_group_name(stack, f"No{number}", name))
    assert archive.add_log_group(logs.LogGroup(stack, "Yes", log_group_name="/ecs/web")) is None


@pytest.mark.parametrize("pattern", ["", "/ecs/?", "a,b", "/ecs/web:*", "x" * 513, "/ecs/ü"])
def test_what_no_name_can_match_is_refused(made: LogArchive, pattern: str) -> None:
    """A pattern has the characters of names, and `*`."""
    with pytest.raises(ValueError, match=f"and '\\*' for any characters, .* got: {re.escape(repr(pattern))}"):
        made.ignore_log_group(pattern)


def test_a_pattern_of_many_wildcards() -> None:
    """A long pattern and a name that it nearly matches are compared fast. The brackets of a token are no wildcard."""
    archive, stack = Archive(App(), "Test"), Stack()
    prefix = CfnParameter(stack, "Prefix").value_as_string
    archive.ignore("*a" * 20 + "b")
    archive.ignore(f"{prefix}*")

    for number, (name, is_shipped) in enumerate({"a" * 200: True, f"{prefix}/web": False}.items()):
        group = logs.LogGroup.from_log_group_name(stack, f"Group{number}", name)
        with nullcontext() if is_shipped else pytest.raises(ValueError, match="one that is ignored"):
            assert archive.add(group)


def test_more_names_than_a_function_can_be_told_are_refused() -> None:
    """Lambda has 4 KB for them, an account policy 25; a pattern says the same in less. Nothing is half done."""
    archive = Archive(App(), "Test")
    names = [f"/aws/lambda/{number:03}-{'x' * 60}" for number in range(400)]

    for name in names[:40]:
        archive.ignore(name)

    with pytest.raises(ValueError, match=r"at most 3,840 bytes, got: 3,8\d\d for \d\d names; write a pattern"):
        list(map(archive.ignore, names[40:60]))
    with pytest.raises(ValueError, match=r"at most 25,000 bytes, got: \d\d,\d{3} for 4\d\d names; write a pattern"):
        archive.add_all(names)
    archive.ignore("*x")
    archive.add_all([])
