"""One route of several services, by weight."""

import re
from typing import Any, NamedTuple

import pytest
from aws_cdk import App, CfnParameter, Duration, Stack
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Match, Template

from fargate_constructs import Deployment, FargateService, HttpEndpoint
from fargate_constructs.testing import assert_no_empty_target_group
from tests.modes.made_elsewhere import IMAGE, network_in
from tests.templates import properties, properties_of

RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
SERVICE = "AWS::ECS::Service"


def app_with(weights: tuple[int, int], **arguments: Any) -> tuple[Stack, elbv2.ApplicationListenerRule]:  # noqa: ANN401  # of a route
    """Return a stack with two services that share a route, and the route's rule."""
    stack = Stack(App(), "Test")
    network = network_in(stack)
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)
    blue, green = (FargateService(stack, name, network=network, image=IMAGE) for name in ("Blue", "Green"))
    rule = endpoint.add_route("Web", service=dict(zip((blue, green), weights, strict=True)), **arguments)
    return stack, rule


def groups_of(rule: dict[str, Any]) -> list[tuple[str, int]]:
    """Return the target groups of a rule and their weights."""
    (action,) = rule["Actions"]
    return [(each["TargetGroupArn"]["Ref"], each["Weight"]) for each in action["ForwardConfig"]["TargetGroups"]]


def test_two_services_share_the_requests() -> None:
    """Both wait for the rule, scale on their own requests, and roll back on their own alarms."""
    stack, rule = app_with((90, 10))
    template = Template.from_stack(stack)

    (blue, most), (green, few) = groups_of(properties_of(template, rule))
    assert (most, few) == (90, 10)
    assert blue.startswith("BlueRoutes")
    assert green.startswith("GreenRoutes")
    rule_id = stack.get_logical_id(rule.node.default_child)  # type: ignore[arg-type]  # the L1
    services = template.find_resources(SERVICE, {"DependsOn": Match.array_with([rule_id])})
    attached = [each["Properties"]["LoadBalancers"][0]["TargetGroupArn"]["Ref"] for each in services.values()]
    assert sorted(attached) == [blue, green]
    policies = str(properties(template, "AWS::ApplicationAutoScaling::ScalingPolicy"))
    alarms = str(properties(template, "AWS::CloudWatch::Alarm"))
    for group in (blue, green):
        assert group in policies
        assert group in alarms


def test_a_caller_may_stay_with_one_service() -> None:
    """For a time, which the load balancer keeps in a cookie."""
    stack, rule = app_with((1, 0), stickiness_duration=Duration.hours(1), rewrite_path="/x")
    found = properties_of(Template.from_stack(stack), rule)

    (action,) = found["Actions"]
    assert action["ForwardConfig"]["TargetGroupStickinessConfig"] == {"DurationSeconds": 3600, "Enabled": True}
    assert [each["Type"] for each in found["Transforms"]] == ["url-rewrite"]


def test_a_change_of_weights_changes_only_the_rule() -> None:
    """Also the step from one service to two. A service without weight keeps its tasks."""
    before, after = (Template.from_stack(app_with(weights)[0]).to_json() for weights in ((100, 0), (0, 100)))
    changed = [name for name, each in before["Resources"].items() if each != after["Resources"][name]]

    assert [before["Resources"][name]["Type"] for name in changed] == [RULE]
    assert_no_empty_target_group(app_with((100, 0))[0], app_with((0, 100))[0])


def test_a_weight_may_be_a_parameter() -> None:
    """A canary by hand needs no synthesis."""
    stack = Stack(App(), "Test")
    network = network_in(stack)
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)
    percent = CfnParameter(stack, "Percent", type="Number", default=0)
    blue, green = (FargateService(stack, name, network=network, image=IMAGE) for name in ("Blue", "Green"))
    rule = endpoint.add_route("Web", service={blue: 100, green: percent.value_as_number})

    assert [weight for _, weight in groups_of(properties_of(Template.from_stack(stack), rule))] == [
        100,
        {"Ref": "Percent"},
    ]


def test_services_of_two_stacks() -> None:
    """The second one has a route of its own first. Its stack does not depend on the first one's."""
    app = App()
    base, blue_stack, green_stack = (Stack(app, name) for name in ("Base", "Blue", "Green"))
    network = network_in(base)
    endpoint = HttpEndpoint(base, "Endpoint", network=network)
    blue = FargateService(blue_stack, "Web", network=network, image=IMAGE)
    green = FargateService(green_stack, "Web", network=network, image=IMAGE)
    with pytest.raises(
        ValueError, match=r"another stack than the first one of route 'Web' needs a route of its own be"
    ):
        endpoint.add_route("Web", service={blue: 50, green: 50})

    endpoint.add_route("Next", service=green, headers={"x-version": ["next"]})
    endpoint.add_route("Web", service={blue: 50, green: 50})
    app.synth()
    assert {each.stack_name for each in blue_stack.dependencies} == {"Base", "Green"}
    assert {each.stack_name for each in green_stack.dependencies} == {"Base"}
    template = Template.from_stack(blue_stack)
    (rule,) = properties(template, RULE)
    ours, theirs = rule["Actions"][0]["ForwardConfig"]["TargetGroups"]
    assert ours["TargetGroupArn"]["Ref"].startswith("WebRoutes")
    assert "Green:" in theirs["TargetGroupArn"]["Fn::ImportValue"]


class Lab(NamedTuple):
    """Services and endpoints for refusals, never synthesized."""

    endpoint: HttpEndpoint
    services: dict[str, FargateService]


@pytest.fixture(scope="module")
def lab() -> Lab:
    """One for all refusals."""
    stack = Stack(App(), "Test")
    network = network_in(stack)
    deployments = {"Canary": Deployment.canary(), "Both": Deployment.rolling(both_target_groups=True)}
    ports = {"Worker": None}
    names = ("Blue", "Green", "Canary", "Both", "Worker", "A", "B", "C", "D")
    services = {
        name: FargateService(
            stack, name, network=network, image=IMAGE, deployment=deployments.get(name), port=ports.get(name, 80)
        )
        for name in names
    }
    return Lab(HttpEndpoint(stack, "Endpoint", network=network), services)


@pytest.mark.parametrize(
    ("weights", "arguments", "message"),
    [
        ({}, {}, "service must be a service, or several with their weights, got: {}"),
        ({"Blue": 1}, {}, "weights must be of 2 to 5 services, got: 1"),
        (dict.fromkeys(("Blue", "Green", *"ABCD"), 1), {}, "weights must be of 2 to 5 services, got: 6"),
        ({"Blue": 1000, "Green": 1}, {}, "the weight of Test/Blue must be 0 to 999, got: 1000"),
        ({"Blue": 1, "Green": -1}, {}, "the weight of Test/Green must be 0 to 999, got: -1"),
        ({"Blue": 0, "Green": 0}, {}, "weights must not be 0 for every service: callers would get 503; give one of"),
        ({"Blue": 1, "Green": 1}, {"stickiness_duration": Duration.days(8)}, "stickiness_duration must be 1 to"),
        ({"Blue": 1, "Canary": 1}, {}, "so it cannot share route 'Web', got: Test/Canary, deployed CANARY; deploy"),
        ({"Both": 1, "Blue": 1}, {}, "so it cannot share route 'Web', got: Test/Both, deployed ROLLING"),
        ({"Blue": 1, "Worker": 1}, {}, "a route needs a service with a port, got the worker 'worker'"),
        ({"Blue": 1, "Green": 1}, {"port": "admin"}, "port must be a name that 'blue' gave (none), got: 'admin'"),
    ],
)
def test_weights_that_are_refused(lab: Lab, weights: dict[str, int], arguments: dict[str, Any], message: str) -> None:
    """Before anything is made: each case takes the same ID."""
    with pytest.raises(ValueError, match=re.escape(message)):
        lab.endpoint.add_route("Web", service={lab.services[name]: each for name, each in weights.items()}, **arguments)


def test_weights_of_others_only_are_refused(lab: Lab) -> None:
    """A rule is one of its service. Without weights no caller can stay with a service."""
    blue, *others = lab.services.values()
    given: dict[str, Any] = {"listener": lab.endpoint.listener, "priority": 7, "conditions": []}
    with pytest.raises(ValueError, match="weights must have one of the rule's service, Test/Blue, got those of others"):
        blue.add_listener_rule("Web", weights=dict.fromkeys(others[:2], 1), **given)
    with pytest.raises(ValueError, match="stickiness_duration needs several services with weights; leave it out"):
        lab.endpoint.add_route("Web", service=blue, stickiness_duration=Duration.hours(1))


def test_weights_of_another_type_are_refused(lab: Lab) -> None:
    """The message says what a route takes."""
    blue, green, *_ = lab.services.values()
    message = "service must be FargateService or a dict of FargateService to int, got: "
    for given in ({blue: "90", green: 10}, [blue, green]):
        with pytest.raises(TypeError, match=message):
            lab.endpoint.add_route("Web", service=given)  # type: ignore[arg-type]  # what a team may write
