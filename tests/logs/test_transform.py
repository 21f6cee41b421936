"""What Data Firehose gets back for each batch, from the function that prepares them."""

import base64
import gzip
import json
import os
from types import ModuleType

import pytest

from tests.logs.deployed import Context, JsonObject, Shipper, delivery, log_event, wrap
from tests.logs.faults import FaultyS3, refuse

PARTITION = {"log_group": "%2Fecs%2Fweb", "dt": "2026-02-28", "hour": "23"}


@pytest.fixture
def module(shipper: Shipper) -> ModuleType:
    """The function's module."""
    transform: ModuleType = shipper.modules["transform"]
    return transform


def run(module: ModuleType, shipper: Shipper, *events: JsonObject) -> list[JsonObject]:
    """Invoke the function as Data Firehose does; check that each batch has an answer."""
    records = [
        {"recordId": str(number), "approximateArrivalTimestamp": 1, "data": event["awslogs"]["data"]}
        for number, event in enumerate(events)
    ]
    with shipper.environ():
        answer = module.handler({"invocationId": "1", "records": records}, Context(300_000))
    assert [each["recordId"] for each in answer["records"]] == [record["recordId"] for record in records]
    results: list[JsonObject] = json.loads(json.dumps(answer))["records"]
    return results


def test_one_hour_goes_back(module: ModuleType, shipper: Shipper) -> None:
    """A batch of one hour comes back as the bytes that the shipper would store, with the partition it would have."""
    event = delivery(log_event("a"), log_event("b"))

    [answer] = run(module, shipper, event)

    assert (answer["result"], answer["metadata"]) == ("Ok", {"partitionKeys": PARTITION})
    assert (shipper.archived(), shipper.quarantined()) == ({}, {})
    [key] = shipper.invoke(event)["archived"]
    stored = shipper.s3.get_object(Bucket=shipper.archive, Key=key)["Body"].read()
    assert base64.b64decode(answer["data"]) == stored
    assert key.startswith("/".join(f"{name}={value}" for name, value in PARTITION.items()) + "/")


def test_members_end_to_end_are_gzip(module: ModuleType, shipper: Shipper) -> None:
    """What Data Firehose joins is read as one file."""
    answers = run(module, shipper, *(delivery(log_event(id_)) for id_ in "abc"))

    joined = b"".join(base64.b64decode(answer["data"]) for answer in answers)
    assert [json.loads(line)["id"] for line in gzip.decompress(joined).splitlines()] == ["a", "b", "c"]


@pytest.mark.parametrize("ids", ["a", "abc"], ids=["one event", "three events"])
@pytest.mark.parametrize("message", ["hello", "ログ\u2028\ud800\0"], ids=["ASCII", "odd"])
def test_what_was_prepared_and_not_stored(module: ModuleType, shipper: Shipper, ids: str, message: str) -> None:
    """What Data Firehose keeps over its limit of partitions is taken by the shipper, and becomes the same object."""
    event = delivery(*(log_event(id_, message=message) for id_ in ids))
    [answer] = run(module, shipper, event)

    first = shipper.invoke({"awslogs": {"data": answer["data"]}})
    bodies = shipper.memory.bodies(shipper.archive)

    assert first == shipper.invoke(event)
    assert [base64.b64decode(answer["data"])] == list(bodies.values())
    assert shipper.memory.bodies(shipper.archive) == bodies


def test_over_an_hours_edge_goes_to_s3(module: ModuleType, shipper: Shipper) -> None:
    """A batch of two hours is stored under both, as the shipper would, twice told once; the others go back."""
    across = delivery(log_event("a"), log_event("b", 1_772_323_200_000))

    for _ in range(2):
        answers = run(module, shipper, delivery(log_event("c")), across)
        assert [answer["result"] for answer in answers] == ["Ok", "Dropped"]

    assert shipper.ids() == ["a", "b"]
    assert sorted(shipper.archived()) == sorted(shipper.invoke(across)["archived"])


def test_an_answer_stays_below_the_limit(module: ModuleType, shipper: Shipper, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no longer fits goes to S3; what fits after it still goes back."""
    small, large = delivery(log_event("s")), delivery(*(log_event(os.urandom(40).hex()) for _ in range(50)))
    [answer] = run(module, shipper, small)
    monkeypatch.setattr(module, "MAX_RESPONSE_BYTES", 2 * len(answer["data"]) + 10)

    answers = run(module, shipper, small, large, small, small)

    assert [answer["result"] for answer in answers] == ["Ok", "Dropped", "Ok", "Dropped"]
    assert sorted(len(records) for records in shipper.archived().values()) == [1, 50]


def test_largest_batches_fit(module: ModuleType, shipper: Shipper) -> None:
    """Lines that hardly compress, as many as Data Firehose sends at a time, make an answer below Lambda's 6 MB."""
    events = [delivery(*(log_event(os.urandom(1000).hex()) for _ in range(480))) for _ in range(4)]
    sizes = [len(event["awslogs"]["data"]) for event in events]
    assert min(sizes) > 500_000
    assert max(sizes) < 1_000_000

    answers = run(module, shipper, *events)

    assert len(json.dumps({"records": answers})) < 6_000_000
    assert [answer["result"] for answer in answers] == ["Ok"] * 4


@pytest.mark.parametrize(
    "event",
    [delivery(), delivery(log_event(), messageType="CONTROL_MESSAGE", logGroup="")],
    ids=["empty", "control"],
)
def test_nothing_to_archive(module: ModuleType, shipper: Shipper, event: JsonObject) -> None:
    """Neither makes a line."""
    assert run(module, shipper, event) == [{"recordId": "0", "result": "Dropped"}]
    assert (shipper.archived(), shipper.quarantined()) == ({}, {})


def test_unreadable(module: ModuleType, shipper: Shipper, capsys: pytest.CaptureFixture[str]) -> None:
    """An unreadable batch is put into quarantine, where the shipper would put it, and counted; the rest goes on."""
    bad = wrap(b"not gzip")

    answers = run(module, shipper, bad, delivery(log_event()))

    assert [answer["result"] for answer in answers] == ["Dropped", "Ok"]
    assert '"QuarantinedBatches": 1' in capsys.readouterr().out
    assert shipper.quarantined() == {shipper.invoke(bad)["quarantined"]: bad["awslogs"]["data"].encode()}


def test_s3_refuses(module: ModuleType, shipper: Shipper, faulty_s3: FaultyS3) -> None:
    """Then the invocation fails, and Data Firehose keeps all of its batches."""
    faulty_s3.script.append(refuse(403, "AccessDenied"))
    across = delivery(log_event("a"), log_event("b", 1_772_323_200_000))

    with pytest.raises(shipper.not_stored, match="AccessDenied"):
        run(module, shipper, delivery(log_event()), across)
