"""How it is told that a task can serve."""

import re

import pytest
from aws_cdk import Duration, Token

from fargate_constructs import Health
from fargate_constructs.service.health import container_health_check


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


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"path": "healthz"}, "path must begin with '/', got: 'healthz'"),
        (
            {"command": ["curl", "x"]},
            "command must begin with 'CMD' or 'CMD-SHELL', got: ['curl', 'x']; write command=['CMD-SHELL', 'curl x']",
        ),
        ({"command": []}, "got: []; write command=['CMD-SHELL', '...']"),
        (
            {"healthy_http_codes": "ok"},
            "healthy_http_codes must be numbers or ranges of 200 to 499, such as '200', '200,301' or '200-299'",
        ),
        ({"healthy_http_codes": "200-500"}, "got: '200-500'"),
        ({"healthy_http_codes": "199"}, "got: '199'"),
        ({"healthy_http_codes": "299-200"}, "got: '299-200'"),
        ({"healthy_http_codes": "200-250-299"}, "got: '200-250-299'"),
        ({"healthy_http_codes": "200,"}, "got: '200,'"),
        ({"healthy_grpc_codes": "100"}, "healthy_grpc_codes must be numbers or ranges of 0 to 99, such as '0', '0,12'"),
        ({"interval": 4}, "interval must be 5 to 300 seconds, got: 4"),
        ({"timeout": 1}, "timeout must be 2 to 60 seconds, got: 1"),
        ({"timeout": 10}, "timeout must be less than interval (10 seconds), got: 10 seconds"),
        ({"grace_period": 301}, "grace_period must be 0 to 300 seconds, got: 301"),
        ({"deregistration_delay": 3601}, "deregistration_delay must be 0 to 3600 seconds, got: 3601"),
        ({"healthy_threshold_count": 1}, "healthy_threshold_count must be 2 to 10, got: 1"),
        ({"unhealthy_threshold_count": 11}, "unhealthy_threshold_count must be 2 to 10, got: 11"),
    ],
)
def test_what_aws_would_refuse_is_refused(values: dict[str, object], message: str) -> None:
    """With the value that was given and the values that are allowed."""
    seconds = ("interval", "timeout", "grace_period", "deregistration_delay")
    arguments = {name: Duration.seconds(value) if name in seconds else value for name, value in values.items()}  # type: ignore[arg-type]

    with pytest.raises(ValueError, match=re.escape(message)):
        Health(**arguments)  # type: ignore[arg-type]


def test_answers_that_a_load_balancer_takes() -> None:
    """As values and ranges, or known only when deployed."""
    for codes in ("200", "200,301", "200-299,401", "200-499", Token.as_string({"Ref": "Codes"})):
        assert Health(healthy_http_codes=codes).target_check().healthy_http_codes == codes


def test_a_shells_line_is_no_command() -> None:
    """What is told is not refused next."""
    with pytest.raises(TypeError, match=re.escape("got: 'curl x'; write command=['CMD-SHELL', '...']")):
        Health(command="curl x")
