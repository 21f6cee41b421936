"""Where the order of an update interrupts requests, deletes data or fails."""

import re
from typing import Any

import pytest

from fargate_constructs.adoption.stack_plan import KEPT_TYPES
from fargate_constructs.synthesized.create_only import known_types
from fargate_constructs.synthesized.stored_templates import StoredStack
from fargate_constructs.synthesized.unique_keys import EFFECTS, KEYS
from tests.adoption.stored import (
    BALANCER,
    BUCKET,
    EIP,
    GROUP,
    LISTENER,
    LOG_GROUP,
    QUEUE,
    RECORD,
    RULE,
    SCALABLE,
    SECURITY_GROUP,
    SERVICE,
    forward,
    plan_of,
    ref,
    resource,
    stored,
)

NOT_FOUND = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
REDIRECT = [{"Type": "redirect", "RedirectConfig": {"Port": "443", "StatusCode": "HTTP_301"}}]


def traps(old: StoredStack, new: StoredStack) -> dict[str, list[str]]:
    """Return the resources in each trap."""
    found: dict[str, list[str]] = {}
    for each in plan_of(old, new).traps:
        found.setdefault(each.rule, []).append(each.logical_id)
    return found


def service(*groups: str, **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - of any type
    """Return a service whose tasks are in some target groups."""
    return resource(SERVICE, LoadBalancers=[{"TargetGroupArn": ref(each)} for each in groups], **properties)


def web(default: list[dict[str, Any]] | None, *rules: str, group: str = "G", **more: dict[str, Any]) -> StoredStack:
    """Return a load balancer with a listener, its rules, and a service."""
    actions: dict[str, Any] = {} if default is None else {"DefaultActions": default}
    listener = resource(LISTENER, LoadBalancerArn=ref("LB"), Port=80, **actions)
    made = {each: resource(RULE, ListenerArn=ref("L"), Priority=1, Actions=forward(group)) for each in rules}
    parts = {"LB": resource(BALANCER), "L": listener, group: resource(GROUP), "S": service(group)}
    return stored(**parts, **made, **more)


def test_a_rule_comes_after_the_default_that_it_replaces() -> None:
    """Between the two, requests get 404; not if the rule was there, or if the default redirects or stays."""
    assert traps(web(forward("G")), web(NOT_FOUND, "R")) == {"defaultBeforeRules": ["L"]}
    assert traps(web(forward("G"), "R"), web(NOT_FOUND, "R")) == {}
    assert traps(web(forward("G")), web(REDIRECT, "R")) == {}
    assert traps(web(forward("G")), web(forward("G"), "R")) == {}
    assert traps(web(NOT_FOUND), web(None, "R")) == {}
    weighted = [{"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": ref("G"), "Weight": 1}]}}]
    assert traps(web(weighted), web(NOT_FOUND, "R")) == {"defaultBeforeRules": ["L"]}


def test_a_service_whose_target_group_has_no_listener() -> None:
    """ECS refuses it, unless a listener of another stack may have it."""
    alone = stored(G=resource(GROUP), S=service("G"))
    exported = stored(
        G=resource(GROUP), S=service("G"), outputs={"G": {"Value": ref("G"), "Export": {"Name": "Shop:Group"}}}
    )

    assert traps(web(forward("G")), alone)["idleTargetGroup"] == ["S"]
    assert traps(stored(), exported) == {}
    assert traps(stored(), stored(S=service("Parameter"))) == {}


def test_a_service_that_shifts_requests() -> None:
    """Its second target group has weight 0, and ECS names the rule and a role: neither is a trap."""

    def shifting(weight: int, *, is_shifting: bool = True) -> StoredStack:
        weights = {"G": 100 - weight, "H": weight}
        groups = [{"TargetGroupArn": ref(key), "Weight": each} for key, each in weights.items()]
        weighted = [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]
        names = {"AlternateTargetGroupArn": "H", "ProductionListenerRule": "R", "RoleArn": "Role"}
        advanced = {"AdvancedConfiguration": {key: ref(each) for key, each in names.items()}} if is_shifting else {}
        return stored(
            R=resource(RULE, ListenerArn="l", Priority=1, Actions=weighted if is_shifting else forward("G")),
            G=resource(GROUP),
            H=resource(GROUP),
            Role=resource("AWS::IAM::Role"),
            S=resource(SERVICE, LoadBalancers=[{"TargetGroupArn": ref("G"), **advanced}]),
        )

    rolling = shifting(0, is_shifting=False)
    assert traps(rolling, shifting(0)) == traps(shifting(0), shifting(0)) == {}
    assert traps(rolling, shifting(10)) == {"emptyTargetGroup": ["R"]}
    assert traps(shifting(0), rolling) == {"movedWeights": ["R"]}
    (trap,) = plan_of(shifting(0), rolling).traps
    assert "S may have all tasks in the other target group" in trap.problem
    shifting_without_rule = shifting(0).tree.template["Resources"]["S"]
    alone = stored(G=resource(GROUP), H=resource(GROUP), S=shifting_without_rule)
    assert traps(alone, alone) == {"idleTargetGroup": ["S", "S"]}


def test_a_listener_leads_to_a_group_that_is_empty() -> None:
    """Its tasks come after it. A group in which the service has tasks already is no trap."""
    assert traps(web(forward("G")), web(forward("H"), group="H", G=resource(GROUP))) == {"emptyTargetGroup": ["L"]}
    both = {"S": service("G", "H"), "H": resource(GROUP)}
    one, other = (resource(RULE, ListenerArn=ref("L"), Actions=forward(each)) for each in "HG")
    before, after = (web(forward(each)).tree.template["Resources"] for each in "GH")
    assert traps(stored(**before | both, R=one), stored(**after | both, R=other)) == {}


def test_a_count_beside_scaling() -> None:
    """A new or changed count resets the number of tasks; one that was there, or none, is no change."""

    def scaled(count: int | None, *, is_scaled: bool = True) -> StoredStack:
        target = {"T": resource(SCALABLE, ResourceId={"Fn::Join": ["/", ["service", ref("S")]]})} if is_scaled else {}
        return stored(S=service(**({} if count is None else {"DesiredCount": count})), **target)

    assert traps(scaled(None), scaled(2)) == {"countResets": ["S"]}
    assert traps(scaled(2), scaled(3)) == {"countResets": ["S"]}
    assert traps(scaled(2), scaled(2)) == traps(scaled(2), scaled(None)) == {}
    assert traps(scaled(None), scaled(2, is_scaled=False)) == {}


def test_an_address_that_is_not_retained() -> None:
    """The deployed template decides: it goes with the resource."""
    old = stored(A=resource(EIP), B={"Type": EIP, "DeletionPolicy": "Retain"})

    assert traps(old, stored()) == {"addressReleased": ["A"]}
    assert traps(old, old) == {}


def test_the_security_group_of_a_load_balancer() -> None:
    """Tasks admit the old one only."""

    def stack(text: str, *, is_used: bool = True) -> StoredStack:
        groups = [{"Fn::GetAtt": ["A", "GroupId"]}] if is_used else []
        return stored(A=resource(SECURITY_GROUP, GroupDescription=text), LB=resource(BALANCER, SecurityGroups=groups))

    assert traps(stack("a"), stack("b")) == {"callersLocked": ["A"]}
    assert traps(stack("a"), stack("a")) == traps(stack("a", is_used=False), stack("b", is_used=False)) == {}


def test_a_target_group_on_two_load_balancers() -> None:
    """It stays while its load balancer is replaced, or another one takes it."""

    def stack(scheme: str, balancer: str = "LB", group: str = "G") -> StoredStack:
        parts = web(NOT_FOUND, "R", group=group).tree.template["Resources"]
        more = {balancer: resource(BALANCER, Scheme=scheme), "L": resource(LISTENER, LoadBalancerArn=ref(balancer))}
        return stored(**parts | more | {"G": resource(GROUP)})

    assert traps(stack("internal"), stack("internet-facing"))["twoLoadBalancers"] == ["G"]
    assert traps(stack("internal"), stack("internal", "Other"))["twoLoadBalancers"] == ["G"]
    assert "twoLoadBalancers" not in traps(stack("internal"), stack("internet-facing", group="H"))
    assert traps(stack("internal"), stack("internal")) == {}


@pytest.mark.parametrize(
    ("type_", "was", "now", "text"),
    [
        (LOG_GROUP, {}, {"RetentionInDays": 30}, "older log lines: RetentionInDays was forever, now 30 days"),
        (LOG_GROUP, {"RetentionInDays": 90}, {"RetentionInDays": "30"}, "RetentionInDays was 90 days, now 30 days"),
        (LOG_GROUP, {"RetentionInDays": 30}, {}, ""),
        (LOG_GROUP, {}, {"RetentionInDays": ref("Days")}, ""),
        (
            QUEUE,
            {},
            {"MessageRetentionPeriod": 60},
            "older messages: MessageRetentionPeriod was 345600 seconds, now 60",
        ),
        (QUEUE, {}, {"MessageRetentionPeriod": 345_600}, ""),
        (
            "AWS::RDS::DBInstance",
            {"BackupRetentionPeriod": 7},
            {},
            "automated backups: BackupRetentionPeriod was 7 days",
        ),
        (
            BUCKET,
            {},
            [{"Id": "Old", "Status": "Enabled", "ExpirationInDays": 9}],
            "objects: rules of its Life.* different: Old",
        ),
        (
            BUCKET,
            [{"Status": "Enabled", "ExpirationInDays": 9}],
            [{"Status": "Enabled", "ExpirationInDays": 8}],
            "one without",
        ),
        (BUCKET, [{"Status": "Enabled", "ExpirationInDays": 9}], [{"Status": "Enabled", "ExpirationInDays": 9}], ""),
        (BUCKET, {}, [{"Status": "Disabled", "ExpirationInDays": 9}], ""),
        (BUCKET, {}, [{"Status": "Enabled", "Transitions": []}], ""),
        (
            "AWS::ECR::Repository",
            {},
            {"LifecyclePolicy": {"LifecyclePolicyText": "{}"}},
            "images: another LifecyclePolicy",
        ),
        ("AWS::ECR::Repository", {"LifecyclePolicy": {"LifecyclePolicyText": "{}"}}, {}, ""),
    ],
)
def test_data_that_is_deleted(type_: str, was: Any, now: Any, text: str) -> None:  # noqa: ANN401 - of any type
    """A shorter retention deletes what is older; a longer one, or one that is not known, is no finding."""
    old, new = (
        stored(It=resource(type_, **({"LifecycleConfiguration": {"Rules": each}} if isinstance(each, list) else each)))
        for each in (was, now)
    )
    found = [each.problem for each in plan_of(old, new).traps if each.rule == "dataDeleted"]

    assert [each.startswith("AWS deletes ") for each in found] == ([True] if text else [])
    if text:
        assert re.search(text, found[0])
    assert traps(stored(), new) == {}


SECONDS: list[tuple[str, dict[str, Any]]] = [
    (RECORD, {"Name": "a.example.com", "Type": "A", "HostedZoneId": "Z1"}),
    (RULE, {"ListenerArn": ref("L"), "Priority": 5}),
    (LISTENER, {"LoadBalancerArn": ref("LB"), "Port": 443}),
    (SCALABLE, {"ResourceId": ref("S"), "ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}),
    ("AWS::Logs::SubscriptionFilter", {"LogGroupName": ref("Lines"), "DestinationArn": "arn", "FilterPattern": ""}),
    (
        "AWS::EC2::SecurityGroupIngress",
        {"GroupId": "sg-1", "IpProtocol": "tcp", "FromPort": 80, "CidrIp": "10.0.0.0/8"},
    ),
    ("AWS::SNS::Subscription", {"TopicArn": "arn", "Protocol": "sqs", "Endpoint": "arn"}),
    ("AWS::IAM::Role", {"RoleName": "web"}),
    ("AWS::IAM::ManagedPolicy", {"ManagedPolicyName": "deploy"}),
    ("AWS::GuardDuty::Member", {"DetectorId": "x", "MemberId": "1"}),
    ("AWS::EKS::Nodegroup", {"NodegroupName": "a", "ClusterName": "b"}),
    (SERVICE, {"ServiceName": "web", "Cluster": ref("C")}),
]


@pytest.mark.parametrize(("type_", "properties"), SECONDS, ids=[each for each, _ in SECONDS])
def test_what_aws_has_once(type_: str, properties: dict[str, Any]) -> None:
    """Under a new logical ID it meets the old one; with another identity it does not."""
    old = stored(Old=resource(type_, "A", **properties), Same=resource(type_, "B"))
    other = {
        key: f"{each}x" if isinstance(each, str) else 81 if isinstance(each, int) else each
        for key, each in properties.items()
    }
    new = resource(type_, "C", **properties)
    # What only has another logical ID gets the old one; an old ID that is taken cannot be kept.
    taken = stored(Old=resource("AWS::CDK::Other"), New=new, Same=resource(type_, "B"))

    assert traps(old, stored(New=new, Same=resource(type_, "B"))) == {}
    assert traps(old, taken) == {"secondCreation": ["New"]}
    assert traps(old, stored(New=resource(type_, "C", **other), Same=resource(type_, "B"))) == {}


def test_identities_that_change_place() -> None:
    """A listener on the port of another one, and rules that swap priorities: CloudFormation updates in any order."""

    def stack(**ports: int) -> StoredStack:
        return stored(**{key: resource(LISTENER, LoadBalancerArn="arn", Port=port) for key, port in ports.items()})

    assert traps(stack(A=22, B=80, C=443), stack(A=80, B=443)) == {"secondCreation": ["A", "B"]}
    assert traps(stack(A=22, B=80), stack(A=8022, B=80)) == {}


def test_a_replaced_resource_with_a_name() -> None:
    """It meets itself. What belongs to a replaced resource does not: it is created with the new one."""

    def stack(scheme: str, name: str | None) -> StoredStack:
        balancer = resource(BALANCER, Scheme=scheme, **({"Name": name} if name else {}))
        return stored(LB=balancer, L=resource(LISTENER, LoadBalancerArn=ref("LB"), Port=80))

    assert traps(stack("internal", "web"), stack("internet-facing", "web")) == {"secondCreation": ["LB"]}
    assert traps(stack("internal", None), stack("internet-facing", None)) == {}
    (trap,) = plan_of(stack("internal", "web"), stack("internet-facing", "web")).traps
    assert trap.problem.startswith("it is the same to AWS as itself, if it is replaced: AWS has it once")
    assert trap.remedy == "keep what it is replaced for, or give it another name"
    named: dict[str, str] = {"ServiceName": "web"}
    for properties, found in ((named, {"secondCreation": ["S"]}), ({}, {})):
        old = stored(S=service(**properties), T=resource(SCALABLE, ResourceId=ref("S"), ServiceNamespace="ecs"))
        controlled = service(DeploymentController={"Type": "ECS"}, **properties)
        assert (
            traps(old, stored(S=controlled, T=resource(SCALABLE, ResourceId=ref("S"), ServiceNamespace="ecs"))) == found
        )


def test_each_identity_is_one_of_aws() -> None:
    """The types and properties exist, and each other effect is of such a type."""
    types = {*known_types()}

    assert {*KEYS} <= types
    assert {*EFFECTS} <= {*KEYS}
    assert not {each for each in KEPT_TYPES if each not in types and not each.startswith(("AWS::QLDB", "AWS::SDB"))} - {
        "AWS::Timestream::Database"
    }


def test_exports() -> None:
    """One that is gone, has another value, or refers to what is replaced; names may be put together."""

    def stack(name: str, value: object, queue: str = "a") -> StoredStack:
        export = {"Value": value, "Export": {"Name": {"Fn::Join": [":", ["Shop", name]]}}}
        outputs = {"A": export, "Plain": {"Value": name}, "Odd": {"Value": 1, "Export": None}}
        return stored(Q=resource(QUEUE, QueueName=queue), outputs=outputs)

    def problems(new: StoredStack) -> list[str]:
        return [each.problem for each in plan_of(stack("Q", ref("Q")), new).traps if each.rule == "exportLost"]

    refused = ": CloudFormation refuses it while another stack imports it"
    assert problems(stack("Q", ref("Q"))) == []
    assert problems(stack("Queue", ref("Q"))) == [f"the export Shop:Q is gone{refused}"]
    assert problems(stack("Q", "b")) == [f"the export Shop:Q has another value{refused}"]
    assert problems(stack("Q", ref("Q"), "b")) == [f"the export Shop:Q changes with Q{refused}"]
