"""How a new version replaces the old one."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_ecs as ecs

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.named_constructors import NamedConstructors
from fargate_constructs._core.unresolved import is_unresolved
from fargate_constructs._core.validation import seconds_of, validate_header, validate_known_range
from fargate_constructs.service.scaling import Scaling

# Minutes. ECS takes up to a day
# (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html). Without a value it
# keeps both versions for 36 hours.
MAX_BAKE_TIME = 1440
BAKE_TIME = 5
# Percent: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LinearConfiguration.html
MIN_STEP = 3
# Percent of the desired count: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-options.html
ALL, TWICE = 100, 200

Strategy = ecs.DeploymentStrategy


@dataclass(frozen=True, init=False)
class Deployment(NamedConstructors):
    """How a new version replaces the old one. Made by one of the named constructors.

    ```python
    FargateService(stack, "Api", network=network, image=image, deployment=Deployment.canary(percent=10))
    ```

    A change of the strategy replaces neither the service nor its target group. A change back to rolling deployments
    takes two deployments (docs/upgrading.md). If new tasks fail to start or to pass their checks in a rolling or a
    blue/green deployment, ECS rolls back to the last good version
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-failure-detection.html; the API reference
    names rolling deployments only). For canary and linear deployments AWS documents the same for alarms, such as those
    of a route (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/canary-deployment-implementation.html, and
    linear-deployment-implementation.html there). The first deployment of a service has no version to return to.
    """

    strategy: Strategy
    bake_time: Duration
    min_healthy_percent: int = ALL
    max_healthy_percent: int = TWICE
    both_target_groups: bool = False
    percent: int | None = None
    interval: Duration | None = None
    test_header: tuple[str, str] | None = None

    @classmethod
    @checked
    def rolling(
        cls,
        *,
        min_healthy_percent: int = ALL,
        max_healthy_percent: int = TWICE,
        bake_time: Duration | None = None,
        both_target_groups: bool = False,
    ) -> "Deployment":
        """New tasks start, then the old ones stop. The fastest strategy, and the default.

        Both versions answer for a while. The deployment completes when all new tasks are healthy, some 10 s after their
        start. Old tasks stop after that
        (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/early-success-criteria.html): they drain for up to
        30 s, then get SIGTERM, and have their `stop_timeout` (30 s) to stop
        (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/update-service-console-v2.html).

        Args:
            min_healthy_percent: How many of 100 tasks must run during a deployment, 0 to 100, rounded up to whole
                tasks. By default 100: no old task stops before its successor is healthy.
            max_healthy_percent: How many of 100 tasks may run during a deployment, 100 to 200, rounded down to whole
                tasks. By default 200: all new tasks start at once. A lower number starts them in batches, such as for a
                database that has few connections. With 100 ECS does not keep the zones in balance
                (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html).
            bake_time: How long ECS watches alarms after that; the deployment takes longer by this time. By default
                none: the deployment completes in 10 s and an alarm takes some three minutes, so only failed tasks end
                it. AWS's pages disagree: the API reference has this time
                (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html), the
                developer's guide says that ECS computes one from the alarms
                (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html). If ECS
                does, a deployment of a service with alarms takes minutes longer.
            both_target_groups: Whether the service keeps the second target group of a strategy that shifts requests,
                with each task in both groups. It is the step between such a strategy and a plain rolling deployment,
                and before a change of the service's route: the listener rule may point at either group then
                (docs/upgrading.md). By default the service has one target group.

        Raises:
            ValueError: If a percentage is out of its range, or both are 100; if *bake_time* is over a day, or not whole
                minutes.
        """
        validate_known_range("min_healthy_percent", min_healthy_percent, 0, ALL)
        validate_known_range("max_healthy_percent", max_healthy_percent, ALL, TWICE)
        if min_healthy_percent == max_healthy_percent:
            # https://github.com/hashicorp/terraform-provider-aws/issues/6315
            raise ValueError(
                "max_healthy_percent must be above min_healthy_percent, got: 100 for both, and ECS refuses that; write "
                "max_healthy_percent=200, or Deployment.recreate() to stop tasks first"
            )
        return cls._of(
            Strategy.ROLLING,
            bake_time or Duration.minutes(0),
            both_target_groups=both_target_groups,
            min_healthy_percent=min_healthy_percent,
            max_healthy_percent=max_healthy_percent,
        )

    @classmethod
    @checked
    def recreate(cls, *, bake_time: Duration | None = None) -> "Deployment":
        """The old tasks stop, then the new ones start (0 to 100 %). Nothing answers in between.

        For what may run only once, such as a scheduler or the owner of files, with `Scaling(min=1, max=1)`. ECS may
        start the new task before the old one has ended (https://github.com/aws/containers-roadmap/issues/959): if two
        must never run at a time, let a task hold a lock. ECS does not keep the zones in balance, because it would start
        a task first.

        Args:
            bake_time: As for `rolling`.

        Raises:
            ValueError: If *bake_time* is over a day, or not whole minutes.
        """
        return cls.rolling(min_healthy_percent=0, max_healthy_percent=ALL, bake_time=bake_time)

    @classmethod
    @checked
    def blue_green(
        cls, *, bake_time: Duration | None = None, test_header: tuple[str, str] | None = None
    ) -> "Deployment":
        """All new tasks start while the old ones run, then all requests move at once.

        Args:
            bake_time: How long the old tasks stay, so that a rollback takes seconds. By default 5 minutes.
            test_header: A header's name and value, such as `("x-version", "next")`. Requests with it reach the new
                tasks before other requests do. By default there is none.

        Raises:
            ValueError: If *bake_time* is over a day, or not whole minutes; or if no rule can check *test_header*.
        """
        return cls._of(Strategy.BLUE_GREEN, bake_time, test_header=test_header)

    @classmethod
    @checked
    def canary(
        cls,
        *,
        percent: int = 10,
        interval: Duration | None = None,
        bake_time: Duration | None = None,
        # From Deployment.blue_green, by make signatures:
        test_header: tuple[str, str] | None = None,
    ) -> "Deployment":
        """A small share of the requests moves first, then all others at once.

        Args:
            percent: How many of 100 requests move first, 1 to 99. By default 10.
            interval: How long only these requests reach the new tasks. By default 5 minutes.
            bake_time: How long the old tasks stay after that. By default 5 minutes.
            test_header: A header's name and value, such as `("x-version", "next")`. Requests with it reach the new
                tasks before other requests do. By default there is none.

        Raises:
            ValueError: If *percent* is not 1 to 99, or a time is over a day, or not whole minutes; or if no rule can
                ask for *test_header*.
        """
        validate_known_range("percent", percent, 1, ALL - 1)
        return cls._of(Strategy.CANARY, bake_time, percent=percent, interval=interval, test_header=test_header)

    @classmethod
    @checked
    def linear(
        cls,
        *,
        step: int = 20,
        interval: Duration | None = None,
        bake_time: Duration | None = None,
        # From Deployment.blue_green, by make signatures:
        test_header: tuple[str, str] | None = None,
    ) -> "Deployment":
        """The same share of the requests moves in each step, until all have moved.

        Args:
            step: How many of 100 requests move in a step, 3 to 99. By default 20: five steps.
            interval: How long each step lasts. By default 5 minutes.
            bake_time: How long the old tasks stay after the last step. By default 5 minutes.
            test_header: A header's name and value, such as `("x-version", "next")`. Requests with it reach the new
                tasks before other requests do. By default there is none.

        Raises:
            ValueError: If *step* is not 3 to 99, or a time is over a day, or not whole minutes; or if no rule can ask
                for *test_header*.
        """
        validate_known_range("step", step, MIN_STEP, ALL - 1)
        return cls._of(Strategy.LINEAR, bake_time, percent=step, interval=interval, test_header=test_header)

    @classmethod
    def _of(
        cls,
        strategy: Strategy,
        bake_time: Duration | None,
        *,
        percent: int | None = None,
        interval: Duration | None = None,
        test_header: tuple[str, str] | None = None,
        **of_rolling: Any,  # noqa: ANN401 - the fields of a rolling deployment
    ) -> "Deployment":
        if test_header:
            validate_header("test_header", *test_header)
        return cls._make(
            strategy=strategy,
            bake_time=_minutes("bake_time", bake_time),
            percent=percent,
            interval=_minutes("interval", interval) if percent else None,
            test_header=test_header,
            **of_rolling,
        )

    def _validate_scaling(self, scaling: Scaling) -> None:
        """Refuse percentages with which ECS can neither stop nor start a task. The fewer tasks, the sooner."""
        if is_unresolved(scaling.min) or scaling.max == 0:
            return
        tasks = max(scaling.min, 1)
        least, most = (ceil(tasks * self.min_healthy_percent / ALL), tasks * self.max_healthy_percent // ALL)
        if least >= most:
            raise ValueError(
                f"a deployment must be able to stop or to start a task, got: min_healthy_percent "
                f"{self.min_healthy_percent} and max_healthy_percent {self.max_healthy_percent} with scaling.min "
                f"{scaling.min}: at least {least} and at most {most} of {tasks}; write max_healthy_percent=200, or "
                "Deployment.recreate() to stop tasks first"
            )

    @property
    def _shifts_traffic(self) -> bool:
        """Whether ECS moves requests from one target group to another."""
        return self.strategy is not Strategy.ROLLING

    @property
    def _has_two_target_groups(self) -> bool:
        return self._shifts_traffic or self.both_target_groups

    def _early_success(self) -> Mapping[str, Any] | None:
        """Return when a rolling deployment completes, for CloudFormation; other strategies have no such setting.

        All tasks are healthy then, so this is as safe as ECS's default.
        """
        if self._shifts_traffic:
            return None
        return {"Enable": True, "HealthyPercent": 100, "SourceServiceRevisionCleanup": "DEFERRED"}

    def _service_options(self) -> Mapping[str, Any]:
        """Return the deployment as arguments of `ecs.FargateService`, with every time."""
        rebalancing = ecs.AvailabilityZoneRebalancing
        options: dict[str, Any] = {
            "deployment_strategy": self.strategy,
            "bake_time": self.bake_time,
            "min_healthy_percent": self.min_healthy_percent,
            "max_healthy_percent": self.max_healthy_percent,
            # ECS starts a task before it stops another one for it.
            "availability_zone_rebalancing": rebalancing.ENABLED
            if self.max_healthy_percent > ALL
            else rebalancing.DISABLED,
        }
        if self.percent:
            shift = ecs.TrafficShiftConfig(step_percent=self.percent, step_bake_time=self.interval)
            options[f"{self.strategy.value.lower()}_configuration"] = shift
        return options


@cache
def default_deployment() -> Deployment:
    """Return `Deployment.rolling()`, which never changes; Node is asked for its times once, not for each service."""
    return Deployment.rolling()


def _minutes(name: str, time: Duration | None) -> Duration:
    time = time or Duration.minutes(BAKE_TIME)
    seconds = seconds_of(time)
    minutes = 0 if seconds is None else seconds / 60  # None is a token
    if minutes > MAX_BAKE_TIME or minutes % 1:
        raise ValueError(f"{name} must be whole minutes, at most {MAX_BAKE_TIME}, got: {time.to_human_string()}")
    return time
