"""How many tasks run.

```
load ──> [Scaling] ──> FargateService's task count
```
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """Between how many tasks a service scales, and on what.

    ```python
    Scaling(min=2, max=20)
    Scaling(min=3, max=3)  # always three
    ```

    Args:
        min: The fewest tasks, at least 1. By default 2: one in each zone, so that losing a zone is not an outage.
        max: The most tasks. By default 10.
        cpu_percent: The average CPU utilization to keep, 1 to 100. By default 60: what is left bridges the minute or
            two until a further task is healthy.
        requests_per_target: The requests per minute and task to keep, for a service that has a route. By default
            1,000, some 17 a second.

    Raises:
        ValueError: If a number is out of its range, or *min* is above *max*.
    """

    min: int = 2
    max: int = 10
    cpu_percent: int = 60
    requests_per_target: int = 1000

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        if self.min < 1:
            raise ValueError(f"min must be at least 1 task, got: {self.min}")
        if self.max < self.min:
            raise ValueError(f"max must be at least min ({self.min}), got: {self.max}")
        if not 1 <= self.cpu_percent <= 100:  # noqa: PLR2004 - a percentage
            raise ValueError(f"cpu_percent must be 1 to 100, got: {self.cpu_percent}")
        if self.requests_per_target < 1:
            raise ValueError(f"requests_per_target must be at least 1 a minute, got: {self.requests_per_target}")
