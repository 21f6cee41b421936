"""AWS's limits of listeners and security groups, counted in all stacks."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Acknowledgment, App, CfnParameter, Environment, Fn, Stack, Stage, Token, Validations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_ssm as ssm
from aws_cdk.cloudformation_include import CfnInclude

from fargate_constructs import FargateService, HttpEndpoint
from fargate_constructs.endpoint.load_balancer_limits import _same_priorities
from fargate_constructs.synthesized.assembly import app_templates
from tests.endpoint.lab import LISTENER_ARN, Lab
from tests.modes.made_elsewhere import IMAGE, network_in

GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/0123456789abcdef"
PATHS = [elbv2.ListenerCondition.path_patterns(["/x"])]


def rule_in(stack: Stack, name: str, listener: str, priority: int, target_group: str | None = None) -> None:
    """Make a rule as CDK's L1 does."""
    action = elbv2.CfnListenerRule.ActionProperty(type="forward", target_group_arn=target_group)
    elbv2.CfnListenerRule(stack, name, listener_arn=listener, priority=priority, actions=[action], conditions=[])


def errors_of(app: App) -> list[str]:
    """Return the errors of a synthesis, without their places and remedies."""
    with pytest.raises(RuntimeError) as refusal:
        app.synth()
    return [line.removeprefix("ERROR ") for line in str(refusal.value).splitlines() if "fargate-constructs)" in line]


def test_two_rules_with_one_priority_are_refused() -> None:
    """A computed priority, the maintenance page's and those of an imported listener, whatever made the other rule."""
    lab = Lab("Base")
    base, other = lab.stack, Stack(lab.app, "Other")
    endpoint = lab.http()
    web = FargateService(other, "Web", network=lab.network, image=IMAGE)
    endpoint.add_route("Web", service=web)
    web.add_listener_rule("Mine", listener=endpoint.listener, priority=48531, conditions=PATHS)
    endpoint.maintenance()
    endpoint.listener.add_action("Mine", priority=1, conditions=PATHS, action=elbv2.ListenerAction.fixed_response(200))
    for number, stack in enumerate((base, other)):
        rule_in(stack, "Imported", LISTENER_ARN, 7)
        rule_in(stack, "Parameter", Fn.import_value("listener"), 7)  # which may be another one in each environment
        rule_in(stack, "Apart", LISTENER_ARN, 8 + number)

    assert [re.findall(r"\d+ on|[^/ ]+/\S+", error.partition("got: ")[2]) for error in sorted(errors_of(lab.app))] == [
        ["1 on", "Base/Endpoint/LoadBalancer/HttpListener/MineRule/Resource", "Base/Endpoint/Maintenance/Resource"],
        ["48531 on", "Other/Web/Routes/Rules/Web/Resource", "Other/Web/Routes/Rules/Mine/Resource"],
        ["7 on", "Base/Imported", "Other/Imported"],
    ]


def parameter_in(stack: Stack, name: str = "/listener") -> str:
    """Return the value of a parameter of SSM."""
    return ssm.StringParameter.value_for_string_parameter(stack, name)


# How two stacks name one listener, or two, and whether their rules may have the same priority.
NAMED: dict[str, tuple[Callable[[Stack], str], Callable[[Stack], str], bool]] = {
    "one parameter of SSM": (parameter_in, parameter_in, False),
    "a parameter of SSM and a dynamic reference": (parameter_in, lambda _: "{{resolve:ssm:/listener:3}}", False),
    "two parameters of SSM": (parameter_in, lambda stack: parameter_in(stack, "/other"), True),
    "one export": (lambda _: Fn.import_value("a"), lambda _: Fn.sub("${x}", {"x": Fn.import_value("a")}), False),
    "two exports": (lambda _: Fn.import_value("a"), lambda _: Fn.import_value("b"), True),
    "parameters of each stack": (
        lambda stack: CfnParameter(stack, "Listener").value_as_string,
        lambda stack: CfnParameter(stack, "Listener").value_as_string,
        True,
    ),
    "what a condition decides": (
        lambda _: Token.as_string(Fn.condition_if("A", "{{resolve:ssm:/listener}}", "b")),
        lambda _: Token.as_string(Fn.condition_if("A", "{{resolve:ssm:/listener}}", "b")),
        True,
    ),
}


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
def test_a_listener_that_is_named_in_two_stacks(name: str, region: str) -> None:
    """Of another app: its export or parameter is the same in all stacks of an environment, and in no other one."""
    one, other, may_be_equal = NAMED[name]
    app = App()
    stacks = [
        Stack(app, id_, env=Environment(account="111111111111", region=each))
        for id_, each in (("One", "eu-west-1"), ("Other", region))
    ]
    for stack, listener in zip(stacks, (one, other), strict=True):
        rule_in(stack, "Rule", listener(stack), 7)

    violations = list(_same_priorities(app_templates(app)))
    assert (violations == []) == (may_be_equal or region == "us-east-1")


def test_a_listener_that_is_published_to_ssm() -> None:
    """By its name, or by a reference to the parameter. Two stages without an environment have one each."""
    app = App()
    for stage in (Stage(app, "Dev"), Stage(app, "Prod")):
        base, other = Stack(stage, "Base"), Stack(stage, "Other")
        endpoint = HttpEndpoint(base, "Endpoint", network=network_in(base))
        arn = endpoint.listener.listener_arn
        unnamed = ssm.CfnParameter(base, "Unnamed", type="String", value=arn)
        ssm.StringParameter(base, "Named", parameter_name="/listener", string_value=arn)
        ssm.StringListParameter(base, "List", parameter_name="/list", string_list_value=[arn])
        references = (arn, f"{{{{resolve:ssm:{unnamed.ref}}}}}", parameter_in(other), parameter_in(other, "/list"))
        for number, each in enumerate(references):
            rule_in(other, f"Rule{number}", each, 7)

    assert [re.findall(r"\d+ on|\S+/Rule\d", error) for error in sorted(errors_of(app))] == [
        ["7 on", *(f"{stage}/Other/Rule{number}" for number in range(3))] for stage in ("Dev", "Prod")
    ]


def fill(lab: Lab, name: str, folder: Path, *, beyond: int) -> HttpEndpoint:
    """Return an endpoint that is at AWS's default quotas, or beyond them, with resources of another stack."""
    other = Stack(lab.app, f"Of{name}")
    endpoint = lab.http(name, certificate=lab.certificate, internal=True, allow_cidrs=[])
    (group,) = endpoint.load_balancer.connections.security_groups
    sized = ec2.PrefixList(other if beyond else lab.stack, "Sized", max_entries=4)
    values = {
        "Listener": endpoint.listener.listener_arn,
        "Group": group.security_group_id,
        "Sized": sized.prefix_list_id,
    }
    listener, in_group = {"ListenerArn": {"Ref": "Listener"}}, {"GroupId": {"Ref": "Group"}, "IpProtocol": "tcp"}
    actions = [[{"Type": "forward", "TargetGroupArn": {"Ref": f"TargetGroup{each}"}}] for each in range(100 + beyond)]
    rules = [{**listener, "Priority": 2 + each, "Actions": of, "Conditions": []} for each, of in enumerate(actions)]
    certificates = [{**listener, "Certificates": [{"CertificateArn": f"arn:{each}"}]} for each in range(25 + beyond)]
    # CDK made one outbound IPv4 rule, which allows no traffic.
    ipv4 = [{"CidrIp": f"10.{each}.0.0/16"} for each in range(60 + beyond)]
    ipv6 = [{"CidrIpv6": f"2001:db8:{each}::/48"} for each in range(60 + beyond)]
    lists: list[dict[str, Any]] = [{"SourcePrefixListId": each} for each in ("pl-1", {"Ref": "Sized"})]
    made: dict[str, list[dict[str, Any]]] = {
        "ElasticLoadBalancingV2::TargetGroup": [{"TargetType": "ip"}] * (100 + beyond),
        "ElasticLoadBalancingV2::ListenerRule": rules,
        "ElasticLoadBalancingV2::ListenerCertificate": certificates,
        "EC2::SecurityGroupIngress": [{**in_group, **each} for each in (*lists, *ipv4[: 1 + beyond])],
        "EC2::SecurityGroupEgress": [{**in_group, **each} for each in (*ipv4[1:], *ipv6)],
    }
    resources = {
        f"{type_.rpartition('::')[2]}{number}": {"Type": f"AWS::{type_}", "Properties": each}
        for type_, properties in made.items()
        for number, each in enumerate(properties)
    }
    file = folder / f"{name}.json"
    file.write_text(json.dumps({"Parameters": {each: {"Type": "String"} for each in values}, "Resources": resources}))
    CfnInclude(other, "Made", template_file=str(file), parameters=values)  # in one message to Node.js
    return endpoint


def test_what_passes_a_quota_is_refused(tmp_path: Path) -> None:
    """One more of each than AWS allows by default. It can be acknowledged.

    A prefix list counts with its entries, IPv4 and IPv6 separately.
    """
    lab = Lab("Base")
    fill(lab, "Full", tmp_path, beyond=0)
    endpoint = fill(lab, "Beyond", tmp_path, beyond=1)
    load_balancer = "Base/Beyond/LoadBalancer"

    assert [error.partition("must have at most ")[2] for error in errors_of(lab.app)] == [
        f"100 listener rules, got: 101 at {load_balancer}/Resource (fargate-constructs)",
        f"100 target groups, got: 101 at {load_balancer}/Resource (fargate-constructs)",
        f"25 certificates beside its first, got: 26 at {load_balancer}/Resource (fargate-constructs)",
        f"60 ingress rules for IPv4, got: 61 at {load_balancer}/SecurityGroup/Resource (fargate-constructs)",
        f"60 egress rules for IPv4, got: 61 at {load_balancer}/SecurityGroup/Resource (fargate-constructs)",
        f"60 egress rules for IPv6, got: 61 at {load_balancer}/SecurityGroup/Resource (fargate-constructs)",
    ]
    Validations.of(endpoint).acknowledge(Acknowledgment(id="fargate-constructs::quota", reason="ours are twice that"))
    lab.app.synth(force=True)


def test_an_endpoint_without_a_route_is_warned_of() -> None:
    """It answers 404 to each request. A rule in another stack, or another default action, counts as a route."""
    lab = Lab("Base")
    lab.http("Empty")
    by_default = lab.http("ByDefault")
    group = elbv2.ApplicationTargetGroup.from_target_group_attributes(lab.stack, "Group", target_group_arn=GROUP)
    by_default.listener.add_action("Mine", action=elbv2.ListenerAction.forward([group]))
    rule_in(Stack(lab.app, "Other"), "Rule", lab.http("Routed").listener.listener_arn, 7)
    report = Path(lab.app.synth().directory, "validation-report.json").read_text()

    assert re.findall(r'"(\S+) must have a route', report) == ["Base/Empty"]
