"""Lists that somebody forgot to make one."""

from collections.abc import Sequence


def validate_list(name: str, values: Sequence[str]) -> None:
    """Refuse a string where a list of strings belongs: Python would take it for a list of characters.

    Raises:
        TypeError: If *values* is a string.
    """
    if isinstance(values, str):
        raise TypeError(f"{name} must be a list, got: {values!r}; write {name}=[{values!r}]")
