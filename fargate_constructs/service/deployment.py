"""How a new version takes over from the old one.

```
new tasks ──> [deployment: all requests at once, or in steps] ──> old tasks end
```
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_ecs as ecs

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.validation import seconds_of, validate_header

# Minutes. ECS takes up to a day
# (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html). Without a value it
# keeps both versions for 36 hours.
LONGEST_BAKE_TIME = 1440
BAKE_TIME = 5
# Percent: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LinearConfiguration.html
SMALLEST_STEP = 3


class Strategy(Enum):
    """ECS's names of the ways to deploy."""

    ROLLING = "ROLLING"
    BLUE_GREEN = "BLUE_GREEN"
    CANARY = "CANARY"
    LINEAR = "LINEAR"


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """How a new version takes over. Made by one of the named constructors, never by hand.

    ```python
    FargateService(stack, "Api", network=network, image=image, deployment=Deployment.canary(percent=10))
    ```

    Going from one to another replaces neither the service nor its target group. The way back to rolling deployments
    takes two (docs/upgrading.md). In a rolling and in a blue/green deployment, new tasks that fail to start or to pass
    their checks end it, and ECS goes back to the last good version
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-failure-detection.html; the API's own pages
    say so of rolling ones alone). Of canary and linear ones AWS says it of alarms, such as those that come with a route
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/canary-deployment-implementation.html, and
    linear-deployment-implementation.html beside it). The first deployment of a service has no version to go back to.
    """

    strategy: Strategy
    bake_time: Duration
    both_target_groups: bool = False
    percent: int | None = None
    interval: Duration | None = None
    test_header: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        """Refuse a header that the load balancer would refuse, here rather than with the first route."""
        if self.test_header:
            validate_header("test_header", *self.test_header)

    @classmethod
    @checked
    def rolling(cls, *, bake_time: Duration | None = None, both_target_groups: bool = False) -> "Deployment":
        """New tasks start, then the old ones stop. The fastest, and the default.

        Both versions answer for a while. The deployment is over when all new tasks are healthy, some 10 s after they
        have started. Old tasks finish what they have begun after that
        (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/early-success-criteria.html): they drain for up to
        30 s, then get SIGTERM, and may take their `stop_timeout` (30 s) to end
        (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/update-service-console-v2.html).

        Args:
            bake_time: How long alarms are watched after that; the deployment lasts as much longer. By default not at
                all: only tasks that fail end a deployment that is over in 10 s, for an alarm takes some three minutes.
                AWS's pages disagree: the API's page has this time
                (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html), the
                developer's guide says that ECS computes one from the alarms
                (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html). If ECS
                does, a deployment of a service with alarms takes minutes longer.
            both_target_groups: Whether the service keeps the second target group of a strategy that shifts requests,
                with each task in both. It is the step between such a strategy and a plain rolling deployment, or a
                change of the service's route: the listener rule may point at either group by then
                (docs/upgrading.md). By default it has one.

        Raises:
            ValueError: If *bake_time* is over a day, or not whole minutes.
        """
        return cls(
            strategy=Strategy.ROLLING,
            bake_time=_checked("bake_time", bake_time or Duration.minutes(0)),
            both_target_groups=both_target_groups,
        )

    @classmethod
    @checked
    def blue_green(
        cls, *, bake_time: Duration | None = None, test_header: tuple[str, str] | None = None
    ) -> "Deployment":
        """All new tasks beside all old ones, then all requests move at once.

        Args:
            bake_time: How long the old tasks stay, so that going back takes seconds. By default 5 minutes.
            test_header: A header's name and value, such as `("x-version", "next")`; requests that carry it reach the
                new tasks before the others do. By default none do.

        Raises:
            ValueError: If *bake_time* is over a day, or not whole minutes; or if no rule can ask for *test_header*.
        """
        return cls(strategy=Strategy.BLUE_GREEN, bake_time=_checked("bake_time", bake_time), test_header=test_header)

    @classmethod
    @checked
    def canary(
        cls,
        *,
        percent: int = 10,
        interval: Duration | None = None,
        bake_time: Duration | None = None,
        test_header: tuple[str, str] | None = None,
    ) -> "Deployment":
        """A few requests first, then all others at once.

        Args:
            percent: How many of a hundred requests go first, 1 to 99. By default 10.
            interval: How long only those go to the new tasks. By default 5 minutes.
            bake_time: How long the old tasks stay after that. By default 5 minutes.
            test_header: As in `blue_green`.

        Raises:
            ValueError: If *percent* is not 1 to 99, or a time is over a day, or not whole minutes; or if no rule can
                ask for *test_header*.
        """
        if percent not in range(1, 100):
            raise ValueError(f"percent must be 1 to 99, got: {percent}")
        return cls(
            strategy=Strategy.CANARY,
            percent=percent,
            interval=_checked("interval", interval),
            bake_time=_checked("bake_time", bake_time),
            test_header=test_header,
        )

    @classmethod
    @checked
    def linear(
        cls,
        *,
        step: int = 20,
        interval: Duration | None = None,
        bake_time: Duration | None = None,
        test_header: tuple[str, str] | None = None,
    ) -> "Deployment":
        """The same share of requests in each step, until all have moved.

        Args:
            step: How many of a hundred requests move at a time, 3 to 99. By default 20: five steps.
            interval: How long each step lasts. By default 5 minutes.
            bake_time: How long the old tasks stay after the last. By default 5 minutes.
            test_header: As in `blue_green`.

        Raises:
            ValueError: If *step* is not 3 to 99, or a time is over a day, or not whole minutes; or if no rule can ask
                for *test_header*.
        """
        if step not in range(SMALLEST_STEP, 100):
            raise ValueError(f"step must be {SMALLEST_STEP} to 99, got: {step}")
        return replace(
            cls.canary(percent=step, interval=interval, bake_time=bake_time, test_header=test_header),
            strategy=Strategy.LINEAR,
        )

    @property
    def shifts_traffic(self) -> bool:
        """Whether ECS moves requests from one target group to another."""
        return self.strategy is not Strategy.ROLLING

    @property
    def has_two_target_groups(self) -> bool:
        """Whether the service has a second target group."""
        return self.shifts_traffic or self.both_target_groups

    def early_success(self) -> Mapping[str, Any] | None:
        """Return when a rolling deployment is over, as CloudFormation writes it; other strategies have no such setting.

        All tasks are healthy then, so this is as safe as ECS's default.
        """
        if self.shifts_traffic:
            return None
        return {"Enable": True, "HealthyPercent": 100, "SourceServiceRevisionCleanup": "DEFERRED"}

    def service_options(self) -> Mapping[str, Any]:
        """Return the deployment as arguments of `ecs.FargateService`, with every time."""
        options: dict[str, Any] = {
            "deployment_strategy": ecs.DeploymentStrategy(self.strategy.value),
            "bake_time": self.bake_time,
        }
        if self.strategy is Strategy.CANARY:
            options["canary_configuration"] = self._shift()
        if self.strategy is Strategy.LINEAR:
            options["linear_configuration"] = self._shift()
        return options

    def _shift(self) -> ecs.TrafficShiftConfig:
        return ecs.TrafficShiftConfig(step_percent=self.percent, step_bake_time=self.interval)


@cache
def default_deployment() -> Deployment:
    """Return `Deployment.rolling()`, which never changes; its times are asked of Node once, not for each service."""
    return Deployment.rolling()


def _checked(name: str, time: Duration | None) -> Duration:
    time = time or Duration.minutes(BAKE_TIME)
    seconds = seconds_of(time)
    minutes = 0 if seconds is None else seconds / 60  # only the deployment knows
    if minutes > LONGEST_BAKE_TIME or minutes % 1:
        raise ValueError(f"{name} must be whole minutes, at most {LONGEST_BAKE_TIME}, got: {time.to_human_string()}")
    return time
