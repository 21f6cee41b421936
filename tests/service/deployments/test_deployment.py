"""How a new version takes over from the old one."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, NamedTuple

import pytest
from aws_cdk import CfnParameter, Duration, Stack, Token
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs import Capacity, Deployment, FargateService, Health, HttpEndpoint, Rollback, Scaling
from fargate_constructs.network.network import Network
from tests.modes.made_elsewhere import IMAGE, network_in
from tests.shared_stack import Part, Steps, in_shared_stack

RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
ALL_AT_ONCE = {"MinimumHealthyPercent": 100, "MaximumPercent": 200}
# At least the minimum must be healthy, or ECS refuses it; old tasks stop in the background.
EARLY = {"EarlySuccessCriteria": {"Enable": True, "HealthyPercent": 100, "SourceServiceRevisionCleanup": "DEFERRED"}}
ROLLING = {"Strategy": "ROLLING", "BakeTimeInMinutes": 0, **EARLY}
TEST_HEADER = ("x-version", "next")


class Way(NamedTuple):
    """A deployment, and what the template has of it. Each time is written: CDK's default is hours."""

    deployment: Callable[[], Deployment]
    configuration: dict[str, Any]


WAYS = {
    "rolling": Way(Deployment.rolling, {**ALL_AT_ONCE, **ROLLING}),
    "recreate": Way(Deployment.recreate, {"MinimumHealthyPercent": 0, "MaximumPercent": 100, **ROLLING}),
    "in batches": Way(
        lambda: Deployment.rolling(max_healthy_percent=150),
        {"MinimumHealthyPercent": 100, "MaximumPercent": 150, **ROLLING},
    ),
    "baking": Way(
        lambda: Deployment.rolling(bake_time=Duration.minutes(3)), {**ALL_AT_ONCE, **ROLLING, "BakeTimeInMinutes": 3}
    ),
    "both target groups": Way(lambda: Deployment.rolling(both_target_groups=True), {**ALL_AT_ONCE, **ROLLING}),
    "blue_green": Way(Deployment.blue_green, {**ALL_AT_ONCE, "Strategy": "BLUE_GREEN", "BakeTimeInMinutes": 5}),
    "canary": Way(
        Deployment.canary,
        {
            **ALL_AT_ONCE,
            "Strategy": "CANARY",
            "BakeTimeInMinutes": 5,
            "CanaryConfiguration": {"CanaryPercent": 10, "CanaryBakeTimeInMinutes": 5},
        },
    ),
    "slow canary": Way(
        lambda: Deployment.canary(percent=5, interval=Duration.minutes(10), bake_time=Duration.minutes(15)),
        {
            **ALL_AT_ONCE,
            "Strategy": "CANARY",
            "BakeTimeInMinutes": 15,
            "CanaryConfiguration": {"CanaryPercent": 5, "CanaryBakeTimeInMinutes": 10},
        },
    ),
    "linear": Way(
        Deployment.linear,
        {
            **ALL_AT_ONCE,
            "Strategy": "LINEAR",
            "BakeTimeInMinutes": 5,
            "LinearConfiguration": {"StepPercent": 20, "StepBakeTimeInMinutes": 5},
        },
    ),
}
# What makes CloudFormation replace a service or a target group when it changes, and is the same whatever the way:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ecs-service.html and
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-elasticloadbalancingv2-targetgroup.html
SERVICE_STAYS = {"DeploymentController": {"Type": "ECS"}, "Role": None, "SchedulingStrategy": None, "ServiceName": None}
GROUP_STAYS = {"Name": None, "Port": 80, "Protocol": "HTTP", "ProtocolVersion": None, "TargetType": "ip"}


def assert_stays(part: Part, web: FargateService, *, launch_type: str | None) -> None:
    """Fail if CloudFormation would replace the service or its first target group."""
    service, group = web.service, web.target_groups[0]
    paths = [each.node.path.removeprefix(f"{web.node.path}/") for each in (service, group)]
    assert paths == ["Service", "Routes/TargetGroup"]
    for construct, stays in ((service, SERVICE_STAYS | {"LaunchType": launch_type}), (group, GROUP_STAYS)):
        found = part.of(construct)
        assert {name: found.get(name) for name in stays} == stays


@in_shared_stack
@pytest.mark.parametrize("name", WAYS)
def test_the_ways(part: Part, name: str) -> Steps:
    """Each has its times and percentages; traffic shifts between two target groups; none replaces the service."""
    web = part.service("Web", deployment=WAYS[name].deployment())
    part.add_route(web)
    yield
    service = part.of(web.service)
    configuration = service["DeploymentConfiguration"]
    of_rollback = {"Alarms", "DeploymentCircuitBreaker"}
    assert {key: each for key, each in configuration.items() if key not in of_rollback} == WAYS[name].configuration
    # ECS keeps zones in balance only if it may start a task first.
    is_balanced = configuration["MaximumPercent"] > 100
    assert service["AvailabilityZoneRebalancing"] == ("ENABLED" if is_balanced else "DISABLED")
    shifts, has_two = configuration["Strategy"] != "ROLLING", len(web.target_groups) == 2
    assert has_two == (shifts or name == "both target groups")
    assert len(service["LoadBalancers"]) == 1 + (has_two and not shifts)
    (rule,) = part.properties(RULE)
    (action,) = rule["Actions"]
    groups = action.get("ForwardConfig", {}).get("TargetGroups", [])
    assert [each["Weight"] for each in groups] == [100, 0][: 2 * has_two]
    for balancer in service["LoadBalancers"]:
        advanced = balancer.get("AdvancedConfiguration", {})
        assert advanced.keys() == (
            {"AlternateTargetGroupArn", "ProductionListenerRule", "RoleArn"} if shifts else set()
        )
    assert_stays(part, web, launch_type="FARGATE")


@in_shared_stack
def test_nothing_that_can_be_changed_replaces_the_service(part: Part) -> Steps:
    """Sidecars, alarms, Spot, links, ports, checks, scaling: CloudFormation updates the service in place."""
    part.network = network_in(part)
    web = part.service(
        "Web",
        cluster=None,
        rollback=Rollback(failed_tasks=5, error_percent=None),
        capacity=Capacity.spot(on_demand_base=1),
        port={"http": 80, "admin": 9000},
        health=Health(path="/healthz", command=["CMD", "check"], interval=Duration.seconds(20)),
        scaling=Scaling(min=1, max=1, memory_percent=50),
        cpu=1024,
        memory_limit_mib=4096,
        cpu_architecture=ecs.CpuArchitecture.ARM64,
        read_only=True,
        deployment=Deployment.rolling(bake_time=Duration.minutes(5)),
    )
    HttpEndpoint(part, "Endpoint", network=part.network).add_route("Web", service=web)
    web.add_sidecar("cache", image=IMAGE)
    web.link_to(part.service("Api", cluster=None))
    yield
    assert_stays(part, web, launch_type=None)


@pytest.mark.parametrize(
    ("scaling", "is_refused"),
    [
        (Scaling(min=1), True),
        (Scaling(min=0), True),
        (Scaling(min=2), False),
        (Scaling(min=0, max=0), False),
        (Scaling(min=int(Token.as_number({"Ref": "Min"}))), False),
    ],
    ids=["one", "none to ten", "two", "none", "known only when deployed"],
)
def test_a_deployment_can_stop_or_start_a_task(
    untouched: Stack,
    refusing_network: Network,
    request: pytest.FixtureRequest,
    scaling: Scaling,
    is_refused: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """50 % of one task, rounded up, is one; so is 150 %, rounded down: ECS would wait for ever."""
    deployment = Deployment.rolling(min_healthy_percent=50, max_healthy_percent=150)
    context = pytest.raises(ValueError, match="at least 1 and at most 1 of 1; write max_healthy_percent=200, or Depl")
    given: dict[str, Any] = {"network": refusing_network, "image": IMAGE, "name": "web"}

    with context if is_refused else nullcontext():
        FargateService(untouched, request.node.name, **given, deployment=deployment, scaling=scaling)


@in_shared_stack
def test_test_requests_reach_the_new_tasks_first(part: Part) -> Steps:
    """A rule before the route's takes what carries the header, and not what a more specific route takes."""
    web = part.service("Web", deployment=Deployment.blue_green(test_header=TEST_HEADER))
    endpoint = HttpEndpoint(part, "Endpoint", network=part.network)
    endpoint.add_route("Web", service=web)
    endpoint.add_route("Api", service=part.service("Api"), paths=["/api/*"])
    yield
    rules = part.resources(RULE)
    ((test_id, test_rule),) = ((name, each["Properties"]) for name, each in rules.items() if "http-header" in str(each))
    assert {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}} in test_rule["Conditions"]
    others = [each["Properties"] for name, each in rules.items() if name != test_id]
    priorities = {each["Conditions"][0]["PathPatternConfig"]["Values"][0]: each["Priority"] for each in others}
    assert priorities["/api/*"] < test_rule["Priority"] < priorities["/*"]
    (balancer,) = part.of(web.service)["LoadBalancers"]
    assert balancer["AdvancedConfiguration"]["TestListenerRule"] == {"Ref": test_id}


@in_shared_stack
def test_a_scaling_policy_watches_both_target_groups(part: Part) -> Steps:
    """Requests are at one target group and then at the other."""
    web = part.service("Web", deployment=Deployment.canary())
    part.add_route(web)
    yield
    groups = part.resolve([{"Name": "TargetGroup", "Value": each.target_group_full_name} for each in web.target_groups])
    policies = part.properties("AWS::ApplicationAutoScaling::ScalingPolicy")
    (policy,) = (each["TargetTrackingScalingPolicyConfiguration"] for each in policies if "SUM" in str(each))
    assert policy["TargetValue"] == 1000
    *sources, result = policy["CustomizedMetricSpecification"]["Metrics"]
    assert result == {"Id": "result", "Expression": "SUM([requests0, requests1])", "ReturnData": True}
    assert [each["ReturnData"] for each in sources] == [False] * len(groups)
    for source, group in zip(sources, groups, strict=True):
        assert source["MetricStat"]["Stat"] == "Sum"
        assert source["MetricStat"]["Metric"]["MetricName"] == "RequestCountPerTarget"
        assert group in source["MetricStat"]["Metric"]["Dimensions"]


def test_a_test_rule_needs_room(untouched: Stack, refusing_network: Network) -> None:
    """A priority before the route's, and a value more than the route has, also on a listener without an endpoint."""
    endpoint = HttpEndpoint(untouched, "Endpoint", network=refusing_network)
    deployment = Deployment.blue_green(test_header=TEST_HEADER)
    web = FargateService(untouched, "Tested", network=refusing_network, image=IMAGE, deployment=deployment)
    five = ["/a", "/b", "/c", "/d", "/e"]

    def add_rule(priority: int, paths: list[str]) -> None:
        conditions = [elbv2.ListenerCondition.path_patterns(paths)]
        web.add_listener_rule("Web", listener=endpoint.listener, priority=priority, conditions=conditions)

    for call, message in (
        (lambda: endpoint.add_route("Web", service=web, paths=five), r"holds 5 values, .*, got: 6; list fewer hosts"),
        (lambda: endpoint.add_route("Web", service=web, priority=2), "priority must be 3 to 50000 and known at synth"),
        (lambda: add_rule(7, five), "has one more than route 'Web', got: 6; list fewer hosts or paths"),
        (lambda: add_rule(1, ["/a"]), "at least 2 to leave room for the test traffic's rule, got: 1"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    endpoint.add_route("Web", service=web, paths=five[:4])
    with pytest.raises(
        ValueError,
        match="a service deployed BLUE_GREEN with two target groups has one route to a port at a load balancer, got a",
    ):
        endpoint.add_route("Images", service=web, paths=["/images/*"])


@in_shared_stack
def test_test_traffic_of_a_listener_made_elsewhere(part: Part) -> Steps:
    """Its rule has the number before the route's, unless another is given."""
    listener = HttpEndpoint(part, "Endpoint", network=part.network).listener
    for number, test_number in ((10, None), (20, 3)):
        service = part.service(f"Web{number}", deployment=Deployment.blue_green(test_header=TEST_HEADER))
        conditions = [elbv2.ListenerCondition.path_patterns([f"/{number}/*"])]
        service.add_listener_rule(
            "Web", listener=listener, priority=number, conditions=conditions, test_priority=test_number
        )
    yield
    assert sorted(rule["Priority"] for rule in part.properties(RULE)) == [3, 9, 10, 20]


@in_shared_stack
def test_a_bake_time_known_only_when_deployed_passes(part: Part) -> Steps:
    """It is not checked here, and stands in the template as it is."""
    minutes = CfnParameter(part, "Minutes", type="Number")
    deployment = Deployment.rolling(bake_time=Duration.minutes(minutes.value_as_number))
    web = part.service("Web", deployment=deployment)
    yield
    baking = part.of(web.service)["DeploymentConfiguration"]["BakeTimeInMinutes"]
    assert baking == part.resolve(minutes.value_as_string)


def test_a_test_header_known_only_when_deployed_passes() -> None:
    """Nobody can judge it here."""
    header = (Token.as_string({"Ref": "Name"}), Token.as_string({"Ref": "Value"}))

    assert Deployment.canary(test_header=header).test_header == header


def test_shifting_nothing_fails_synthesis(untouched: Stack, refusing_network: Network) -> None:
    """A worker has no requests, which ECS would refuse when deployed; a link has some, and all at once needs none."""
    common: dict[str, Any] = {"network": refusing_network, "image": IMAGE}
    kinds = {
        "Canary": (Deployment.canary(), ["canary deployments shift requests, and Test/Canary gets none: add a route"]),
        "Linear": (Deployment.linear(), ["linear deployments shift requests, and Test/Linear gets none"]),
        "Header": (Deployment.blue_green(test_header=("a", "b")), ["test_header needs a route for the requests that"]),
        "Blue": (Deployment.blue_green(), []),
    }
    workers = {
        name: FargateService(untouched, name, **common, port=None, deployment=deployment)
        for name, (deployment, _) in kinds.items()
    }
    linked = FargateService(untouched, "Linked", **common, deployment=Deployment.canary())
    workers["Blue"].link_to(linked)

    for name, worker in workers.items():
        for error, message in zip(worker.node.validate(), kinds[name][1], strict=True):
            assert message in error
    assert linked.node.validate() == []
