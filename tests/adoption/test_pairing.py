"""Which resource is which."""

from typing import Any

import pytest

from fargate_constructs.synthesized.comparable_template import TemplateTree
from fargate_constructs.synthesized.stored_templates import StoredStack
from tests.adoption.stored import (
    BALANCER,
    BUCKET,
    CERTIFICATE,
    GROUP,
    LISTENER,
    LOG_GROUP,
    QUEUE,
    RECORD,
    SECURITY_GROUP,
    SERVICE,
    TASK,
    VPC,
    forward,
    pairs_of,
    plan_of,
    ref,
    resource,
    stored,
)


def service(group: str = "", task: str = "Task", **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - of any type
    """Return a service whose tasks are in a target group."""
    balancers = [{"ContainerName": "web", "ContainerPort": 80, "TargetGroupArn": ref(group)}] if group else []
    return resource(SERVICE, TaskDefinition=ref(task), LoadBalancers=balancers, **properties)


def log_options(group: str, name: str = "web") -> dict[str, Any]:
    """Return a container that writes to a log group."""
    return {"Name": name, "LogConfiguration": {"Options": {"awslogs-group": ref(group)}}}


def test_the_same_logical_id_comes_first() -> None:
    """Also if another resource has the same properties."""
    old = stored(A=resource(QUEUE, "A/Resource", QueueName="a"))
    new = stored(B=resource(QUEUE, "B/Resource", QueueName="a"), A=resource(QUEUE, "A/Resource"))

    assert plan_of(old, new).pairs == {"A": "A"}


@pytest.mark.parametrize(
    ("type_", "properties", "other"),
    [
        (RECORD, {"Name": "a.example.com.", "Type": "A", "HostedZoneId": "Z1"}, {"Type": "AAAA"}),
        (CERTIFICATE, {"DomainName": "a.example.com"}, {"DomainName": "b.example.com"}),
        (BUCKET, {"BucketName": "a"}, {"BucketName": "b"}),
        (VPC, {"CidrBlock": "10.0.0.0/16"}, {"CidrBlock": "10.1.0.0/16"}),
    ],
    ids=["record", "certificate", "bucket", "network"],
)
def test_names(type_: str, properties: dict[str, Any], other: dict[str, Any]) -> None:
    """The same name is the same resource; with another name it never is."""
    old = stored(Old=resource(type_, "Old/Resource", **properties))
    same, different = resource(type_, "New/Resource", **properties), resource(type_, "Old", **(properties | other))

    assert pairs_of(old, stored(New=same, Other=different)) == {"Old": "New"}
    assert pairs_of(old, stored(Other=different)) == {}


def test_what_the_service_refers_to() -> None:
    """Its target group, its security group, its task definition, and the log group and the role of that."""
    network = {"AwsvpcConfiguration": {"SecurityGroups": [{"Fn::GetAtt": ["Tasks", "GroupId"]}]}}
    old = stored(
        Service=service("Group", NetworkConfiguration=network),
        Group=resource(GROUP, "LB/Group", Port=80),
        Tasks=resource(SECURITY_GROUP, "Service/SecurityGroup"),
        Other=resource(SECURITY_GROUP, "Database"),
        Task=resource(TASK, "Task", ContainerDefinitions=[log_options("Lines")], TaskRoleArn=ref("Role")),
        Lines=resource(LOG_GROUP, "Task/web/LogGroup"),
        Role=resource("AWS::IAM::Role", "Task/TaskRole"),
    )
    network = {"AwsvpcConfiguration": {"SecurityGroups": [{"Fn::GetAtt": ["NewTasks", "GroupId"]}]}}
    new = stored(
        Service=service("NewGroup", "NewTask", NetworkConfiguration=network),
        NewGroup=resource(GROUP, "Routes/Group", Port=8080),
        NewTasks=resource(SECURITY_GROUP, "Web/SecurityGroup"),
        NewTask=resource(TASK, "Web/Task", ContainerDefinitions=[log_options("Logs")], TaskRoleArn=ref("NewRole")),
        Logs=resource(LOG_GROUP, "Web/Logs"),
        NewRole=resource("AWS::IAM::Role", "Web/Role"),
        Endpoint=resource(SECURITY_GROUP, "Cache"),
    )

    assert pairs_of(old, new) == {
        "Group": "NewGroup",
        "Tasks": "NewTasks",
        "Task": "NewTask",
        "Lines": "Logs",
        "Role": "NewRole",
    }
    renamed = {each.old_id: each.reason for each in plan_of(old, new).renames}
    assert renamed.keys() == {"Group", "Tasks", "Lines", "Role"}, "a task definition has no state"
    assert renamed["Role"] == "TaskRoleArn of Shop/Task refers to it"


def test_items_of_lists_in_another_order() -> None:
    """The container of a log group, and the port of a target group, show which it is."""

    def task(*containers: tuple[str, str]) -> dict[str, Any]:
        return resource(TASK, ContainerDefinitions=[log_options(group, name) for name, group in containers])

    old = stored(Task=task(("web", "A"), ("proxy", "B")), A=resource(LOG_GROUP), B=resource(LOG_GROUP))
    new = stored(Task=task(("proxy", "D"), ("web", "C")), C=resource(LOG_GROUP), D=resource(LOG_GROUP))

    assert pairs_of(old, new) == {"A": "C", "B": "D"}


def test_what_refers_to_a_pair() -> None:
    """The listener of the load balancer, by its port; that of another port, or of another load balancer, is none."""
    old = stored(
        Balancer=resource(BALANCER, "LB"),
        Public=resource(LISTENER, LoadBalancerArn=ref("Balancer"), Port=443, DefaultActions=forward()),
        Plain=resource(LISTENER, LoadBalancerArn=ref("Balancer"), Port="80"),
    )
    new = stored(
        Balancer=resource(BALANCER, "LB"),
        Second=resource(BALANCER, "Second"),
        Https=resource(LISTENER, LoadBalancerArn=ref("Balancer"), Port="443"),
        Http=resource(LISTENER, LoadBalancerArn=ref("Balancer"), Port=80),
        Elsewhere=resource(LISTENER, LoadBalancerArn=ref("Second"), Port=80),
        Other=resource(LISTENER, LoadBalancerArn=ref("Balancer"), Port=8080),
    )

    assert pairs_of(old, new) == {"Public": "Https", "Plain": "Http"}


def test_a_reference_to_something_else() -> None:
    """A listener of one load balancer does not become that of another, though both forward to one target group."""
    kept = {"A": resource(BALANCER), "B": resource(BALANCER), "G": resource(GROUP)}
    old, new = (
        stored(**kept, **{key: resource(LISTENER, LoadBalancerArn=ref(balancer), DefaultActions=forward("G"))})
        for key, balancer in (("L", "A"), ("M", "B"))
    )

    assert pairs_of(old, new) == {}


def test_the_only_service() -> None:
    """A template with one service becomes one with one service; of two, neither is taken."""
    old = stored(A=service(), Task=resource(TASK))

    assert pairs_of(old, stored(B=service(), Task=resource(TASK))) == {"A": "B"}
    assert pairs_of(old, stored(B=service(task="T"), C=service(task="U"), T=resource(TASK), U=resource(TASK))) == {}


def test_the_only_task_definition() -> None:
    """A scheduled task has no service: its log group is known by the one task definition."""
    old, new = (
        stored(
            **{f"{key}Task": resource(TASK, ContainerDefinitions=[log_options(f"{key}Logs", key)])},
            **{f"{key}Logs": resource(LOG_GROUP)},
        )
        for key in ("Old", "New")
    )

    assert plan_of(old, new).pairs["OldLogs"] == "NewLogs"


def test_a_network_load_balancer_is_no_application_load_balancer() -> None:
    """CloudFormation would replace it for its type."""
    old = stored(A=resource(BALANCER, Type="network"))

    assert pairs_of(old, stored(B=resource(BALANCER, Type="application"))) == {}
    assert pairs_of(old, stored(B=resource(BALANCER, Type="network"))) == {"A": "B"}


def test_moved_constructs() -> None:
    """With the same IDs below another construct, or with the same properties."""
    old = stored(Jobs=resource(QUEUE, "Jobs/Resource"), Mail=resource(QUEUE, "Mail", DelaySeconds=5))
    new = stored(A=resource(QUEUE, "Shop/Jobs/Resource"), B=resource(QUEUE, "Letters", DelaySeconds="5"))

    assert pairs_of(old, new) == {"Jobs": "A", "Mail": "B"}


def test_nothing_is_paired_without_evidence() -> None:
    """A bucket with data does not become the only new bucket."""
    old = stored(Data=resource(BUCKET, "Data/Resource"))

    assert pairs_of(old, stored(Logs=resource(BUCKET, "Endpoint/AccessLogs/Resource", Tags=[]))) == {}
    assert plan_of(old, stored(Logs=resource(BUCKET, "Logs"))).candidates == {}
    assert pairs_of(stored(Data=resource(BUCKET)), stored(Logs=resource(BUCKET))) == {}


def test_two_candidates() -> None:
    """Neither is taken, and both are listed; a pair that a person names decides, and shows what follows."""
    policy = {"Effect": "Allow"}
    old = stored(
        A=resource(CERTIFICATE, "A", DomainName="a.example.com"), Other=resource(QUEUE, "Other"), Q=resource(QUEUE, "Q")
    )
    new = stored(
        B=resource(CERTIFICATE, "B/Resource", DomainName="a.example.com", ValidationMethod="DNS"),
        C=resource(CERTIFICATE, "C/Resource", DomainName="a.example.com", Tags=[policy]),
        Other=resource(QUEUE, "Other"),
    )

    plan = plan_of(old, new)
    assert plan.candidates == {"A": ["Shop/B/Resource", "Shop/C/Resource"]}
    assert plan.renames == []
    for place in ("C", "C/Resource", "Shop/C/Resource", "/Shop/C"):
        assert pairs_of(old, new, A=place) == {"A": "C"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"No": "B"}, "--pair must begin with a logical ID of the deployed template, got: No"),
        ({"A": "No/Such"}, "--pair must end with a construct path or logical ID of the app, got: No/Such"),
        ({"A": "Q"}, "--pair must name two resources of one type, got: A is AWS::S3::Bucket, Q is AWS::SQS::Queue"),
        ({"A": "Resource"}, "--pair must name one resource of the app, got Resource, which is the end of: Shop/B/Res"),
        ({"A": "B", "A2": "B"}, "--pair must name each resource once, got twice: Shop/B/Resource"),
        ({"Q": "P"}, "Shop/P cannot have the logical ID Q, which Shop/Q has; give that construct another ID, or pair"),
    ],
)
def test_wrong_pairs(given: dict[str, str], message: str) -> None:
    """Each is refused, with what was named."""
    old = stored(A=resource(BUCKET, "A"), A2=resource(BUCKET, "A2"), Q=resource(QUEUE, "Q"))
    new = stored(
        B=resource(BUCKET, "B/Resource"),
        C=resource(BUCKET, "C/Resource"),
        Q=resource(QUEUE, "Q"),
        P=resource(QUEUE, "P"),
    )

    with pytest.raises(ValueError, match="^" + message.replace(".", r"\.")):
        plan_of(old, new, **given)


def test_an_id_of_another_type() -> None:
    """CloudFormation refuses the update, and the resource gets no pair that would have the same ID."""
    old, new = stored(A=resource(BUCKET, BucketName="a")), stored(A=resource(QUEUE), B=resource(BUCKET, BucketName="a"))

    plan = plan_of(old, new)
    assert [each.effect.name for each in plan.changes if each.old_id == "A"] == ["REFUSED"]
    assert plan.renames == []


def nested(name: str, queue: str, parent: str = "Data", **more: dict[str, Any]) -> StoredStack:
    """Return a stack with a nested stack that has a queue."""
    stack = resource("AWS::CloudFormation::Stack", f"{parent}/Resource")
    below = TemplateTree({"Resources": {queue: resource(QUEUE, f"{parent}/{queue}", QueueName=name), **more}})
    return StoredStack("Shop", TemplateTree({"Resources": {parent: stack}}, nested={parent: below}), "Shop")


def test_nested_stacks() -> None:
    """A resource stays within its nested stack; in another one CloudFormation cannot keep it by its logical ID."""
    assert pairs_of(nested("a", "A"), nested("a", "B")) == {"Data/A": "Data/B"}
    assert pairs_of(nested("a", "A"), nested("a", "B", "Other")) == {}
    assert pairs_of(nested("a", "A"), nested("b", "A", "Other")) == {"Data": "Other"}
    assert pairs_of(nested("a", "A"), nested("a", "A", "Other")) == {"Data": "Other", "Data/A": "Other/A"}
    assert [each.old_id for each in plan_of(nested("a", "A"), nested("a", "A", "Other")).renames] == ["Data"]
    plain = [nested("a", "A", each, Plain=resource(BUCKET)) for each in ("Data", "Other")]
    assert pairs_of(*plain) == {"Data": "Other", "Data/A": "Other/A", "Data/Plain": "Other/Plain"}
    assert pairs_of(nested("a", "A"), stored(A=resource(QUEUE, "A", QueueName="a"))) == {}
    unknown = StoredStack("Shop", TemplateTree({"Resources": nested("a", "A").tree.template["Resources"]}), "Shop")
    for old, new in ((unknown, nested("a", "A")), (nested("a", "A"), unknown)):
        assert plan_of(old, new).skipped == ["Data"]
        assert [each.effect.name for each in plan_of(old, new).changes] == ["STAYS"]
