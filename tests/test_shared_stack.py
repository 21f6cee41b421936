"""What tests do to each other that share a stack."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.shared_stack import FirstHalves, Part, Steps, in_shared_stack


@in_shared_stack
def raises(part: Part) -> Steps:
    """Raise in the first half."""
    raise KeyError(part.node.id)
    yield


@in_shared_stack
def fails(part: Part) -> Steps:
    """Fail in the first half."""
    with pytest.raises(ValueError, match="refused"):
        str(part)
    yield


@in_shared_stack
def skips(part: Part) -> Steps:
    """Skip in the first half."""
    pytest.skip(part.node.id)
    yield


@in_shared_stack  # type: ignore[arg-type] # that is the fault
def forgets(part: Part) -> None:
    """Have no yield."""
    assert part.resolve("text") == "text"


@in_shared_stack
def waits(part: Part) -> Steps:
    """Have two halves."""
    yield
    assert part.resolve("text") == "text"


def test_a_first_half_that_ends_a_test_ends_no_other() -> None:
    """Each ends its own test, also where pytest ends it: what pytest raises is no `Exception`."""
    ends: dict[Any, tuple[type[BaseException], str]] = {
        raises: (KeyError, "Raises00"),
        fails: (pytest.fail.Exception, "DID NOT RAISE"),
        skips: (pytest.skip.Exception, "Skips00"),
        forgets: (AssertionError, "write `yield  # for synthesis` before what"),
    }
    items: list[Any] = [SimpleNamespace(name=each.__name__, function=each) for each in (*ends, waits)]
    halves = FirstHalves(items)

    halves.finish("waits")
    for test, (end, text) in ends.items():
        with pytest.raises(end, match=text):
            halves.finish(test.__name__)
