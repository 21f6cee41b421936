"""What a plan says of each resource, and what keeps it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from fargate_constructs.adoption.adoption_file import AdoptionFile, Place, read_adoption_file
from fargate_constructs.adoption.changes import Effect
from fargate_constructs.adoption.findings import findings_of
from fargate_constructs.adoption.refactor_mapping import find_refusals, refactor_mapping
from fargate_constructs.adoption.stack_plan import LOST
from fargate_constructs.adoption.traps import CHECKS
from fargate_constructs.synthesized.comparable_template import TemplateTree
from fargate_constructs.synthesized.stored_templates import StoredStack
from tests.adoption.stored import (
    BALANCER,
    BUCKET,
    CERTIFICATE,
    EIP,
    GROUP,
    INGRESS,
    LISTENER,
    LOG_GROUP,
    QUEUE,
    SECURITY_GROUP,
    SERVICE,
    TASK,
    plan_of,
    ref,
    resource,
    stored,
)


def effects(old: StoredStack, new: StoredStack) -> dict[str, str]:
    """Return the effect on each resource."""
    return {each.old_id or each.new_id: each.effect.name for each in plan_of(old, new).changes}


def test_each_effect() -> None:
    """What is lost comes first, and what stays last."""
    old = stored(
        Same=resource(QUEUE, VisibilityTimeout=30),
        Changed=resource(QUEUE, VisibilityTimeout=30),
        Named=resource(QUEUE, QueueName="a"),
        Service=resource(SERVICE, LaunchType="FARGATE"),
        Type=resource(QUEUE),
        Here=resource(QUEUE),
        Gone=resource(QUEUE),
        Kept={"Type": BUCKET, "DeletionPolicy": "Retain"},
        Once={"Type": BUCKET, "DeletionPolicy": "RetainExceptOnCreate"},
        Volume={"Type": "AWS::EC2::Volume", "DeletionPolicy": "Snapshot"},
        Metadata=resource("AWS::CDK::Metadata"),
    )
    new = stored(
        Same=resource(QUEUE, VisibilityTimeout="30"),
        Changed=resource(QUEUE, VisibilityTimeout=60),
        Named=resource(QUEUE, QueueName="b"),
        Service=resource(SERVICE),
        Type=resource(BUCKET),
        Here={"Type": QUEUE, "Condition": "Is"},
        New=resource(QUEUE, "New"),
    )

    assert effects(old, new) == {
        "Type": "REFUSED",
        "Named": "REPLACED",
        "Service": "MAY_BE_REPLACED",
        "Gone": "DELETED",
        "Volume": "SNAPSHOT",
        "Here": "MAY_BE_DELETED",
        "Kept": "LEAVES",
        "Once": "LEAVES",
        "Changed": "UPDATED",
        "New": "NEW",
        "Same": "STAYS",
    }
    order = [*Effect.__members__]
    found = [*effects(old, new).values()]
    assert found == sorted(found, key=order.index)


def test_what_changes() -> None:
    """Properties, the deletion policy and the condition; a reference to a resource with another logical ID does not."""
    old = stored(
        Lines={
            "Type": LOG_GROUP,
            "DeletionPolicy": "Delete",
            "Properties": {"LogGroupName": "a", "RetentionInDays": 1},
        },
        Filter=resource("AWS::Logs::MetricFilter", LogGroupName=ref("Lines")),
    )
    new = stored(
        Logs={"Type": LOG_GROUP, "DeletionPolicy": "Retain", "Properties": {"LogGroupName": "a", "RetentionInDays": 3}},
        Filter=resource("AWS::Logs::MetricFilter", LogGroupName=ref("Logs")),
    )

    changes = {each.old_id: each for each in plan_of(old, new).changes}
    assert changes["Lines"].properties == ["RetentionInDays", "DeletionPolicy"]
    assert changes["Filter"].effect is Effect.STAYS


@pytest.mark.parametrize(
    ("type_", "property_", "was", "now", "remedy"),
    [
        (BALANCER, "Name", "LB", None, 'write load_balancer_name="LB"'),
        (
            SERVICE,
            "DeploymentController",
            None,
            {"Type": "ECS"},
            (
                "write adopted=AdoptedService(deployment_controller=None); without our constructs, call "
                'add_property_deletion_override("DeploymentController") on its L1 construct'
            ),
        ),
        (
            SERVICE,
            "DeploymentController",
            {"Type": "ECS"},
            None,
            'call add_property_override("DeploymentController", {"Type": "ECS"}) on its L1 construct',
        ),
        (SERVICE, "LaunchType", "FARGATE", None, "write capacity=Capacity.launch_type()"),
        (
            SERVICE,
            "ServiceName",
            "web",
            None,
            (
                'write adopted=AdoptedService(service_name="web"); without our constructs, call '
                'add_property_override("ServiceName", "web") on its L1 construct'
            ),
        ),
        (
            SERVICE,
            "DeploymentController",
            {"Type": "CODE_DEPLOY"},
            {"Type": "ECS"},
            "make a second service beside it, and move the requests by weight: ECS does not change the controller",
        ),
        (
            GROUP,
            "Port",
            8080,
            80,
            (
                "write adopted=AdoptedService(target_group_port=8080); without our constructs, call "
                'add_property_override("Port", 8080) on its L1 construct'
            ),
        ),
        (QUEUE, "QueueName", None, "a", 'call add_property_deletion_override("QueueName") on its L1 construct'),
        (QUEUE, "FifoQueue", True, None, 'call add_property_override("FifoQueue", True) on its L1 construct'),
    ],
)
def test_remedies(type_: str, property_: str, was: object, now: object, remedy: str) -> None:
    """The argument of this library, or an override that any construct has."""
    given: list[dict[str, Any]] = [{} if each is None else {property_: each} for each in (was, now)]
    old, new = (stored(It=resource(type_, "It", **each)) for each in given)

    assert plan_of(old, new).remedies == {"It": [remedy]}


def test_the_remedy_of_a_network_load_balancers_target_group() -> None:
    """Its port belongs to the listener."""
    old, new = (stored(It=resource(GROUP, "It", Port=port, Protocol="TCP")) for port in (25, 1))

    assert plan_of(old, new).remedies == {"It": ["write target_group_port=25 in add_listener"]}


def test_remedies_of_security_groups() -> None:
    """The argument belongs to what uses the group."""

    def stack(text: str) -> StoredStack:
        network = {"AwsvpcConfiguration": {"SecurityGroups": [ref("B")]}}
        groups = {key: resource(SECURITY_GROUP, GroupDescription=text + key) for key in "ABC"}
        balancer = resource(BALANCER, SecurityGroups=[ref("A")])
        return stored(**groups, Balancer=balancer, Service=resource(SERVICE, NetworkConfiguration=network))

    assert plan_of(stack("old"), stack("new")).remedies == {
        "A": ['write security_group_description="oldA" for the endpoint'],
        "B": [
            (
                'write adopted=AdoptedService(security_group_description="oldB"); without our constructs, call '
                'add_property_override("GroupDescription", "oldB") on its L1 construct'
            )
        ],
        "C": ['call add_property_override("GroupDescription", "oldC") on its L1 construct'],
    }


def test_what_follows_has_its_remedy_at_the_cause() -> None:
    """A listener of a replaced load balancer has none."""

    def stack(scheme: str) -> StoredStack:
        return stored(
            A=resource(BALANCER, Scheme=scheme), Listener=resource(LISTENER, LoadBalancerArn=ref("A"), Port=80)
        )

    plan = plan_of(stack("internal"), stack("internet-facing"))
    assert {each.logical_id: each.rule for each in findings_of(plan, is_adopted=True)} == {
        "A": "replaced",
        "Listener": "replaced",
    }
    assert plan.remedies.keys() == {"A"}


def test_a_target_group_that_goes_with_its_route() -> None:
    """It is a finding only if another one takes its place."""
    old = stored(G=resource(GROUP, Port=80))
    kept = {**resource(GROUP, Port=80), "DeletionPolicy": "Retain"}

    assert plan_of(old, stored()).lost() == plan_of(stored(G=kept), stored()).lost() == []
    two = stored(H=resource(GROUP), I=resource(GROUP))
    assert [each.old_id for each in plan_of(old, two).lost()] == ["G"]


def test_findings() -> None:
    """What should last and is lost, what only has another logical ID, and traps; with what to do."""
    old = stored(
        Data=resource(BUCKET, "Data", BucketName="a"),
        A=resource(CERTIFICATE, "A", DomainName="a.example.com"),
        Task=resource(TASK, "Task"),
        Lines=resource(LOG_GROUP, "Lines"),
        outputs={"Url": {"Value": ref("Data"), "Export": {"Name": "Shop:Data"}}},
    )
    certificates = {each: resource(CERTIFICATE, each, DomainName="a.example.com") for each in "BC"}
    new = stored(
        Moved=resource(BUCKET, "Store/Data", BucketName="a"),
        Lines=resource(LOG_GROUP, "Lines", RetentionInDays=7),
        **certificates,
    )

    plan = plan_of(old, new)
    found = {each.rule: each for each in findings_of(plan, is_adopted=False)}
    assert [*found] == ["deleted", "renamed", "dataDeleted", "exportLost"]
    assert found["deleted"].problems == ["is deleted"]
    assert found["deleted"].remedies == [
        "if it is one of these in the app, write --pair A=PATH with its path: Shop/B, Shop/C"
    ]
    assert found["renamed"].path == "Shop/Store/Data"
    assert found["renamed"].problems[0].startswith("is Shop/Data with another logical ID (the same identity [")
    assert found["exportLost"].type == ""
    assert [each.rule for each in findings_of(plan, is_adopted=True)] == ["deleted", "dataDeleted", "exportLost"]
    for place, rules in {
        "Shop/Store": ["renamed"],
        "Data": ["renamed"],
        "Shop:Data": ["exportLost"],
        "Shop/St": [],
    }.items():
        assert [key for key, each in found.items() if each.is_at(place)] == rules


def test_rules_of_an_old_port_are_no_finding() -> None:
    """Tasks have another port, which a new rule opens to the same peer; also if the group has another logical ID."""

    def stack(port: int, tasks: str) -> StoredStack:
        network = {"AwsvpcConfiguration": {"SecurityGroups": [ref(tasks)]}}
        ports: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
        resources = {
            tasks: resource(SECURITY_GROUP, tasks, GroupName="tasks", GroupDescription="tasks"),
            "Service": resource(SERVICE, NetworkConfiguration=network, LoadBalancers=[{"ContainerPort": port}]),
            f"From{port}": resource(INGRESS, GroupId=ref(tasks), SourceSecurityGroupId="sg-1", **ports),
        }
        return stored(**resources)

    for tasks in ("Tasks", "Group"):
        plan = plan_of(stack(80, "Tasks"), stack(8080, tasks))
        assert findings_of(plan, is_adopted=True) == []
        assert "From80" in [each.old_id for each in plan.changes if each.effect is Effect.DELETED]


def test_parts_that_depend_on_a_condition() -> None:
    """Such as the load balancers of a service and the containers of its task: they are compared as they stand."""

    def either(value: Any) -> dict[str, Any]:  # noqa: ANN401 - a piece of a template
        return {"Fn::If": ["IsProd", value, ref("AWS::NoValue")]}

    def stack(port: int) -> StoredStack:
        network = {"AwsvpcConfiguration": {"SecurityGroups": either(["sg-1"])}}
        balanced = {"AwsvpcConfiguration": {"SecurityGroups": ["sg-1"]}}
        task = resource("AWS::ECS::TaskDefinition", ContainerDefinitions=either([{"Name": "web"}]))
        return stored(
            Task=task,
            One=resource(SERVICE, NetworkConfiguration=network, TaskDefinition=ref("Task")),
            Two=resource(SERVICE, NetworkConfiguration=balanced, LoadBalancers=either([{"ContainerPort": port}])),
            Three=resource(SERVICE, NetworkConfiguration=balanced, TaskDefinition=ref("Task")),
        )

    assert effects(stack(80), stack(80))["Two"] == "STAYS"


def test_outputs_that_are_gone() -> None:
    """Those without an export; an export has its own finding."""
    outputs = {key: {"Value": "a"} for key in ("Url", "Name")} | {"Arn": {"Value": "a", "Export": {"Name": "Arn"}}}
    old = stored(Q=resource(QUEUE), outputs=outputs)

    assert plan_of(old, stored(Q=resource(QUEUE), outputs={"Name": {"Value": "b"}})).lost_outputs == ["Url"]
    assert plan_of(old, old).lost_outputs == []


def test_no_value_is_nothing() -> None:
    """A property that is `AWS::NoValue` is not set."""
    unset, plain = stored(Q=resource(QUEUE, DelaySeconds=ref("AWS::NoValue"))), stored(Q=resource(QUEUE))

    assert effects(unset, plain) == {"Q": "STAYS"}
    assert effects(unset, stored(Q=resource(QUEUE, DelaySeconds=1))) == {"Q": "UPDATED"}


def test_the_page_lists_each_rule() -> None:
    """docs/plan.md has all rules in its table, and no other."""
    page = Path(__file__).parents[2] / "docs" / "plan.md"
    table = re.findall(r"^\| (`.*?) \|", page.read_text(), re.MULTILINE)
    effects = {each.rule for each in (*LOST, Effect.LEAVES)}

    assert {name for cell in table for name in re.findall(r"`(\w+)`", cell)} == {*effects, "renamed", *CHECKS}


def test_the_file_of_logical_ids() -> None:
    """It has the renames, and what the app keeps already; not what is gone."""
    old = stored(A=resource(BUCKET, "A", BucketName="a"), B=resource(QUEUE, "B"), Gone=resource(QUEUE, "Gone"))
    new = stored(C=resource(BUCKET, "Store/A", BucketName="a"), B=resource(QUEUE, "Other/B"))
    known = AdoptionFile("Shop", {"B": Place("Old/B", QUEUE), "Gone": Place("Gone", QUEUE)})

    assert plan_of(old, new).adoption().resources == {"A": Place("Store/A", BUCKET)}
    assert plan_of(old, new).adoption(known).resources == {"A": Place("Store/A", BUCKET), "B": Place("Other/B", QUEUE)}
    unknown = stored(C=resource(BUCKET, BucketName="a"))
    with pytest.raises(ValueError, match="must have the construct path of C, got a template without; name the folder"):
        plan_of(old, unknown).adoption()


def test_the_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Sorted, and with one line for each value, so that a review shows what changed."""
    content = AdoptionFile(
        "Shop", {"B": Place("b/Resource", QUEUE), "A": Place("a", BUCKET), "N/A": Place("n/a", BUCKET)}
    )
    file = tmp_path / "adoption.json"
    file.write_text(content.as_json())

    assert read_adoption_file(file) == content
    assert [*json.loads(content.as_json())["resources"]] == ["A", "B", "N/A"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "file must be a file of logical IDs, got none at .*adoption.json; write it by `fargate-constructs plan"),
        ("", "file must be JSON, got .*adoption.json: Expecting value"),
        ("[]", "file must have stack and resources, and nothing else"),
        ('{"stack": "Shop", "resources": {}, "more": 1}', "file must have stack and resources, and nothing else"),
        ('{"environments": []}', "file must have stack and resources"),
        ('{"stack": "Shop", "resources": {"A": "b"}}', "a logical ID with path and type in each entry, got in .*: 'A'"),
        ('{"stack": "Shop", "resources": {"A-B": {"path": "a", "type": "b"}}}', "in each entry, got in .*: 'A-B'"),
        ('{"stack": "Shop", "resources": {"A": {"path": "", "type": "b"}}}', "in each entry, got in .*: 'A'"),
        (
            '{"stack": "S", "resources": {"A": {"path": "a", "type": "b"}, "B": {"path": "a", "type": "b"}}}',
            "file must have each path once, got in .*: a$",
        ),
    ],
)
def test_wrong_files(text: str | None, message: str, tmp_path: Path) -> None:
    """Each is refused, with what it must be."""
    file = tmp_path / "adoption.json"
    if text is not None:
        file.write_text(text)

    with pytest.raises((ValueError, FileNotFoundError), match=message):
        read_adoption_file(file)


def test_the_mapping_for_cdk_refactor() -> None:
    """Each old logical ID with the new one; what CloudFormation refuses is named."""
    old = stored(A=resource(QUEUE, "A", QueueName="a"), B=resource(TASK, "B", Family="b"))
    new = stored(C=resource(QUEUE, "C", QueueName="a"), D=resource(TASK, "X/B", Family="b"))
    here = old._replace(account="111122223333", region="eu-west-1")

    assert json.loads(refactor_mapping(plan_of(here, new))) == {
        "environments": [
            {"account": "111122223333", "region": "eu-west-1", "resources": {"Shop.A": "Shop.C", "Shop.B": "Shop.D"}}
        ]
    }
    assert list(find_refusals(plan_of(here, new))) == []
    with pytest.raises(ValueError, match="the account and the region must be known for --refactor"):
        refactor_mapping(plan_of(old, new))
    with pytest.raises(ValueError, match="there is nothing to refactor"):
        refactor_mapping(plan_of(here, here))


def test_what_cdk_refactor_refuses() -> None:
    """Any other change, types that CloudFormation does not rename, and nested stacks."""
    old = stored(
        A=resource(QUEUE, "A", QueueName="a"), IP=resource(EIP, "IP", Domain="vpc"), L=resource(LISTENER, "L", Port=80)
    )
    new = stored(C=resource(QUEUE, "C", QueueName="a", DelaySeconds=1), X=resource(EIP, "X/IP", Domain="vpc"))

    assert list(find_refusals(plan_of(old, new))) == [
        "IP (AWS::EC2::EIP) is of a type that CloudFormation does not rename",
        "Shop/L (AWS::ElasticLoadBalancingV2::Listener) is deleted; cdk refactor takes no other change",
        "Shop/C (AWS::SQS::Queue) is updated in place; cdk refactor takes no other change",
    ]
    stack = resource("AWS::CloudFormation::Stack", "N")
    trees = [TemplateTree({"Resources": {each: resource(QUEUE, f"N/{each}", QueueName="a")}}) for each in "AB"]
    old, new = (
        StoredStack("Shop", TemplateTree({"Resources": {"N": stack}}, nested={"N": each}), "Shop") for each in trees
    )
    assert list(find_refusals(plan_of(old, new))) == ["N/A is in a nested stack"]
