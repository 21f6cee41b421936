"""The pairs of CPU and memory that a Fargate task may have.

```
image ──> [task size] ──> FargateService
```
"""

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


def validate_task_size(cpu: int, memory_limit_mib: int) -> None:
    """Refuse a pair that Fargate does not have.

    Args:
        cpu: The task's CPU units; 1,024 are one vCPU.
        memory_limit_mib: The task's memory in MiB.

    Raises:
        ValueError: If Fargate has no such pair; the message names the nearest ones.
    """
    if memory_limit_mib in MEMORY_BY_CPU.get(cpu, ()):
        return
    pairs = ", ".join(
        f"cpu={near_cpu} memory_limit_mib={memory}" for near_cpu, memory in nearest_pairs(cpu, memory_limit_mib)
    )
    raise ValueError(
        f"cpu and memory_limit_mib must be a pair that Fargate has, got: cpu={cpu} memory_limit_mib={memory_limit_mib}"
        f"; nearest: {pairs}",
    )


def nearest_pairs(cpu: int, memory_limit_mib: int) -> list[tuple[int, int]]:
    """Return the valid pairs nearest to one that is not: first by the CPU asked for, then by the memory."""
    near_cpu = min(MEMORY_BY_CPU, key=lambda valid: abs(valid - cpu))
    near_memory = min(MEMORY_BY_CPU[near_cpu], key=lambda valid: abs(valid - memory_limit_mib))
    by_cpu = (near_cpu, near_memory)
    by_memory = min(
        ((valid_cpu, memory) for valid_cpu, memories in MEMORY_BY_CPU.items() for memory in memories),
        key=lambda pair: (abs(pair[1] - memory_limit_mib), abs(pair[0] - cpu)),
    )
    return sorted({by_cpu, by_memory})
