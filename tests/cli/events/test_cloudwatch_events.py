"""How the command line reads and follows a log group: a model of CloudWatch Logs with lines that come late."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fargate_constructs.cli.events import cloudwatch_events
from fargate_constructs.cli.events.cloudwatch_events import (
    LATE,
    RECENT,
    SLACK,
    SWEEP_EVERY,
    WAITS,
    CloudWatchEvents,
    filter_pattern,
)
from fargate_constructs.cli.events.log_events import LogEvent

GROUP = "/shop/web"
BEGIN = 1_772_323_200_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Model:
    """CloudWatch Logs whose events are seen some time after their timestamps, in pages of two."""

    def __init__(self, lines: list[tuple[int, int]], page: int = 2) -> None:
        """Take the timestamp and the delay of each line, both in milliseconds."""
        self.lines, self.page = lines, page
        self.now = 0
        self.requests: list[dict[str, Any]] = []

    def filter_log_events(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        """Return a page of what is seen now; time passes between two pages."""
        self.requests.append(request)
        begin, end = request["startTime"], request.get("endTime", 2**62)
        seen = [
            (timestamp, number)
            for number, (timestamp, delay) in enumerate(self.lines)
            if begin <= timestamp <= end and timestamp + delay <= self.now
        ]
        # The token is the last event of the page before, so that late events before it are not on later pages.
        after = tuple(map(int, request["nextToken"].split("-"))) if "nextToken" in request else (-1, -1)
        some = [each for each in sorted(seen) if each > after][: self.page + 1]
        token = {"nextToken": "-".join(map(str, some[self.page - 1]))} if len(some) > self.page else {}
        date = format_datetime(EPOCH + timedelta(milliseconds=self.now), usegmt=True)
        self.now += 300
        return {
            "events": [
                {
                    "timestamp": timestamp,
                    "logStreamName": "web/web/1",
                    "message": str(number),
                    "eventId": str(number),
                    "ingestionTime": timestamp,
                }
                for timestamp, number in some[: self.page]
            ],
            "ResponseMetadata": {"HTTPHeaders": {"date": date}},
            **token,
        }


def follow(model: Model, begin: int, end: int, pause: int) -> Iterator[list[LogEvent]]:
    """Poll until a time."""
    events = CloudWatchEvents(model, GROUP)
    while model.now < end:
        yield events.poll(begin)
        model.now += pause


@settings(max_examples=40)
@given(
    lines=st.lists(st.tuples(st.integers(0, 400_000), st.integers(0, LATE)), max_size=20),
    pause=st.sampled_from([2_000, 7_000, 40_000, 700_000]),
)
@example(lines=[(1000, 0), (1000, 0), (1000, 1500), (1000, LATE)], pause=2_000)
@example(lines=[(10_000, 0), (9_000, RECENT), (5_000, 60_000), (399_999, 0), (100_000, LATE)], pause=2_000)
@example(lines=[(0, 0), (SWEEP_EVERY, 0), (SWEEP_EVERY, LATE), (1, LATE - 1)], pause=40_000)
@example(lines=[(number, 3 * number) for number in range(40)], pause=700_000)
def test_each_line_comes_once(lines: list[tuple[int, int]], pause: int) -> None:
    """However late within five minutes, in whatever order, and also if many have the same time."""
    at = [(BEGIN + timestamp, delay) for timestamp, delay in lines]
    model = Model(at)
    model.now = BEGIN

    batches = [*follow(model, BEGIN, BEGIN + 400_000 + 2 * LATE + 2 * pause, pause)]

    found = [event.message for batch in batches for event in batch]
    assert sorted(found, key=int) == [str(number) for number in range(len(lines))]
    for batch in batches:
        assert [each.timestamp for each in batch] == sorted(each.timestamp for each in batch)


def test_what_is_asked_for() -> None:
    """Most polls read half a minute again, some five minutes, none more than began; and memory does not grow."""
    model = Model([(BEGIN + 1000 * number, 0) for number in range(1000)], page=10_000)
    model.now = BEGIN
    events = CloudWatchEvents(model, GROUP)
    sizes = []
    while model.now < BEGIN + 1_000_000:
        at = model.now
        events.poll(BEGIN)
        sizes.append(at - model.requests[-1]["startTime"])
        model.now += 2_000

    usual = [each for each in sizes if each < RECENT + 10_000]
    assert len(usual) > 0.9 * len(sizes)
    assert max(sizes) < LATE + SWEEP_EVERY + SLACK
    assert min(each["startTime"] for each in model.requests) == BEGIN
    seen: dict[str, int] = vars(events)["_seen"]
    assert len(seen) <= (LATE + SWEEP_EVERY + SLACK) / 1000


def test_a_wrong_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is that of CloudWatch Logs; the clock here counts only before the first answer."""
    monkeypatch.setattr(cloudwatch_events, "now", lambda: EPOCH + timedelta(milliseconds=BEGIN + 10**10))
    model = Model([(BEGIN + 10, 0), (BEGIN + 20, 5_000)])
    model.now = BEGIN + 100

    found = [event.message for batch in follow(model, BEGIN, BEGIN + 60_000, 2_000) for event in batch]

    assert found == ["0", "1"]


def test_a_range() -> None:
    """It is read page by page; its end does not belong to it."""
    model = Model([(BEGIN + number, 0) for number in range(5)])
    model.now = BEGIN + 100
    events = CloudWatchEvents(model, GROUP, stream_prefix="web/", expression="status=5")

    found = [*events.read(BEGIN + 1, BEGIN + 4)]

    assert found[0] == LogEvent(BEGIN + 1, GROUP, "web/web/1", "1", "1", BEGIN + 1)
    assert [each.message for each in found] == ["1", "2", "3"]
    assert model.requests[0] == {
        "logGroupName": GROUP,
        "logStreamNamePrefix": "web/",
        "filterPattern": "%status=5%",
        "startTime": BEGIN + 1,
        "endTime": BEGIN + 3,
    }
    assert [*events.read(BEGIN, BEGIN)] == []
    assert [each.message for each in events.read(-5)] == ["0", "1", "2", "3", "4"]


class Unwilling(Model):
    """CloudWatch Logs that refuses some requests."""

    def __init__(self, errors: list[Exception]) -> None:
        super().__init__([(0, 0)])
        self.errors = errors

    def filter_log_events(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        """Refuse, or return a page without a date."""
        if self.errors:
            raise self.errors.pop(0)
        return {**super().filter_log_events(**request), "ResponseMetadata": {}}


def refusal(code: str) -> ClientError:
    """Return an error of AWS."""
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "FilterLogEvents")


def test_a_limited_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request is made again, after longer and longer waits, and a person knows why it takes long."""
    reports: list[str] = []
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    model = Unwilling([refusal("ThrottlingException"), EndpointConnectionError(endpoint_url="logs")])
    events = CloudWatchEvents(model, GROUP, report=reports.append)

    assert [each.message for each in events.read(0)] == ["0"]
    assert waits == [1, 2]
    assert reports == [
        "CloudWatch Logs: ThrottlingException; next attempt in 1 s",
        "CloudWatch Logs: EndpointConnectionError; next attempt in 2 s",
    ]


@pytest.mark.parametrize(("code", "attempts"), [("AccessDeniedException", 1), ("ThrottlingException", len(WAITS) + 1)])
def test_errors_that_stay(code: str, attempts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not pass is raised at once, and what should pass after ten minutes."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    errors: list[Exception] = [refusal(code) for _ in range(40)]
    model = Unwilling(errors)

    with pytest.raises(ClientError, match=code):
        next(CloudWatchEvents(model, GROUP).read(0))
    assert 40 - len(errors) == attempts


@pytest.mark.parametrize(
    ("expression", "pattern", "text"),
    [
        ("", "", ""),
        ("ERROR", "%ERROR%", "ERROR"),
        ("ERROR|WARN", "%ERROR|WARN%", "a WARNING"),
        ("timeout after 30 s", "%timeout%", "timeout after 30 s"),
        (r"status=5\d\d", "%status=5%", "status=503"),
        (r"took \d+ms", "%took%", "took 12ms"),
        (r"^GET /health$", "%/health%", "GET /health"),
        (r"a\.example\.com", "%example%", "a.example.com"),
        (r"ab\.cde.f", "%cde%", "ab.cdexf"),
        ("a+bcd", "%bcd%", "aabcd"),
        ("ab", "", "ab"),
        ("(?i)error", "", "ERROR"),
        ("colou?r", "", "color"),
        ("warning|war(ning)?", "", "war"),
        ("[Ee]rror", "", "Error"),
        (r"\x41BCD", "", "ABCD"),
        (r"\101BCD", "", "ABCD"),
        ("x{0,2}yyy", "", "yyy"),
        ("fehlgeschlagen: über", "%fehlgeschlagen:%", "fehlgeschlagen: über"),
        ("error+", "%error%", "errorr"),
    ],
)
def test_what_cloudwatch_logs_searches(expression: str, pattern: str, text: str) -> None:
    """It gets a literal part that each match has, or nothing, so that no match is left out."""
    assert filter_pattern(expression) == pattern
    assert re.search(expression, text)
    assert re.search(pattern.strip("%"), text)
