"""Runs a query in a workgroup of Athena: start, progress, stop, rows.

SQL ──> StartQueryExecution ──> GetQueryExecution, until it ends ──> GetQueryResults, page by page
                                └ interrupted ──> StopQueryExecution
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from fargate_constructs.cli.archive.query_failures import explained
from fargate_constructs.cli.aws import Answer, in_batches, paged
from fargate_constructs.cli.terminal.output import in_bytes

if TYPE_CHECKING:
    from boto3 import Session

    from fargate_constructs.cli.deployed.archives import DeployedArchive

# Seconds between two looks at a query: the first, and the longest.
POLL, MAX_POLL = 0.3, 3.0
# Of BatchGetNamedQuery (https://docs.aws.amazon.com/athena/latest/APIReference/API_BatchGetNamedQuery.html).
QUERIES_IN_ONE_CALL = 50
FINAL = {"SUCCEEDED", "FAILED", "CANCELLED"}

Row = list[str | None]


class QueryFailedError(ValueError):
    """Athena did not run a query to its end; the message says why, and what to do."""


class Column(NamedTuple):
    """A column of a result."""

    name: str
    type: str


class Finished(NamedTuple):
    """A query that succeeded."""

    id: str
    is_select: bool
    bytes_scanned: int
    seconds: float


class Workgroup:
    """A workgroup of Athena and its database; shows the progress of queries."""

    def __init__(self, client: Any, name: str, database: str, show: Callable[[str], None]) -> None:  # noqa: ANN401 - of boto3
        self.name, self.database = name, database
        self._client, self._show = client, show

    def configuration(self) -> Answer:
        """Return the workgroup's settings."""
        settings: Answer = self._client.get_work_group(WorkGroup=self.name)["WorkGroup"]["Configuration"]
        return settings

    def run(self, sql: str, parameters: Sequence[str] = ()) -> Finished:
        """Run a query to its end. If the command is interrupted or fails meanwhile, the query is stopped.

        Raises:
            QueryFailedError: If it fails.
        """
        try:
            query_id: str = self._client.start_query_execution(
                QueryString=sql,
                WorkGroup=self.name,
                QueryExecutionContext={"Database": self.database},
                **({"ExecutionParameters": list(parameters)} if parameters else {}),
            )["QueryExecutionId"]
        except self._client.exceptions.InvalidRequestException as error:
            raise QueryFailedError(explained(error.response["Error"]["Message"])) from error
        try:
            execution = self._wait(query_id)
        except BaseException:
            with suppress(Exception):  # what interrupted the command is reported
                self._client.stop_query_execution(QueryExecutionId=query_id)
            raise
        status, statistics = execution["Status"], execution.get("Statistics", {})
        if status["State"] != "SUCCEEDED":
            raise QueryFailedError(explained(status.get("StateChangeReason") or f"the query is {status['State']}"))
        return Finished(
            query_id,
            is_select=execution.get("StatementType") == "DML",
            bytes_scanned=statistics.get("DataScannedInBytes", 0),
            seconds=statistics.get("TotalExecutionTimeInMillis", 0) / 1000,
        )

    def columns(self, finished: Finished) -> list[Column]:
        """Return the columns of a result."""
        answer = self._client.get_query_results(QueryExecutionId=finished.id, MaxResults=1)
        return [
            Column(each["Name"], each["Type"])
            for each in answer["ResultSet"]["ResultSetMetadata"].get("ColumnInfo", [])
        ]

    def rows(self, finished: Finished, columns: Sequence[Column]) -> Iterator[Row]:
        """Yield all rows of a result. A NULL is `None`."""
        is_first = True
        pages = self._client.get_paginator("get_query_results").paginate(QueryExecutionId=finished.id)
        for page in pages:
            for each in page["ResultSet"]["Rows"]:
                row = [cell.get("VarCharValue") for cell in each["Data"]]
                if len(row) < len(columns):  # DESCRIBE answers one text with tabs
                    cells = [cell.strip() for cell in "\t".join(map(str, row)).split("\t", len(columns) - 1)]
                    row = [*cells, *[None] * (len(columns) - len(cells))]
                # The first row of a SELECT has the names, on the first page only; SHOW and others have none.
                is_header = is_first and finished.is_select and row == [column.name for column in columns]
                is_first = False
                if not is_header:
                    yield row

    def _wait(self, query_id: str) -> Answer:
        """Return a query when it has ended."""
        began, pause = time.monotonic(), POLL
        while True:
            execution: Answer = self._client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
            state = execution["Status"]["State"]
            if state in FINAL:
                return execution
            read = execution.get("Statistics", {}).get("DataScannedInBytes", 0)
            self._show(f"{state.lower()}, {time.monotonic() - began:.0f} s, {in_bytes(read)} read")
            time.sleep(pause)
            pause = min(pause * 1.5, MAX_POLL)


def named_queries(session: Session, archive: DeployedArchive) -> dict[str, Answer]:
    """Return the saved queries of an archive's workgroup, by name."""
    client = session.client("athena", region_name=archive.region)
    ids = [*paged(client, "list_named_queries", "NamedQueryIds", WorkGroup=archive.workgroup)]
    some = in_batches(ids, QUERIES_IN_ONE_CALL)
    found = [query for each in some for query in client.batch_get_named_query(NamedQueryIds=each)["NamedQueries"]]
    return {each["Name"]: each for each in found}
