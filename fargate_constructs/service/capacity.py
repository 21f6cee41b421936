"""Which tasks run on demand, and which on Fargate Spot."""

from dataclasses import dataclass

from aws_cdk import aws_ecs as ecs

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.named_constructors import NamedConstructors
from fargate_constructs._core.validation import validate_known_range, validate_range

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProviderStrategyItem.html
MAX_BASE = 100_000
ALL = 100  # percent


@dataclass(frozen=True, init=False)
class Capacity(NamedConstructors):
    """Which tasks run on demand, and which on Spot. Made by one of the named constructors.

    ```python
    FargateService(stack, "Worker", network=network, image=image, capacity=Capacity.spot(on_demand_base=1))
    ```
    """

    on_demand_base: int
    on_demand_percent: int
    is_launch_type: bool = False

    @classmethod
    @checked
    def on_demand(cls) -> "Capacity":
        """Run all tasks on demand: AWS does not take them back."""
        return cls._make(on_demand_base=0, on_demand_percent=ALL)

    @classmethod
    @checked
    def launch_type(cls) -> "Capacity":
        """Run all tasks on demand by the launch type `FARGATE`, without capacity providers.

        Services that `ecs_patterns`, Copilot or Terraform made mostly have it. With capacity providers CloudFormation
        may replace such a service
        (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-service.html). Other
        services run the same with `on_demand`, and can change to Spot later.
        """
        return cls._make(on_demand_base=0, on_demand_percent=ALL, is_launch_type=True)

    @classmethod
    @checked
    def spot(cls, *, on_demand_base: int = 2, on_demand_percent: int = 0) -> "Capacity":
        """Run tasks on Spot, for up to 70 % less (https://aws.amazon.com/fargate/pricing/), above a base on demand.

        AWS may take a Spot task back, and may have no Spot capacity; the base always runs
        (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html). SIGTERM is the
        warning. SIGKILL follows after `stop_timeout`: 30 s, unless you set up to the two minutes that AWS gives
        (https://repost.aws/knowledge-center/fargate-spot-termination-notice).

        Args:
            on_demand_base: How many tasks run on demand before any runs on Spot. By default 2: one in each zone.
            on_demand_percent: How many of 100 tasks above the base run on demand, 0 to 99. By default none.

        Raises:
            ValueError: If a number is out of its range.
        """
        validate_range("on_demand_base", on_demand_base, 0, MAX_BASE, unit=" tasks")
        if on_demand_percent == ALL:
            raise ValueError("on_demand_percent must be 0 to 99, got: 100; write Capacity.on_demand()")
        validate_known_range("on_demand_percent", on_demand_percent, 0, ALL - 1)
        return cls._make(on_demand_base=on_demand_base, on_demand_percent=on_demand_percent)

    @property
    def _uses_spot(self) -> bool:
        return self.on_demand_percent < ALL

    def _strategies(self) -> list[ecs.CapacityProviderStrategy]:
        """Return the capacity provider strategy that ECS takes; none for the launch type."""
        if self.is_launch_type:
            return []
        on_demand = ecs.CapacityProviderStrategy(
            capacity_provider="FARGATE", base=self.on_demand_base, weight=self.on_demand_percent
        )
        if not self._uses_spot:
            return [on_demand]
        spot = ecs.CapacityProviderStrategy(capacity_provider="FARGATE_SPOT", weight=ALL - self.on_demand_percent)
        return [on_demand, spot]
