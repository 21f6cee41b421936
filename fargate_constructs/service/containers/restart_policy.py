"""When ECS restarts a container in its task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.validation import validate_seconds

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerRestartPolicy.html
ATTEMPT_PERIODS = (60, 1800)
MAX_EXIT_CODES = 50


@checked
@dataclass(frozen=True, kw_only=True)
class RestartPolicy:
    """ECS restarts a container that ends, and the task continues.

    Without a policy ECS stops the task when an essential container ends, and starts another task. A container that ends
    before *attempt_period* is over is not restarted: then the same happens as without a policy. So a container that
    fails at each start is replaced with its task, and a deployment still counts it as failed
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-restart-policy.html).

    ```python
    web.add_sidecar("agent", image=agent, essential=False, restart_policy=RestartPolicy())
    ```

    Args:
        attempt_period: How long the container must run before ECS restarts it, 60 to 1,800 s. By default 300 s, ECS's
            own default.
        ignored_exit_codes: The exit codes after which ECS does not restart it, such as `[0]`. By default none.

    Raises:
        ValueError: If *attempt_period* is out of its range or a token, or there are more than 50 exit codes.
    """

    attempt_period: Duration | None = None
    ignored_exit_codes: Sequence[int] = ()

    def __post_init__(self) -> None:
        """Refuse what ECS does not accept."""
        validate_seconds("attempt_period", self.attempt_period, *ATTEMPT_PERIODS)
        if self.attempt_period and self.attempt_period.is_unresolved():
            raise ValueError("attempt_period must be known at synthesis, because CDK compares it, got: a token")
        if (count := len(self.ignored_exit_codes)) > MAX_EXIT_CODES:
            raise ValueError(f"ignored_exit_codes must be at most {MAX_EXIT_CODES}, got: {count}")

    @property
    def _restarts_success(self) -> bool:
        """Whether ECS also restarts a container that ended with code 0."""
        return 0 not in self.ignored_exit_codes

    def _options(self) -> dict[str, Any]:
        """Return the arguments of the L2 construct."""
        return {
            "enable_restart_policy": True,
            "restart_attempt_period": self.attempt_period,
            "restart_ignored_exit_codes": list(self.ignored_exit_codes) or None,
        }
