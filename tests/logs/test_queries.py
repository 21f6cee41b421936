"""Saved and documented queries: they are SQL of their engine, and hold whatever a line is."""

import gzip
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp, parse_one
from sqlglot.optimizer.qualify import qualify

from fargate_constructs.logs.catalog import QUERIES
from fargate_constructs.logs.catalog_tables import COLUMNS, PARTITIONS, VIEW_COLUMNS
from tests.emulator.emulator import ROOT
from tests.logs.deployed import delivery, load, log_event
from tests.logs.hostile import HOSTILE, seen

GUIDES = (ROOT / "docs/reading-logs.md").read_text() + (ROOT / "docs/logs.md").read_text()
BLOCKS = re.findall(r"```sql\n(.*?)```", GUIDES, re.DOTALL)
MACRO, OVER_FILES = (block for block in BLOCKS if "(files)" in block or "ndjson.gz" in block)
OF_ATHENA = {
    **{path.stem: path.read_text() for path in sorted(QUERIES.glob("*.sql"))},
    **{f"guide-{number}": block for number, block in enumerate(BLOCKS) if block not in (MACRO, OVER_FILES)},
    **{f"inline-{number}": sql for number, sql in enumerate(re.findall(r"`(SELECT [^`]+)`", GUIDES))},
}
SCHEMA: dict[str, object] = {
    "logs": dict.fromkeys(VIEW_COLUMNS, "varchar"),
    "lines": dict.fromkeys([*COLUMNS, *PARTITIONS, "$path"], "varchar"),
}


def ask(query: str) -> list[tuple[Any, ...]]:
    """What DuckDB answers once it knows the guide's macro."""
    with duckdb.connect() as connection:
        connection.execute(MACRO)
        return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def shipper() -> dict[str, ModuleType]:
    """The shipper's modules; nothing here reaches S3."""
    return load({"AWS_DEFAULT_REGION": "eu-west-1"})


def archive(shipper: dict[str, ModuleType], folder: Path, messages: list[str]) -> None:
    """Let the shipper make a batch's objects below a folder, the one of the last millisecond of February 2026."""
    events = [log_event(str(number), message=message) for number, message in enumerate(messages)]
    delivered = delivery(*events, logStream="web/\ud800/1")
    for key, body in shipper["objects"].objects_of(delivered).bodies.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


@pytest.mark.parametrize("name", OF_ATHENA)
def test_queries_are_athenas_sql(name: str) -> None:
    """Each parses as Athena's dialect, names columns that there are, and says which days it reads."""
    tree = parse_one(OF_ATHENA[name], read="athena")

    qualify(tree, schema=SCHEMA, dialect="athena", validate_qualify_columns=True)

    where = tree.find(exp.Where)
    assert where
    assert "dt" in {column.name for column in where.find_all(exp.Column)}


def test_the_guide_has_queries_of_each_kind() -> None:
    """None of them is overlooked."""
    kinds = {name.partition("-")[0] for name in OF_ATHENA}

    assert {"guide", "inline"} <= kinds
    assert len(kinds) == len(list(QUERIES.glob("*.sql"))) + 2


def test_duckdb_reads_hostile_lines(
    shipper: dict[str, ModuleType],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The guide's own query finds each of them that it should, in one stream whose name is hostile, too."""
    archive(shipper, tmp_path, list(HOSTILE.values()))
    monkeypatch.chdir(tmp_path)

    rows = ask(OVER_FILES)

    expected = [("/ecs/web", "web//1", seen(each)) for each in HOSTILE.values() if "error" in each]
    assert sorted(row[1:] for row in rows) == sorted(expected)
    assert {str(row[0]) for row in rows} == {"2026-02-28 23:59:59.999000"}


@given(st.lists(st.text(st.characters(codec=None, exclude_categories=[]), max_size=30), min_size=1, max_size=8))
@settings(max_examples=15)
def test_duckdb_reads_any_line(
    shipper: dict[str, ModuleType],
    tmp_path_factory: pytest.TempPathFactory,
    messages: list[str],
) -> None:
    """Whatever is in them, each line is found by its ID, and is what was written."""
    folder = tmp_path_factory.mktemp("archive")
    archive(shipper, folder, messages)

    found = ask(f"SELECT id, message FROM logs('{folder}/*/*/*/*.gz')")  # noqa: S608

    assert dict(found) == {str(number): seen(message) for number, message in enumerate(messages)}


def test_duckdb_has_each_event_once_and_reads_named_days_alone(shipper: dict[str, ModuleType], tmp_path: Path) -> None:
    """What is stored twice is one row, as in the view; a day that is not asked for is not opened."""
    archive(shipper, tmp_path, ["error"])
    archive(shipper, tmp_path, ["error", "other"])
    late = tmp_path / "log_group=a/dt=2026-01-01/hour=00/broken.ndjson.gz"
    late.parent.mkdir(parents=True)
    late.write_bytes(b"no gzip")

    query = f"SELECT message FROM logs('{tmp_path}/*/*/*/*.gz') WHERE dt >= '2026-02-28' ORDER BY 1"  # noqa: S608
    assert ask(query) == [("error",), ("other",)]


def test_duckdb_takes_the_conditions_of_athena(shipper: dict[str, ModuleType], tmp_path: Path) -> None:
    """A log group and hours are written as for the view, and choose which objects are opened; in little memory."""
    archive(shipper, tmp_path, ["error"])
    for other in ("log_group=%2Fecs%2Fweb/dt=2026-02-28/hour=08", "log_group=%2Fecs/dt=2026-02-28/hour=23"):
        (tmp_path / other).mkdir(parents=True)
        (tmp_path / other / "broken.ndjson.gz").write_bytes(b"no gzip")
    [example] = (sql for sql in OF_ATHENA.values() if "url_encode" in sql)
    where = example.partition("WHERE ")[2].partition("AND message")[0]

    query = f"SELECT log_group, dt, hour, message FROM logs('{tmp_path}/*/*/*/*.gz') WHERE {where}"  # noqa: S608
    assert ask(f"SET memory_limit = '100MB'; {query}") == [("%2Fecs%2Fweb", "2026-02-28", 23, "error")]


def test_a_time_that_no_clock_has(tmp_path: Path) -> None:
    """It is left out; the line is not."""
    path = tmp_path / "log_group=a/dt=1970-01-01/hour=00/1.ndjson.gz"
    path.parent.mkdir(parents=True)
    numbers = ("-1", "9223372036854775807", "99999999999999999999", "1e3", '"text"')
    path.write_bytes(
        gzip.compress("".join(f'{{"id":"{n}","timestamp":{t}}}\n' for n, t in enumerate(numbers)).encode())
    )

    rows = ask(f"SELECT id, \"time\" FROM logs('{tmp_path}/*/*/*/*.gz') ORDER BY id")  # noqa: S608
    assert [(id_, str(time)) for id_, time in rows][:3] == [
        ("0", "1969-12-31 23:59:59.999000"),
        ("1", "None"),
        ("2", "None"),
    ]
    assert len(rows) == len(numbers)
