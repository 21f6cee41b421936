"""How late logs are: told when they are."""

import json
import time

import pytest

from tests.logs.deployed import Context, Shipper, delivery, log_event, wrap

MINUTE = 60_000


def milliseconds() -> int:
    """The time."""
    return time.time_ns() // 1_000_000


@pytest.mark.parametrize("archive_format", ["ndjson", "raw"])
@pytest.mark.parametrize("layout", ["fast", "plain"])
def test_late(shipper: Shipper, capsys: pytest.CaptureFixture[str], archive_format: str, layout: str) -> None:
    """A batch whose newest event is more than a minute old says by how much, in CloudWatch's metric format."""
    shipper.settings["ARCHIVE_FORMAT"] = archive_format
    newest = milliseconds() - 5 * MINUTE
    id_ = "1" if layout == "fast" else "one"
    events = [log_event(id_, newest - number * MINUTE) for number in (2, 0, 1)]

    shipper.invoke(delivery(*events))

    line = json.loads(capsys.readouterr().out)
    assert 5 * MINUTE <= line["Lag"] <= milliseconds() - newest
    assert line["FunctionName"] == "shipper"
    [metric] = line["_aws"]["CloudWatchMetrics"]
    assert metric == {
        "Namespace": "FargateConstructs/LogArchive",
        "Dimensions": [["FunctionName"]],
        "Metrics": [{"Name": "Lag", "Unit": "Milliseconds"}],
    }


@pytest.mark.parametrize("age", [0, -10 * MINUTE], ids=["now", "a clock that is ahead"])
def test_in_time(shipper: Shipper, capsys: pytest.CaptureFixture[str], age: int) -> None:
    """One new event is enough to be in time: nothing is told."""
    shipper.invoke(delivery(log_event("1", milliseconds() - 60 * MINUTE), log_event("2", milliseconds() - age)))

    assert capsys.readouterr().out == ""


def test_nothing_is_not_late(shipper: Shipper, capsys: pytest.CaptureFixture[str]) -> None:
    """No event, no lag."""
    shipper.invoke(delivery())

    assert capsys.readouterr().out == ""


def test_late_for_data_firehose(shipper: Shipper, capsys: pytest.CaptureFixture[str]) -> None:
    """What is prepared for Data Firehose tells, too; what is unreadable has no time."""
    records = [{"recordId": "1", "data": event["awslogs"]["data"]} for event in (delivery(log_event()), wrap(b"?"))]
    with shipper.environ():
        shipper.modules["transform"].handler({"records": records}, Context(60_000))

    late, quarantined = map(json.loads, capsys.readouterr().out.splitlines())
    assert late["Lag"] > MINUTE
    assert quarantined["QuarantinedBatches"] == 1
