"""No change of a deployment strategy or a route sends a request to a target group without tasks."""

import re
from collections.abc import Mapping
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Template

from fargate_constructs import Deployment, FargateService
from fargate_constructs.testing import assert_no_empty_target_group
from tests.modes.made_elsewhere import IMAGE, network_in
from tests.service.targets.weights import Account

WEB, NEW = "/*", "/web/*"
# Each strategy, and a changed route.
MODES = {
    "rolling": (Deployment.rolling(), WEB),
    "both": (Deployment.rolling(both_target_groups=True), WEB),
    "blue_green": (Deployment.blue_green(), WEB),
    "test_header": (Deployment.blue_green(test_header=("x-version", "next")), WEB),
    "canary": (Deployment.canary(), WEB),
    "linear": (Deployment.linear(), WEB),
    "rolling, new route": (Deployment.rolling(), NEW),
    "both, new route": (Deployment.rolling(both_target_groups=True), NEW),
    "blue_green, new route": (Deployment.blue_green(), NEW),
}
HALF = 0.5
SHIFTING = ("blue_green", "test_header", "canary", "linear")
LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/{}/0123456789abcdef/0123456789abcdef"


@pytest.fixture(scope="module")
def stacks() -> Mapping[str, Stack]:
    """A stack for each mode, in one app: a service behind two load balancers that were made elsewhere."""
    app = App()
    elsewhere = Stack(app, "Elsewhere")
    network = network_in(elsewhere)
    cluster = ecs.Cluster.from_cluster_attributes(elsewhere, "Cluster", cluster_name="shop", vpc=network.vpc)
    group = ec2.SecurityGroup.from_security_group_id(elsewhere, "Group", "sg-0123456789abcdef0")
    listeners = {
        id_: elbv2.ApplicationListener.from_application_listener_attributes(
            elsewhere, f"{id_}Listener", listener_arn=LISTENER.format(id_), security_group=group
        )
        for id_ in ("Web", "Internal")
    }
    found = {}
    for name, (deployment, path) in MODES.items():
        found[name] = stack = Stack(app, re.sub(r"\W+", "-", name.replace("_", "-")))
        service = FargateService(stack, "Web", network=network, cluster=cluster, image=IMAGE, deployment=deployment)
        for id_, route in {"Web": path, "Internal": WEB}.items():
            conditions = [elbv2.ListenerCondition.path_patterns([route])]
            service.add_listener_rule(id_, listener=listeners[id_], priority=10, conditions=conditions)
    return found


@pytest.fixture(scope="module")
def templates(stacks: Mapping[str, Stack]) -> Mapping[str, dict[str, Any]]:
    """The templates of the modes."""
    return {name: dict(Template.from_stack(stack).to_json()) for name, stack in stacks.items()}


@pytest.fixture(scope="module")
def accepted(templates: Mapping[str, dict[str, Any]]) -> set[tuple[str, str]]:
    """The updates from one mode to another that the assertion lets pass."""

    def passes(old: str, new: str) -> bool:
        try:
            assert_no_empty_target_group(templates[old], templates[new])
        except AssertionError:
            return False
        return True

    return {(old, new) for old in MODES for new in MODES if passes(old, new)}


def lost(templates: Mapping[str, dict[str, Any]], *names: str, images: int, prefers_alternate: bool) -> list[str]:
    """Return the rules that lose requests while modes are deployed one after the other, and new images before each."""
    account = Account(prefers_alternate=prefers_alternate)
    for name in names:
        account.deploy(templates[name])
        for _ in range(images):
            account.deploy(templates[name], new_image=True)
    return account.lost


@pytest.mark.parametrize("old", MODES)
def test_an_update_loses_requests_only_if_the_assertion_refuses_it(
    templates: Mapping[str, dict[str, Any]], accepted: set[tuple[str, str]], old: str
) -> None:
    """From each mode to each: what passes never loses any, what is refused does after some number of deployments."""
    for new in MODES:
        loses = [
            lost(templates, old, new, images=images, prefers_alternate=prefers)
            for images in range(3)
            for prefers in (False, True)
        ]
        assert any(loses) is ((old, new) not in accepted), f"{old} to {new}"


def test_no_sequence_of_accepted_updates_loses_a_request(
    templates: Mapping[str, dict[str, Any]], accepted: set[tuple[str, str]]
) -> None:
    """Whatever is deployed in between, with new images and failures that are rolled back."""
    choose = Random(0)  # noqa: S311 - the same sequences each time
    for _ in range(300):
        account, deployed = Account(prefers_alternate=choose.random() < HALF), "rolling"
        account.deploy(templates[deployed])
        for _ in range(12):
            mode = choose.choice([new for old, new in sorted(accepted) if old == deployed])
            new_image, fails = choose.random() < HALF, mode == deployed and choose.random() < HALF
            account.deploy(templates[mode], new_image=new_image, fails=fails)
            deployed = mode
        assert account.lost == []


@pytest.mark.parametrize("strategy", SHIFTING)
@pytest.mark.parametrize("images", range(3))
def test_the_ways_of_the_guide_lose_nothing(
    templates: Mapping[str, dict[str, Any]], accepted: set[tuple[str, str]], strategy: str, images: int
) -> None:
    """There, back, and back to it with another route, as docs/upgrading.md says."""
    way = ("rolling", strategy, "both", "rolling, new route", "blue_green, new route")
    assert {*pairwise(way)} <= accepted
    for prefers_alternate in (False, True):
        assert lost(templates, *way, images=images, prefers_alternate=prefers_alternate) == []


def test_the_message_names_the_rule_and_what_to_deploy_first(stacks: Mapping[str, Stack]) -> None:
    """A way back in one deployment is refused; of a service that goes, nothing is left to lose."""
    with pytest.raises(
        AssertionError, match=r"- rolling/Web/.*/Internal/Resource, of rolling/Web/Service/Service\nfirst"
    ):
        assert_no_empty_target_group(stacks["canary"], stacks["rolling"])
    assert_no_empty_target_group(stacks["canary"], {"Resources": {}})
    assert_no_empty_target_group({"Resources": {}}, stacks["canary"])


def moved(balancers: object, port: int, type_: str = "Listener", key: str = "DefaultActions") -> dict[str, Any]:
    """Return a template of a service, and of what sends it requests from a port."""
    prefix = "AWS::ElasticLoadBalancingV2::"
    action = {"Type": "forward", "TargetGroupArn": {"Ref": "Blue"}}
    return {
        "Resources": {
            "Service": {"Type": "AWS::ECS::Service", "Properties": {"LoadBalancers": balancers}},
            "Way": {"Type": f"{prefix}{type_}", "Properties": {"Port": port, key: [action]}},
        }
    }


ALTERNATE = {"AlternateTargetGroupArn": {"Ref": "Green"}}
BALANCER = {"TargetGroupArn": {"Ref": "Blue"}, "AdvancedConfiguration": ALTERNATE}
NOTHING = {"Ref": "AWS::NoValue"}


@pytest.mark.parametrize(
    "balancers",
    [
        [BALANCER],
        {"Fn::If": ["Is", [BALANCER], NOTHING]},
        [{"Fn::If": ["Is", BALANCER, NOTHING]}],
        [BALANCER | {"AdvancedConfiguration": {"Fn::If": ["Is", ALTERNATE, NOTHING]}}],
    ],
    ids=["always", "all", "one", "alternate"],
)
def test_what_hangs_on_a_condition_may_move(balancers: object) -> None:
    """It is told, of a rule, and of a listener without one, as a Network Load Balancer's is."""
    for way in ({}, {"type_": "ListenerRule", "key": "Actions"}):
        with pytest.raises(AssertionError, match="\n- Way, of Service\n"):
            assert_no_empty_target_group(moved(balancers, 80, **way), moved(balancers, 81, **way))
        assert_no_empty_target_group(moved(balancers, 80, **way), moved(balancers, 80, **way))
    assert_no_empty_target_group(moved(balancers, 80), moved([], 81))
    single = [{"TargetGroupArn": {"Ref": "Blue"}}]
    assert_no_empty_target_group(moved(single, 80), moved(single, 81))


def test_synthesis_warns_where_weights_move(stacks: Mapping[str, Stack]) -> None:
    """Of a strategy that moves them; in between, and in rolling deployments, there is nothing to watch."""
    app = stacks["rolling"].node.root
    assert isinstance(app, App)
    warnings = {
        each.display_name: [str(message.entry.data) for message in each.messages] for each in app.synth().stacks
    }
    for name, stack in stacks.items():
        found = [each for each in warnings[stack.node.id] if "Deployment.rolling(both_target_groups=True), or" in each]
        assert len(found) == 2 * (MODES[name][0].strategy.name != "ROLLING"), name


def test_tasks_are_in_both_target_groups(templates: Mapping[str, dict[str, Any]]) -> None:
    """The rule is as it was, the alarms read both groups, and ECS moves nothing."""
    both, before = (Template.from_json(templates[name]) for name in ("both", "blue_green"))

    (service,) = both.find_resources("AWS::ECS::Service").values()
    groups = list(both.find_resources("AWS::ElasticLoadBalancingV2::TargetGroup"))
    balancers = service["Properties"]["LoadBalancers"]
    assert [each["TargetGroupArn"]["Ref"] for each in balancers] == groups
    assert all("AdvancedConfiguration" not in each for each in balancers)
    rules = "AWS::ElasticLoadBalancingV2::ListenerRule"
    assert both.find_resources(rules) == before.find_resources(rules)
    metrics = [
        [each["Properties"]["Metrics"] for each in template.find_resources("AWS::CloudWatch::Alarm").values()]
        for template in (both, before)
    ]
    assert metrics[0] == metrics[1]
