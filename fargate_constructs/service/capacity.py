"""On which of Fargate's two capacities tasks run.

```
task ──> [FARGATE, FARGATE_SPOT] ──> cluster
```
"""

from dataclasses import dataclass

from aws_cdk import aws_ecs as ecs

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.validation import validate_range

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProviderStrategyItem.html
LARGEST_BASE = 100_000


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """Which tasks run on demand, and which on Spot. Made by one of the named constructors.

    ```python
    FargateService(stack, "Worker", network=network, image=image, capacity=Capacity.spot(on_demand_base=1))
    ```
    """

    on_demand_base: int
    on_demand_percent: int

    @classmethod
    @checked
    def on_demand(cls) -> "Capacity":
        """Every task on demand: AWS never takes one back."""
        return cls(on_demand_base=0, on_demand_percent=100)

    @classmethod
    @checked
    def spot(cls, *, on_demand_base: int = 2, on_demand_percent: int = 0) -> "Capacity":
        """Tasks on Spot, for up to 70 % less (https://aws.amazon.com/fargate/pricing/), above a base on demand.

        AWS may take a Spot task back, and may have none to give; the base is what always runs
        (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html). SIGTERM is the
        warning, and SIGKILL follows after `stop_timeout`: 30 s unless you set up to the two minutes that AWS gives
        (https://repost.aws/knowledge-center/fargate-spot-termination-notice).

        Args:
            on_demand_base: How many tasks run on demand before any runs on Spot. By default 2: one in each zone.
            on_demand_percent: How many of a hundred tasks above the base run on demand, 0 to 99. By default none.

        Raises:
            ValueError: If a number is out of its range.
        """
        validate_range("on_demand_base", on_demand_base, 0, LARGEST_BASE, unit=" tasks")
        if on_demand_percent not in range(100):
            raise ValueError(
                f"on_demand_percent must be 0 to 99, got: {on_demand_percent}; for 100 use Capacity.on_demand()"
            )
        return cls(on_demand_base=on_demand_base, on_demand_percent=on_demand_percent)

    @property
    def uses_spot(self) -> bool:
        """Whether some tasks may run on Spot."""
        return self.on_demand_percent < 100  # noqa: PLR2004 - all of a hundred

    def strategies(self) -> list[ecs.CapacityProviderStrategy]:
        """Return the capacity provider strategy that ECS takes."""
        on_demand = ecs.CapacityProviderStrategy(
            capacity_provider="FARGATE", base=self.on_demand_base, weight=self.on_demand_percent
        )
        if not self.uses_spot:
            return [on_demand]
        spot = ecs.CapacityProviderStrategy(capacity_provider="FARGATE_SPOT", weight=100 - self.on_demand_percent)
        return [on_demand, spot]
