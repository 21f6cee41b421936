"""Lists that somebody forgot to make one."""

from collections.abc import Sequence


def validate_list(name: str, values: Sequence[object]) -> None:
    """Refuse one value where a list belongs; of a string, Python would make a list of characters.

    Raises:
        TypeError: If *values* is a string, or no list.
    """
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise TypeError(f"{name} must be a list, got: {values!r}; write {name}=[{values!r}]")
