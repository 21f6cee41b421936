"""When a deployment is given up, and the last good version comes back."""

from collections.abc import Mapping
from typing import Any, cast

import pytest
from aws_cdk import App, Aws, CfnParameter, CfnResource, Duration, Stack
from aws_cdk import aws_applicationautoscaling as applicationautoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk.assertions import Template
from constructs import Construct

from fargate_constructs import Deployment, FargateService, Health, Rollback
from fargate_constructs.network.network import Network
from tests.modes.made_elsewhere import IMAGE, network_in
from tests.shared_stack import Part, Steps, in_shared_stack

ALARM_ARN = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:"
FAILED_ORDERS = cloudwatch.Metric(namespace="Shop", metric_name="FailedOrders")
NAMELESS = "needs an alarm_name, got: .*/Nameless without"


def web_in(part: Part, **options: Any) -> FargateService:  # noqa: ANN401 - what a service takes
    """Return a service on an endpoint."""
    web = part.service("Web", **options)
    part.add_route(web)
    return web


def alarm_in(
    scope: Construct, id_: str, name: str | None = None, *, metric: cloudwatch.Metric = FAILED_ORDERS
) -> cloudwatch.Alarm:
    """Return an alarm of a team's, by default on a metric of nothing in the app."""
    return metric.create_alarm(scope, id_, alarm_name=name, threshold=90, evaluation_periods=3)


def deployment_of(part: Part, service: FargateService) -> Mapping[str, Any]:
    """Return how a service is deployed."""
    configuration: Mapping[str, Any] = part.of(service.service)["DeploymentConfiguration"]
    return configuration


def alarms_of(part: Part) -> dict[str, dict[str, Any]]:
    """Return the alarms of the service on an endpoint by what they say."""
    alarms = part.properties("AWS::CloudWatch::Alarm")
    return {each["AlarmDescription"].removeprefix(f"{part.node.path}/Web: "): each for each in alarms}


@in_shared_stack
def test_failed_tasks_end_a_deployment(part: Part) -> Steps:
    """By default half of them, or as many as are given; a worker has no answers to watch."""
    worker = part.service("Worker", port=None)
    web = part.service("Web", rollback=Rollback(failed_tasks=10))
    yield
    assert deployment_of(part, worker)["DeploymentCircuitBreaker"] == {
        "Enable": True,
        "Rollback": True,
        "ThresholdConfiguration": {"Type": "BOUNDED_PERCENT", "Value": 50},
    }
    assert "Alarms" not in deployment_of(part, worker)
    assert alarms_of(part) == {}
    threshold = deployment_of(part, web)["DeploymentCircuitBreaker"]["ThresholdConfiguration"]
    assert threshold == {"Type": "COUNT", "Value": 10}


@in_shared_stack
def test_errors_and_unhealthy_tasks_end_a_deployment(part: Part) -> Steps:
    """Each by an alarm on the target group: one on the service's metrics would need the service that needs it."""
    web = web_in(part)
    yield
    alarms = alarms_of(part)
    errors, unhealthy = alarms["5 % of answers are 5xx"], alarms["a task stays unhealthy"]
    assert (errors["Threshold"], errors["EvaluationPeriods"]) == (5, 2)
    assert (unhealthy["Threshold"], unhealthy["EvaluationPeriods"]) == (1, 2)
    assert errors["Metrics"][0]["Expression"] == "IF(errors0 >= 5, 100 * errors0 / requests0, 0)"
    assert unhealthy["Metrics"][0]["Expression"] == "unhealthy0"
    for alarm in (errors, unhealthy):
        assert alarm["TreatMissingData"] == "notBreaching", "without tasks there are no data"
        for metric in alarm["Metrics"][1:]:
            assert metric["MetricStat"]["Period"] == 60
            dimensions = {each["Name"] for each in metric["MetricStat"]["Metric"]["Dimensions"]}
            assert dimensions == {"LoadBalancer", "TargetGroup"}
    names = [{"Ref": logical_id} for logical_id in part.resources("AWS::CloudWatch::Alarm")]
    assert deployment_of(part, web)["Alarms"] == {"AlarmNames": names, "Enable": True, "Rollback": True}


@in_shared_stack
def test_both_target_groups_are_watched(part: Part) -> Steps:
    """A deployment that shifts requests has them at one and then at the other."""
    health = Health(grace_period=Duration.seconds(150))
    web_in(part, deployment=Deployment.canary(), health=health, rollback=Rollback(error_percent=1))
    yield
    errors, unhealthy = (alarms_of(part)[name] for name in ("1 % of answers are 5xx", "a task stays unhealthy"))
    rate = "SUM([errors0, errors1]) / SUM([requests0, requests1])"
    assert rate in errors["Metrics"][0]["Expression"]
    assert unhealthy["Metrics"][0]["Expression"] == "SUM([unhealthy0, unhealthy1])"
    assert unhealthy["EvaluationPeriods"] == 4, "150 s of grace and a minute more"


@in_shared_stack
def test_no_alarm_is_lost(part: Part) -> Steps:
    """Whether it was there first, was added later, is imported or was made here."""
    mine, late = (
        cloudwatch.Alarm.from_alarm_arn(part, name.title(), f"{ALARM_ARN}{name}") for name in ("mine", "late")
    )
    web = web_in(part, rollback=Rollback(alarms=[mine], error_percent=None))
    web.rollback_on(late)
    yield
    (unhealthy,) = part.resources("AWS::CloudWatch::Alarm")
    assert deployment_of(part, web)["Alarms"]["AlarmNames"] == ["mine", {"Ref": unhealthy}, "late"]
    assert [alarm.node.id for alarm in web.rollback_alarms] == ["Mine", "Unhealthy", "Late"]


@in_shared_stack
def test_an_alarm_on_something_else_comes_first(part: Part) -> Steps:
    """The service knows it by reference, also if it has a name, so that it is there when the service is."""
    web = part.service("Web")
    queue = CfnResource(part, "Orders", type="AWS::SQS::Queue").ref  # of which only the template tells
    metric = cloudwatch.Metric(namespace="Shop", metric_name="FailedOrders", dimensions_map={"Queue": queue})
    alarms = [alarm_in(part, "Alarm", metric=metric), alarm_in(part, "Named", "failed-orders", metric=metric)]
    for each in alarms:
        web.rollback_on(each)
    yield
    names = part.resolve([each.alarm_name for each in alarms])
    assert deployment_of(part, web)["Alarms"]["AlarmNames"] == names
    assert all("Ref" in each for each in names)


@in_shared_stack
def test_an_alarm_on_the_services_own_metrics_has_a_name(part: Part) -> Steps:
    """Then the service names it without needing it. A template with a circle could not be read."""
    web = part.service("Web")
    metric = web.service.metric_memory_utilization()
    with pytest.raises(ValueError, match=NAMELESS):
        web.rollback_on(alarm_in(part, "Nameless", metric=metric))
    names = ["web-memory", f"{Aws.STACK_NAME}-memory"]
    for name in names:
        web.rollback_on(alarm_in(part, f"Memory{names.index(name)}", name, metric=metric))
    yield
    assert deployment_of(part, web)["Alarms"]["AlarmNames"] == part.resolve(names)


@in_shared_stack
def test_alarms_on_alarms_and_on_other_services(part: Part) -> Steps:
    """Whatever leads from an alarm to a service, the template has no circle."""
    part.network = network_in(part)
    web, api = (part.service(name) for name in ("Web", "Api"))
    web.link_to(api)
    metric = web.service.metric_memory_utilization()
    memory, nameless = alarm_in(part, "Memory", "web-memory", metric=metric), alarm_in(part, "Nameless", metric=metric)
    both = cloudwatch.CompositeAlarm(part, "Both", alarm_rule=cloudwatch.AlarmRule.any_of(memory, nameless))
    for service in (web, api):
        service.rollback_on(memory)
        service.rollback_on(both)
        with pytest.raises(ValueError, match=NAMELESS):
            service.rollback_on(nameless)
    yield
    for service in (web, api):
        assert deployment_of(part, service)["Alarms"]["AlarmNames"][0] == "web-memory"


@in_shared_stack
@pytest.mark.parametrize("kind", ["action", "description"])
def test_the_whole_alarm_is_looked_at(part: Part, kind: str) -> Steps:
    """An action that scales the service needs it as a metric of the service does; with a name, it is only named."""
    web = part.service("Web")
    named, nameless = alarm_in(part, "Named", "orders"), alarm_in(part, "Nameless")
    for alarm in (named, nameless):
        if kind == "description":
            cast(cloudwatch.CfnAlarm, alarm.node.default_child).alarm_description = web.service.service_name
        else:
            step = applicationautoscaling.StepScalingAction(
                alarm,
                "Step",
                scaling_target=web.scalable_task_count.node.find_child("Target"),  # type: ignore[arg-type]
                adjustment_type=applicationautoscaling.AdjustmentType.CHANGE_IN_CAPACITY,
            )
            step.add_adjustment(adjustment=1, lower_bound=0)
            alarm.add_alarm_action(cloudwatch_actions.ApplicationScalingAction(step))
    with pytest.raises(ValueError, match=NAMELESS):
        web.rollback_on(nameless)
    web.rollback_on(named)
    yield
    assert deployment_of(part, web)["Alarms"]["AlarmNames"] == ["orders"]


def test_what_an_alarm_is_given_later_is_looked_at() -> None:
    """Synthesis fails where CloudFormation would, with the way from the service back to it."""
    stack = Stack(App(), "Test")
    web = FargateService(stack, "Web", network=network_in(stack), image=IMAGE)
    late = alarm_in(stack, "Late")
    late.node.add_dependency(alarm_in(stack, "Harmless"))
    web.rollback_on(late)
    web.rollback_on(cloudwatch.Alarm.from_alarm_arn(stack, "Far", f"{ALARM_ARN}far"))
    cast(cloudwatch.CfnAlarm, late.node.default_child).alarm_description = web.service.service_name

    with pytest.raises(RuntimeError, match="circularDependency") as error:
        Template.from_stack(stack)
    assert "Test/Web/Service/Service -> Test/Late/Resource -> Test/Web/Service/Service" in str(error.value)


@in_shared_stack
def test_an_alarm_of_another_stack_has_a_name(part: Part) -> Steps:
    """A stack that watches the service depends on it; so the service only names its alarms."""
    watch = part.other_stack("Watch")
    web = part.service("Web")
    metric = web.service.metric_cpu_utilization()
    web.rollback_on(alarm_in(watch, "Cpu", "web-cpu", metric=metric))
    with pytest.raises(ValueError, match=NAMELESS):
        web.rollback_on(alarm_in(watch, "Nameless", metric=metric))
    yield
    assert deployment_of(part, web)["Alarms"]["AlarmNames"] == ["web-cpu"]
    assert watch not in part.stack.dependencies


def test_alarms_by_the_l2s_method_are_refused(untouched: Stack, refusing_network: Network) -> None:
    """CDK keeps its own list of alarms, and only one of the lists would be in the template."""
    web = FargateService(untouched, "Web", network=refusing_network, image=IMAGE)

    with pytest.raises(ValueError, match=r"must be passed to rollback_on, got in enable_deployment_alarms: \['mine'\]"):
        web.service.enable_deployment_alarms(["mine"])


def test_a_percentage_may_be_a_token(untouched: Stack) -> None:
    """What is known at deployment is not compared with the limits."""
    percent = int(CfnParameter(untouched, "Percent", type="Number").value_as_number)

    assert Rollback(error_percent=percent).error_percent == percent
