"""`fargate-constructs archive query`."""

import json
import os
import re
import signal
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fargate_constructs.cli.archive import COMMANDS, archive_options, query_failures
from fargate_constructs.cli.archive.athena_queries import Column
from fargate_constructs.cli.archive.query_failures import FAILURES, PAGE, explained
from fargate_constructs.cli.archive.query_output import unique, write_csv, write_json, write_table
from fargate_constructs.cli.archive.query_sql import Query, as_literal
from fargate_constructs.cli.command_line import commands
from fargate_constructs.cli.deployed.archives import DeployedArchive
from fargate_constructs.cli.terminal.output import in_bytes
from tests.cli.recorded_aws import RecordedAws
from tests.cli.runner import runner

ROOT = Path(__file__).parents[3]
SINCE, UNTIL = datetime(2026, 2, 27, 22, tzinfo=UTC), datetime(2026, 2, 28, 1, tzinfo=UTC)
ARCHIVE = DeployedArchive(
    "Shop/LogArchive", "us-east-1", bucket="archive", prefix="log_group=", database="shop", workgroup="shop"
)
LIMITED = "SELECT * FROM logs"
SAVED = {
    "NamedQueryId": "1",
    "Name": "errors",
    "Description": "What is wrong?",
    "Database": "shop",
    "QueryString": "SELECT message FROM logs WHERE dt > '2026' AND strpos(message, ?) > 0",
}

run = runner("archive", "query")


# --- The SQL ---


@pytest.mark.parametrize(
    ("sql", "verb", "names_days", "parameters"),
    [
        ("SELECT 1", "SELECT", True, 0),
        ("select * from logs", "SELECT", False, 0),
        ("SELECT * FROM logs WHERE dt = '2026-02-28' AND id = ?", "SELECT", True, 1),
        ('SELECT * FROM "logs" WHERE "dt" = ?', "SELECT", True, 1),
        ("-- dt\nSELECT * FROM lines -- dt\n WHERE message = 'dt ?'", "SELECT", False, 0),
        ("/* what? */ WITH a AS (SELECT 1) SELECT * FROM a", "WITH", True, 0),
        ("(SELECT dt FROM logs)", "SELECT", True, 0),
        ("SHOW TABLES", "SHOW", True, 0),
        ("EXPLAIN SELECT * FROM logs", "EXPLAIN", True, 0),
        ("explain analyze SELECT * FROM logs", "EXPLAIN", False, 0),
        ("EXPLAIN (TYPE IO) (SELECT 1)", "EXPLAIN", True, 0),
        ("SELECT 'it''s; fine' ; -- end;", "SELECT", True, 0),
    ],
)
def test_what_a_query_is(sql: str, verb: str, *, names_days: bool, parameters: int) -> None:
    """Words in comments and texts do not count."""
    query = Query(sql)
    assert (query.verb, query.names_days, query.parameters) == (verb, names_days, parameters)
    assert not query.text.endswith(";")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "must begin with one of .*, got: no SQL"),
        ("-- SELECT", "got: no SQL"),
        ("DROP TABLE lines", "this command only reads, got: DROP"),
        ("/* SELECT */ insert into lines select 1", "got: INSERT"),
        ("UNLOAD (SELECT 1) TO 's3://b/'", "got: UNLOAD"),
        ("SELECT 1; DROP TABLE lines", "one statement at a time"),
        ("EXPLAIN /* */ ANALYZE VERBOSE INSERT INTO lines SELECT 1", "got: EXPLAIN INSERT"),
        ("explain (TYPE IO) unload (SELECT 1) TO 's3://b/'", "got: EXPLAIN UNLOAD"),
    ],
)
def test_what_is_no_query(sql: str, message: str) -> None:
    """What changes something is refused."""
    with pytest.raises(ValueError, match=message):
        Query(sql)


def test_a_query_is_limited() -> None:
    """The view and the table are hidden by expressions with the same names, before those of the query."""
    assert Query("SELECT 1").limited("shop", None, None, []).text == "SELECT 1"

    text = Query("-- a\nSELECT 1").limited("shop", SINCE, UNTIL, ["/ecs/it's"]).text
    assert text.startswith('-- a\nWITH logs AS (SELECT * FROM "shop".logs WHERE "timestamp" BETWEEN 1772229600000 AND ')
    assert "AND dt BETWEEN '2026-02-27' AND '2026-02-28' AND log_group IN ('%2Fecs%2Fit%27s'))" in text
    assert "hour" not in text
    assert text.endswith(")\nSELECT 1")
    text = Query("with recursive a AS (SELECT 1) SELECT 2").limited("shop", SINCE, SINCE.replace(hour=23), []).text
    assert text.startswith("with recursive logs AS (")
    assert "AND hour BETWEEN 21 AND 22), lines AS (" in text  # a log router's object may begin in the hour before
    night, morning = SINCE.replace(hour=0), SINCE.replace(hour=3)
    assert "AND hour BETWEEN 0 AND 2)" in Query("SELECT 1").limited("shop", night, morning, []).text
    assert text.endswith("), a AS (SELECT 1) SELECT 2")
    assert "dt BETWEEN '1970-01-01' AND '2026-02-28'" in Query("SELECT 1").limited("shop", None, UNTIL, []).text

    assert Query("SELECT a.lines, 'FROM x.logs' FROM logs a").limited("shop", SINCE, None, [])
    with pytest.raises(ValueError, match=r'without a database, got: JOIN "a b" \. shop\.logs; leave the database out'):
        Query('SELECT 1 FROM a JOIN "a b" . shop.logs').limited("shop", SINCE, None, [])
    with pytest.raises(ValueError, match="limit a SELECT, got: SHOW"):
        Query("SHOW TABLES").limited("shop", SINCE, None, [])
    with pytest.raises(ValueError, match="Parquet is written from a SELECT, got: DESCRIBE"):
        Query("DESCRIBE logs").as_parquet("s3://results/1/")


@pytest.mark.parametrize("text", ["", "it's", "''", "a\n--'b"])
def test_a_literal_is_one_token(text: str) -> None:
    """Whatever a person writes stays within the quotes."""
    literal = as_literal(text)
    assert re.fullmatch(r"'(?:[^']|'')*'", literal, re.DOTALL)
    assert literal[1:-1].replace("''", "'") == text


# --- The rows ---

COLUMNS = [Column("name", "varchar"), Column("n", "bigint"), Column("x", "double"), Column("ok", "boolean")]
ROWS: list[list[str | None]] = [["a\x1b[2J\n\u202e", "10", "0.5", "true"], ["", None, "NaN", "false"]]


def written(write: Callable[..., int], columns: list[Column], rows: Iterable[list[str | None]]) -> tuple[int, str]:
    """The number of rows, and what is written."""
    out = StringIO()
    return write(columns, iter(rows), out), out.getvalue()


def test_a_table() -> None:
    """Numbers are on the right; a line cannot control the terminal."""
    assert written(write_table, COLUMNS, ROWS) == (
        2,
        (
            "name                 n    x  ok\n"
            "------------------  --  ---  -----\n"
            "a\\u001b[2J\\n\\u202e  10  0.5  true\n"
            "                        NaN  false\n"
        ),
    )
    assert written(write_table, COLUMNS[:1], []) == (0, "name\n----\n")
    long = "a" * 99
    assert written(write_table, COLUMNS[:2], [[long, "1"]])[1].splitlines()[1:] == [f"{'-' * 60}  -", f"{long}  1"]
    assert written(write_table, COLUMNS[:2], [["買い物", "1"], ["a", "2"]])[1].splitlines()[2:] == [
        "買い物  1",
        "a       2",
    ]


def test_csv() -> None:
    """An empty text differs from a NULL; quotes and line ends stay."""
    assert written(write_csv, COLUMNS[:2], [['a\n"b"', None], ["", "1"]]) == (2, '"name","n"\n"a\n""b""",\n"","1"\n')


def test_json() -> None:
    """Numbers and booleans are such; what JSON does not have is a text; no name occurs twice."""
    count, text = written(
        write_json,
        [*COLUMNS, Column("n", "date"), Column("d", "decimal")],
        [[*row, "2026-02-28", "1.5"] for row in ROWS],
    )
    assert count == 2
    assert json.loads(text) == [
        {"name": "a\x1b[2J\n\u202e", "n": 10, "x": 0.5, "ok": True, "n_2": "2026-02-28", "d": 1.5},
        {"name": "", "n": None, "x": "NaN", "ok": False, "n_2": "2026-02-28", "d": 1.5},
    ]
    assert written(write_json, COLUMNS, []) == (0, "[]\n")
    decimals: list[list[str | None]] = [["99.50"], ["-7"], [f"0.{'123' * 9}"], [None]]
    assert json.loads(written(write_json, [Column("d", "decimal")], decimals)[1]) == [
        {"d": each} for each in (99.5, -7, f"0.{'123' * 9}", None)
    ]
    assert unique(["a", "a", "a_2", "a"]) == ["a", "a_3", "a_2", "a_4"]


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 KB"), (2e9, "2.0 GB"), (5e12, "5.00 TB")]
)
def test_sizes(number: float, text: str) -> None:
    """Sizes are those of AWS's prices, in powers of ten."""
    assert in_bytes(number) == text


# --- The failures ---

REASONS = {
    "Query cancelled! : Bytes scanned limit was exceeded": "more than one query may",
    "COLUMN_NOT_FOUND: line 1:8: Column 'colour' cannot be resolved": "no such column",
    "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.shop.log' does not exist": "no such table",
    "SYNTAX_ERROR: line 1:1: mismatched input 'SELEC'. Expecting: 'SELECT'": "does not accept this SQL",
    "line 1:8: mismatched input 'FROM'. Expecting: <expression>": "does not accept this SQL",
    "FUNCTION_NOT_FOUND: line 1:8: Function regex_like not registered": "no such function",
    "TYPE_MISMATCH: line 3:12: Cannot apply operator: varchar >= timestamp(3) with time zone": "types do not match",
    "INVALID_CAST_ARGUMENT: Cannot cast 'x' to BIGINT": "does not accept the value of a line",
    "HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split s3://a/b.ndjson.gz (offset=0, length=1): The specified key does "
    "not exist. (Service: Amazon S3; Status Code: 404; Error Code: NoSuchKey)": "compaction joined",
    "HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split s3://a/b (offset=0, length=1): Slow Down (Service: Amazon S3; "
    "Status Code: 503; Error Code: 503 Slow Down": "limits the rate",
    "HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split s3://a/b (offset=0, length=1): Access Denied (Service: Amazon "
    "S3; Status Code: 403; Error Code: AccessDenied)": "may not read something",
    "HIVE_CANNOT_OPEN_SPLIT: The operation is not valid for the object's storage class (Service: Amazon S3; Status "
    "Code: 403; Error Code: InvalidObjectState)": "must be restored",
    "HIVE_CANNOT_OPEN_SPLIT: User: arn:aws:sts::111122223333:assumed-role/a/b is not authorized to perform: "
    "kms:Decrypt on resource: arn:aws:kms:us-east-1:111122223333:key/1": "have a KMS key",
    "Insufficient permissions to execute the query. User: arn:aws:sts::111122223333:assumed-role/a/b is not authorized "
    "to perform: glue:GetTable on resource": "may not read something",
    "Insufficient Lake Formation permission(s): Required Select on logs": "Lake Formation governs",
    "Unable to verify/create output bucket results": "may not write the result",
    "HIVE_CURSOR_ERROR: Row is not a valid JSON Object - JSONException": "not what the shipper writes",
    "HIVE_BAD_DATA: Error parsing field value for field 4: For input string": "not what the shipper writes",
    "Query exhausted resources at this scale factor": "more memory",
    "Query timeout": "longer than Athena allows",
    "INVALID_PARAMETER_USAGE: Incorrect number of parameters: expected 1 but found 0": "other numbers of `?`",
    "HIVE_PATH_ALREADY_EXISTS: Target directory for table already exists": "is not empty",
    "HIVE_INVALID_PARTITION_VALUE: Invalid partition value": "its projection",
    "HIVE_FILESYSTEM_ERROR: something": "could not read an object",
    "GENERIC_INTERNAL_ERROR: null": "a fault inside Athena",
    "Query was cancelled by user": "was cancelled",
}


@pytest.mark.parametrize("reason", REASONS, ids=range(len(REASONS)))
def test_a_reason_is_explained(reason: str) -> None:
    """It is shown whole, with what it means, what to do, and a page."""
    text = explained(reason)
    assert REASONS[reason] in text.splitlines()[0]
    assert f"  text  {reason}\n" in text
    assert re.search(r"\n  do    \w", text)
    assert re.search(r"\n  see   https://(docs\.aws\.amazon|repost\.aws)", text)


def test_each_explanation_has_a_reason() -> None:
    """What is not known is shown, too."""
    assert {each.what for each in FAILURES} == {
        next(each.what for each in FAILURES if re.search(each.pattern, reason)) for reason in REASONS
    }
    assert (
        explained("SOMETHING_NEW: what\nis this?") == f"the query failed: SOMETHING_NEW: what is this?\n  see   {PAGE}"
    )
    assert query_failures.PAGE.startswith("https://docs.aws.amazon.com/")


# --- The command ---


@pytest.fixture(autouse=True)
def aws(clients: RecordedAws, monkeypatch: pytest.MonkeyPatch) -> RecordedAws:
    """An archive with one saved query; each query succeeds, and has a row."""
    monkeypatch.setattr(archive_options, "find_archive", lambda *_: ARCHIVE)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    clients.answers |= {
        "ListNamedQueries": {"NamedQueryIds": ["1"]},
        "BatchGetNamedQuery": {"NamedQueries": [SAVED]},
        "StartQueryExecution": {"QueryExecutionId": "q1"},
        "GetQueryExecution": execution("SUCCEEDED", DataScannedInBytes=2_000_000_000),
        "StopQueryExecution": {},
        "GetQueryResults": results(["n"], ["1"]),
        "GetWorkGroup": workgroup(BytesScannedCutoffPerQuery=107_374_182_400),
    }
    return clients


def execution(state: str, reason: str = "", statement: str = "DML", **statistics: int) -> dict[str, Any]:
    """Return the answer about a query."""
    status = {"State": state, **({"StateChangeReason": reason} if reason else {})}
    return {"QueryExecution": {"Status": status, "StatementType": statement, "Statistics": statistics}}


def results(*rows: list[str], next_page: str = "") -> dict[str, Any]:
    """Return a page of a result."""
    columns = [{"Name": "n", "Type": "bigint"}]
    data = [{"Data": [{"VarCharValue": cell} for cell in row]} for row in rows]
    answer = {"ResultSet": {"Rows": data, "ResultSetMetadata": {"ColumnInfo": columns}}}
    return {**answer, **({"NextToken": next_page} if next_page else {})}


def workgroup(**configuration: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return the answer about the workgroup."""
    return {"WorkGroup": {"Name": "shop", "Configuration": configuration}}


def test_the_commands_are_listed() -> None:
    """A wrong one is refused."""
    text = CliRunner().invoke(commands, ["archive", "--help"]).output
    assert all(short in text for short in COMMANDS.values())
    assert CliRunner().invoke(commands, ["archive", "no-such"]).exit_code == 2


def test_all_pages_without_the_names(aws: RecordedAws) -> None:
    """The names are on the first page only, and a row may be equal to them."""
    pages = {None: results(["n"], ["1"], next_page="t"), "t": results(["n"], ["3"])}
    aws.answers["GetQueryResults"] = lambda request: (
        results(["n"]) if "MaxResults" in request else pages[request.get("NextToken")]
    )
    status, output, errors = run("--sql", "SELECT 1", "--format", "csv")
    assert (status, output) == (0, '"n"\n"1"\n"n"\n"3"\n')
    assert errors == "3 rows; 2.0 GB read in 0.0 s, about 0.01000 USD\n"


def test_other_statements_have_no_names(aws: RecordedAws) -> None:
    """The first row of SHOW is a row, also if it is equal to the name of the column; DDL may have no columns."""
    aws.answers["GetQueryExecution"] = execution("SUCCEEDED", statement="UTILITY")
    assert run("--sql", "SHOW TABLES", "--format", "csv")[1] == '"n"\n"n"\n"1"\n'
    aws.answers["GetQueryResults"] = {"ResultSet": {"Rows": [], "ResultSetMetadata": {}}}
    assert run("--sql", "SHOW TABLES", "--json")[:2] == (0, "[]\n")


def test_describe_answers_texts_with_tabs(aws: RecordedAws) -> None:
    """Athena gives one cell for all columns (https://github.com/DyfanJones/noctua/issues/230)."""
    aws.answers["GetQueryExecution"] = execution("SUCCEEDED", statement="UTILITY")
    answer = results(["message   \tvarchar   \t   "], [""], ["# Partition Information"])
    answer["ResultSet"]["ResultSetMetadata"]["ColumnInfo"] = [
        {"Name": name, "Type": "string"} for name in ("col_name", "data_type", "comment")
    ]
    aws.answers["GetQueryResults"] = answer
    assert run("--sql", "DESCRIBE lines", "--format", "csv")[1].splitlines()[1:] == [
        '"message","varchar",""',
        '"",,',
        '"# Partition Information",,',
    ]


def test_a_saved_query(aws: RecordedAws) -> None:
    """Its parameters are texts; it is listed with what it needs."""
    assert run("--list")[1] == "errors\n    What is wrong? It needs 1 --parameter.\n"
    assert json.loads(run("--list", "--json")[1])[0]["parameters"] == 1
    assert run("--named", "errors", "--parameter", "it's")[0] == 0
    (started,) = [request for name, request in aws.requests if name == "StartQueryExecution"]
    assert started["ExecutionParameters"] == ["'it''s'"]
    assert started["QueryExecutionContext"] == {"Database": "shop"}
    assert "--named must be one of errors, got: no" in run("--named", "no")[2]
    assert "has 1 `?`, got: 0 --parameter" in run("--named", "errors")[2]
    aws.answers["BatchGetNamedQuery"] = {"NamedQueries": [{**SAVED, "QueryString": "SELECT 1"}]}
    assert run("--list")[1] == "errors\n    What is wrong?\n"


def test_a_query_without_a_day(aws: RecordedAws) -> None:
    """It may cost much, so a person is asked; the limit of the workgroup says how much."""
    status, _, errors = run("--sql", LIMITED)
    assert status == 2
    assert "at most 107.4 GB, which the workgroup allows. That is up to 0.54 USD, and 3.22 USD more" in errors
    assert errors.endswith("write --yes to do it\n")
    aws.answers["GetWorkGroup"] = workgroup()
    assert "reads the whole archive, without a limit." in run("--sql", LIMITED)[2]
    assert "StartQueryExecution" not in dict(aws.requests)

    for arguments in (["--yes"], ["--since", "1h"]):
        assert run("--sql", "-", *arguments, text=LIMITED)[0] == 0


def test_log_groups(aws: RecordedAws) -> None:
    """A mistyped one would have no rows, so it is refused."""
    aws.answers["ListObjectsV2"] = {"CommonPrefixes": [{"Prefix": "log_group=%2Fecs%2Fweb/"}]}
    limit = ("--sql", LIMITED, "--since", "1h", "--log-group")
    assert run(*limit, "/ecs/web")[0] == 0
    (started,) = [request["QueryString"] for name, request in aws.requests if name == "StartQueryExecution"]
    assert "AND log_group IN ('%2Fecs%2Fweb')" in started
    assert (
        "--log-group must be one that Shop/LogArchive has, got: /ecs/wbe; it has /ecs/web" in run(*limit, "/ecs/wbe")[2]
    )


def test_progress_and_failure(aws: RecordedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state and the bytes are shown; a failure is explained, and has status 2."""
    shown: list[str] = []
    monkeypatch.setattr(
        "fargate_constructs.cli.terminal.progress.Progress.show", lambda _self, text: shown.append(text)
    )
    states = iter(
        [execution("QUEUED"), execution("RUNNING", DataScannedInBytes=7_000_000), execution("FAILED", "X: y")]
    )
    aws.answers["GetQueryExecution"] = lambda _request: next(states)
    status, output, errors = run("--sql", "SELECT 1")
    assert (status, output) == (2, "")
    assert errors.startswith("Error: the query failed: X: y\n")
    assert [re.sub(r"\d+ s", "0 s", each) for each in shown] == [
        "queued, 0 s, 0 bytes read",
        "running, 0 s, 7.0 MB read",
    ]
    assert "StopQueryExecution" not in dict(aws.requests)
    aws.answers["GetQueryExecution"] = execution("CANCELLED")
    assert "the query failed: the query was cancelled" in run("--sql", "SELECT 1")[2]
    aws.answers["StartQueryExecution"] = ("InvalidRequestException", "line 1:1: mismatched input 'SELEC'")
    assert "does not accept this SQL" in run("--sql", "SELECT 1")[2]
    aws.answers["StartQueryExecution"] = ("TooManyRequestsException", "Rate exceeded")
    assert "AWS: the rate of requests is limited" in run("--sql", "SELECT 1")[2]


@pytest.mark.parametrize("stop", [{}, ("AccessDeniedException", "no")])
def test_an_interrupt_stops_the_query(aws: RecordedAws, stop: Any) -> None:  # noqa: ANN401 - an answer
    """Also if nothing stops it, the status is that of the interrupt."""

    def interrupt(_request: object) -> dict[str, Any]:
        raise KeyboardInterrupt

    aws.answers |= {"GetQueryExecution": interrupt, "StopQueryExecution": stop}
    assert run("--sql", "SELECT 1", "--output", "x.csv")[0] == 130
    assert aws.requests[-1] == ("StopQueryExecution", {"QueryExecutionId": "q1"})
    assert [*Path().iterdir()] == []


def test_the_end_of_a_job_stops_the_query(aws: RecordedAws) -> None:
    """SIGTERM is like Ctrl-C, until the command ends."""
    before = signal.getsignal(signal.SIGTERM)

    def terminate(_request: object) -> dict[str, Any]:
        os.kill(os.getpid(), signal.SIGTERM)
        return execution("RUNNING")

    aws.answers["GetQueryExecution"] = terminate
    assert run("--sql", "SELECT 1")[0] == 130
    assert aws.requests[-1] == ("StopQueryExecution", {"QueryExecutionId": "q1"})
    assert signal.getsignal(signal.SIGTERM) == before


def test_files_have_their_names_when_they_are_whole(aws: RecordedAws) -> None:
    """The suffix chooses the format; what a failed query would have written is not there."""
    assert run("--sql", "SELECT 1", "--output", "rows.JSON")[:2] == (0, "")
    assert Path("rows.JSON").read_text() == '[\n{"n": 1}\n]\n'
    assert run("--sql", "SELECT 1", "--output", "rows.txt", "--format", "csv")[0] == 0
    assert Path("rows.txt").read_text() == '"n"\n"1"\n'
    aws.answers["GetQueryResults"] = results(["n"], ["\ud800"])
    assert run("--sql", "SELECT 1", "--output", "rows.txt", "--format", "csv")[0] == 0
    assert Path("rows.txt").read_text() == '"n"\n"\\ud800"\n'
    aws.answers["GetQueryResults"] = lambda request: (
        results(["n"]) if "MaxResults" in request else ("AccessDeniedException", "no")
    )
    assert run("--sql", "SELECT 1", "--output", "rows.csv")[0] == 2
    assert sorted(each.name for each in Path().iterdir()) == ["rows.JSON", "rows.txt"]


def test_parquet(aws: RecordedAws) -> None:
    """Athena writes it below its results; a file that cannot be read leaves no folder with the name."""
    aws.answers |= {
        "GetWorkGroup": workgroup(ResultConfiguration={"OutputLocation": "s3://results/results/"}),
        "ListObjectsV2": lambda request: {"Contents": [{"Key": f"{request['Prefix']}a/b", "Size": 3}]},
        "GetObject": ("NoSuchKey", "gone"),
    }
    status, _, errors = run("--sql", "SELECT 1", "--output", "rows.parquet")
    assert status == 2
    assert "a/b was deleted meanwhile" in errors
    assert not Path("rows.parquet").exists()
    assert [*Path().iterdir()] == []
    aws.answers["ListObjectsV2"] = {}
    Path(".none.parquet.partial").mkdir()
    Path(".none.parquet.partial/1.parquet").write_text("of a run that was killed")
    assert run("--sql", "SELECT 1", "--output", "none.parquet")[2].startswith("written to none.parquet; 2.0 GB read")
    assert [*Path("none.parquet").iterdir()] == []
    (started, _) = [request for name, request in aws.requests if name == "StartQueryExecution"]
    assert re.fullmatch(
        r"UNLOAD \(\nSELECT 1\n\)\nTO 's3://results/results/unload-[0-9a-f-]{36}/'\nWITH \(format = 'PARQUET'\)",
        started["QueryString"],
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "write one of --sql, --named and --list"),
        (["--sql", "SELECT 1", "--list"], "write one of --sql, --named and --list"),
        (["--sql", "SELECT 1", "--json", "--format", "csv"], "--json is --format json, got both"),
        (["--sql", "SELECT 1", "--format", "parquet"], "Parquet needs a folder"),
        (["--sql", "SELECT 1", "--format", "parquet", "--output", "."], "the folder for Parquet must be new, got: ."),
        (["--sql", "SELECT 1", "--output", "."], "--output must be a file in a folder that exists, got: ."),
        (["--sql", "SELECT 1", "--output", "no/x.csv"], "--output must be a file in a folder that exists"),
        (["--sql", "SELECT 1", "--since", "soon"], "must be how long ago"),
        (["--sql", "SELECT 1", "--since", "1h", "--until", "2h"], "--since must be before --until, got: "),
        (["--sql", "DELETE FROM lines"], "this command only reads, got: DELETE"),
    ],
)
def test_wrong_options(aws: RecordedAws, arguments: list[str], message: str) -> None:
    """The message says what to write; nothing is started."""
    status, _, errors = run(*arguments)
    assert status == 2
    assert message in " ".join(errors.split())
    assert "StartQueryExecution" not in dict(aws.requests)


@pytest.mark.parametrize("lacks", [("a catalog: none",), ()])
def test_an_archive_without_a_catalog(monkeypatch: pytest.MonkeyPatch, lacks: tuple[str, ...]) -> None:
    """Such as one of raw batches."""
    bare = ARCHIVE._replace(workgroup="", lacks=lacks)
    monkeypatch.setattr(archive_options, "find_archive", lambda *_: bare)
    assert "Shop/LogArchive lacks: a catalog" in run("--sql", "SELECT 1")[2]
