"""No target group of a service is without a drain time, checks and alarms that roll back, or synthesis warns."""

from collections.abc import Callable

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs import FargateService
from tests.modes.made_elsewhere import IMAGE, network_in

HTTP = elbv2.ApplicationProtocol.HTTP

Case = Callable[[FargateService, elbv2.ApplicationLoadBalancer], None]


def plain(service: FargateService, load_balancer: elbv2.ApplicationLoadBalancer) -> None:
    """The load balancer's defaults."""
    listener = load_balancer.add_listener("Second", port=8080, protocol=HTTP, open=False)
    listener.add_targets("Plain", port=80, targets=[target(service)])


def in_another_stack(service: FargateService, load_balancer: elbv2.ApplicationLoadBalancer) -> None:
    """The same, on a load balancer of another stack."""
    app = service.node.root
    assert isinstance(app, App)
    front = elbv2.ApplicationLoadBalancer(Stack(app, "Front"), "Balancer", vpc=load_balancer.vpc)  # type: ignore[arg-type]
    front.add_listener("Listener", port=80).add_targets("Plain", port=80, targets=[target(service)])


def checked(service: FargateService, load_balancer: elbv2.ApplicationLoadBalancer) -> None:
    """The service's times, and an alarm that has a composite one and one made elsewhere beside it."""
    group = tuned(service, load_balancer, port=8082)
    alarm = group.metrics.unhealthy_host_count().create_alarm(service, "Sick", threshold=1, evaluation_periods=2)
    arn = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:mine"
    service.rollback_on(cloudwatch.Alarm.from_alarm_arn(service, "Mine", arn))
    service.rollback_on(cloudwatch.CompositeAlarm(service, "Any", alarm_rule=cloudwatch.AlarmRule.any_of(alarm)))
    service.rollback_on(alarm)


def unwatched(service: FargateService, load_balancer: elbv2.ApplicationLoadBalancer) -> None:
    """The service's times, and no alarm."""
    tuned(service, load_balancer, port=8083)


def made_elsewhere(service: FargateService, load_balancer: elbv2.ApplicationLoadBalancer) -> None:
    """A group known by its ARN."""
    arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/mine/0123456789abcdef"
    group = elbv2.ApplicationTargetGroup.from_target_group_attributes(
        service, "Given", target_group_arn=arn, load_balancer_arns=load_balancer.load_balancer_arn
    )
    target(service).attach_to_application_target_group(group)


def taken_away(service: FargateService, _load_balancer: elbv2.ApplicationLoadBalancer) -> None:
    """No load balancer at all, by the L1 construct."""
    resource = service.service.node.default_child
    assert isinstance(resource, ecs.CfnService)
    resource.load_balancers = None


def tuned(
    service: FargateService, load_balancer: elbv2.ApplicationLoadBalancer, *, port: int
) -> elbv2.ApplicationTargetGroup:
    """Return a group with the service's times."""
    listener = load_balancer.add_listener(f"On{port}", port=port, protocol=HTTP, open=False)
    return listener.add_targets(
        "Tuned",
        port=80,
        targets=[target(service)],
        deregistration_delay=service.health.deregistration_delay,
        health_check=service.health.target_check(),
    )


def target(service: FargateService) -> ecs.IEcsLoadBalancerTarget:
    """Return the service's tasks as a target."""
    return service.service.load_balancer_target(container_name=service.name, container_port=80)


CASES: dict[str, tuple[Case, list[str]]] = {
    "plain": (
        plain,
        ["no drain time, no health check, no alarm that rolls back, got: Test/Balancer/Second/PlainGroup"],
    ),
    "in another stack": (
        in_another_stack,
        ["no drain time, no health check, no alarm that rolls back, got: Front/Balancer/Listener/PlainGroup"],
    ),
    "checked": (checked, []),
    "unwatched": (unwatched, ["no alarm that rolls back, got: Test/Balancer/On8083/TunedGroup"]),
    "made elsewhere": (made_elsewhere, ['no settings that can be read here, got: "arn:aws:elastic']),
    "taken away": (taken_away, []),
}


@pytest.fixture(scope="module")
def warnings() -> dict[str, list[str]]:
    """What synthesis warns of, by case: a service for each, with a route and the second group, in one app."""
    app = App()
    stack = Stack(app, "Test")
    network = network_in(stack)
    load_balancer = elbv2.ApplicationLoadBalancer(stack, "Balancer", vpc=network.vpc)
    cluster = ecs.Cluster(stack, "Cluster", vpc=network.vpc)
    route = load_balancer.add_listener(
        "First", port=80, open=False, default_action=elbv2.ListenerAction.fixed_response(404)
    )
    for number, (name, (case, _)) in enumerate(CASES.items(), start=1):
        service = FargateService(stack, name.title(), network=network, cluster=cluster, image=IMAGE)
        conditions = [elbv2.ListenerCondition.path_patterns([f"/{number}"])]
        service.add_listener_rule("Web", listener=route, priority=number, conditions=conditions)
        case(service, load_balancer)
    (messages,) = (each.messages for each in app.synth().stacks if each.stack_name == "Test")
    texts = [str(each.entry.data) for each in messages]
    return {name: [each for each in texts if f"a target group of Test/{name.title()} " in each] for name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_a_second_target_group_lacks_nothing_or_synthesis_warns(warnings: dict[str, list[str]], name: str) -> None:
    """It says what is missing of which group; the groups of routes are never named."""
    _, expected = CASES[name]

    assert len(warnings[name]) == len(expected)
    for warning, part in zip(warnings[name], expected, strict=True):
        assert part in warning
