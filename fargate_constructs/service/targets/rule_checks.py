"""What AWS would refuse of a listener rule."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import IConstruct

from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.validation import MAX_VALUES_PER_RULE, validate_range, validate_seconds

# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
MIN_SHARES, MAX_SHARES = 2, 5
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-action-types.html
MAX_WEIGHT = 999
MAX_STICKINESS_SECONDS = 604_800


def priority_before(priority: int) -> int:
    """Return the priority of the test traffic's rule; refuse a priority that has none before it."""
    if priority < 2:  # noqa: PLR2004 - the test traffic's rule has a lower one
        raise ValueError(f"priority must be at least 2 to leave room for the test traffic's rule, got: {priority}")
    return priority - 1


def validate_values(id: str, conditions: Sequence[elbv2.ListenerCondition]) -> None:
    """Refuse conditions that leave no room for the test header."""
    values = sum(map(_count_values, conditions)) + 1
    if values > MAX_VALUES_PER_RULE:
        raise ValueError(
            f"a rule holds {MAX_VALUES_PER_RULE} values, and the test traffic's has one more than route {id!r}, "
            f"got: {values}; list fewer hosts or paths",
        )


def _count_values(condition: elbv2.ListenerCondition) -> int:
    """Return the number of values in a condition."""
    (configuration,) = (value for key, value in condition.render_raw_condition().items() if key != "field")
    return len(configuration.get("values") or configuration["regexValues"])


def validate_weights(
    service: IConstruct, weights: Mapping[Any, int] | None, stickiness_duration: Duration | None
) -> None:
    """Refuse weights that AWS would refuse, and those of other services than the rule's."""
    if weights is None:
        if stickiness_duration is not None:
            raise ValueError("stickiness_duration needs several services with weights; leave it out")
        return
    if not MIN_SHARES <= len(weights) <= MAX_SHARES:
        raise ValueError(f"weights must be of {MIN_SHARES} to {MAX_SHARES} services, got: {len(weights)}")
    if service not in weights:
        raise ValueError(f"weights must have one of the rule's service, {path_of(service)}, got those of others only")
    for each, weight in weights.items():
        validate_range(f"the weight of {path_of(each)}", weight, 0, MAX_WEIGHT)
    if not any(weights.values()):
        raise ValueError("weights must not be 0 for every service: callers would get 503; give one of them 100")
    validate_seconds("stickiness_duration", stickiness_duration, 1, MAX_STICKINESS_SECONDS)
