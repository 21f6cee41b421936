"""How many tasks run."""

from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Stack
from aws_cdk import aws_applicationautoscaling as applicationautoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Match, Template

from fargate_constructs import FargateService, FixedEgressNetwork, HttpEndpoint, Scaling, TcpEndpoint
from fargate_constructs.network.network import Network


def test_two_to_ten_by_default() -> None:
    """A task in each of two zones, and room for five times the load."""
    assert Scaling() == Scaling(min=2, max=10, cpu_percent=60, requests_per_target=1000)


def policies_of(stack: Stack) -> dict[str, dict[str, Any]]:
    """Return what each scaling policy tracks, by the last word of its logical ID."""
    policies = Template.from_stack(stack).find_resources("AWS::ApplicationAutoScaling::ScalingPolicy")
    return {
        logical_id.removeprefix("WorkerServiceTaskCountTarget")[:-8]: each["Properties"][
            "TargetTrackingScalingPolicyConfiguration"
        ]
        for logical_id, each in policies.items()
    }


def worker(stack: Stack, **arguments: Any) -> FargateService:  # noqa: ANN401 - of the service
    """Return a service without a port."""
    network = FixedEgressNetwork(stack, "Network")
    image = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
    return FargateService(stack, "Worker", network=network, image=image, port=None, **arguments)


def test_memory_counts_where_it_is_asked_for(stack: Stack) -> None:
    """Instead of CPU, or beside it."""
    worker(stack, scaling=Scaling(cpu_percent=None, memory_percent=70))

    assert policies_of(stack) == {
        "Memory": {
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageMemoryUtilization"},
            "TargetValue": 70,
        }
    }


def test_a_queues_backlog_per_task(stack: Stack) -> None:
    """All messages of the queue, by how often the tasks reported their CPU in a minute: how many there are."""
    queue = sqs.Queue(stack, "Orders")
    service = worker(stack)
    service.scale_on_backlog("Orders", queue=queue, messages_per_task=120)

    policy = policies_of(stack)["Orders"]
    assert policy["TargetValue"] == 120
    waiting, in_flight, tasks, result = policy["CustomizedMetricSpecification"]["Metrics"]
    assert result == {"Id": "result", "Expression": "SUM([waiting, in_flight]) / tasks", "ReturnData": True}
    assert in_flight["MetricStat"]["Metric"]["MetricName"] == "ApproximateNumberOfMessagesNotVisible"
    assert waiting["MetricStat"] == {
        "Metric": {
            "Namespace": "AWS/SQS",
            "MetricName": "ApproximateNumberOfMessagesVisible",
            "Dimensions": [{"Name": "QueueName", "Value": stack.resolve(queue.queue_name)}],
        },
        "Stat": "Maximum",
    }
    assert tasks["MetricStat"] == {
        "Metric": {
            "Namespace": "AWS/ECS",
            "MetricName": "CPUUtilization",
            "Dimensions": [
                {"Name": "ClusterName", "Value": stack.resolve(service.cluster.cluster_name)},
                {"Name": "ServiceName", "Value": stack.resolve(service.service.service_name)},
            ],
        },
        "Stat": "SampleCount",
    }
    with pytest.raises(ValueError, match="messages_per_task must be at least 1, got: 0"):
        service.scale_on_backlog("None", queue=queue, messages_per_task=0)
    with pytest.raises(ValueError, match="id must differ from the service's other scaling policies, got: 'Orders'"):
        service.scale_on_backlog("Orders", queue=queue, messages_per_task=1)


def test_a_schedule_and_any_metric(stack: Stack) -> None:
    """By the L2's own methods, on the same target."""
    service = worker(stack)
    metric = cloudwatch.Metric(namespace="Shop", metric_name="OpenOrders")
    service.scalable_task_count.scale_to_track_custom_metric("OpenOrders", metric=metric, target_value=50)
    service.scalable_task_count.scale_on_schedule(
        "Night", schedule=applicationautoscaling.Schedule.cron(hour="22", minute="0"), min_capacity=1, max_capacity=1
    )

    assert policies_of(stack)["OpenOrders"]["TargetValue"] == 50
    Template.from_stack(stack).has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        {
            "MinCapacity": 2,
            "ScheduledActions": [
                Match.object_like({"ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": 1}}),
            ],
        },
    )
    Template.from_stack(stack).has_resource_properties("AWS::ECS::Service", {"DesiredCount": Match.absent()})


def test_requests_need_not_count(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Nor CPU: then the count stays where it is, unless a schedule or a metric of one's own moves it."""
    scaling = Scaling(cpu_percent=None, requests_per_target=None)
    web = FargateService(stack, "Web", network=network, image=image, scaling=scaling)
    HttpEndpoint(stack, "Endpoint", network=network).add_route("Web", service=web)

    Template.from_stack(stack).resource_count_is("AWS::ApplicationAutoScaling::ScalingPolicy", 0)


@pytest.mark.parametrize("ports", [{"http": 80}, {"http": 80, "admin": 90}], ids=["one port", "two ports"])
def test_cooldowns(stack: Stack, network: Network, image: ecs.ContainerImage, ports: dict[str, int]) -> None:
    """Each metric of `Scaling` has them; a queue's backlog keeps AWS's, so that it does not swing."""
    scaling = Scaling(
        memory_percent=70,
        flows_per_target=100,
        scale_in_cooldown=Duration.minutes(10),
        scale_out_cooldown=Duration.seconds(0),
    )
    web = FargateService(stack, "Worker", network=network, image=image, port=ports, scaling=scaling)
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)
    for port in ports:
        endpoint.add_route(port, service=web, port=port, hosts=[f"{port}.example.com"])
    TcpEndpoint(stack, "Edge", network=network).add_listener("Tcp", port=80, service=web)
    web.scale_on_backlog("Orders", queue=sqs.Queue(stack, "Queue"), messages_per_task=120)

    policies = policies_of(stack)
    cooldowns = {name: (each.get("ScaleInCooldown"), each.get("ScaleOutCooldown")) for name, each in policies.items()}
    assert cooldowns == {**dict.fromkeys(("Cpu", "Memory", "Requests", "Flows"), (600, 0)), "Orders": (None, None)}


def test_limits_known_only_when_deployed(stack: Stack) -> None:
    """A token cannot be compared."""
    least, most = (CfnParameter(stack, name, type="Number").value_as_number for name in ("Least", "Most"))

    worker(stack, scaling=Scaling(min=least, max=most))  # type: ignore[arg-type]

    Template.from_stack(stack).has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalableTarget", {"MinCapacity": {"Ref": "Least"}, "MaxCapacity": {"Ref": "Most"}}
    )


@pytest.mark.parametrize(
    ("scaling", "desired_count"),
    [(Scaling(min=0), Match.absent()), (Scaling(min=0, max=0), 0)],
    ids=["none to ten", "none"],
)
def test_no_task(stack: Stack, scaling: Scaling, desired_count: object) -> None:
    """The template has a count only if no task may run: any other would be set again by each deployment."""
    worker(stack, scaling=scaling)

    template = Template.from_stack(stack)
    template.has_resource_properties("AWS::ECS::Service", {"DesiredCount": desired_count})
    template.has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalableTarget", {"MinCapacity": 0, "MaxCapacity": scaling.max}
    )
