"""How many tasks of a service run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from aws_cdk import Duration, Names
from aws_cdk import aws_applicationautoscaling as applicationautoscaling
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.lazy_cdk import aws_cloudwatch as cloudwatch
from fargate_constructs._core.lazy_cdk import aws_sqs as sqs
from fargate_constructs._core.unresolved import is_unresolved
from fargate_constructs._core.validation import validate_range, validate_seconds
from fargate_constructs.service.queues.queue_scaling import ZeroSteps, backlog_per_task


@checked
@dataclass(frozen=True, kw_only=True)
class Scaling:
    """The number of tasks of a service, and the metrics on which it scales.

    Of several metrics, the one that needs the most tasks decides. For a schedule, or any other metric, use
    `FargateService.scalable_task_count`; for a queue, `FargateService.scale_on_backlog`.

    ```python
    Scaling(min=2, max=20)
    Scaling(min=3, max=3)  # always three
    Scaling(min=0, max=0)  # none: the stack can be made before there is an image
    ```

    Args:
        min: The minimum number of tasks. By default 2: one in each zone, so that one zone may fail. With 0 a new
            service starts with one task. Without tasks there are no CPU, memory and requests, so these start no first
            task: a schedule or a step on another metric does, and synthesis warns if this app has none.
        max: The maximum number of tasks. By default 10. With 0 no task runs. With a higher value later, Application
            Auto Scaling starts *min* tasks
            (https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html).
        cpu_percent: The average CPU utilization to keep, 1 to 100. By default 60: the rest is enough for the minute or
            two until another task is healthy. `None` does not scale on it.
        memory_percent: The average memory utilization to keep, 1 to 100. By default memory does not count: most
            run-times do not give memory back, and would never scale in.
        requests_per_target: The requests per minute and task to keep, for a service that has a route. By default 1,000,
            about 17 a second. `None` does not scale on requests.
        flows_per_target: The open connections and UDP flows per task to keep, for a service that has a listener of a
            `TcpEndpoint`. By default flows do not count: how many a task holds depends on the protocol. Open
            connections stay where they are: a new task gets new ones only.
        scale_in_cooldown: How long after a scale-in the next one waits, for each metric above. By default AWS's 300 s
            (https://docs.aws.amazon.com/autoscaling/application/APIReference/API_TargetTrackingScalingPolicyConfiguration.html).
            A scale-out does not wait for it.
        scale_out_cooldown: How long after a scale-out the next one waits for the new tasks to take effect, for each
            metric above. If even more are needed, AWS starts the difference at once. By default AWS's 300 s. If it is
            shorter than a task needs to start, AWS starts too many.

    Raises:
        ValueError: If a number is out of its range, *min* is above *max*, or a cooldown is not whole seconds.
    """

    min: int = 2
    max: int = 10
    cpu_percent: int | None = 60
    memory_percent: int | None = None
    requests_per_target: int | None = 1000
    flows_per_target: int | None = None
    scale_in_cooldown: Duration | None = None
    scale_out_cooldown: Duration | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that are out of range."""
        validate_range("min", self.min, 0, unit=" tasks")
        validate_range("max", self.max, 0, unit=" tasks")
        if self.max < self.min and not any(map(is_unresolved, (self.min, self.max))):
            raise ValueError(f"max must be at least min ({self.min}), got: {self.max}")
        validate_range("cpu_percent", self.cpu_percent, 1, 100)
        validate_range("memory_percent", self.memory_percent, 1, 100)
        validate_range("requests_per_target", self.requests_per_target, 1, unit=" a minute")
        validate_range("flows_per_target", self.flows_per_target, 1)
        validate_seconds("scale_in_cooldown", self.scale_in_cooldown, 0)
        validate_seconds("scale_out_cooldown", self.scale_out_cooldown, 0)

    def _desired_count(self) -> int | None:
        """Return 0 if no task may run. Any other count here would be set again by each deployment."""
        return 0 if self.max == 0 else None


class ServiceScaling:
    """The scaling of one service."""

    def __init__(self, service: ecs.FargateService, scaling: Scaling) -> None:
        self._service = service
        self._scaling = scaling
        self._has_backlog = False
        self._replaceable: set[str] = set()
        self.task_count = service.auto_scale_task_count(min_capacity=scaling.min, max_capacity=scaling.max)
        self._cooldowns: Mapping[str, Any] = {
            "scale_in_cooldown": scaling.scale_in_cooldown,
            "scale_out_cooldown": scaling.scale_out_cooldown,
        }
        if scaling.cpu_percent:
            self.task_count.scale_on_cpu_utilization(
                "Cpu", target_utilization_percent=scaling.cpu_percent, **self._cooldowns
            )
        if scaling.memory_percent:
            self.task_count.scale_on_memory_utilization(
                "Memory", target_utilization_percent=scaling.memory_percent, **self._cooldowns
            )

    def on_requests(self, target_groups: Sequence[elbv2.ApplicationTargetGroup]) -> None:
        """Keep the requests per task, of all target groups together. Called again with more, it replaces the policy."""
        target = self._scaling.requests_per_target
        if target is None:
            return
        self._remove("Requests")
        if len(target_groups) == 1:
            self.task_count.scale_on_request_count(
                "Requests", requests_per_target=target, target_group=target_groups[0], **self._cooldowns
            )
            return
        requests = {
            f"requests{number}": target_group.metrics.request_count_per_target(statistic="Sum")
            for number, target_group in enumerate(target_groups)
        }
        # SUM of a list ignores a metric without data, and mostly one has none; FILL would hide data that comes late.
        self._track("Requests", f"SUM([{', '.join(requests)}])", requests, target=target, **self._cooldowns)

    def on_flows(self, target_groups: Sequence[elbv2.NetworkTargetGroup]) -> None:
        """Keep the flows per task, of all target groups together. Called again with more, it replaces the policy."""
        target = self._scaling.flows_per_target
        if target is None:
            return
        flows = {
            f"flows{number}": cloudwatch.Metric(
                namespace="AWS/NetworkELB",
                metric_name="ActiveFlowCount",
                # Its one dimension beside those of the load balancer
                # (https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-cloudwatch-metrics.html).
                dimensions_map={"TargetGroup": target_group.target_group_full_name},
                statistic="Average",
            )
            for number, target_group in enumerate(target_groups)
        }
        # Each task reports its CPU once a minute, as for a queue.
        metrics = {**flows, "tasks": self._service.metric_cpu_utilization(statistic="SampleCount")}
        self._remove("Flows")
        self._track("Flows", f"SUM([{', '.join(flows)}]) / tasks", metrics, target=target, **self._cooldowns)

    def on_backlog(self, id: str, *, queue: sqs.IQueue, messages_per_task: float) -> None:
        """Keep the messages of a queue for each task; with a minimum of 0, start the first task and stop the last."""
        to_zero = self._may_be_zero
        expression, metrics = backlog_per_task(self._service, queue, to_zero=to_zero)
        self._track(id, expression, metrics, target=messages_per_task)
        if to_zero:
            steps = ZeroSteps(self._target, id, queue=queue)
            steps.start(messages_per_task, self._scaling.max)
            steps.stop()
        self._has_backlog = True

    def validate_backlog(self, id: str) -> None:
        """Refuse an ID that a policy has, and a second queue that would not be empty when the first stops all tasks."""
        if self._target.node.try_find_child(id):
            raise ValueError(f"id must differ from the service's other scaling policies, got: {id!r}")
        if self._has_backlog and self._may_be_zero:
            raise ValueError(
                f"a service that scales to zero has one queue, got a second one: {id!r}; set a minimum of 1, or make a "
                "service for each queue"
            )

    @property
    def _may_be_zero(self) -> bool:
        return self._scaling.min == 0 or is_unresolved(self._scaling.min)

    @property
    def _target(self) -> applicationautoscaling.ScalableTarget:
        return cast(applicationautoscaling.ScalableTarget, self.task_count.node.find_child("Target"))

    def _remove(self, id: str) -> None:
        """Remove a policy if it was made before."""
        if id in self._replaceable:
            self._target.node.try_remove_child(id)
        self._replaceable.add(id)

    def _track(
        self,
        id: str,
        expression: str,
        metrics: Mapping[str, cloudwatch.Metric],
        *,
        target: float,
        scale_in_cooldown: Duration | None = None,
        scale_out_cooldown: Duration | None = None,
    ) -> None:
        """Keep a value computed from several metrics, for which there is no L2."""
        policy = applicationautoscaling.CfnScalingPolicy
        sources = [
            policy.TargetTrackingMetricDataQueryProperty(
                id=name,
                metric_stat=policy.TargetTrackingMetricStatProperty(
                    metric=policy.TargetTrackingMetricProperty(
                        namespace=metric.namespace,
                        metric_name=metric.metric_name,
                        dimensions=[
                            policy.TargetTrackingMetricDimensionProperty(name=dimension, value=value)
                            for dimension, value in sorted((metric.dimensions or {}).items())
                        ],
                    ),
                    stat=metric.statistic,
                ),
                return_data=False,
            )
            for name, metric in metrics.items()
        ]
        result = policy.TargetTrackingMetricDataQueryProperty(id="result", expression=expression, return_data=True)
        scalable_target = self._target
        applicationautoscaling.CfnScalingPolicy(
            scalable_target,
            id,
            policy_name=f"{Names.unique_id(scalable_target)}{id}",
            policy_type="TargetTrackingScaling",
            scaling_target_id=scalable_target.scalable_target_id,
            target_tracking_scaling_policy_configuration=policy.TargetTrackingScalingPolicyConfigurationProperty(
                target_value=target,
                scale_in_cooldown=None if scale_in_cooldown is None else scale_in_cooldown.to_seconds(),
                scale_out_cooldown=None if scale_out_cooldown is None else scale_out_cooldown.to_seconds(),
                customized_metric_specification=policy.CustomizedMetricSpecificationProperty(
                    metrics=[*sources, result]
                ),
            ),
        )
