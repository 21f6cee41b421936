"""How it is told that a task can serve."""

from aws_cdk import Duration, Token

from fargate_constructs import Health
from fargate_constructs.service.targets.health import container_health_check


def test_a_task_joins_after_ten_seconds() -> None:
    """With its first good check, and without a check of the container's own unless it is asked for."""
    interval = Health().target_check().interval

    assert interval
    assert interval.to_seconds() == 10
    assert container_health_check(Health()) is None


def test_one_value_makes_both_checks() -> None:
    """The container's check has the target check's numbers."""
    health = Health(path="/healthz", command=["CMD-SHELL", "check"], interval=Duration.seconds(20))

    target, container = health.target_check(), container_health_check(health)
    assert container
    assert target.path == "/healthz"
    assert target.interval is not None
    assert container.interval is not None
    assert target.interval.to_seconds() == container.interval.to_seconds() == 20
    assert target.unhealthy_threshold_count == container.retries == 3


def test_answers_that_a_load_balancer_takes() -> None:
    """As values and ranges, or known only when deployed."""
    for codes in ("200", "200,301", "200-299,401", "200-499", Token.as_string({"Ref": "Codes"})):
        assert Health(healthy_http_codes=codes).target_check().healthy_http_codes == codes
