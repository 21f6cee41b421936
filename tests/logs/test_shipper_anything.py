"""Whatever is delivered, the shipper archives it exactly or puts it aside whole."""

import base64
import gzip
import json
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.logs.deployed import JsonObject, Shipper, batch, compact_json, delivery, log_event, pack, wrap
from tests.logs.strategies import mutated

VALID = delivery(log_event())["awslogs"]["data"]
GZIPPED = base64.b64decode(VALID)
HOUR = 3_600_000


# Lone surrogates are text to JSON, so the alphabet has them, too.
texts = st.text(st.characters(exclude_categories=()), max_size=40)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(texts, children, max_size=3),
    max_leaves=6,
)
NOW = 1_772_323_200_000
timestamps = st.integers(NOW - 3 * HOUR, NOW + 3 * HOUR) | st.integers(0, 253_402_300_799_999) | st.integers()
own_keys = st.dictionaries(texts | st.sampled_from(["logGroup", "owner", "site"]), json_values, max_size=2)
log_events = st.builds(lambda own, *known: own | log_event(*known), own_keys, texts, timestamps, texts)


def as_parsed(payload: JsonObject) -> JsonObject:
    """The batch as JSON can say it: two surrogates side by side, for one, are a character."""
    parsed: JsonObject = json.loads(json.dumps(payload))
    return parsed


batches = st.builds(
    lambda events, envelope, extra: as_parsed(batch(*events, **{**extra, **envelope})),
    st.lists(log_events, max_size=8),
    st.fixed_dictionaries({"logGroup": texts, "logStream": texts, "owner": texts}),
    st.dictionaries(texts | st.just("site"), json_values, max_size=2),
)


def expected(payload: JsonObject) -> dict[str, list[JsonObject]]:
    """What the archive should hold of a batch, by key up to the hour; written with nothing of the handler's."""
    about_delivery = {"messageType", "subscriptionFilters", "policyLevel", "logEvents"}
    envelope = {key: value for key, value in payload.items() if key not in about_delivery}
    hours = defaultdict(list)
    for event in payload["logEvents"]:
        try:
            hour = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=max(event["timestamp"], 0))
        except OverflowError:
            hour = datetime(1970, 1, 1, tzinfo=UTC)
        group = quote(payload["logGroup"].encode(errors="surrogatepass"), safe="")
        hours[f"log_group={group}/dt={hour.date()}/hour={hour.hour:02}"].append({**envelope, **event})
    return dict(hours)


def archived(shipper: Shipper) -> dict[str, list[JsonObject]]:
    """What the archive holds, by key up to the hour."""
    return {key.rpartition("/")[0]: records for key, records in shipper.archived().items()}


def assert_archived(shipper: Shipper, payload: JsonObject, *texts: str | bytes) -> None:
    """Deliver a batch in two texts: each of its events is archived as it was, in its hour, in order, and once."""
    first, again = (shipper.invoke(pack(each)) for each in texts)

    assert archived(shipper) == expected(payload)
    for key, records in shipper.archived().items():
        assert key.rpartition("/")[2].startswith(f"{records[0]['timestamp']}-")
    assert again == first
    assert sorted(first["archived"]) == sorted(shipper.archived())
    assert shipper.quarantined() == {}


NEW_YEAR = 1_767_225_600_000  # 2026-01-01T00:00Z
MESSAGES = [
    *("a\nb\r\nc\vd\fe\x1cf", "a\u2028b\u2029c\x85d", "🚀 naïve 日本語", '},{"id":"', "", '\\u2028 \\ " \0 \x7f'),
    *("\ud800", "\udfff🚀\u2028", "ends in \\", 'ends in \\"', "\x1b[31mred\x1b[0m\ttab", '{"nested":{"a":[1,null]}}'),
]
EXAMPLES = {
    **{f"message {n}": batch(log_event("a", message=each), log_event("b")) for n, each in enumerate(MESSAGES)},
    "unknown keys": batch(log_event(extractedFields={"n": 1.5}, new=[None, True, 10**30]), site="x", policyLevel="A"),
    "an event's own keys": batch(log_event(owner="the event's", logStream=None, site={"a": 1}), site="the envelope's"),
    "hours, days and years": batch(
        *(
            log_event(str(number), NEW_YEAR + each)
            for number, each in enumerate((0, -1, HOUR, 1, -HOUR, HOUR - 1, 253_402_300_799_999 - NEW_YEAR))
        )
    ),
    "no calendar's": batch(*(log_event(str(each), each) for each in (-1, -(10**18), 253_402_300_800_000, 10**30))),
    "a dotted group": batch(log_event(), logGroup="/a.b_c-d/#1"),
    "an odd group": batch(log_event(), logGroup="a=b c%é"),
    "half a character": batch(log_event(), logGroup="\ud800"),
    "the longest group": batch(log_event(), logGroup="/ab" * 170 + "#a"),
}


@pytest.mark.parametrize("is_ascii", [False, True])
@pytest.mark.parametrize("payload", EXAMPLES.values(), ids=EXAMPLES)
def test_batch(shipper: Shipper, payload: JsonObject, *, is_ascii: bool) -> None:
    """Any message is one line; unknown keys stay, an event's own key wins; any time and log group has a key."""
    text = json.dumps(payload, separators=(",", ":")).encode() if is_ascii else compact_json(payload)
    assert_archived(shipper, as_parsed(payload), text, text + b"\n")


@settings(max_examples=40)
@given(payload=batches)
def test_any_batch(new_shipper: Callable[[], Shipper], payload: JsonObject) -> None:
    """So is each event of any batch."""
    assert_archived(new_shipper(), payload, json.dumps(payload), json.dumps(payload, indent=1))


JSON_TEXT = json.dumps(
    batch(log_event("a", message="naïve"), log_event("b", 0, own=[1.5, {"c": None}])), ensure_ascii=False
).encode()
damaged = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=30).map(lambda data: {"awslogs": {"data": data}}),
    st.binary(max_size=60).map(wrap),
    st.binary(max_size=60).map(pack),
    mutated(VALID.encode()).map(lambda data: {"awslogs": {"data": data.decode("latin-1")}}),
    mutated(GZIPPED).map(wrap),
    mutated(JSON_TEXT).map(pack),
    st.recursive(json_values, st.lists).map(lambda value: pack(json.dumps(value))),
)


@settings(max_examples=50)
@given(event=damaged)
def test_anything_delivered(new_shipper: Callable[[], Shipper], event: JsonObject) -> None:
    """Whatever is delivered is archived exactly or quarantined as it came: never an error, never a part."""
    shipper, data = new_shipper(), event["awslogs"]["data"]
    if "archived" in shipper.invoke(event):
        payload = json.loads(gzip.decompress(base64.b64decode(data)))
        assert archived(shipper) == ({} if payload["messageType"] == "CONTROL_MESSAGE" else expected(payload))
        assert shipper.quarantined() == {}
    else:
        assert shipper.archived() == {}
        assert list(shipper.quarantined().values()) == [data.encode(errors="surrogatepass")]
