"""Nothing lost, nothing twice: whatever S3 and Lambda do to a batch, played out by hypothesis.

```
batch ──> Lambda: three attempts ──> archive
                    └─> failure destination ──> replay ──> archive
```
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any
from unittest import mock

import pytest
from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.logs.deployed import Context, Shipper, batch, compact_json, log_event, pack
from tests.logs.faults import Fault, FaultyS3, lose_answer, pass_on, refuse, reset

HOUR = 3_600_000
NOW = 1_772_323_200_000
ATTEMPTS = 3  # Lambda's first and its two retries


class Killed(BaseException):
    """What no handler catches: Lambda ends the process."""


class Clock(Context):
    """Lambda's context for an invocation that is killed, or runs out of time, at one of its looks at the clock."""

    def __init__(self, looks: int, end: int | None) -> None:
        """Take how many looks go well, and the milliseconds left at the next; None: none, it is killed."""
        self._looks = chain(repeat(60_000, looks), repeat(end))

    def get_remaining_time_in_millis(self) -> int:
        """The milliseconds left."""
        left = next(self._looks)
        if left is None:
            raise Killed
        return left


@dataclass
class Account:
    """An account in which the function runs.

    Attributes:
        records: What lies in the function's failure destination.
    """

    shipper: Shipper
    records: list[bytes] = field(default_factory=list)

    def attempt(self, event: object, clock: Context) -> bool:
        """Invoke the function once; return whether it succeeded."""
        try:
            self.shipper.invoke(event, clock)
        except (Exception, Killed):  # noqa: BLE001 -- as Lambda sees it
            return False
        return True

    def deliver(self, event: object, clocks: Iterator[Context]) -> None:
        """Do what Lambda does with an asynchronous invocation."""
        if not any(self.attempt(event, next(clocks)) for _ in range(ATTEMPTS)):
            record = {"requestContext": {"condition": "RetriesExhausted"}, "requestPayload": event}
            self.records.append(json.dumps(record).encode())

    def replay(self, clocks: Iterator[Context]) -> None:
        """Invoke the function with each stored failure again, and delete those that succeed."""
        self.records = [
            record for record in self.records if not self.attempt(json.loads(record)["requestPayload"], next(clocks))
        ]

    def archived(self) -> Counter[str]:
        """How often the ID of each event is in the archive."""
        records = chain(*self.shipper.archived().values())
        return Counter(event["id"] for record in records for event in record.get("logEvents", [record]))

    def failures(self) -> set[str]:
        """The data that lies in the failure bucket: quarantined, or in the failure destination."""
        quarantined = {body.decode() for body in self.shipper.quarantined().values()}
        return quarantined | {json.loads(record)["requestPayload"]["awslogs"]["data"] for record in self.records}


@pytest.fixture(scope="module", autouse=True)
def _no_sleep() -> Iterator[None]:
    """Botocore does not sleep before it tries again."""
    with mock.patch("botocore.endpoint.time.sleep"):
        yield


faults: st.SearchStrategy[Fault] = st.sampled_from(
    [
        pass_on,
        reset,
        lose_answer,
        refuse(503, "SlowDown"),
        refuse(500, "InternalError"),
        refuse(403, "AccessDenied"),
        refuse(301, "PermanentRedirect", {"x-amz-bucket-region": "eu-west-1"}),
        refuse(409, "ConditionalRequestConflict"),
        refuse(404, "NoSuchBucket"),
    ]
)


clocks = st.builds(Clock, st.integers(0, 3), st.sampled_from([60_000, 60_000, 60_000, 24_999, None]))


schedules = st.fixed_dictionaries(
    {
        "hours": st.lists(st.integers(0, 2), min_size=1, max_size=4),  # of the events
        "damage": st.sampled_from([b"", b"", b"", b"}"]),  # to the batch's JSON, which makes it unreadable
        "archive_format": st.sampled_from(["ndjson", "ndjson", "raw"]),
        "deliveries": st.integers(1, 2),
        "faults": st.lists(faults, max_size=4) | st.lists(faults, min_size=8, max_size=30),  # of S3's answers
        "clocks": st.lists(clocks, max_size=12),  # of the invocations; those beyond live long enough
    }
)


@settings(max_examples=60)
@given(schedule=schedules)
def test_any_schedule(new_shipper: Callable[[], Shipper], faulty_s3: FaultyS3, schedule: dict[str, Any]) -> None:
    """After any faults, every event is in the archive or its batch is kept as a failure; and in the archive but once.

    After a replay on a good day, it is in the archive, or in quarantine if it cannot be read, and nowhere else.
    """
    events = [log_event(str(number), NOW + hour * HOUR) for number, hour in enumerate(schedule["hours"])]
    event = pack(compact_json(batch(*events)) + schedule["damage"])
    data = event["awslogs"]["data"]
    ids = Counter(event["id"] for event in events if not schedule["damage"])
    faulty_s3.script.clear()
    faulty_s3.script.extend(schedule["faults"])
    account = Account(new_shipper())
    account.shipper.settings["ARCHIVE_FORMAT"] = schedule["archive_format"]
    clocks = chain(schedule["clocks"], repeat(Context(60_000)))

    def check() -> None:
        assert account.archived() <= ids, "twice in the archive"
        assert data in account.failures() or account.archived() == ids != Counter(), "lost"

    for _ in range(schedule["deliveries"]):
        account.deliver(event, clocks)
        check()
    note(f"batches for the replay: {len(account.records)}")
    account.replay(clocks)
    check()
    faulty_s3.script.clear()
    account.replay(repeat(Context(60_000)))
    assert (account.records, account.archived()) == ([], ids)
    assert account.failures() == ({data} if schedule["damage"] else set())
