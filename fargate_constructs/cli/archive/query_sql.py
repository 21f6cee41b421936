"""The SQL of a query: what kind it is, whether it names days, and how it is limited to a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from fargate_constructs.cli.terminal.moments import milliseconds, validate_range

# Comments, texts and quoted names: in them no word is SQL.
OPAQUE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", re.DOTALL)
# What only reads (https://docs.aws.amazon.com/athena/latest/ug/ddl-sql-reference.html). The rest changes a table, or
# writes objects.
READING = {"SELECT", "WITH", "VALUES", "TABLE", "SHOW", "DESCRIBE", "DESC", "EXPLAIN"}
SELECTING = {"SELECT", "WITH", "VALUES", "TABLE"}
# EXPLAIN ANALYZE runs what it explains.
EXPLAINED = re.compile(r"\W*EXPLAIN\s+(?:ANALYZE\s+)?(?:VERBOSE\s+)?(?:\([^)]*\))?\W*(\w+)", re.IGNORECASE)
WITH = re.compile(r"WITH(?:\s+RECURSIVE)?\b", re.IGNORECASE)
SOURCES = ("logs", "lines")
IN_DATABASE = re.compile(
    rf"\b(?:FROM|JOIN|TABLE)\s+(?:(?:\w+|\"[^\"]+\")\s*\.\s*)+\"?(?:{'|'.join(SOURCES)})\b", re.IGNORECASE
)
# The first and last time that the view has.
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


class Query:
    """A query that only reads.

    Args:
        text: Its SQL.

    Raises:
        ValueError: If it may change something, or has several statements.
    """

    def __init__(self, text: str) -> None:
        bare = OPAQUE.sub(_blank, text).rstrip()
        if bare.endswith(";"):
            text = text[: len(bare) - 1]
        self.text = text.strip()
        self._bare = OPAQUE.sub(_blank, self.text)
        if ";" in self._bare:
            raise ValueError("Athena runs one statement at a time, got several; write one, without a semicolon in it")
        words = re.findall(r"\w+", self._bare)
        self.verb = words[0].upper() if words else ""
        """Its first word."""
        explained = EXPLAINED.match(self._bare)
        if self.verb not in READING or (explained and explained[1].upper() not in SELECTING):
            raise ValueError(
                f"a query must begin with one of {', '.join(sorted(READING))}, because this command only reads, got: "
                f"{f'EXPLAIN {explained[1].upper()}' if explained else self.verb or 'no SQL'}"
            )

    @property
    def selects(self) -> bool:
        """Whether it has rows of its own, so that it can be limited to a time and written as Parquet."""
        return self.verb in SELECTING

    @property
    def names_days(self) -> bool:
        """Whether it has the column `dt`, by which Athena leaves out days; or reads no line at all."""
        is_source_named = re.search(rf"\b(?:{'|'.join(SOURCES)})\b", self._names, re.IGNORECASE)
        is_run = self.selects or re.match(r"\W*EXPLAIN\s+ANALYZE\b", self._bare, re.IGNORECASE)
        return not is_source_named or not is_run or bool(re.search(r"\bdt\b", self._names, re.IGNORECASE))

    @property
    def parameters(self) -> int:
        """The number of its `?`."""
        return self._bare.count("?")

    @property
    def _names(self) -> str:
        """Its words and names, without comments and texts."""
        return OPAQUE.sub(lambda found: found[0] if found[0].startswith('"') else _blank(found), self.text)

    def limited(
        self, database: str, since: datetime | None, until: datetime | None, log_groups: Sequence[str]
    ) -> Query:
        """Return the query, with the view `logs` and the table `lines` limited to a time and to some log groups.

        Both are common table expressions that hide the names, and Athena reads no other day or log group: it takes
        conditions on partitions from them (https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html).
        """
        if not (since or until or log_groups):
            return self
        validate_range(since, until)
        if not self.selects:
            raise ValueError(
                f"--since, --until and --log-group limit a SELECT, got: {self.verb}; leave them out, or write a SELECT"
            )
        if found := IN_DATABASE.search(self._names):
            raise ValueError(
                f"--since, --until and --log-group limit `logs` and `lines` without a database, got: "
                f"{' '.join(found[0].split())}; leave the database out"
            )
        condition = _condition(since or FIRST, until or LAST, log_groups)
        sources = ", ".join(
            f'{name} AS (SELECT * FROM "{database}".{name} WHERE {condition})'  # noqa: S608 - literals are quoted
            for name in SOURCES
        )
        at = len(self._bare) - len(self._bare.lstrip())  # after comments, which stay where they are
        head, body = self.text[:at], self.text[at:]
        if clause := WITH.match(body):
            return Query(f"{head}{clause[0]} {sources},{body[clause.end() :]}")
        return Query(f"{head}WITH {sources}\n{body}")

    def as_parquet(self, location: str) -> str:
        """Return a statement that writes the rows to an S3 location as Parquet."""
        if not self.selects:
            raise ValueError(f"Parquet is written from a SELECT, got: {self.verb}; write --format table, csv or json")
        return f"UNLOAD (\n{self.text}\n)\nTO '{location}'\nWITH (format = 'PARQUET')"


def as_literal(text: str) -> str:
    """Return a text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def _condition(since: datetime, until: datetime, log_groups: Sequence[str]) -> str:
    """Return the condition on the columns that both sources have."""
    last = milliseconds(until) - 1
    end = datetime.fromtimestamp(last // 1000, UTC)
    # An object of a log router has up to a minute after its hour.
    routed = since - timedelta(minutes=1)
    terms = [
        f'"timestamp" BETWEEN {milliseconds(since)} AND {last}',
        f"dt BETWEEN '{since:%Y-%m-%d}' AND '{end:%Y-%m-%d}'",
    ]
    if since.date() == end.date():
        terms.append(f"hour BETWEEN {routed.hour if routed.date() == end.date() else 0} AND {end.hour}")
    if log_groups:
        terms.append(f"log_group IN ({', '.join(as_literal(quote(each, safe='')) for each in log_groups)})")
    return " AND ".join(terms)


def _blank(found: re.Match[str]) -> str:
    """Return as many spaces, so that what follows stays in its place."""
    return " " * len(found[0])
