"""How many tasks run."""

from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration
from aws_cdk import aws_applicationautoscaling as applicationautoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs

from fargate_constructs import FargateService, HttpEndpoint, Scaling, TcpEndpoint
from tests.shared_stack import Part, Steps, in_shared_stack


def test_two_to_ten_by_default() -> None:
    """A task in each of two zones, and room for five times the load."""
    assert Scaling() == Scaling(min=2, max=10, cpu_percent=60, requests_per_target=1000)


def policies_of(part: Part) -> dict[str, dict[str, Any]]:
    """Return what each scaling policy tracks, by its ID."""
    policies = part.resources("AWS::ApplicationAutoScaling::ScalingPolicy")
    return {
        logical_id.partition("TaskCountTarget")[2][:-8]: each["Properties"]["TargetTrackingScalingPolicyConfiguration"]
        for logical_id, each in policies.items()
    }


def worker(part: Part, scaling: Scaling | None = None) -> FargateService:
    """Return a service without a port."""
    return part.service("Worker", port=None, scaling=scaling)


@in_shared_stack
def test_memory_counts_where_it_is_asked_for(part: Part) -> Steps:
    """Instead of CPU, or beside it."""
    worker(part, Scaling(cpu_percent=None, memory_percent=70))
    yield
    assert policies_of(part) == {
        "Memory": {
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageMemoryUtilization"},
            "TargetValue": 70,
        }
    }


@in_shared_stack
def test_a_queues_backlog_per_task(part: Part) -> Steps:
    """All messages of the queue, by how often the tasks reported their CPU in a minute: how many there are."""
    queue = sqs.Queue(part, "Orders")
    service = worker(part)
    service.scale_on_backlog("Orders", queue=queue, messages_per_task=120)
    with pytest.raises(ValueError, match="messages_per_task must be at least 1, got: 0"):
        service.scale_on_backlog("None", queue=queue, messages_per_task=0)
    with pytest.raises(ValueError, match="id must differ from the service's other scaling policies, got: 'Orders'"):
        service.scale_on_backlog("Orders", queue=queue, messages_per_task=1)
    yield
    policy = policies_of(part)["Orders"]
    assert policy["TargetValue"] == 120
    waiting, in_flight, tasks, result = policy["CustomizedMetricSpecification"]["Metrics"]
    assert result == {"Id": "result", "Expression": "SUM([waiting, in_flight]) / tasks", "ReturnData": True}
    assert in_flight["MetricStat"]["Metric"]["MetricName"] == "ApproximateNumberOfMessagesNotVisible"
    assert waiting["MetricStat"] == {
        "Metric": {
            "Namespace": "AWS/SQS",
            "MetricName": "ApproximateNumberOfMessagesVisible",
            "Dimensions": [{"Name": "QueueName", "Value": part.resolve(queue.queue_name)}],
        },
        "Stat": "Maximum",
    }
    assert tasks["MetricStat"] == {
        "Metric": {
            "Namespace": "AWS/ECS",
            "MetricName": "CPUUtilization",
            "Dimensions": [
                {"Name": "ClusterName", "Value": part.resolve(service.cluster.cluster_name)},
                {"Name": "ServiceName", "Value": part.resolve(service.service.service_name)},
            ],
        },
        "Stat": "SampleCount",
    }


@in_shared_stack
def test_a_schedule_and_any_metric(part: Part) -> Steps:
    """By the L2's own methods, on the same target."""
    service = worker(part)
    metric = cloudwatch.Metric(namespace="Shop", metric_name="OpenOrders")
    service.scalable_task_count.scale_to_track_custom_metric("OpenOrders", metric=metric, target_value=50)
    service.scalable_task_count.scale_on_schedule(
        "Night", schedule=applicationautoscaling.Schedule.cron(hour="22", minute="0"), min_capacity=1, max_capacity=1
    )
    yield
    assert policies_of(part)["OpenOrders"]["TargetValue"] == 50
    (target,) = part.properties("AWS::ApplicationAutoScaling::ScalableTarget")
    assert target["MinCapacity"] == 2
    (action,) = target["ScheduledActions"]
    assert action["ScalableTargetAction"] == {"MinCapacity": 1, "MaxCapacity": 1}
    (properties,) = part.properties("AWS::ECS::Service")
    assert "DesiredCount" not in properties


@in_shared_stack
def test_requests_need_not_count(part: Part) -> Steps:
    """Nor CPU: then the count stays where it is, unless a schedule or a metric of one's own moves it."""
    web = part.service("Web", scaling=Scaling(cpu_percent=None, requests_per_target=None))
    HttpEndpoint(part, "Endpoint", network=part.network).add_route("Web", service=web)
    yield
    assert policies_of(part) == {}


@in_shared_stack
@pytest.mark.parametrize("ports", [{"http": 80}, {"http": 80, "admin": 90}], ids=["one port", "two ports"])
def test_cooldowns(part: Part, ports: dict[str, int]) -> Steps:
    """Each metric of `Scaling` has them; a queue's backlog keeps AWS's, so that it does not swing."""
    scaling = Scaling(
        memory_percent=70,
        flows_per_target=100,
        scale_in_cooldown=Duration.minutes(10),
        scale_out_cooldown=Duration.seconds(0),
    )
    web = part.service("Worker", port=ports, scaling=scaling)
    endpoint = HttpEndpoint(part, "Endpoint", network=part.network)
    for port in ports:
        endpoint.add_route(port, service=web, port=port, hosts=[f"{port}.example.com"])
    TcpEndpoint(part, "Edge", network=part.network).add_listener("Tcp", port=80, service=web)
    web.scale_on_backlog("Orders", queue=sqs.Queue(part, "Queue"), messages_per_task=120)
    yield
    policies = policies_of(part)
    cooldowns = {name: (each.get("ScaleInCooldown"), each.get("ScaleOutCooldown")) for name, each in policies.items()}
    assert cooldowns == {**dict.fromkeys(("Cpu", "Memory", "Requests", "Flows"), (600, 0)), "Orders": (None, None)}


@in_shared_stack
def test_limits_known_only_when_deployed(part: Part) -> Steps:
    """A token cannot be compared."""
    least, most = (CfnParameter(part, name, type="Number").value_as_number for name in ("Least", "Most"))
    worker(part, Scaling(min=least, max=most))  # type: ignore[arg-type]
    yield
    (target,) = part.properties("AWS::ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (part.resolve(least), part.resolve(most))


@in_shared_stack
@pytest.mark.parametrize(
    ("scaling", "desired_count"),
    [(Scaling(min=0), None), (Scaling(min=0, max=0), 0)],
    ids=["none to ten", "none"],
)
def test_no_task(part: Part, scaling: Scaling, desired_count: int | None) -> Steps:
    """The template has a count only if no task may run: any other would be set again by each deployment."""
    worker(part, scaling)
    yield
    (service,) = part.properties("AWS::ECS::Service")
    assert service.get("DesiredCount") == desired_count
    (target,) = part.properties("AWS::ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, scaling.max)
