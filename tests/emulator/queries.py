"""Queries of a deployed catalog, run as a person runs them: by name, in its workgroup.

Queries(aws, workgroup) ──> run("top_talkers") ──> rows
"""

import time
from dataclasses import dataclass
from typing import Any

from tests.emulator.emulator import Emulator

QUERY_SECONDS = 60


class QueryError(RuntimeError):
    """A query failed; the message says why."""


@dataclass(frozen=True)
class Rows:
    """What a query found."""

    columns: list[str]
    rows: list[list[str]]

    def table(self) -> list[str]:
        """The rows below their columns' names, a line each."""
        widths = [max(map(len, column)) for column in zip(self.columns, *self.rows, strict=True)]
        rows = [self.columns, *self.rows]
        return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


class Queries:
    """A workgroup and its saved queries.

    Args:
        aws: The local AWS.
        workgroup: The workgroup's name, which is the database's, too.
    """

    def __init__(self, aws: Emulator, workgroup: str) -> None:
        self._athena = aws.client("athena")
        self._workgroup = workgroup

    def saved(self) -> dict[str, str]:
        """The SQL of each saved query, by name."""
        ids = self._athena.list_named_queries(WorkGroup=self._workgroup)["NamedQueryIds"]
        found = self._athena.batch_get_named_query(NamedQueryIds=ids)["NamedQueries"]
        return {query["Name"]: query["QueryString"] for query in found}

    def run(self, name: str, *parameters: str) -> Rows:
        """Run a saved query; *parameters* are text for its `?`."""
        return self.ask(self.saved()[name], *parameters)

    def ask(self, sql: str, *parameters: str) -> Rows:
        """Run any query."""
        literals = ["'" + text.replace("'", "''") + "'" for text in parameters]
        query_id = self._athena.start_query_execution(
            QueryString=sql,
            WorkGroup=self._workgroup,
            QueryExecutionContext={"Database": self._workgroup},
            **({"ExecutionParameters": literals} if literals else {}),
        )["QueryExecutionId"]
        self._wait_for(query_id)
        result: dict[str, Any] = self._athena.get_query_results(QueryExecutionId=query_id)["ResultSet"]
        columns, *rows = [[cell.get("VarCharValue", "") for cell in row["Data"]] for row in result["Rows"]]
        return Rows(columns, rows)

    def _wait_for(self, query_id: str) -> None:
        """Return when a query has succeeded."""
        deadline = time.monotonic() + QUERY_SECONDS
        while time.monotonic() < deadline:
            status = self._athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]["Status"]
            if status["State"] == "SUCCEEDED":
                return
            if status["State"] == "FAILED":
                raise QueryError(status["StateChangeReason"])
            time.sleep(0.05)
        raise QueryError(f"no answer in {QUERY_SECONDS} s")
