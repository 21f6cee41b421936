"""When a deployment is given up, and the last good version comes back."""

import json
import re
from graphlib import TopologicalSorter
from typing import Any, cast

import pytest
from aws_cdk import App, Aws, CfnParameter, CfnResource, Duration, Stack
from aws_cdk import aws_applicationautoscaling as applicationautoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_ecs as ecs
from aws_cdk.assertions import Match, Template

from fargate_constructs import Deployment, FargateService, FixedEgressNetwork, Health, HttpEndpoint, Rollback
from fargate_constructs.network.network import Network

FAR = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:far"


@pytest.fixture
def web(stack: Stack, network: Network, image: ecs.ContainerImage) -> FargateService:
    """A service on an endpoint."""
    web = FargateService(stack, "Web", network=network, image=image)
    HttpEndpoint(stack, "Endpoint", network=network).add_route("Web", service=web)
    return web


def deployment_of(stack: Stack) -> dict[str, Any]:
    """Return how the stack's one service is deployed."""
    (service,) = Template.from_stack(stack).find_resources("AWS::ECS::Service").values()
    configuration = service["Properties"]["DeploymentConfiguration"]
    assert isinstance(configuration, dict)
    return configuration


def alarm_named(stack: Stack, description: str) -> dict[str, Any]:
    """Return the properties of the one alarm whose description ends so."""
    (alarm,) = (
        alarm["Properties"]
        for alarm in Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm").values()
        if alarm["Properties"]["AlarmDescription"].endswith(description)
    )
    assert isinstance(alarm, dict)
    return alarm


def test_failed_tasks_end_a_deployment(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """By default half of them; a worker has no answers to watch."""
    FargateService(stack, "Worker", network=network, image=image, port=None)

    assert deployment_of(stack)["DeploymentCircuitBreaker"] == {
        "Enable": True,
        "Rollback": True,
        "ThresholdConfiguration": {"Type": "BOUNDED_PERCENT", "Value": 50},
    }
    assert "Alarms" not in deployment_of(stack)
    Template.from_stack(stack).resource_count_is("AWS::CloudWatch::Alarm", 0)


def test_so_many_failed_tasks(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """A number of one's own counts as it is."""
    FargateService(stack, "Web", network=network, image=image, rollback=Rollback(failed_tasks=10))

    assert deployment_of(stack)["DeploymentCircuitBreaker"]["ThresholdConfiguration"] == {"Type": "COUNT", "Value": 10}


@pytest.mark.usefixtures("web")
def test_errors_and_unhealthy_tasks_end_a_deployment(stack: Stack) -> None:
    """Each by an alarm on the target group: one on the service's metrics would need the service that needs it."""
    errors, unhealthy = alarm_named(stack, "5 % of answers are 5xx"), alarm_named(stack, "a task stays unhealthy")

    assert (errors["Threshold"], errors["EvaluationPeriods"]) == (5, 2)
    assert (unhealthy["Threshold"], unhealthy["EvaluationPeriods"]) == (1, 2)
    # Without tasks there are no data.
    assert [alarm["TreatMissingData"] for alarm in (errors, unhealthy)] == ["notBreaching"] * 2
    expressions = [alarm["Metrics"][0]["Expression"] for alarm in (errors, unhealthy)]
    assert expressions == [
        "IF(errors0 >= 5, 100 * errors0 / requests0, 0)",
        "unhealthy0",
    ]
    for alarm in (errors, unhealthy):
        for metric in alarm["Metrics"][1:]:
            assert metric["MetricStat"]["Period"] == 60
            dimensions = {each["Name"] for each in metric["MetricStat"]["Metric"]["Dimensions"]}
            assert dimensions == {"LoadBalancer", "TargetGroup"}
    alarms = Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm")
    assert deployment_of(stack)["Alarms"] == {
        "AlarmNames": [{"Ref": logical_id} for logical_id in alarms],
        "Enable": True,
        "Rollback": True,
    }


def test_both_target_groups_are_watched(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """A deployment that shifts requests has them at one and then at the other."""
    web = FargateService(
        stack,
        "Web",
        network=network,
        image=image,
        deployment=Deployment.canary(),
        health=Health(grace_period=Duration.seconds(150)),
        rollback=Rollback(error_percent=1),
    )
    HttpEndpoint(stack, "Endpoint", network=network).add_route("Web", service=web)

    assert (
        "SUM([errors0, errors1]) / SUM([requests0, requests1])"
        in alarm_named(stack, "1 % of answers are 5xx")["Metrics"][0]["Expression"]
    )
    unhealthy = alarm_named(stack, "a task stays unhealthy")
    assert unhealthy["Metrics"][0]["Expression"] == "SUM([unhealthy0, unhealthy1])"
    assert unhealthy["EvaluationPeriods"] == 4, "150 s of grace and a minute more"


def test_no_alarm_is_lost(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Whether it was there first, was added later, is imported or was made here."""
    mine = cloudwatch.Alarm.from_alarm_arn(stack, "Mine", "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:mine")
    late = cloudwatch.Alarm.from_alarm_arn(stack, "Late", "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:late")
    web = FargateService(
        stack, "Web", network=network, image=image, rollback=Rollback(alarms=[mine], error_percent=None)
    )
    HttpEndpoint(stack, "Endpoint", network=network).add_route("Web", service=web)
    web.rollback_on(late)

    (unhealthy,) = Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm")
    assert deployment_of(stack)["Alarms"]["AlarmNames"] == ["mine", {"Ref": unhealthy}, "late"]
    assert [alarm.node.id for alarm in web.rollback_alarms] == ["Mine", "Unhealthy", "Late"]


@pytest.mark.parametrize("name", [None, "failed-orders"])
def test_an_alarm_on_something_else_comes_first(stack: Stack, web: FargateService, name: str | None) -> None:
    """The service knows it by reference, so that it is there when the service is."""
    queue = CfnResource(stack, "Orders", type="AWS::SQS::Queue").ref  # of which only the template tells
    metric = cloudwatch.Metric(namespace="Shop", metric_name="FailedOrders", dimensions_map={"Queue": queue})
    alarm = metric.create_alarm(stack, "FailedOrders", alarm_name=name, threshold=1, evaluation_periods=1)

    web.rollback_on(alarm)

    assert stack.resolve(alarm.alarm_name) in deployment_of(stack)["Alarms"]["AlarmNames"]
    assert "Ref" in stack.resolve(alarm.alarm_name)


@pytest.mark.parametrize("name", ["web-memory", f"{Aws.STACK_NAME}-memory"], ids=["plain", "token"])
def test_an_alarm_on_the_services_own_metrics_has_a_name(stack: Stack, web: FargateService, name: str) -> None:
    """Then the service names it without needing it; the template has no circle."""
    metric = web.service.metric_memory_utilization()
    nameless = metric.create_alarm(stack, "Nameless", threshold=90, evaluation_periods=3)
    message = "needs an alarm_name, got: Test/Nameless without"
    with pytest.raises(ValueError, match=message):
        web.rollback_on(nameless)

    web.rollback_on(metric.create_alarm(stack, "Memory", alarm_name=name, threshold=90, evaluation_periods=3))

    assert deployment_of(stack)["Alarms"]["AlarmNames"][-1] == stack.resolve(name)
    assert_no_circle(stack)


def assert_no_circle(stack: Stack) -> None:
    """Fail if resources of the stack's template need each other."""
    resources = Template.from_stack(stack).to_json()["Resources"]
    needs = {
        name: {*re.findall(r'"(?:Ref|Fn::GetAtt)": \[?"(\w+)"', json.dumps(resource)), *resource.get("DependsOn", [])}
        for name, resource in resources.items()
    }
    TopologicalSorter(needs).prepare()


def test_alarms_on_alarms_and_on_other_services(
    stack: Stack, network: Network, image: ecs.ContainerImage, web: FargateService
) -> None:
    """Whatever leads from an alarm to a service, the template has no circle."""
    api = FargateService(stack, "Api", network=network, image=image)
    web.link_to(api)
    metric = web.service.metric_memory_utilization()
    memory = metric.create_alarm(stack, "Memory", alarm_name="web-memory", threshold=90, evaluation_periods=3)
    nameless = metric.create_alarm(stack, "Nameless", threshold=95, evaluation_periods=3)
    both = cloudwatch.CompositeAlarm(stack, "Both", alarm_rule=cloudwatch.AlarmRule.any_of(memory, nameless))

    for service in (web, api):
        service.rollback_on(memory)
        service.rollback_on(both)
        with pytest.raises(ValueError, match="needs an alarm_name"):
            service.rollback_on(nameless)

    assert_no_circle(stack)


def alarm_on(service: FargateService, kind: str, name: str | None, *, id: str = "Orders") -> cloudwatch.Alarm:  # noqa: A002
    """Return an alarm on something else whose action or description leads to a service."""
    stack = Stack.of(service)
    described = f"orders of {service.service.service_name}" if kind == "description" else None
    metric = cloudwatch.Metric(namespace="Shop", metric_name="FailedOrders")
    alarm = metric.create_alarm(
        stack, id, alarm_name=name, alarm_description=described, threshold=1, evaluation_periods=1
    )
    if kind == "action":
        step = applicationautoscaling.StepScalingAction(
            alarm,
            "Step",
            scaling_target=service.scalable_task_count.node.find_child("Target"),  # type: ignore[arg-type]
            adjustment_type=applicationautoscaling.AdjustmentType.CHANGE_IN_CAPACITY,
        )
        step.add_adjustment(adjustment=1, lower_bound=0)
        alarm.add_alarm_action(cloudwatch_actions.ApplicationScalingAction(step))
    return alarm


@pytest.mark.parametrize("kind", ["action", "description"])
def test_the_whole_alarm_is_looked_at(stack: Stack, web: FargateService, kind: str) -> None:
    """An action that scales the service needs it as a metric of the service does; with a name, it is only named."""
    with pytest.raises(ValueError, match="needs an alarm_name, got: Test/Nameless without"):
        web.rollback_on(alarm_on(web, kind, None, id="Nameless"))

    web.rollback_on(alarm_on(web, kind, "orders"))

    assert deployment_of(stack)["Alarms"]["AlarmNames"][-1] == "orders"
    assert_no_circle(stack)


def test_what_an_alarm_is_given_later_is_looked_at(stack: Stack, web: FargateService) -> None:
    """Synthesis fails where CloudFormation would, with the way from the service back to it."""
    metric = cloudwatch.Metric(namespace="Shop", metric_name="FailedOrders")
    late = metric.create_alarm(stack, "Late", threshold=1, evaluation_periods=1)
    late.node.add_dependency(
        cloudwatch.Metric(namespace="A", metric_name="B").create_alarm(
            stack, "Harmless", threshold=1, evaluation_periods=1
        )
    )
    web.rollback_on(late)
    web.rollback_on(
        cloudwatch.Alarm.from_alarm_arn(stack, "Far", "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:far")
    )
    cast(cloudwatch.CfnAlarm, late.node.default_child).alarm_description = web.service.service_name

    with pytest.raises(RuntimeError, match="circularDependency") as error:
        Template.from_stack(stack)
    assert "Test/Web/Service/Service -> Test/Late/Resource -> Test/Web/Service/Service" in str(error.value)


def test_an_alarm_of_another_stack_has_a_name(image: ecs.ContainerImage) -> None:
    """A stack that watches the service depends on it; so the service only names its alarms."""
    app = App()
    shop, watch = Stack(app, "Shop"), Stack(app, "Watch")
    network = FixedEgressNetwork(shop, "Network")
    web = FargateService(shop, "Web", network=network, image=image)
    metric = web.service.metric_cpu_utilization()

    web.rollback_on(metric.create_alarm(watch, "Cpu", alarm_name="web-cpu", threshold=90, evaluation_periods=3))
    with pytest.raises(ValueError, match="needs an alarm_name"):
        web.rollback_on(metric.create_alarm(watch, "Nameless", threshold=90, evaluation_periods=3))

    app.synth()
    assert watch not in shop.dependencies
    assert deployment_of(shop)["Alarms"]["AlarmNames"] == ["web-cpu"]


def test_alarms_by_the_l2s_method_are_refused(web: FargateService) -> None:
    """CDK keeps its own list of alarms, and only one of the lists would be in the template."""
    with pytest.raises(ValueError, match=r"must be passed to rollback_on, got in enable_deployment_alarms: \['mine'\]"):
        web.service.enable_deployment_alarms(["mine"])


def test_a_rolling_deployment_is_over_when_its_tasks_are_well(stack: Stack, web: FargateService) -> None:
    """With all of them; old ones stop in the background."""
    assert deployment_of(stack)["EarlySuccessCriteria"] == {
        "Enable": True,
        "HealthyPercent": 100,
        "SourceServiceRevisionCleanup": "DEFERRED",
    }
    assert web.deployment.bake_time.to_minutes() == 0


def test_a_rolling_deployment_may_bake(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """So that alarms have time to notice."""
    deployment = Deployment.rolling(bake_time=Duration.minutes(3))
    FargateService(stack, "Web", network=network, image=image, deployment=deployment)

    Template.from_stack(stack).has_resource_properties(
        "AWS::ECS::Service", {"DeploymentConfiguration": Match.object_like({"BakeTimeInMinutes": 3})}
    )


def test_a_percentage_may_be_a_token(stack: Stack) -> None:
    """What is known at deployment is not compared with the limits."""
    percent = int(CfnParameter(stack, "Percent", type="Number").value_as_number)

    assert Rollback(error_percent=percent).error_percent == percent
