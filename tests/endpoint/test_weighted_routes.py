"""One route of several services, by weight."""

import re
from typing import Any, NamedTuple

import pytest
from aws_cdk import CfnParameter, Duration
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Match

from fargate_constructs import Deployment, FargateService, HttpEndpoint
from fargate_constructs.testing import assert_no_empty_target_group
from tests.endpoint.lab import Lab

RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"


class Shared(NamedTuple):
    """Two services that share routes, and the routes' rules."""

    lab: Lab
    web: elbv2.ApplicationListenerRule
    sticky: elbv2.ApplicationListenerRule
    by_hand: elbv2.ApplicationListenerRule

    def groups_of(self, rule: elbv2.ApplicationListenerRule) -> list[tuple[str, Any]]:
        """Return the target groups of a rule and their weights."""
        (action,) = self.lab.of(rule)["Actions"]
        return [(each["TargetGroupArn"]["Ref"], each["Weight"]) for each in action["ForwardConfig"]["TargetGroups"]]


@pytest.fixture(scope="module")
def shared() -> Shared:
    """One synthesis for all routes."""
    lab = Lab()
    endpoint, blue, green = lab.http(), lab.service("Blue"), lab.service("Green")
    percent = CfnParameter(lab.stack, "Percent", type="Number", default=0).value_as_number
    hour = Duration.hours(1)
    return Shared(
        lab,
        endpoint.add_route("Web", service={blue: 90, green: 10}),
        endpoint.add_route(
            "Sticky", service={blue: 1, green: 0}, paths=["/a"], stickiness_duration=hour, rewrite_path="/x"
        ),
        endpoint.add_route("ByHand", service={blue: 100, green: percent}, paths=["/b"]),
    )


def test_two_services_share_the_requests(shared: Shared) -> None:
    """Both wait for the rule, scale on their own requests, and roll back on their own alarms."""
    lab = shared.lab
    (blue, most), (green, few) = shared.groups_of(shared.web)
    assert (most, few) == (90, 10)
    assert blue.startswith("BlueRoutes")
    assert green.startswith("GreenRoutes")
    rule_id = lab.stack.get_logical_id(shared.web.node.default_child)  # type: ignore[arg-type]  # the L1
    services = lab.template.find_resources("AWS::ECS::Service", {"DependsOn": Match.array_with([rule_id])})
    attached = [each["Properties"]["LoadBalancers"][0]["TargetGroupArn"]["Ref"] for each in services.values()]
    assert sorted(attached) == [blue, green]
    policies = str(lab.all("AWS::ApplicationAutoScaling::ScalingPolicy"))
    alarms = str(lab.all("AWS::CloudWatch::Alarm"))
    for group in (blue, green):
        assert group in policies
        assert group in alarms


def test_a_caller_may_stay_with_one_service(shared: Shared) -> None:
    """For a time, which the load balancer keeps in a cookie."""
    found = shared.lab.of(shared.sticky)

    (action,) = found["Actions"]
    assert action["ForwardConfig"]["TargetGroupStickinessConfig"] == {"DurationSeconds": 3600, "Enabled": True}
    assert [each["Type"] for each in found["Transforms"]] == ["url-rewrite"]


def test_a_weight_may_be_a_parameter(shared: Shared) -> None:
    """A canary by hand needs no synthesis."""
    assert [weight for _, weight in shared.groups_of(shared.by_hand)] == [100, {"Ref": "Percent"}]


def test_a_change_of_weights_changes_only_the_rule() -> None:
    """Also the step from one service to two. A service without weight keeps its tasks."""

    def weighted(blue: int, green: int) -> Lab:
        lab = Lab()
        lab.http().add_route("Web", service={lab.service("Blue"): blue, lab.service("Green"): green})
        return lab

    labs = weighted(100, 0), weighted(0, 100)
    before, after = (lab.template.to_json()["Resources"] for lab in labs)
    assert [each["Type"] for name, each in before.items() if each != after[name]] == [RULE]
    assert_no_empty_target_group(labs[0].stack, labs[1].stack)


def test_services_of_two_stacks() -> None:
    """The second one has a route of its own first. Its stack does not depend on the first one's."""
    base = Lab("Base")
    ours, theirs = (Lab(name, base.app) for name in ("Blue", "Green"))
    endpoint, blue, green = base.http(), ours.service(), theirs.service()
    message = "another stack than the first one of route 'Web' needs a route of its own be"
    with pytest.raises(ValueError, match=message):
        endpoint.add_route("Web", service={blue: 50, green: 50})

    endpoint.add_route("Next", service=green, headers={"x-version": ["next"]})
    endpoint.add_route("Web", service={blue: 50, green: 50})
    (rule,) = ours.all(RULE)
    assert {each.stack_name for each in ours.stack.dependencies} == {"Base", "Green"}
    assert {each.stack_name for each in theirs.stack.dependencies} == {"Base"}
    first, second = rule["Actions"][0]["ForwardConfig"]["TargetGroups"]
    assert first["TargetGroupArn"]["Ref"].startswith("WebRoutes")
    assert "Green:" in second["TargetGroupArn"]["Fn::ImportValue"]


class Refusing(NamedTuple):
    """Services and an endpoint for refusals, never synthesized."""

    endpoint: HttpEndpoint
    services: dict[str, FargateService]


@pytest.fixture(scope="module")
def refusing() -> Refusing:
    """One for all refusals."""
    lab = Lab()
    services = {name: lab.service(name) for name in ("Blue", "Green", "Red")}
    services["Worker"] = lab.service("Worker", port=None)
    services["Canary"] = lab.service("Canary", deployment=Deployment.canary())
    services["Both"] = lab.service("Both", deployment=Deployment.rolling(both_target_groups=True))
    return Refusing(lab.http(), services)


@pytest.mark.parametrize(
    ("weights", "arguments", "message"),
    [
        ({}, {}, "service must be a service, or several with their weights, got: {}"),
        ({"Blue": 1}, {}, "weights must be of 2 to 5 services, got: 1"),
        (
            dict.fromkeys(("Blue", "Green", "Red", "Worker", "Canary", "Both"), 1),
            {},
            "weights must be of 2 to 5 services, got: 6",
        ),
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
def test_weights_that_are_refused(
    refusing: Refusing, weights: dict[str, int], arguments: dict[str, Any], message: str
) -> None:
    """Before anything is made: each case takes the same ID."""
    with pytest.raises(ValueError, match=re.escape(message)):
        refusing.endpoint.add_route(
            "Web", service={refusing.services[name]: each for name, each in weights.items()}, **arguments
        )


def test_weights_of_others_only_are_refused(refusing: Refusing) -> None:
    """A rule is one of its service. Without weights no caller can stay with a service."""
    blue, *others = refusing.services.values()
    given: dict[str, Any] = {"listener": refusing.endpoint.listener, "priority": 7, "conditions": []}
    with pytest.raises(ValueError, match="weights must have one of the rule's service, Test/Blue, got those of others"):
        blue.add_listener_rule("Web", weights=dict.fromkeys(others[:2], 1), **given)
    with pytest.raises(ValueError, match="stickiness_duration needs several services with weights; leave it out"):
        refusing.endpoint.add_route("Web", service=blue, stickiness_duration=Duration.hours(1))


def test_weights_of_another_type_are_refused(refusing: Refusing) -> None:
    """The message says what a route takes."""
    blue, green, *_ = refusing.services.values()
    message = "service must be FargateService or a dict of FargateService to int, got: "
    for given in ({blue: "90", green: 10}, [blue, green]):
        with pytest.raises(TypeError, match=message):
            refusing.endpoint.add_route("Web", service=given)  # type: ignore[arg-type]  # what a team may write
