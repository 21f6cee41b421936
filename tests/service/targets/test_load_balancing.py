"""How the load balancer shares the requests of a service among its tasks."""

import re
from functools import partial
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk.assertions import Template

from fargate_constructs import Deployment, FargateService, HttpEndpoint, LoadBalancing
from tests.modes.made_elsewhere import IMAGE, network_in
from tests.templates import properties_of

HOUR = Duration.hours(1)
OFF = {"stickiness.enabled": "false"}
COOKIE = {
    "stickiness.enabled": "true",
    "stickiness.type": "lb_cookie",
    "stickiness.lb_cookie.duration_seconds": "3600",
}
WAYS: dict[str, tuple[LoadBalancing | None, dict[str, str]]] = {
    "none": (None, OFF),
    "round robin": (LoadBalancing.round_robin(), {"load_balancing.algorithm.type": "round_robin", **OFF}),
    "slow start": (
        LoadBalancing.round_robin(slow_start=Duration.seconds(90), stickiness_cookie_duration=HOUR),
        {"load_balancing.algorithm.type": "round_robin", "slow_start.duration_seconds": "90", **COOKIE},
    ),
    "least": (
        LoadBalancing.least_outstanding_requests(stickiness_cookie_name="session"),
        {
            "load_balancing.algorithm.type": "least_outstanding_requests",
            "stickiness.enabled": "true",
            "stickiness.type": "app_cookie",
            "stickiness.app_cookie.cookie_name": "session",
            "stickiness.app_cookie.duration_seconds": "86400",
        },
    ),
    "random": (
        LoadBalancing.weighted_random(stickiness_cookie_duration=HOUR),
        {
            "load_balancing.algorithm.type": "weighted_random",
            "load_balancing.algorithm.anomaly_mitigation": "on",
            **COOKIE,
        },
    ),
    "random only": (
        LoadBalancing.weighted_random(anomaly_mitigation=False),
        {
            "load_balancing.algorithm.type": "weighted_random",
            "load_balancing.algorithm.anomaly_mitigation": "off",
            **OFF,
        },
    ),
}


class Lab:
    """Services with each way, behind one endpoint."""

    def __init__(self) -> None:
        self.stack = Stack(App(), "Test")
        self.network = network_in(self.stack)
        self.endpoint = HttpEndpoint(self.stack, "Endpoint", network=self.network)
        cluster = ecs.Cluster(self.stack, "Cluster", vpc=self.network.vpc)
        self.make = partial(FargateService, self.stack, network=self.network, cluster=cluster, image=IMAGE)
        self.services = {name: self.make(name, load_balancing=way) for name, (way, _) in WAYS.items()}
        least = LoadBalancing.least_outstanding_requests()
        self.moved = self.make("moved", load_balancing=least, deployment=Deployment.blue_green())
        for number, service in enumerate([*self.services.values(), self.moved]):
            self.endpoint.add_route("Route", service=service, paths=[f"/{number}"])
        self.template = Template.from_stack(self.stack)

    def groups(self, service: FargateService) -> list[dict[str, Any]]:
        """Return the properties of a service's target groups."""
        return [properties_of(self.template, each) for each in service.target_groups]

    def attributes(self, service: FargateService) -> list[dict[str, str]]:
        """Return the attributes of these, without the drain time."""
        found = [each["TargetGroupAttributes"] for each in self.groups(service)]
        return [{each["Key"]: each["Value"] for each in group if each["Key"][:3] != "der"} for group in found]


@pytest.fixture(scope="module")
def lab() -> Lab:
    """One for all tests."""
    return Lab()


@pytest.mark.parametrize("name", WAYS)
def test_the_attributes_of_the_target_group(lab: Lab, name: str) -> None:
    """By default only that callers do not stay with a task. Nothing else differs, so a change replaces nothing."""
    service = lab.services[name]
    assert lab.attributes(service) == [WAYS[name][1]]
    (group,), (default,) = (
        [each | {"TargetGroupAttributes": []} for each in lab.groups(one)] for one in (service, lab.services["none"])
    )
    assert group == default
    assert service.target_groups[0].node.path == f"Test/{name}/Routes/TargetGroup"


def test_both_target_groups_have_the_attributes(lab: Lab) -> None:
    """Of a service whose deployments move requests."""
    assert lab.attributes(lab.moved) == [{"load_balancing.algorithm.type": "least_outstanding_requests", **OFF}] * 2


@pytest.mark.parametrize(
    ("way", "arguments", "message"),
    [
        ("round_robin", {"slow_start": Duration.seconds(29)}, "slow_start must be 30 to 900 seconds, got: 29"),
        ("round_robin", {"slow_start": Duration.minutes(16)}, "slow_start must be 30 to 900 seconds, got: 960"),
        ("weighted_random", {"stickiness_cookie_duration": Duration.days(8)}, "to 604800 seconds, got: 691200"),
        ("round_robin", {"stickiness_cookie_duration": Duration.millis(1)}, "must be whole seconds, got: 1 milli"),
        ("round_robin", {"stickiness_cookie_name": "AWSALBAPP-0"}, "stickiness_cookie_name must be the name of a"),
        ("round_robin", {"stickiness_cookie_name": ""}, "which does not begin with AWSALB, got: ''"),
        ("round_robin", {"stickiness_cookie_name": "a b"}, "got: 'a b'"),
    ],
)
def test_what_a_target_group_cannot_have_is_refused(way: str, arguments: dict[str, Any], message: str) -> None:
    """The message says what it can have."""
    with pytest.raises(ValueError, match=re.escape(message)):
        getattr(LoadBalancing, way)(**arguments)


@pytest.mark.parametrize("way", ["least_outstanding_requests", "weighted_random"])
def test_pairs_that_aws_refuses_cannot_be_written(way: str) -> None:
    """Slow start is only for round robin, and anomaly mitigation only for weighted random."""
    with pytest.raises(TypeError, match=f"{way} has no argument 'slow_start'|no argument"):
        getattr(LoadBalancing, way)(slow_start=Duration.seconds(90))
    with pytest.raises(TypeError, match="no argument"):
        LoadBalancing.round_robin(anomaly_mitigation=True)  # type: ignore[call-arg]  # what a team may write


@pytest.mark.parametrize("deployment", [Deployment.canary(), Deployment.rolling(both_target_groups=True)])
def test_sticky_callers_need_one_target_group(lab: Lab, deployment: Deployment) -> None:
    """They would stay with old tasks. Nothing is made."""
    message = f"stickiness needs deployments with one target group, got: {deployment.strategy.value} with two; callers"
    with pytest.raises(ValueError, match=message):
        lab.make(
            "refused",
            deployment=deployment,
            load_balancing=LoadBalancing.round_robin(stickiness_cookie_duration=HOUR),
        )


def test_sticky_services_that_share_a_route(lab: Lab) -> None:
    """AWS asks callers to stay with a target group too, and has no cookie of the application then."""
    plain, sticky, by_cookie = (lab.services[name] for name in ("none", "slow start", "least"))
    with pytest.raises(ValueError, match=r"if one of them is sticky, got none, and Test/slow start is"):
        lab.endpoint.add_route("Shared", service={plain: 50, sticky: 50}, paths=["/shared"])
    shared: dict[str, Any] = {"stickiness_duration": HOUR, "paths": ["/shared"]}
    with pytest.raises(ValueError, match="a cookie of the application does not work with weighted target groups"):
        lab.endpoint.add_route("Shared", service={plain: 50, by_cookie: 50}, **shared)
    assert lab.endpoint.add_route("Shared", service={plain: 50, sticky: 50}, **shared)
