"""How a new version takes over from the old one."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Stack, Token
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Match, Template

from fargate_constructs import (
    Capacity,
    Deployment,
    FargateService,
    Health,
    HttpEndpoint,
    Rollback,
    Scaling,
)
from fargate_constructs.network.network import Network
from tests.modes.made_elsewhere import IMAGE, network_in
from tests.templates import properties

WAYS: dict[str, Callable[[], Deployment]] = {
    "rolling": Deployment.rolling,
    "recreate": Deployment.recreate,
    "in batches": lambda: Deployment.rolling(max_healthy_percent=150),
    "blue_green": Deployment.blue_green,
    "canary": Deployment.canary,
    "linear": Deployment.linear,
    "canary with a test header": lambda: Deployment.canary(test_header=("x-version", "next")),
    "blue_green with a test header": lambda: Deployment.blue_green(test_header=("x-version", "next")),
    "slow canary": lambda: Deployment.canary(percent=5, interval=Duration.minutes(10), bake_time=Duration.minutes(15)),
}
# What makes CloudFormation replace a service or a target group when it changes:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ecs-service.html and
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-elasticloadbalancingv2-targetgroup.html
REPLACING = {
    "AWS::ECS::Service": ("Cluster", "DeploymentController", "LaunchType", "Role", "SchedulingStrategy", "ServiceName"),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ("Name", "Port", "Protocol", "ProtocolVersion", "TargetType", "VpcId"),
}


@pytest.fixture(scope="module")
def templates() -> dict[str, Template]:
    """A web and an api on one endpoint, the web deployed in each of the ways."""
    app = App()
    stacks = {name: Stack(app, name.title().replace(" ", "").replace("_", "")) for name in WAYS}
    for name, stack in stacks.items():
        network = network_in(stack)
        endpoint = HttpEndpoint(stack, "Endpoint", network=network)
        web = FargateService(stack, "Web", network=network, image=IMAGE, deployment=WAYS[name]())
        api = FargateService(stack, "Api", network=network, image=IMAGE, cluster=web.cluster)
        endpoint.add_route("Web", service=web)
        endpoint.add_route("Api", service=api, paths=["/api/*"])
    return {name: Template.from_stack(stack) for name, stack in stacks.items()}


def replacing_properties(template: Template) -> dict[str, dict[str, Any]]:
    """Return by logical ID the properties whose change would replace a service or its first target group."""
    return {
        logical_id: {name: resource["Properties"].get(name) for name in names}
        for type_, names in REPLACING.items()
        for logical_id, resource in template.find_resources(type_).items()
        if "Alternate" not in logical_id
    }


def test_no_way_replaces_the_service(templates: dict[str, Template]) -> None:
    """One word changes the way, and CloudFormation updates the service and its target group in place."""
    first, *others = map(replacing_properties, templates.values())

    assert others == [first] * (len(WAYS) - 1)


def test_nothing_that_can_be_changed_replaces_the_service(
    stack: Stack, network: Network, templates: dict[str, Template]
) -> None:
    """Sidecars, alarms, Spot, links, ports, checks, scaling: CloudFormation updates the service in place."""
    web = FargateService(
        stack,
        "Web",
        network=network,
        image=IMAGE,
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
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)
    endpoint.add_route("Web", service=web)
    web.add_sidecar("cache", image=IMAGE)
    api = FargateService(stack, "Api", network=network, image=IMAGE, cluster=web.cluster)
    endpoint.add_route("Api", service=api, paths=["/api/*"])
    web.link_to(api)

    assert replacing_properties(Template.from_stack(stack)) == replacing_properties(templates["rolling"])


def test_a_rolling_deployment_has_one_target_group(templates: dict[str, Template]) -> None:
    """Its bake time is said aloud: left out it would be three hours."""
    template = templates["rolling"]

    template.has_resource_properties(
        "AWS::ECS::Service",
        {"DeploymentConfiguration": Match.object_like({"Strategy": "ROLLING", "BakeTimeInMinutes": 0})},
    )
    template.resource_count_is("AWS::ElasticLoadBalancingV2::TargetGroup", 2)


@pytest.mark.parametrize(
    ("way", "percentages", "rebalancing"),
    [
        ("rolling", (100, 200), "ENABLED"),
        ("recreate", (0, 100), "DISABLED"),
        ("in batches", (100, 150), "ENABLED"),
        ("canary", (100, 200), "ENABLED"),
    ],
)
def test_how_many_tasks_run_in_a_deployment(
    templates: dict[str, Template], way: str, percentages: tuple[int, int], rebalancing: str
) -> None:
    """ECS keeps zones in balance only if it may start a task first; the deployment completes as usual."""
    (service,) = (
        each["Properties"]
        for logical_id, each in templates[way].find_resources("AWS::ECS::Service").items()
        if logical_id.startswith("Web")
    )

    configuration = service["DeploymentConfiguration"]
    assert (configuration["MinimumHealthyPercent"], configuration["MaximumPercent"]) == percentages
    assert service["AvailabilityZoneRebalancing"] == rebalancing
    early = configuration.get("EarlySuccessCriteria", {"HealthyPercent": 100})
    assert early["HealthyPercent"] == 100  # at least the minimum, or ECS refuses it


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
    stack: Stack,
    network: Network,
    scaling: Scaling,
    is_refused: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """50 % of one task, rounded up, is one; so is 150 %, rounded down: ECS would wait for ever."""
    deployment = Deployment.rolling(min_healthy_percent=50, max_healthy_percent=150)
    context = pytest.raises(ValueError, match="at least 1 and at most 1 of 1; write max_healthy_percent=200, or Depl")

    with context if is_refused else nullcontext():
        FargateService(stack, "Web", network=network, image=IMAGE, deployment=deployment, scaling=scaling)


@pytest.mark.parametrize(
    ("strategy", "configuration"),
    [
        ("blue_green", {"BakeTimeInMinutes": 5}),
        (
            "slow canary",
            {"BakeTimeInMinutes": 15, "CanaryConfiguration": {"CanaryPercent": 5, "CanaryBakeTimeInMinutes": 10}},
        ),
        ("linear", {"BakeTimeInMinutes": 5, "LinearConfiguration": {"StepPercent": 20, "StepBakeTimeInMinutes": 5}}),
    ],
)
def test_requests_move_between_two_target_groups(
    templates: dict[str, Template], strategy: str, configuration: dict[str, object]
) -> None:
    """The template has each time, the rule weighs both groups, and the endpoint's other service has one group."""
    template = templates[strategy]
    name = strategy.removeprefix("slow ").upper()
    (service,) = properties(template, "AWS::ECS::Service", {"DeploymentConfiguration": {"Strategy": name}})

    deployment = service["DeploymentConfiguration"]
    assert {key: deployment[key] for key in configuration} == configuration
    assert "EarlySuccessCriteria" not in deployment
    (balancer,) = service["LoadBalancers"]
    assert balancer["AdvancedConfiguration"]["ProductionListenerRule"]
    assert "TestListenerRule" not in balancer["AdvancedConfiguration"]
    forwards = [
        action["ForwardConfig"]["TargetGroups"]
        for rule in properties(template, "AWS::ElasticLoadBalancingV2::ListenerRule")
        for action in rule["Actions"]
        if "ForwardConfig" in action
    ]
    assert [[each["Weight"] for each in groups] for groups in forwards] == [[100, 0]]
    template.resource_count_is("AWS::ElasticLoadBalancingV2::TargetGroup", 3)


def test_test_requests_reach_the_new_tasks_first(templates: dict[str, Template]) -> None:
    """A rule before the route's takes what carries the header, and not what a more specific route takes."""
    template = templates["blue_green with a test header"]

    rules = [
        each["Properties"] for each in template.find_resources("AWS::ElasticLoadBalancingV2::ListenerRule").values()
    ]
    (test_rule,) = (rule for rule in rules if any(each["Field"] == "http-header" for each in rule["Conditions"]))
    assert {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}} in test_rule["Conditions"]
    by_path = {rule["Conditions"][0]["PathPatternConfig"]["Values"][0]: rule for rule in rules if rule is not test_rule}
    assert by_path["/api/*"]["Priority"] < test_rule["Priority"] < by_path["/*"]["Priority"]
    (service,) = (
        each["Properties"]["LoadBalancers"][0]
        for each in template.find_resources("AWS::ECS::Service").values()
        if "AdvancedConfiguration" in each["Properties"]["LoadBalancers"][0]
    )
    assert service["AdvancedConfiguration"]["TestListenerRule"]


def test_a_scaling_policy_watches_both_target_groups(templates: dict[str, Template]) -> None:
    """Requests are at one target group and then at the other."""
    template = templates["canary"]
    groups = [
        {"Name": "TargetGroup", "Value": {"Fn::GetAtt": [logical_id, "TargetGroupFullName"]}}
        for logical_id in template.find_resources("AWS::ElasticLoadBalancingV2::TargetGroup")
        if logical_id.startswith("Web")
    ]
    (policy,) = (
        each["TargetTrackingScalingPolicyConfiguration"]
        for each in properties(template, "AWS::ApplicationAutoScaling::ScalingPolicy")
        if "SUM" in str(each)
    )

    assert policy["TargetValue"] == 1000
    *sources, result = policy["CustomizedMetricSpecification"]["Metrics"]
    assert result == {"Id": "result", "Expression": "SUM([requests0, requests1])", "ReturnData": True}
    assert [each["ReturnData"] for each in sources] == [False] * len(groups)
    for source, group in zip(sources, groups, strict=True):
        assert source["MetricStat"]["Stat"] == "Sum"
        assert source["MetricStat"]["Metric"]["MetricName"] == "RequestCountPerTarget"
        assert group in source["MetricStat"]["Metric"]["Dimensions"]


def test_a_test_rule_needs_room(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """A priority before the route's, and a value more than the route has, also on a listener without an endpoint."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)
    deployment = Deployment.blue_green(test_header=("x-version", "next"))
    web = FargateService(stack, "Web", network=network, image=image, deployment=deployment)
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


def test_test_traffic_of_a_listener_made_elsewhere(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Its rule has the number before the route's, unless another is given."""
    listener = HttpEndpoint(stack, "Endpoint", network=network).listener
    deployment = Deployment.blue_green(test_header=("x-version", "next"))
    for number, test_number in ((10, None), (20, 3)):
        service = FargateService(stack, f"Web{number}", network=network, image=image, deployment=deployment)
        conditions = [elbv2.ListenerCondition.path_patterns([f"/{number}/*"])]
        service.add_listener_rule(
            "Web", listener=listener, priority=number, conditions=conditions, test_priority=test_number
        )

    rules = Template.from_stack(stack).find_resources("AWS::ElasticLoadBalancingV2::ListenerRule").values()
    assert sorted(rule["Properties"]["Priority"] for rule in rules) == [3, 9, 10, 20]


def test_a_second_route_is_refused_where_requests_are_shifted(
    stack: Stack, network: Network, image: ecs.ContainerImage
) -> None:
    """ECS moves the weights of one rule."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)
    web = FargateService(stack, "Web", network=network, image=image, deployment=Deployment.linear())
    endpoint.add_route("Web", service=web)

    with pytest.raises(
        ValueError,
        match="a service deployed LINEAR with two target groups has one route to a port at a load balancer, got anoth",
    ):
        endpoint.add_route("Images", service=web, paths=["/images/*"])


def test_a_bake_time_known_only_when_deployed_passes(stack: Stack, network: Network) -> None:
    """It is not checked here, and stands in the template as it is."""
    minutes = CfnParameter(stack, "Minutes", type="Number").value_as_number
    deployment = Deployment.rolling(bake_time=Duration.minutes(minutes))
    FargateService(stack, "Web", network=network, image=IMAGE, deployment=deployment)

    Template.from_stack(stack).has_resource_properties(
        "AWS::ECS::Service", {"DeploymentConfiguration": Match.object_like({"BakeTimeInMinutes": {"Ref": "Minutes"}})}
    )


def test_a_test_header_known_only_when_deployed_passes() -> None:
    """Nobody can judge it here."""
    header = (Token.as_string({"Ref": "Name"}), Token.as_string({"Ref": "Value"}))

    assert Deployment.canary(test_header=header).test_header == header


@pytest.mark.parametrize(
    ("deployment", "message"),
    [
        (
            Deployment.canary(),
            "canary deployments shift requests, and Test/Worker gets none: add a route or a link",
        ),
        (Deployment.linear(), "linear deployments shift requests, and Test/Worker gets none"),
        (Deployment.blue_green(test_header=("a", "b")), "test_header needs a route for the requests that carry it"),
    ],
    ids=["canary", "linear", "test header"],
)
def test_shifting_nothing_fails_synthesis(
    stack: Stack, network: Network, image: ecs.ContainerImage, deployment: Deployment, message: str
) -> None:
    """A worker has no requests; ECS would refuse it only when deployed."""
    FargateService(stack, "Worker", network=network, image=image, port=None, deployment=deployment)

    with pytest.raises(RuntimeError, match=message):
        Template.from_stack(stack)


def test_links_can_be_shifted(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """ECS moves the requests of Service Connect, too; and all at once it needs none to move."""
    api = FargateService(stack, "Api", network=network, image=image, deployment=Deployment.canary())
    web = FargateService(stack, "Web", network=network, image=image, deployment=Deployment.blue_green())
    web.link_to(api)

    Template.from_stack(stack).resource_count_is("AWS::ECS::Service", 2)
