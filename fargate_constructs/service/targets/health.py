"""The health checks of a task, and how fast it starts and stops to get requests."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from aws_cdk import Duration
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.unresolved import is_known, may_start_with
from fargate_constructs._core.validation import seconds_of, validate_range, validate_seconds

# Seconds and counts that both the load balancer and ECS accept:
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html and
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html
MAX_GRACE_PERIOD = 300
SECONDS = {"interval": (5, 300), "timeout": (2, 60), "grace_period": (0, MAX_GRACE_PERIOD)}
COUNTS = (2, 10)
# What CDK writes for a service with a load balancer.
CDK_GRACE_PERIOD = 60
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html
SECONDS["deregistration_delay"] = (0, 3600)
# The responses that an Application Load Balancer accepts as healthy:
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Matcher.html
CODES = {
    "healthy_http_codes": (200, 499, "'200', '200,301' or '200-299'"),
    "healthy_grpc_codes": (0, 99, "'0', '0,12' or '0-5'"),
}
CODE_LIST = re.compile(r"[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*")
# The path of the check of a gRPC service by default:
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
GRPC_PATH = "/AWS.ALB/healthcheck"


@checked
@dataclass(frozen=True, kw_only=True)
class Health:
    """The checks of a service's tasks: the load balancer's check, and ECS's check in the container if there is one.

    With the defaults a new task gets requests after its first passed check, within 10 s, and an old one finishes its
    requests within 30 s. The load balancer's own defaults are 30 s and 300 s
    (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html).

    ```python
    Health(path="/healthz")
    Health(path="/healthz", command=["CMD-SHELL", "curl -fs http://localhost:8080/healthz"])
    ```

    Args:
        path: The path that the load balancer requests. By default `/`; of a gRPC service, a method that does not exist,
            `/AWS.ALB/healthcheck`. A service with gRPC's health service takes `/grpc.health.v1.Health/Check`.
        port: The name of the port that the load balancer checks: of the main container, or of a sidecar's port mapping.
            By default the port that gets the requests.
        healthy_http_codes: The responses of a healthy task, 200 to 499, such as `200,301` or `200-399`. By default
            `200-299`.
        healthy_grpc_codes: The responses of a healthy gRPC task, 0 to 99, such as `0`, `0,12` or `0-5`. By default
            `12`: the task responds that it does not know the method.
        command: The command that ECS runs in the main container as a check. It begins with `CMD` or `CMD-SHELL`; exit
            code 0 means healthy. By default there is none: many images have no `curl`.
        interval: The time between two checks, 5 to 300 s. By default 10 s.
        timeout: The time after which a check has failed, 2 to 60 s and less than *interval*. By default 5 s.
        healthy_threshold_count: After how many passed checks in a row a task gets requests, 2 to 10. By default 2.
        unhealthy_threshold_count: After how many failed checks it is replaced, 2 to 10. By default 3, so that one slow
            response does not stop a task.
        grace_period: How long failed checks of a new task do not count, up to 300 s. By default 60 s.
        deregistration_delay: How long an old task may finish its requests, up to 3,600 s. It gets no new requests, and
            the delay ends early if no connection is left. Then ECS sends SIGTERM, and SIGKILL after `stop_timeout`
            (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-connection-draining.html). By
            default 30 s; AWS advises 5 s for services that respond within one second.

    Raises:
        ValueError: If a value is out of its range or form, or *path* does not begin with `/`.
    """

    path: str = "/"
    port: str | None = None
    healthy_http_codes: str = "200-299"
    healthy_grpc_codes: str = "12"
    command: Sequence[str] | None = None
    interval: Duration = field(default_factory=lambda: Duration.seconds(10))
    timeout: Duration = field(default_factory=lambda: Duration.seconds(5))
    healthy_threshold_count: int = 2
    unhealthy_threshold_count: int = 3
    grace_period: Duration = field(default_factory=lambda: Duration.seconds(60))
    deregistration_delay: Duration = field(default_factory=lambda: Duration.seconds(30))

    def __post_init__(self) -> None:
        """Refuse what the load balancer or ECS would refuse."""
        if not may_start_with("/", self.path):
            raise ValueError(f"path must begin with '/', got: {self.path!r}")
        if self.command is not None and (not self.command or self.command[0] not in {"CMD", "CMD-SHELL"}):
            words = " ".join(self.command) or "..."
            raise ValueError(
                f"command must begin with 'CMD' or 'CMD-SHELL', got: {list(self.command)}; "
                f"write command=['CMD-SHELL', {words!r}]",
            )
        for name, allowed in CODES.items():
            _validate_codes(name, getattr(self, name), *allowed)
        for name, limits in SECONDS.items():
            validate_seconds(name, getattr(self, name), *limits)
        for name in ("healthy_threshold_count", "unhealthy_threshold_count"):
            validate_range(name, getattr(self, name), *COUNTS)
        interval, timeout = seconds_of(self.interval), seconds_of(self.timeout)
        if interval is not None and timeout is not None and timeout >= interval:
            raise ValueError(f"timeout must be less than interval ({interval:.0f} seconds), got: {timeout:.0f} seconds")

    def target_check(
        self,
        protocol: elbv2.ApplicationProtocol = elbv2.ApplicationProtocol.HTTP,
        protocol_version: elbv2.ApplicationProtocolVersion = elbv2.ApplicationProtocolVersion.HTTP1,
    ) -> elbv2.HealthCheck:
        """Return the load balancer's check, also for a target group of your own, of the port that gets the requests.

        Args:
            protocol: The protocol of the target group. By default HTTP.
            protocol_version: Its version. By default HTTP/1.1.
        """
        return self._target_check(protocol, protocol_version, None)

    def _target_check(
        self, protocol: elbv2.ApplicationProtocol, version: elbv2.ApplicationProtocolVersion, port: int | None
    ) -> elbv2.HealthCheck:
        is_grpc = version is elbv2.ApplicationProtocolVersion.GRPC
        is_encrypted = protocol is elbv2.ApplicationProtocol.HTTPS
        return elbv2.HealthCheck(
            path=GRPC_PATH if is_grpc and self.path == "/" else self.path,
            protocol=elbv2.Protocol.HTTPS if is_encrypted else None,
            port=None if port is None else str(port),
            interval=self.interval,
            timeout=self.timeout,
            healthy_threshold_count=self.healthy_threshold_count,
            unhealthy_threshold_count=self.unhealthy_threshold_count,
            healthy_http_codes=None if is_grpc else self.healthy_http_codes,
            healthy_grpc_codes=self.healthy_grpc_codes if is_grpc else None,
        )


def container_health_check(health: Health) -> ecs.HealthCheck | None:
    """Return the container's own check, if there is a command."""
    if health.command is None:
        return None
    return ecs.HealthCheck(
        command=list(health.command),
        interval=health.interval,
        timeout=health.timeout,
        retries=health.unhealthy_threshold_count,
        start_period=health.grace_period,
    )


def _validate_codes(name: str, codes: str, low: int, high: int, examples: str) -> None:
    if not is_known(codes):
        return
    ranges = [list(map(int, part.split("-"))) for part in codes.split(",")] if CODE_LIST.fullmatch(codes) else [[-1]]
    if not all(low <= ends[0] <= ends[-1] <= high for ends in ranges):
        raise ValueError(f"{name} must be numbers or ranges of {low} to {high}, such as {examples}, got: {codes!r}")


@cache
def default_health() -> Health:
    """Return `Health()`, which never changes; Node is asked for its times once, not for each service."""
    return Health()
