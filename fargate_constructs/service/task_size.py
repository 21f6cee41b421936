"""The sizes that a Fargate task may have.

```
image ──> [task size] ──> FargateService
```
"""

from dataclasses import dataclass

from aws_cdk import Token
from aws_cdk import aws_ecs as ecs

from fargate_constructs.arguments import checked

# CPU units (1,024 are a vCPU) and the memory, in MiB, that goes with each:
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
GIB = 1024
MEMORY_BY_CPU: dict[int, tuple[int, ...]] = {
    256: (512, 1 * GIB, 2 * GIB),
    512: tuple(range(1 * GIB, 4 * GIB + 1, GIB)),
    1024: tuple(range(2 * GIB, 8 * GIB + 1, GIB)),
    2048: tuple(range(4 * GIB, 16 * GIB + 1, GIB)),
    4096: tuple(range(8 * GIB, 30 * GIB + 1, GIB)),
    8192: tuple(range(16 * GIB, 60 * GIB + 1, 4 * GIB)),
    16384: tuple(range(32 * GIB, 120 * GIB + 1, 8 * GIB)),
    32768: (60 * GIB, 120 * GIB, 244 * GIB),
}
# The same page: Windows tasks have 1, 2 or 4 vCPU.
WINDOWS_CPUS = (1024, 2048, 4096)

# GiB of ephemeral storage; 20 are free and the default, and cannot be asked for
# (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html).
SMALLEST_STORAGE = 21
LARGEST_STORAGE = 200

# us-east-1, Linux on x86-64, USD an hour (https://aws.amazon.com/fargate/pricing/); the ratio is what matters.
USD_PER_VCPU = 0.04048
USD_PER_GIB = 0.004445


@checked
@dataclass(frozen=True, kw_only=True)
class TaskSize:
    """A pair of CPU and memory that Fargate has.

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
        ValueError: If Fargate has no such pair; the message names the nearest ones. If the storage is out of range.
    """

    cpu: int
    memory_limit_mib: int
    operating_system_family: ecs.OperatingSystemFamily | None = None
    ephemeral_storage_gib: int | None = None

    def __post_init__(self) -> None:
        """Refuse what Fargate does not have, as far as it is known at synth."""
        numbers = (self.cpu, self.memory_limit_mib, self.ephemeral_storage_gib or 0)
        # What is known only when deployed, CDK writes as a negative number; the others need not be asked about.
        if any(number < 0 and Token.is_unresolved(number) for number in numbers):
            return
        sizes = _sizes(self.operating_system_family)
        if self.memory_limit_mib not in sizes.get(self.cpu, ()):
            pairs = " or ".join(
                f"cpu={cpu} memory_limit_mib={memory}"
                for cpu, memory in _nearest_pairs(sizes, self.cpu, self.memory_limit_mib)
            )
            raise ValueError(
                "cpu and memory_limit_mib must be a pair that Fargate has, got: "
                f"cpu={self.cpu} memory_limit_mib={self.memory_limit_mib}; nearest: {pairs}",
            )
        self._validate_storage()

    @classmethod
    @checked
    def smallest_for(
        cls,
        *,
        cpu: int,
        memory_limit_mib: int,
        operating_system_family: ecs.OperatingSystemFamily | None = None,
    ) -> "TaskSize":
        """Return the cheapest size with at least this much of both.

        Args:
            cpu: The CPU units that are needed.
            memory_limit_mib: The memory that is needed, in MiB.
            operating_system_family: By default Linux.

        Raises:
            ValueError: If Fargate has none as large.
        """
        pairs = [
            (valid_cpu, memory)
            for valid_cpu, memories in _sizes(operating_system_family).items()
            for memory in memories
            if valid_cpu >= cpu and memory >= memory_limit_mib
        ]
        if not pairs:
            raise ValueError(f"no task is as large, got: cpu={cpu} memory_limit_mib={memory_limit_mib}")
        cheapest_cpu, cheapest_memory = min(pairs, key=lambda pair: pair[0] * USD_PER_VCPU + pair[1] * USD_PER_GIB)
        return cls(
            cpu=cheapest_cpu,
            memory_limit_mib=cheapest_memory,
            operating_system_family=operating_system_family,
        )

    def _validate_storage(self) -> None:
        storage = self.ephemeral_storage_gib
        if storage is None:
            return
        if is_windows(self.operating_system_family):
            raise ValueError(f"ephemeral_storage_gib cannot be set for Windows tasks, got: {storage}")
        if not SMALLEST_STORAGE <= storage <= LARGEST_STORAGE:
            raise ValueError(
                f"ephemeral_storage_gib must be {SMALLEST_STORAGE} to {LARGEST_STORAGE}, got: {storage}; "
                "leave it out for the 20 that cost nothing",
            )


def is_windows(operating_system_family: ecs.OperatingSystemFamily | None) -> bool:
    """Whether tasks run on Windows; without a family they run on Linux."""
    return operating_system_family is not None and operating_system_family.is_windows()


def _sizes(operating_system_family: ecs.OperatingSystemFamily | None) -> dict[int, tuple[int, ...]]:
    if is_windows(operating_system_family):
        return {cpu: MEMORY_BY_CPU[cpu] for cpu in WINDOWS_CPUS}
    return MEMORY_BY_CPU


def _nearest_pairs(sizes: dict[int, tuple[int, ...]], cpu: int, memory_limit_mib: int) -> list[tuple[int, int]]:
    """Return the valid pairs nearest to one that is not: first by the CPU asked for, then by the memory."""
    near_cpu = min(sizes, key=lambda valid: abs(valid - cpu))
    near_memory = min(sizes[near_cpu], key=lambda valid: abs(valid - memory_limit_mib))
    by_memory = min(
        ((valid_cpu, memory) for valid_cpu, memories in sizes.items() for memory in memories),
        key=lambda pair: (abs(pair[1] - memory_limit_mib), abs(pair[0] - cpu)),
    )
    return sorted({(near_cpu, near_memory), by_memory})
