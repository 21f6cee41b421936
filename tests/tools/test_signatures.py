"""The arguments that one signature takes from another."""

from pathlib import Path

from tools.signatures import files, write_out

SOURCE = '''
class Task:
    """A task.

    Args:
        cpu: The CPU units. By default
            256.
        name: The name.
        port: The port.
    """

    def __init__(self, *, cpu: int = 256, name: str, port: int) -> None:
        pass
'''
TAKEN = '''
class Service:
    """A service.

    Args:
        count: How many.
        name: The host name.{documented}

    Raises:
        ValueError: If there is none.
    """

    def __init__(
        self,
        *,
        count: int,
        # From Task without port, by make signatures:{taken}
        # Of the service:
        name: str | None = None,
    ) -> None:
        pass
'''


def test_all_arguments_are_written_out() -> None:
    """If this fails, run `make signatures`."""
    texts = files()

    assert [path.name for path, text in write_out(texts).items() if text != texts[path]] == []


def test_types_defaults_and_documentation_follow_the_source() -> None:
    """What is out of date is written again; what the signature has itself, or leaves out, stays as it is."""
    old = TAKEN.format(documented="\n        old: Gone.", taken="\n        old: int,")
    new = TAKEN.replace("        name: The host", "        cpu: The CPU units. By default 256.\n        name: The host")

    written = write_out({Path("task.py"): SOURCE, Path("service.py"): old})

    assert written[Path("task.py")] == SOURCE
    assert written[Path("service.py")] == new.format(documented="", taken="\n        cpu: int = 256,")
