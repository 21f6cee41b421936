"""What the guide says each way of delivery costs."""

import math
import re
from pathlib import Path

import pytest

GUIDE = (Path(__file__).resolve().parents[2] / "docs/logs.md").read_text()
GB, COMPRESSION, MINUTE = 1e9, 6, 60
EVERY = 5  # seconds between batches
# us-east-1, USD
PUT, FIREHOSE_OBJECT = 0.005 / 1000, 0.005 / 1000
REQUEST, GB_SECOND = 0.20 / 1e6, 0.0000133334
FIREHOSE, PARTITIONING = 0.029 / GB, 0.02 / GB
BATCHES = {"10 KB": 10e3, "100 KB": 100e3, "1 MB": 1e6, "4 MB": 4e6}


def invocation(seconds: float) -> float:
    """What a function of 512 MB costs."""
    return REQUEST + 0.5 * seconds * GB_SECOND


def direct(size: float) -> list[float]:
    """PUT and Lambda, for each batch."""
    return [PUT, invocation(0.045 + 0.05 * size / 1e6)]


def buffered(size: float) -> list[float]:
    """Firehose, partitioning, objects and Lambda, for each batch."""
    stored = size / COMPRESSION
    to_an_object = min(128e6 / stored, 15 * MINUTE / EVERY)
    to_a_call = max(1, min(6e6 / size, MINUTE / EVERY))
    return [
        math.ceil(stored / 5e3) * 5e3 * FIREHOSE,
        stored * PARTITIONING,
        (FIREHOSE_OBJECT + PUT) / to_an_object,
        invocation(0.005 + 0.05 * to_a_call * size / 1e6) / to_a_call,
    ]


@pytest.mark.parametrize("batch", BATCHES)
def test_table(batch: str) -> None:
    """Each number of the table is what the arithmetic below it makes."""
    (row,) = (line for line in GUIDE.splitlines() if line.startswith(f"| {batch} |"))
    size = BATCHES[batch]
    for cell, costs in zip(row.split("|")[2:4], (direct(size), buffered(size)), strict=True):
        expected = [cost * GB / size for cost in costs]
        said = [float(number) for number in re.findall(r"\d\.\d{4}", cell)]
        assert said == pytest.approx([*expected, sum(expected)], abs=0.000051)


def test_where_they_meet() -> None:
    """Below some 650 KB buffered is cheaper, above direct."""
    meet = next(size for size in range(10_000, 4_000_000, 1_000) if sum(direct(size)) < sum(buffered(size)))

    assert "about 650 KB" in GUIDE
    assert meet == pytest.approx(650_000, rel=0.05)


def test_a_quiet_task() -> None:
    """A batch of 10 KB every 5 seconds for 30 days."""
    batches = 30 * 86_400 / EVERY

    assert "2.85 a month direct and 0.13 buffered" in GUIDE
    assert sum(direct(10e3)) * batches == pytest.approx(2.85, abs=0.02)
    assert sum(buffered(10e3)) * batches == pytest.approx(0.13, abs=0.01)
