"""The pairs of CPU and memory that Fargate has."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from aws_cdk import aws_ecs as ecs

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.unresolved import is_unresolved

# CPU units (1,024 are a vCPU) and the memory, in MiB, that goes with each:
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
VCPU = GIB = 1024
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
# Numbers up to these are vCPUs and GiB by mistake: no task has so few CPU units or MiB.
MAX_VCPUS, MAX_GIB = 32, 244
# The same page: Windows tasks have 1, 2 or 4 vCPU.
WINDOWS_CPUS = (1024, 2048, 4096)
PAIRS = frozenset((cpu, memory) for cpu, memories in MEMORY_BY_CPU.items() for memory in memories)
WINDOWS_PAIRS = frozenset(pair for pair in PAIRS if pair[0] in WINDOWS_CPUS)

# GiB of ephemeral storage; 20 are free and the default, and cannot be set
# (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html).
MIN_STORAGE = 21
MAX_STORAGE = 200

# us-east-1, Linux on x86-64, USD an hour (https://aws.amazon.com/fargate/pricing/); only the ratio counts.
USD_PER_VCPU = 0.04048
USD_PER_GIB = 0.004445


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
        pairs = _pairs(self.operating_system_family)
        if (self.cpu, self.memory_limit_mib) not in pairs:
            cpu, memory, units = _in_units(self.cpu, self.memory_limit_mib)
            nearest = " or ".join(f"cpu={each[0]} memory_limit_mib={each[1]}" for each in _nearest(pairs, cpu, memory))
            raise ValueError(
                "cpu and memory_limit_mib must be a pair that Fargate has, got: "
                f"cpu={self.cpu} memory_limit_mib={self.memory_limit_mib}; nearest{units}: {nearest}",
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
        """Return the cheapest size with at least this much CPU and memory.

        Args:
            cpu: The CPU units that are needed.
            memory_limit_mib: The memory that is needed, in MiB.
            operating_system_family: By default Linux.

        Raises:
            ValueError: If Fargate has no such large size.
        """
        enough = [pair for pair in _pairs(operating_system_family) if pair[0] >= cpu and pair[1] >= memory_limit_mib]
        if not enough:
            raise ValueError(f"no task is as large, got: cpu={cpu} memory_limit_mib={memory_limit_mib}")
        cheapest_cpu, cheapest_memory = min(enough, key=_price)
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
        if not MIN_STORAGE <= storage <= MAX_STORAGE:
            raise ValueError(
                f"ephemeral_storage_gib must be {MIN_STORAGE} to {MAX_STORAGE}, got: {storage}; "
                "leave it out for the 20 that cost nothing",
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


def _pairs(operating_system_family: ecs.OperatingSystemFamily | None) -> frozenset[tuple[int, int]]:
    return WINDOWS_PAIRS if is_windows(operating_system_family) else PAIRS


def _price(pair: tuple[int, int]) -> float:
    return pair[0] * USD_PER_VCPU + pair[1] * USD_PER_GIB


def _in_units(cpu: int, memory_limit_mib: int) -> tuple[int, int, str]:
    """Return CPU units and MiB, also for vCPUs and GiB by mistake, and then a text about the units."""
    units = cpu * VCPU if 0 < cpu <= MAX_VCPUS else cpu
    mib = memory_limit_mib * GIB if 0 < memory_limit_mib <= MAX_GIB else memory_limit_mib
    text = " in CPU units, 1,024 to a vCPU, and MiB" if (units, mib) != (cpu, memory_limit_mib) else ""
    return units, mib, text


def _nearest(pairs: Iterable[tuple[int, int]], cpu: int, memory_limit_mib: int) -> list[tuple[int, int]]:
    """Return the largest pair that is not larger than was asked, and the cheapest that is large enough."""
    cpus, memories = map(sorted, zip(*pairs, strict=True))
    cpu = min(max(cpu, cpus[0]), cpus[-1])
    memory_limit_mib = min(max(memory_limit_mib, memories[0]), memories[-1])
    below = max((pair for pair in pairs if pair[0] <= cpu and pair[1] <= memory_limit_mib), key=_price)
    enough = min((pair for pair in pairs if pair[0] >= cpu and pair[1] >= memory_limit_mib), key=_price)
    return sorted({below, enough})
