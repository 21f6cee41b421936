"""`fargate-constructs archive verify`: objects of the real shipper, on an S3 in memory; CloudWatch Logs is recorded."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fargate_constructs.cli.archive import archive_options, archive_verify, hour_comparison, verification
from fargate_constructs.cli.archive.archived_log_groups import subscribed_log_groups
from fargate_constructs.cli.archive.hour_comparison import Hour, Waiting, compare
from fargate_constructs.cli.deployed.archives import DeployedArchive
from fargate_constructs.cli.events.cloudwatch_events import MAX_SAME
from fargate_constructs.cli.events.log_events import LogEvent
from fargate_constructs.cli.terminal import confirmation, moments
from fargate_constructs.cli.terminal.moments import milliseconds
from tests.cli.recorded_aws import RecordedAws
from tests.cli.runner import runner
from tests.logs.deployed import client, delivery, environment_of, load
from tests.logs.faults import in_process
from tests.logs.memory_s3 import MemoryS3, Stored

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 29, 15, tzinfo=UTC)
TEN = datetime(2026, 11, 28, 10, tzinfo=UTC)
RANGE = ("--since", "2026-11-28T10:00", "--until", "2026-11-28T12:00")
LAMBDA = "arn:aws:lambda:us-east-1:111122223333:function:shipper"
ARCHIVE = DeployedArchive(
    "Shop/LogArchive",
    "us-east-1",
    bucket="archive",
    format="ndjson",
    prefix="log_group=",
    shipper="shipper",
    failure_bucket="failures",
)

run = runner("archive", "verify", *RANGE)


def logged(number: int, at: datetime = TEN, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return an event of CloudWatch Logs, a second after the one before."""
    time = milliseconds(at) + number * 1000
    event = {
        "timestamp": time,
        "message": f"line {number}",
        "logStreamName": "web/web/0a1b",
        "eventId": f"3875{number}",
    }
    return {**event, "ingestionTime": time + 500, **changes}


def batch(*events: dict[str, Any], group: str = "/ecs/web") -> dict[str, Any]:
    """Return what CloudWatch Logs delivers of events."""
    made = [{"id": each["eventId"], "timestamp": each["timestamp"], "message": each["message"]} for each in events]
    return delivery(*made, logGroup=group, logStream="web/web/0a1b")


class Account:
    """A session: an S3 in memory with the shipper's objects, and CloudWatch Logs with events."""

    def __init__(self, recorded: RecordedAws, memory: MemoryS3, url: str) -> None:
        self.memory = memory
        self.aws = recorded
        self.events = [logged(number) for number in range(4)]
        self._s3 = client("s3", environment_of(url))
        self._objects = load(environment_of(url))["objects"]

    def client(self, name: str, **_: object) -> Any:  # noqa: ANN401 - of boto3
        """Return a client."""
        return self._s3 if name == "s3" else self.aws.client(name)

    def ship(self, *events: dict[str, Any], group: str = "/ecs/web") -> list[str]:
        """Store what the shipper makes of events; return the keys."""
        bodies = self._objects.objects_of(batch(*events, group=group)).bodies
        for key, body in bodies.items():
            self.memory.buckets["archive"].objects[key] = Stored(body, {}, "")
        return [*bodies]

    def fail(self, *events: dict[str, Any]) -> None:
        """Keep a failed batch of events."""
        body = json.dumps({"requestPayload": batch(*events)}).encode()
        self.memory.buckets["failures"].objects["aws/lambda/async/1"] = Stored(body, {}, "")

    def filtered(self, request: Any) -> dict[str, Any]:  # noqa: ANN401 - a request
        """Return the events between two times, both of which belong to the range."""
        assert request["logGroupName"] == "/ecs/web"
        return {"events": [e for e in self.events if request["startTime"] <= e["timestamp"] <= request["endTime"]]}


@pytest.fixture(autouse=True)
def account(clients: RecordedAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An archive that has all events of the hour before yesterday's eleven o'clock."""
    monkeypatch.setattr(moments, "now", lambda: NOW)
    monkeypatch.setattr(archive_options, "find_archive", lambda *_: ARCHIVE)
    memory = MemoryS3("archive", "failures")
    with in_process(memory) as url:
        made = Account(clients, memory, url)
        monkeypatch.setattr("fargate_constructs.cli.options.session_for", lambda *_: made)
        made.ship(*made.events)
        clients.answers |= {
            "DescribeLogGroups": {
                "logGroups": [{"logGroupName": "/ecs/web", "creationTime": 0, "retentionInDays": 30}]
            },
            "DescribeAccountPolicies": {"accountPolicies": []},
            "DescribeSubscriptionFilters": {"subscriptionFilters": [{"destinationArn": LAMBDA}]},
            "FilterLogEvents": lambda request: made.filtered(request),  # noqa: PLW0108 - answers are copied
            "GetMetricData": {"MetricDataResults": [{"Id": "received", "Values": [1000.0, 2000.0]}]},
        }
        yield made


# --- An hour ---


def event(number: int, id_: str | None = None) -> LogEvent:
    """Return an event."""
    return LogEvent(number, "/ecs/web", "web/app/1", f"line {number}", f"id{number}" if id_ is None else id_)


TWICE = [event(1, "a"), event(1, "b")]


def compared(
    in_logs: Iterable[LogEvent], archived: Iterable[LogEvent], waiting: Iterable[LogEvent] = (), ingested: int = 0
) -> dict[str, Any]:
    """Return the counts that are not 0."""
    hour = Hour("/ecs/web", TEN)
    compare(hour, [each._replace(ingested=ingested) for each in in_logs], archived, Waiting(waiting), 100)
    return {name: value for name, value in vars(hour).items() if value and name not in ("log_group", "begin")}


@pytest.mark.parametrize(
    ("in_logs", "archived", "counts"),
    [
        ([], [], {}),
        ([event(1)], [event(1)], {"logged": 1, "archived": 1}),
        ([event(1), event(1)], [event(1)], {"logged": 1, "archived": 1}),
        ([event(1)], [], {"logged": 1, "missing": 1, "named": [event(1)]}),
        ([], [event(1)], {"archived": 1, "only_archived": 1}),
        ([event(1)], [event(1, "backfill-1")], {"logged": 1, "archived": 1, "by_content": 1}),
        (TWICE, [event(1, "a"), event(1, "backfill-2")], {"logged": 2, "archived": 2, "by_content": 1}),
        (TWICE, [event(1, "c")], {"logged": 2, "archived": 1, "by_content": 1, "missing": 1, "named": [event(1, "b")]}),
        (
            [event(1, ""), event(2, "")],
            [event(1, ""), event(3, "")],
            {"logged": 2, "archived": 2, "by_content": 1, "missing": 1, "only_archived": 1, "named": [event(2, "")]},
        ),
    ],
)
def test_an_hour(in_logs: list[LogEvent], archived: list[LogEvent], counts: dict[str, Any]) -> None:
    """By ID first, then by content, each archived event for one of CloudWatch Logs."""
    assert compared(in_logs, archived) == counts


def test_what_the_archive_does_not_have_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits, is on its way, or is missing; the first missing ones are named in order."""
    assert compared([event(1)], [], [event(1)], ingested=500) == {"logged": 1, "waiting": 1}
    assert compared([event(1, "a"), event(1, "b")], [], [event(1, "c"), event(1, "c")], ingested=500) == {
        "logged": 2,
        "waiting": 1,
        "on_the_way": 1,
    }
    monkeypatch.setattr(hour_comparison, "MAX_NAMED", 2)
    assert compared([event(3), event(2), event(1)], []) == {"logged": 3, "missing": 3, "named": [event(2), event(3)]}


# --- The command ---


def test_all_is_there(account: Account) -> None:
    """By the IDs of all events; empty hours are only in JSON."""
    assert run() == (
        0,
        (
            "Shop/LogArchive: all 4 events are in the archive\n"
            "from 2026-11-28 10:00:00 UTC to 2026-11-28 12:00:00 UTC, 1 log group\n"
            "\n"
            "/ecs/web\n"
            "  hour, UTC        CloudWatch    archive    missing    waiting\n"
            "  2026-11-28 10:00          4          4          0          0\n"
        ),
        "",
    )
    assert [each["in_archive"] for each in json.loads(run("--json")[1])["hours"]] == [4, 0]
    account.events = []
    account.memory.buckets["archive"].objects.clear()
    assert run()[1] == (
        "Shop/LogArchive: CloudWatch Logs has no events of this time\n"
        "from 2026-11-28 10:00:00 UTC to 2026-11-28 12:00:00 UTC, 1 log group\n\n/ecs/web\n  no events\n"
    )
    twice = ("--log-group", "/ecs/web") * 2
    assert len(json.loads(run(*twice, "--json")[1])["log_groups"]) == 1


def test_the_guide_shows_what_is_printed(account: Account) -> None:
    """The example of the guide."""
    account.events += [logged(number, TEN + timedelta(hours=1)) for number in range(3)]
    account.memory.buckets["archive"].objects.clear()
    account.ship(*account.events[:3], *account.events[4:])
    account.fail(account.events[3])
    account.events.append(logged(9))
    status, output, errors = run()
    assert (status, errors) == (1, "")
    assert f"```\n{output}```" in (ROOT / "docs/archive.md").read_text()
    assert max(map(len, output.splitlines()[:-4])) <= 80


def test_missing_events_are_named(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where, and what to do; a text has the first ones, and hours with findings if there are many."""
    account.memory.buckets["archive"].objects.clear()
    monkeypatch.setattr(archive_verify, "MAX_EVENTS", 1)
    status, output, _ = run()
    assert status == 1
    assert "  missing  2026-11-28T10:00:00.000Z  web/web/0a1b  ID 38750\n  and 3 more; --json has the first" in output
    document = json.loads(run("--json")[1])
    assert document["hours"][0]["missing_events"][3] == {
        "time": "2026-11-28T10:00:03.000Z",
        "timestamp": milliseconds(TEN) + 3000,
        "stream": "web/web/0a1b",
        "id": "38753",
    }
    assert document["log_groups"][0]["todo"] == [
        (
            "from 2026-11-29 17:00:00 UTC on: fargate-constructs archive backfill Shop/LogArchive --log-group /ecs/web "
            "--since 2026-11-28T10:00 --until 2026-11-28T11:00"
        ),
        "before 2026-12-28 10:00:00 UTC, when CloudWatch Logs begins to delete these events",
    ]
    spaced = ARCHIVE._replace(name="Shop/Log Archive", failure_queue="https://sqs/1")
    with monkeypatch.context() as patch:
        patch.setattr(archive_options, "find_archive", lambda *_: spaced)
        todo = json.loads(run("--json")[1])["log_groups"][0]["todo"]
    assert todo[0] == "fargate-constructs archive replay 'Shop/Log Archive'"
    assert ": fargate-constructs archive backfill 'Shop/Log Archive' --log-group /ecs/web --since " in todo[1]
    monkeypatch.setattr(archive_verify, "MAX_HOURS", 1)
    account.events += [logged(1, TEN + timedelta(hours=1))]
    account.ship(account.events[-1])
    assert "2026-11-28 11:00" not in run()[1]
    assert "  2 hours                   5          1          4          0\n" in run()[1]


def test_young_events(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that CloudWatch Logs has just received are on their way."""
    account.memory.buckets["archive"].objects.clear()
    account.events = [logged(1, TEN, ingestionTime=milliseconds(NOW - timedelta(minutes=5))), logged(2)]
    status, output, _ = run()
    assert (status, output.splitlines()[0]) == (
        1,
        "Shop/LogArchive: 1 of 2 events are not in the archive, on their way: 1",
    )
    assert " on its way\n" in output
    account.events = account.events[:1]
    account.events.append(logged(3))
    account.ship(account.events[1])
    status, output, _ = run()
    assert (status, output.partition("\n")[0]) == (
        0,
        "Shop/LogArchive: 1 of 2 events are in the archive, on their way: 1",
    )
    buffered = ARCHIVE._replace(stream="stream")
    monkeypatch.setattr(archive_options, "find_archive", lambda *_: buffered)
    account.events[0]["ingestionTime"] -= 25 * 60_000
    assert run()[0] == 0


def test_when_to_backfill(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """When no delivery is tried any more; with a short retention as soon as it can be exported."""
    account.memory.buckets["archive"].objects.clear()
    account.events = [logged(2)]
    backfill = "fargate-constructs archive backfill Shop/LogArchive --log-group"
    assert f"  do  from 2026-11-29 17:00:00 UTC on: {backfill}" in run()[1]
    monkeypatch.setattr(moments, "now", lambda: TEN + timedelta(hours=31))
    assert f"  do  {backfill}" in run()[1]
    groups: list[dict[str, Any]] = [{"logGroupName": "/ecs/web", "retentionInDays": 1}]
    account.aws.answers["DescribeLogGroups"] = {"logGroups": groups}
    monkeypatch.setattr(moments, "now", lambda: TEN + timedelta(hours=4))
    assert f"  do  from 2026-11-28 23:00:00 UTC on: {backfill}" in run()[1]
    del groups[0]["retentionInDays"]
    assert f"  do  from 2026-11-29 17:00:00 UTC on: {backfill}" in run()[1]


def test_retention(account: Account) -> None:
    """Nothing is proved about hours that CloudWatch Logs has deleted; without retention there is no hurry."""
    groups: list[dict[str, Any]] = [{"logGroupName": "/ecs/web", "retentionInDays": 1}, {"logGroupName": "/ecs/web2"}]
    account.aws.answers["DescribeLogGroups"] = {"logGroups": groups}
    account.events = []
    assert (
        "nothing can be proved about /ecs/web from 2026-11-28 10:00:00 UTC to 2026-11-28 12:00:00 UTC: CloudWatch Logs "
        "keeps events for 1 day; write a later --until"
    ) in run()[2]
    status, output, _ = run("--until", "2026-11-29", "--log-group", "/ecs/web")
    assert status == 0
    assert "  Compared from 2026-11-28 16:00:00 UTC on, because CloudWatch Logs keeps events for 1 day.\n" in output
    groups[0]["retentionInDays"] = 3
    early = run("--since", "2026-11-26", "--until", "2026-11-29", "--log-group", "/ecs/web")[1]
    assert "  Compared from 2026-11-26 16:00:00 UTC on, because CloudWatch Logs keeps events for 3 days.\n" in early

    account.aws.answers["DescribeLogGroups"] = {"logGroups": [{"logGroupName": "/ecs/web"}]}
    account.events = [logged(9)]
    assert "when CloudWatch Logs begins to delete" not in run()[1]
    account.aws.answers["DescribeSubscriptionFilters"] = ("ResourceNotFoundException", "no such log group")
    assert "has no log group /ecs/no; correct --log-group" in run("--log-group", "/ecs/no")[2]
    assert "must be before --until and before now" in run("--since", "2026-12-01")[2]


def test_what_cannot_be_read_is_a_finding(account: Account) -> None:
    """An object that is no gzip, and a failed batch that is no JSON."""
    (key,) = account.ship(*account.events)
    account.memory.buckets["archive"].objects[key].body = b"no gzip"
    account.memory.buckets["failures"].objects["aws/lambda/async/1"] = Stored(b"{", {}, "")
    status, output, _ = run()
    assert status == 1
    assert (
        "Some of the failed batches that wait could not be read, so that their events count as missing: s3://" in output
    )
    assert f"Not read, so that its events may be missing in the counts: s3://archive/{key}" in output


def test_a_long_comparison_is_confirmed(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time follows from what the log group received, the price from the objects."""
    assert run()[0] == 0
    account.aws.answers["GetMetricData"] = {"MetricDataResults": [{"Id": "received", "Values": [5e9]}]}
    status, output, errors = run()
    assert (status, output) == (2, "")
    assert "5.0 GB are read from CloudWatch Logs, in 5,002 requests, about 3 a second: 28 minutes. The arch" in errors
    monkeypatch.setattr(confirmation, "is_terminal", lambda: True)
    assert run(text="y\n")[0] == 0
    assert run("--yes")[0] == 0
    account.aws.answers["GetMetricData"] = {"MetricDataResults": []}
    account.aws.answers["DescribeLogGroups"] = {"logGroups": [{"logGroupName": "/ecs/web"}]}
    assert "0 bytes are read from CloudWatch Logs, in 1,812 requests, " in run("--since", "2026-09-14", text="n\n")[2]
    monkeypatch.setattr(verification, "LARGE_PRICE", 0)
    assert run(text="n\n")[0] == 2


@pytest.mark.parametrize(("repeated", "status"), [(3, 0), (MAX_SAME + 1, 2)])
def test_pages_without_events(account: Account, repeated: int, status: int) -> None:
    """CloudWatch Logs gives the same token several times while it searches; not for ever."""
    left = repeated

    def pages(request: Any) -> dict[str, Any]:  # noqa: ANN401 - a request
        nonlocal left
        left -= 1
        return {"events": [], "nextToken": "same"} if left >= 0 else account.filtered(request)

    account.aws.answers["FilterLogEvents"] = pages
    code, _, errors = run()
    assert code == status
    assert ("does not come to the end of /ecs/web" in errors) is (status == 2)


# --- The log groups ---


def subscribed(account: Account, archive: DeployedArchive = ARCHIVE) -> tuple[dict[str, str], list[str]]:
    """Return the log groups that are subscribed to the archive, with their patterns, and the notes."""
    notes: list[str] = []
    session: Any = account
    return subscribed_log_groups(session, archive, show=lambda _: None, note=notes.append), notes


def test_subscribed_log_groups(account: Account) -> None:
    """Those of the archive's function or stream; what else it has is named."""
    stream = "arn:aws:firehose:us-east-1:111122223333:deliverystream/stream"
    arns = {"/ecs/web": LAMBDA, "/ecs/api": f"{LAMBDA}-other", "/ecs/b": stream}
    groups: list[dict[str, Any]] = [{"logGroupName": name} for name in arns]
    account.aws.answers |= {
        "DescribeLogGroups": {"logGroups": [*groups, {"logGroupName": "/ia", "logGroupClass": "INFREQUENT_ACCESS"}]},
        "DescribeSubscriptionFilters": lambda request: {
            "subscriptionFilters": [{"destinationArn": arns[request["logGroupName"]]}]
        },
    }
    assert subscribed(account) == ({"/ecs/web": ""}, [])
    assert [*subscribed(account, ARCHIVE._replace(stream="stream"))[0]] == ["/ecs/b", "/ecs/web"]
    note = "  No subscription of it leads to Shop/LogArchive, so new events are not archived.\n"
    assert note not in run()[1]
    account.aws.answers["FilterLogEvents"] = {"events": []}
    assert f"/ecs/api\n{note}" in run("--log-group", "/ecs/api")[1]
    account.aws.answers["FilterLogEvents"] = lambda request: account.filtered(request)  # noqa: PLW0108 - copied
    account.ship(logged(1), group="/routed")
    assert "Not compared, because they are not subscribed (now): /routed." in run()[1]
    account.aws.answers["DescribeAccountPolicies"] = ("AccessDeniedException", "no")
    assert "subscribes log groups, which logs:DescribeAccountPolicies shows (An error" in subscribed(account)[1][0]
    account.ship(*account.events)
    status, output, _ = run()
    assert status == 1
    assert "all 4 events are in the archive\n" in output
    assert "\nNot known: whether an account policy subscribes log groups" in output
    assert run("--log-group", "/ecs/web")[0] == 0
    account.aws.answers["DescribeLogGroups"] = {"logGroups": []}
    assert "no log group of us-east-1 is subscribed to Shop/LogArchive" in run()[2]


def test_an_account_policy(account: Account) -> None:
    """It leaves out names; the function drops patterns, and its own."""
    names = ["/ecs/web", "/ecs/noisy", "/aws/lambda/a", "/own"]
    policy = {
        "policyDocument": json.dumps({"DestinationArn": LAMBDA, "FilterPattern": ""}),
        "selectionCriteria": 'LogGroupName NOT IN ["/ecs/noisy"]',
    }
    variables = {"Variables": {"IGNORED_LOG_GROUPS": "/own,/aws/lambda/*"}}
    account.aws.answers |= {
        "DescribeLogGroups": {"logGroups": [{"logGroupName": name} for name in names]},
        "DescribeAccountPolicies": {"accountPolicies": [policy]},
        "GetFunctionConfiguration": {"Environment": variables},
        "DescribeSubscriptionFilters": {"subscriptionFilters": []},
    }
    assert subscribed(account) == ({"/ecs/web": ""}, [])
    policy["policyDocument"] = json.dumps({"DestinationArn": LAMBDA, "FilterPattern": "ERROR"})
    assert subscribed(account) == ({"/ecs/web": "ERROR"}, [])
    policy["policyDocument"] = json.dumps({"DestinationArn": f"{LAMBDA}-other"})
    assert subscribed(account) == ({}, [])


def test_a_filter_pattern(account: Account) -> None:
    """What it leaves out is missing, and the answer says why; a subscription of all events beside it is enough."""
    filters = [{"destinationArn": LAMBDA, "filterPattern": "ERROR"}]
    account.aws.answers["DescribeSubscriptionFilters"] = {"subscriptionFilters": filters}
    account.events.append(logged(9))
    note = "  Its subscription leaves out events that do not match its filter pattern, ERROR: they are missing.\n"
    assert note in run()[1]
    filters.append({"destinationArn": LAMBDA})
    assert "filter pattern" not in run()[1]
    account.aws.answers["DescribeSubscriptionFilters"] = ("ResourceNotFoundException", "deleted meanwhile")
    assert subscribed(account) == ({}, [])
