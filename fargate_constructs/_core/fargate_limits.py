"""What Fargate accepts of a task: the pairs of CPU and memory, and storage; and where ECS Exec writes."""

from collections.abc import Iterable

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

# The agent of ECS Exec writes here. With a volume at each, a shell opens in a container whose root file system is
# read-only (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html).
EXEC_PATHS = ("/var/lib/amazon", "/var/log/amazon")


def pairs_of(*, is_windows: bool) -> frozenset[tuple[int, int]]:
    """Return the pairs of CPU and memory that tasks may have."""
    return WINDOWS_PAIRS if is_windows else PAIRS


def refuse_size(cpu: int, memory_limit_mib: int, ephemeral_storage_gib: int | None, *, is_windows: bool) -> None:
    """Refuse a size that Fargate does not have.

    Raises:
        ValueError: If there is no such pair; with the nearest ones. If the storage is out of range.
    """
    pairs = pairs_of(is_windows=is_windows)
    if (cpu, memory_limit_mib) not in pairs:
        units, mib, text = _in_units(cpu, memory_limit_mib)
        nearest = " or ".join(f"cpu={each[0]} memory_limit_mib={each[1]}" for each in _nearest(pairs, units, mib))
        raise ValueError(
            "cpu and memory_limit_mib must be a pair that Fargate has, got: "
            f"cpu={cpu} memory_limit_mib={memory_limit_mib}; nearest{text}: {nearest}",
        )
    if ephemeral_storage_gib is None:
        return
    if is_windows:
        raise ValueError(f"ephemeral_storage_gib cannot be set for Windows tasks, got: {ephemeral_storage_gib}")
    if not MIN_STORAGE <= ephemeral_storage_gib <= MAX_STORAGE:
        raise ValueError(
            f"ephemeral_storage_gib must be {MIN_STORAGE} to {MAX_STORAGE}, got: {ephemeral_storage_gib}; "
            "leave it out for the 20 that cost nothing",
        )


def price(pair: tuple[int, int]) -> float:
    """Return what a pair costs an hour, to compare it with others."""
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
    below = max((pair for pair in pairs if pair[0] <= cpu and pair[1] <= memory_limit_mib), key=price)
    enough = min((pair for pair in pairs if pair[0] >= cpu and pair[1] >= memory_limit_mib), key=price)
    return sorted({below, enough})
