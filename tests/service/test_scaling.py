"""How many tasks run."""

import pytest

from fargate_constructs import Scaling


def test_two_to_ten_by_default() -> None:
    """A task in each of two zones, and room for five times the load."""
    assert Scaling() == Scaling(min=2, max=10, cpu_percent=60, requests_per_target=1000)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"min": 0}, "min must be at least 1 task, got: 0"),
        ({"min": 3, "max": 2}, r"max must be at least min \(3\), got: 2"),
        ({"cpu_percent": 0}, "cpu_percent must be 1 to 100, got: 0"),
        ({"cpu_percent": 101}, "cpu_percent must be 1 to 100, got: 101"),
        ({"requests_per_target": 0}, "requests_per_target must be at least 1 a minute, got: 0"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(numbers: dict[str, int], message: str) -> None:
    """The message says what was given and what would do."""
    with pytest.raises(ValueError, match=message):
        Scaling(**numbers)
