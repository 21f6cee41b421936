"""The pairs of CPU and memory that a Fargate task may have."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fargate_constructs.service.task_size import MEMORY_BY_CPU, nearest_pairs, validate_task_size

PAIRS = [(cpu, memory) for cpu, memories in MEMORY_BY_CPU.items() for memory in memories]


@pytest.mark.parametrize(
    ("cpu", "smallest", "largest", "how_many"),
    [
        (256, 512, 2048, 3),
        (512, 1024, 4096, 4),
        (1024, 2048, 8192, 7),
        (2048, 4096, 16384, 13),
        (4096, 8192, 30720, 23),
        (8192, 16384, 61440, 12),
        (16384, 32768, 122880, 12),
        (32768, 61440, 249856, 3),
    ],
)
def test_the_table_is_aws_s(cpu: int, smallest: int, largest: int, how_many: int) -> None:
    """Each CPU has the memory that AWS documents."""
    memories = MEMORY_BY_CPU[cpu]

    assert (min(memories), max(memories), len(memories)) == (smallest, largest, how_many)


@given(st.sampled_from(PAIRS))
def test_every_pair_of_the_table_is_taken(pair: tuple[int, int]) -> None:
    """A valid pair passes without a word."""
    validate_task_size(*pair)


@given(st.integers(0, 40_000), st.integers(0, 300_000))
def test_every_other_pair_is_refused_with_valid_ones(cpu: int, memory: int) -> None:
    """The message names pairs that would be taken."""
    if (cpu, memory) in PAIRS:
        return
    with pytest.raises(ValueError, match=f"got: cpu={cpu} memory_limit_mib={memory}; nearest: cpu="):
        validate_task_size(cpu, memory)

    assert set(nearest_pairs(cpu, memory)) <= set(PAIRS)


@pytest.mark.parametrize(
    ("cpu", "memory", "nearest"),
    [
        (256, 4096, "cpu=256 memory_limit_mib=2048, cpu=512 memory_limit_mib=4096"),
        (1000, 2048, "cpu=1024 memory_limit_mib=2048"),
        (8192, 17408, "cpu=4096 memory_limit_mib=17408, cpu=8192 memory_limit_mib=16384"),
    ],
)
def test_the_nearest_pairs_keep_what_was_asked(cpu: int, memory: int, nearest: str) -> None:
    """One pair keeps the CPU, the other the memory."""
    with pytest.raises(ValueError, match=re.escape(f"nearest: {nearest}") + "$"):
        validate_task_size(cpu, memory)
