"""The pairs of CPU and memory that a Fargate task may have."""

import re

import pytest
from aws_cdk import aws_ecs as ecs
from hypothesis import given
from hypothesis import strategies as st

from fargate_constructs import TaskSize
from fargate_constructs._core.fargate_limits import MEMORY_BY_CPU, PAIRS


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


@given(st.sampled_from(sorted(PAIRS)))
def test_every_pair_of_the_table_is_taken(pair: tuple[int, int]) -> None:
    """A valid pair passes without a word."""
    size = TaskSize(cpu=pair[0], memory_limit_mib=pair[1])

    assert TaskSize.smallest_for(cpu=size.cpu, memory_limit_mib=size.memory_limit_mib) == size


@given(st.integers(0, 40_000), st.integers(0, 300_000))
def test_every_other_pair_is_refused_with_valid_ones(cpu: int, memory: int) -> None:
    """The message names pairs that would be taken."""
    if (cpu, memory) in PAIRS:
        return
    with pytest.raises(ValueError, match=f"got: cpu={cpu} memory_limit_mib={memory}; nearest.*: cpu=") as error:
        TaskSize(cpu=cpu, memory_limit_mib=memory)

    nearest = re.findall(r"cpu=(\d+) memory_limit_mib=(\d+)", str(error.value))[1:]
    assert {(int(near_cpu), int(near_memory)) for near_cpu, near_memory in nearest} <= PAIRS


@pytest.mark.parametrize(
    ("cpu", "memory", "nearest"),
    [
        (300, 512, "cpu=256 memory_limit_mib=512 or cpu=512 memory_limit_mib=1024"),
        (256, 4096, "cpu=256 memory_limit_mib=2048 or cpu=512 memory_limit_mib=4096"),
        (1000, 2048, "cpu=512 memory_limit_mib=2048 or cpu=1024 memory_limit_mib=2048"),
        (8192, 17408, "cpu=8192 memory_limit_mib=16384 or cpu=8192 memory_limit_mib=20480"),
        (40000, 300000, "cpu=32768 memory_limit_mib=249856"),
    ],
)
def test_the_nearest_pairs_are_below_and_enough(cpu: int, memory: int, nearest: str) -> None:
    """One pair has no more of either than was asked, and the other, the cheapest, no less."""
    with pytest.raises(ValueError, match=re.escape(f"nearest: {nearest}") + r"(\n|$)"):
        TaskSize(cpu=cpu, memory_limit_mib=memory)


@pytest.mark.parametrize(
    ("cpu", "memory", "nearest"),
    [
        (1, 2, "cpu=1024 memory_limit_mib=2048"),
        (1024, 2, "cpu=1024 memory_limit_mib=2048"),
        (4, 8192, "cpu=4096 memory_limit_mib=8192"),
        (1, 1, "cpu=512 memory_limit_mib=1024 or cpu=1024 memory_limit_mib=2048"),
    ],
)
def test_what_looks_like_vcpus_and_gib_is_taken_for_them(cpu: int, memory: int, nearest: str) -> None:
    """The message says the units, and the sizes in them."""
    with pytest.raises(ValueError, match=f"; nearest in CPU units, 1,024 to a vCPU, and MiB: {nearest}(\\n|$)"):
        TaskSize(cpu=cpu, memory_limit_mib=memory)


@given(st.integers(1, 32_768), st.integers(1, 249_856))
def test_the_smallest_size_is_enough_and_no_cheaper_one_is(cpu: int, memory: int) -> None:
    """Of all pairs with enough of both, none has less of both."""
    size = TaskSize.smallest_for(cpu=cpu, memory_limit_mib=memory)

    assert size.cpu >= cpu
    assert size.memory_limit_mib >= memory
    enough = [pair for pair in PAIRS if pair[0] >= cpu and pair[1] >= memory]
    assert not [pair for pair in enough if pair[0] <= size.cpu and pair[1] < size.memory_limit_mib]


def test_windows_has_one_to_four_vcpus() -> None:
    """The smallest Windows task has a whole vCPU."""
    windows = ecs.OperatingSystemFamily.WINDOWS_SERVER_2022_CORE
    size = TaskSize.smallest_for(cpu=256, memory_limit_mib=512, operating_system_family=windows)

    assert (size.cpu, size.memory_limit_mib) == (1024, 2048)
