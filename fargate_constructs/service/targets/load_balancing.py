"""How the load balancer shares the requests of a service among its tasks."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.named_constructors import NamedConstructors
from fargate_constructs._core.unresolved import may_match
from fargate_constructs._core.validation import validate_seconds
from fargate_constructs.service.deployments.deployment import Deployment

Algorithm = elbv2.TargetGroupLoadBalancingAlgorithmType
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html
SLOW_START_SECONDS = (30, 900)
STICKINESS_SECONDS = (1, 604_800)
# A name of a cookie by RFC 6265, without the load balancer's own.
COOKIE_NAME = re.compile(r"(?!AWSALB)[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, init=False)
class LoadBalancing(NamedConstructors):
    """How the load balancer shares the requests of a service among its tasks. Made by one of the named constructors.

    ```python
    FargateService(stack, "Api", network=network, image=image,
                   load_balancing=LoadBalancing.least_outstanding_requests())
    ```

    A change replaces nothing
    (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html).
    """

    algorithm: Algorithm
    slow_start: Duration | None = None
    anomaly_mitigation: bool | None = None
    stickiness_cookie_duration: Duration | None = None
    stickiness_cookie_name: str | None = None

    @classmethod
    @checked
    def round_robin(
        cls,
        *,
        slow_start: Duration | None = None,
        stickiness_cookie_duration: Duration | None = None,
        stickiness_cookie_name: str | None = None,
    ) -> "LoadBalancing":
        """Each task gets the same number of requests. AWS's default.

        Args:
            slow_start: For how long the share of a new task grows to that of the others, 30 to 900 s, for tasks that
                must fill a cache first. It has no effect while all tasks are new. By default a new task gets its full
                share at once.
            stickiness_cookie_duration: For how long a caller stays with one task, 1 s to 7 days after each request, by
                a cookie of the load balancer. By default not at all; with a cookie's name, one day.
            stickiness_cookie_name: The name of a cookie of the application: a caller stays with one task while the
                caller has it. By default the load balancer decides.

        Raises:
            ValueError: If a time is out of its range, or the name is no name of a cookie or begins with `AWSALB`.
        """
        validate_seconds("slow_start", slow_start, *SLOW_START_SECONDS)
        return cls._of(Algorithm.ROUND_ROBIN, stickiness_cookie_duration, stickiness_cookie_name, slow_start=slow_start)

    @classmethod
    @checked
    def least_outstanding_requests(
        cls,
        *,
        # From LoadBalancing.round_robin without slow_start, by make signatures:
        stickiness_cookie_duration: Duration | None = None,
        stickiness_cookie_name: str | None = None,
    ) -> "LoadBalancing":
        """The task with the fewest requests in progress gets the next one, for requests that take different times.

        AWS has no slow start with it.

        Args:
            stickiness_cookie_duration: For how long a caller stays with one task, 1 s to 7 days after each request, by
                a cookie of the load balancer. By default not at all; with a cookie's name, one day.
            stickiness_cookie_name: The name of a cookie of the application: a caller stays with one task while the
                caller has it. By default the load balancer decides.

        Raises:
            ValueError: As `round_robin` does.
        """
        return cls._of(Algorithm.LEAST_OUTSTANDING_REQUESTS, stickiness_cookie_duration, stickiness_cookie_name)

    @classmethod
    @checked
    def weighted_random(
        cls,
        *,
        anomaly_mitigation: bool = True,
        # From LoadBalancing.round_robin without slow_start, by make signatures:
        stickiness_cookie_duration: Duration | None = None,
        stickiness_cookie_name: str | None = None,
    ) -> "LoadBalancing":
        """A random task gets the next request. A task that fails more than the others gets fewer requests.

        AWS finds such tasks by their 5xx responses and connection errors, among three healthy tasks or more
        (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html#automatic-target-weights).
        AWS has no slow start with it.

        Args:
            anomaly_mitigation: Whether such a task gets fewer requests. By default it does.
            stickiness_cookie_duration: For how long a caller stays with one task, 1 s to 7 days after each request, by
                a cookie of the load balancer. By default not at all; with a cookie's name, one day.
            stickiness_cookie_name: The name of a cookie of the application: a caller stays with one task while the
                caller has it. By default the load balancer decides.

        Raises:
            ValueError: As `round_robin` does.
        """
        return cls._of(
            Algorithm.WEIGHTED_RANDOM,
            stickiness_cookie_duration,
            stickiness_cookie_name,
            anomaly_mitigation=anomaly_mitigation,
        )

    @classmethod
    def _of(
        cls,
        algorithm: Algorithm,
        duration: Duration | None,
        cookie_name: str | None,
        *,
        slow_start: Duration | None = None,
        anomaly_mitigation: bool | None = None,
    ) -> "LoadBalancing":
        if cookie_name is not None and not may_match(COOKIE_NAME, cookie_name):
            raise ValueError(
                "stickiness_cookie_name must be the name of a cookie of the application, which does not begin with "
                f"AWSALB, got: {cookie_name!r}",
            )
        duration = duration or (Duration.days(1) if cookie_name else None)
        validate_seconds("stickiness_cookie_duration", duration, *STICKINESS_SECONDS)
        return cls._make(
            algorithm=algorithm,
            slow_start=slow_start,
            anomaly_mitigation=anomaly_mitigation,
            stickiness_cookie_duration=duration,
            stickiness_cookie_name=cookie_name,
        )

    @property
    def _is_sticky(self) -> bool:
        return self.stickiness_cookie_duration is not None

    def _target_group_options(self) -> Mapping[str, Any]:
        """Return the arguments of a target group."""
        return {
            "load_balancing_algorithm_type": self.algorithm,
            "slow_start": self.slow_start,
            "enable_anomaly_mitigation": self.anomaly_mitigation,
            "stickiness_cookie_duration": self.stickiness_cookie_duration,
            "stickiness_cookie_name": self.stickiness_cookie_name,
        }


def validate_stickiness(all_load_balancing: Iterable[LoadBalancing], deployment: Deployment) -> None:
    """Refuse sticky callers of a service with two target groups: they would stay with tasks that are gone.

    AWS takes sticky target groups in a rule only if callers also stay with a target group
    (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/sticky-sessions.html).
    """
    if deployment._has_two_target_groups and any(each._is_sticky for each in all_load_balancing):
        raise ValueError(
            f"stickiness needs deployments with one target group, got: {deployment.strategy.value} with two; callers "
            "would stay with old tasks, so deploy with Deployment.rolling(), or leave stickiness out",
        )


def validate_shared(load_balancing: LoadBalancing | None, name: str, stickiness_duration: Duration | None) -> None:
    """Refuse a sticky service that shares a route by weight if AWS would refuse it; see the page above."""
    if load_balancing is None or not load_balancing._is_sticky:
        return
    if load_balancing.stickiness_cookie_name:
        raise ValueError(
            f"a cookie of the application does not work with weighted target groups, got: {name} with the cookie "
            f"{load_balancing.stickiness_cookie_name!r}; leave stickiness_cookie_name out",
        )
    if stickiness_duration is None:
        raise ValueError(
            f"a route of several services needs stickiness_duration if one of them is sticky, got none, and {name} is"
        )
