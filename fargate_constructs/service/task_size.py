"""The size and the platform of a task, which Fargate must have (`_core/fargate_limits.py`)."""

from dataclasses import dataclass
from functools import cache

from aws_cdk import aws_ecs as ecs

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.fargate_limits import pairs_of, price, refuse_size
from fargate_constructs._core.unresolved import is_unresolved


@checked
@dataclass(frozen=True, kw_only=True)
class TaskSize:
    """A pair of CPU and memory that Fargate has, checked.

    ```python
    size = TaskSize.smallest_for(cpu=300, memory_limit_mib=1500)  # cpu=512 memory_limit_mib=2048
    FargateService(stack, "Api", cpu=size.cpu, memory_limit_mib=size.memory_limit_mib, ...)
    ```

    Args:
        cpu: The task's CPU units; 1,024 are one vCPU.
        memory_limit_mib: The task's memory in MiB.
        operating_system_family: Windows has fewer pairs. By default Linux.
        ephemeral_storage_gib: The task's disk in GiB, 21 to 200; Linux only. By default 20, which cost nothing.

    Raises:
        ValueError: If Fargate has no such pair; the message names the nearest smaller pair and the cheapest larger one.
            If the storage is out of range.
    """

    cpu: int
    memory_limit_mib: int
    operating_system_family: ecs.OperatingSystemFamily | None = None
    ephemeral_storage_gib: int | None = None

    def __post_init__(self) -> None:
        """Refuse what Fargate does not have; tokens pass."""
        numbers = (self.cpu, self.memory_limit_mib, self.ephemeral_storage_gib or 0)
        # Tokens of numbers are negative, so Node.js is not asked about others.
        if any(number < 0 and is_unresolved(number) for number in numbers):
            return
        refuse_size(
            self.cpu,
            self.memory_limit_mib,
            self.ephemeral_storage_gib,
            is_windows=is_windows(self.operating_system_family),
        )

    @classmethod
    @checked
    def smallest_for(
        cls,
        *,
        cpu: int,
        memory_limit_mib: int,
        operating_system_family: ecs.OperatingSystemFamily | None = None,
    ) -> "TaskSize":
        """Return the cheapest size with at least this much CPU and memory.

        Args:
            cpu: The CPU units that are needed.
            memory_limit_mib: The memory that is needed, in MiB.
            operating_system_family: By default Linux.

        Raises:
            ValueError: If Fargate has no such large size.
        """
        enough = [
            pair
            for pair in pairs_of(is_windows=is_windows(operating_system_family))
            if pair[0] >= cpu and pair[1] >= memory_limit_mib
        ]
        if not enough:
            raise ValueError(f"no task is as large, got: cpu={cpu} memory_limit_mib={memory_limit_mib}")
        cheapest_cpu, cheapest_memory = min(enough, key=price)
        return cls(
            cpu=cheapest_cpu,
            memory_limit_mib=cheapest_memory,
            operating_system_family=operating_system_family,
        )


def is_windows(operating_system_family: ecs.OperatingSystemFamily | None) -> bool:
    """Whether tasks run on Windows; without a family they run on Linux."""
    return operating_system_family is not None and operating_system_family.is_windows()


@cache
def platform(
    cpu_architecture: ecs.CpuArchitecture | None, operating_system_family: ecs.OperatingSystemFamily | None
) -> ecs.RuntimePlatform:
    """Return the platform of tasks; by default x86-64 and Linux."""
    return ecs.RuntimePlatform(
        cpu_architecture=cpu_architecture or ecs.CpuArchitecture.X86_64,
        operating_system_family=operating_system_family or ecs.OperatingSystemFamily.LINUX,
    )
