"""Athena's own SQL on MiniStack, whose engine is DuckDB.

query ──> [Athena's dialect, parsed and translated; views; partition projection; the JSON SerDe] ──> DuckDB

MiniStack hands queries to DuckDB as they are, and reads every object below a table's location. Here sqlglot parses
them as Athena's SQL and writes DuckDB's, and a table is read as its Glue definition says: its columns and no others,
only objects where its partition projection looks. What stays different: functions and types behave as DuckDB's do.
"""

import base64
import gzip
import json
import re
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ministack.core.responses import new_uuid
from ministack.services import athena
from ministack.services.athena import (
    _delete_named_query,
    _executions,
    _named_queries,
    _save_query_results,
    _start_query_execution,
)
from ministack.services.glue import _tables
from ministack.services.s3 import _buckets, _get_object_data, _put_object
from sqlglot import exp, parse_one

from tests.emulator.api import Created, Props, Response

TYPES = {"string": "VARCHAR", "bigint": "BIGINT"}


UNLOAD = re.compile(r"UNLOAD \((.*)\)\s*TO 's3://([^/]+)/(.*/)'\s*WITH \(format = 'PARQUET'\)", re.DOTALL)


def register() -> None:
    """Take the place of MiniStack's own ways to start a query, to find its data, and to save its result."""
    vars(athena).update(
        _start_query_execution=_start,
        _rewrite_data_paths=_translate,
        _save_query_results=partial(_save, _save_query_results),
    )


def create_named_query(props: Props) -> Created:
    """AWS::Athena::NamedQuery."""
    query_id = new_uuid()
    _named_queries[query_id] = {"NamedQueryId": query_id, **props}
    return query_id, {"NamedQueryId": query_id}


def delete_named_query(query_id: str, _props: Props) -> None:
    """Delete a named query."""
    _delete_named_query({"NamedQueryId": query_id})


def _start(data: Props) -> Response:
    """Start a query, which may have parameters: each `?` is replaced by the next one, a literal."""
    if values := data.get("ExecutionParameters"):
        unload = UNLOAD.fullmatch(data["QueryString"])
        query = parse_one(unload[1] if unload else data["QueryString"], read="athena")
        for placeholder, value in zip(list(query.find_all(exp.Placeholder)), values, strict=True):
            placeholder.replace(parse_one(value, read="athena"))
        text = query.sql(dialect="athena")
        data = data | {"QueryString": data["QueryString"].replace(unload[1], text) if unload else text}
    return _start_query_execution(data)


async def _save(save: Callable[[str], Awaitable[None]], query_id: str) -> None:
    """Save a result, and put what an UNLOAD wrote where it says; Athena gives the file a random name."""
    if unload := UNLOAD.fullmatch(_executions[query_id]["Query"]):
        _, bucket, prefix = unload.groups()
        file = _unloaded(bucket, prefix)
        _put_object(bucket, f"{prefix}{new_uuid()}", file.read_bytes(), {})
        file.unlink()
    await save(query_id)


def _unloaded(bucket: str, prefix: str) -> Path:
    """The local file of an UNLOAD."""
    return Path(tempfile.gettempdir()) / f"unload-{bucket}-{prefix.replace('/', '-')}"


async def _translate(query: str, database: str, _catalog: str) -> tuple[str, dict[str, str], list[str]]:
    """The query in DuckDB's dialect on local files, no S3 Tables, and the folders to delete after it."""
    if unload := UNLOAD.fullmatch(query):
        select, bucket, prefix = unload.groups()
        translated, tables, folders = await _translate(select, database, _catalog)
        zone, _, rows = translated.partition("; ")
        return f"{zone}; COPY ({rows}) TO '{_unloaded(bucket, prefix)}' (FORMAT parquet)", tables, folders
    folder = Path(tempfile.mkdtemp(prefix="athena-"))
    tree = _resolve(parse_one(query, read="athena"), database, folder)
    for length in list(tree.find_all(exp.Length)):
        if isinstance(length.this, exp.Encode):  # DuckDB has another name for the length of bytes
            length.replace(exp.Anonymous(this="octet_length", expressions=[length.this]))
    return f"SET TimeZone = 'UTC'; {tree.sql(dialect='duckdb')}", {}, [str(folder)]


def _resolve(tree: Any, database: str, folder: Path) -> Any:  # noqa: ANN401  # sqlglot's trees
    """Put a view's query, or a table's data, where a query names it."""
    bound = {cte.alias_or_name for cte in tree.find_all(exp.CTE)}
    for table in list(tree.find_all(exp.Table)):
        if table.name in bound and not table.db:
            continue
        definition = _tables[f"{table.db or database}/{table.name}"]
        if definition["TableType"] == "VIRTUAL_VIEW":
            encoded = re.fullmatch(r"/\* Presto View: (.*) \*/", definition["ViewOriginalText"])
            assert encoded is not None
            view = json.loads(base64.b64decode(encoded[1]))
            source = _resolve(parse_one(view["originalSql"], read="athena"), view["schema"], folder)
        else:
            source = parse_one(_relation(definition, folder), read="duckdb")
        table.replace(source.subquery(table.alias_or_name))
    return tree


def _relation(definition: Props, folder: Path) -> str:
    """The SQL of a table's lines, with the partition of each line."""
    storage = definition["StorageDescriptor"]
    assert storage["SerdeInfo"]["SerializationLibrary"] == "org.openx.data.jsonserde.JsonSerDe"
    columns = {column["Name"]: TYPES[column["Type"]] for column in storage["Columns"]}
    keys = {key["Name"]: TYPES[key["Type"]] for key in definition["PartitionKeys"]}
    typed = ", ".join(f"'{name}': '{type_}'" for name, type_ in columns.items())
    parts = []
    for values, data in _projected(definition):
        path = Path(tempfile.mkstemp(dir=folder)[1])
        path.write_bytes(_deserialize(data, columns))
        partition = ", ".join(f"CAST('{values[name]}' AS {type_}) AS \"{name}\"" for name, type_ in keys.items())
        quoted = str(path).replace("'", "''")
        lines = f"read_json('{quoted}', format = 'newline_delimited', columns = {{{typed}}})"
        parts.append(f"SELECT *, {partition} FROM {lines}")  # noqa: S608  # what the template says
    nulls = ", ".join(f'CAST(NULL AS {type_}) AS "{name}"' for name, type_ in (columns | keys).items())
    return " UNION ALL ".join([f"SELECT {nulls} WHERE false", *parts])


def _projected(definition: Props) -> Iterator[tuple[dict[str, str], bytes]]:
    """Each object that the table's projection finds, unzipped, and its partition's values."""
    settings = definition["Parameters"]
    assert settings["projection.enabled"] == "true"
    location = urlsplit(settings["storage.location.template"])
    pattern = re.sub(r"\\\$\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(location.path.lstrip("/"))) + r"(?P<file>[^/]+)"
    for key in list(_buckets[location.netloc]["objects"]):
        found = re.fullmatch(pattern, key)
        if not found or found["file"].startswith(("_", ".")):  # hidden, as for every Hive reader
            continue
        values = {name: value for name, value in found.groupdict().items() if name != "file"}
        if all(_projects(settings, name, value) for name, value in values.items()):
            yield values, gzip.decompress(_get_object_data(location.netloc, key))


def _projects(settings: dict[str, str], column: str, value: str) -> bool:
    """Whether a column's projection has this value."""
    kind = settings[f"projection.{column}.type"]
    if kind == "enum":
        return value in settings[f"projection.{column}.values"].split(",")
    low, high = settings[f"projection.{column}.range"].split(",")
    if kind == "integer":
        digits = int(settings[f"projection.{column}.digits"])
        return any(value == f"{number:0{digits}}" for number in range(int(low), int(high) + 1))
    assert (kind, settings[f"projection.{column}.format"]) == ("date", "yyyy-MM-dd")
    return _day(low) <= date.fromisoformat(value) <= _day(high)


def _day(text: str) -> date:
    """A day, as such or from now."""
    relative = re.fullmatch(r"NOW([+-]\d+)DAYS", text)
    return datetime.now(UTC).date() + timedelta(int(relative[1])) if relative else date.fromisoformat(text)


def _deserialize(data: bytes, columns: dict[str, str]) -> bytes:
    """The lines as the SerDe hands them on: keys without regard to case, unknown ones left out, objects as text."""
    rows = []
    for line in data.decode().splitlines():
        record = {key.lower(): value for key, value in json.loads(line).items()}
        row = {name: record.get(name) for name in columns}
        rows.append({name: json.dumps(v) if isinstance(v, dict | list) else v for name, v in row.items()})
    # Half of a surrogate pair, which UTF-8 cannot hold, becomes `?`, as wherever Java writes text.
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode(errors="replace")
