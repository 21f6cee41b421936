"""The shipper's fast way makes what its plain way makes, byte by byte, or leaves the batch to it."""

import gzip
import json
from dataclasses import replace
from types import ModuleType
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.corpora import CORPORA, Corpus
from tests.logs.deployed import OWN_LOG_GROUP, batch, compact_json, load, log_event
from tests.logs.strategies import mutated

Objects = dict[str, bytes]


@pytest.fixture(scope="module")
def modules() -> dict[str, ModuleType]:
    """The shipper's modules; nothing here reaches S3."""
    return load({"AWS_DEFAULT_REGION": "eu-west-1"})


def plain(modules: dict[str, ModuleType], text: bytes) -> Objects | None:
    """What the plain way makes of a JSON text, or None if it is unreadable."""
    try:
        objects: Objects = modules["objects"].lines_by_hour(modules["plain"].plain(text))
    except modules["envelope"].UnreadableBatch:
        return None
    return objects


def spliced(modules: dict[str, ModuleType], text: bytes, chunk_bytes: int = 65_536) -> Objects:
    """What the fast way makes of a JSON text, searched in chunks of this size."""
    with mock.patch.object(modules["splice"], "CHUNK_BYTES", chunk_bytes):
        objects: Objects = modules["objects"].lines_by_hour(modules["splice"].spliced(text))
    return objects


def assert_equal_or_left(modules: dict[str, ModuleType], text: bytes) -> str:
    """Check that the fast way, in chunks of any size, equals the plain way; return which way was taken."""
    taken, expected = set(), plain(modules, text)
    for chunk_bytes in (1, 100, 65_536):
        try:
            assert spliced(modules, text, chunk_bytes) == expected
        except modules["splice"].UnexpectedLayout:
            taken.add("plain")
        else:
            taken.add("fast")
    [way] = taken
    return way


# --- What CloudWatch Logs sends goes the fast way ---

EXPECTED = {
    "one event": batch(log_event()),
    "two hours": batch(log_event("1"), log_event("2", 1_772_323_200_000), log_event("3")),
    "line ends and escapes": batch(log_event(message='\n\t\r\b\f\x1b[0m "quoted" \\ \\" \x7f')),
    "ends in backslashes": batch(log_event(message="\\"), log_event(message='\\"\\'), log_event(message="\\\\")),
    "between events": batch(
        log_event(message='},{"id":"'), log_event(message='"},{"id":"1","timestamp":2,"message":"')
    ),
    "line ends beyond ASCII": batch(log_event(message="a\u2028b\u2029c\x85d"), logStream="\u2028"),
    "lone surrogates": batch(log_event(message="\ud800 \udfff🚀"), logGroup="\udfff"),
    "emoji and Japanese": batch(log_event(message="🚀 naïve 日本語")),
    "an account's policy": batch(log_event(), policyLevel="ACCOUNT_LEVEL_POLICY"),
    "keys of its own": {"site": {"a": [1, None]}, "owner": "", **batch(log_event(), id="the envelope's")},
}


@pytest.mark.parametrize("payload", EXPECTED.values(), ids=EXPECTED)
def test_expected_layout(modules: dict[str, ModuleType], payload: dict[str, object]) -> None:
    """A batch as CloudWatch Logs sends it goes the fast way, whatever its messages say."""
    assert assert_equal_or_left(modules, compact_json(payload)) == "fast"
    assert assert_equal_or_left(modules, json.dumps(payload, separators=(",", ":")).encode()) == "fast"


@pytest.mark.parametrize("corpus", CORPORA, ids=lambda corpus: f"{corpus.name}-{corpus.events}")
def test_corpora(modules: dict[str, ModuleType], corpus: Corpus) -> None:
    """The lines that the benchmark measures go the fast way, and end as the plain way would have them."""
    text = replace(corpus, events=500).text

    assert spliced(modules, text) == plain(modules, text)


# --- What is not expected does not ---

VALID = compact_json(batch(log_event("1", message="naïve"), log_event("2", 1_772_323_200_000, message='"\\\n')))
UNEXPECTED = {
    "pretty": json.dumps(batch(log_event()), indent=1).encode(),
    "an ID that is no number": compact_json(batch(log_event("a"))),
    "an ID of another length": compact_json(batch(log_event("1"), log_event("22"))),
    "an ID without an end": compact_json(batch(log_event("1" * 200))),
    "a timestamp that begins with zero": VALID.replace(b"1772323200000", b"0772323200000"),
    "a space": VALID.replace(b'},{"id"', b'}, {"id"'),
    "events first": compact_json(dict(reversed(batch(log_event()).items()))),
    "no events": compact_json(batch()),
    "no list": b"{}",
    "an event that is nothing but an ID": compact_json(batch(log_event("1"), {"id": ""})),
    "a key more": compact_json(batch(log_event(extractedFields={"n": "1"}))),
    "a key twice": VALID.replace(b'"message"', b'"id":"b","message"'),
    "another order": compact_json(batch(dict(reversed(log_event().items())))),
    "an old event": compact_json(batch(log_event(timestamp=999_999_999_999))),
    "a number with an exponent": VALID.replace(b"1772323200000", b"1.7723232e12"),
    "a comma more": VALID.replace(b"}]}", b"},]}"),
    "a comma less": VALID.replace(b"},{", b"}{"),
    "a line end": VALID.replace(b"na", b"n\n"),
    "a control character": VALID.replace(b"na", b"n\0"),
    "no UTF-8": VALID.replace(b"na", b"n\xff"),
    "half a character at a chunk's end": VALID.replace(b"ve", b"ve\xc3"),
    "an escape that does not exist": VALID.replace(b"na", b"\\a"),
    "half an escape": VALID.replace(b"na", b"\\u00e"),
    "an escape made by taking out another": VALID.replace(b"na", b"\\u00\\\\e9"),
    "a quote": VALID.replace(b"na", b'"'),
    "an escaped end": VALID.replace(b've"', b've\\"'),
    "a list in a key": VALID.replace(b',"logEvents', b',"a\\"logEvents'),
    "a list below": b'{"messageType":"DATA_MESSAGE","owner":"","logGroup":"","logStream":"","logEvents":[],'
    b'"x":{"y":1,"logEvents":[{"id":"","timestamp":1772323199999,"message":""}]}}',
    "two lists": VALID.replace(b',"logEvents', b',"logEvents":[],"logEvents'),
    "more than policies behind": VALID[:-1] + b',"n":[{"id":"b"}]}',
    "something behind": VALID + b"x",
    "a control message": compact_json(batch(log_event(), messageType="CONTROL_MESSAGE")),
    "an ignored log group": compact_json(batch(log_event(), logGroup=OWN_LOG_GROUP)),
}


@pytest.mark.parametrize("text", UNEXPECTED.values(), ids=UNEXPECTED)
def test_unexpected_layout(modules: dict[str, ModuleType], text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever differs from the expected layout in the least is left to the plain way."""
    monkeypatch.setenv("AWS_LAMBDA_LOG_GROUP_NAME", OWN_LOG_GROUP)

    assert assert_equal_or_left(modules, text) == "plain"


# --- Anything at all ---

FRAGMENTS = st.sampled_from(
    [
        *("a", " ", "é", "🚀", "\x85", "\u2028", "\x7f", "},{", "]}", "[{", ",", ":", "1", "__", "u0041"),
        *(r"\"", r"\\", r"\n", r"\t", r"\/", r"\u001B", r"\u001b", r"\ud800", r"\udc00", r"\u2028", r"},{\"id\":\""),
    ]
)
BROKEN = st.sampled_from(['"', "\\", "\n", "\0", r"\a", r"\u12", '"},{"id":"', '"},', '"}]}', '","timestamp":'])
texts = st.lists(FRAGMENTS, max_size=6).map("".join)
perhaps_broken = st.lists(FRAGMENTS | FRAGMENTS | FRAGMENTS | BROKEN, max_size=4).map("".join)
timestamps = st.integers(1_772_323_190_000, 1_772_323_210_000).map(str)
ids = st.sampled_from(["1", "2", "3"] * 8 + ["22", "a", r"\"", "", '"'])
odd_numbers = st.sampled_from(
    ["0", "-0", "1e3", "1E400", "01", "-1", "1.0", "9999999999999", "10000000000000", "1" * 40]
)
members = st.sampled_from(
    ['"extractedFields":{"@a":"1"}', '"n":[1,{"a":null}]', '"owner":"x"', '"id":"2"', '"message":""', '"x": 1', ""]
)


@st.composite
def event_texts(draw: st.DrawFn) -> str:
    """A log event as JSON text: often of the expected layout, sometimes not, and sometimes no JSON."""
    strings = draw(st.sampled_from([texts, texts, texts, perhaps_broken]))
    own = [f'"id":"{draw(ids)}"', f'"timestamp":{draw(timestamps)}', f'"message":"{draw(strings)}"']
    match draw(st.integers(0, 12)):
        case 0:
            own = draw(st.permutations(own))
        case 1:
            own.insert(draw(st.integers(0, 3)), draw(members))
        case 2:
            own[1] = f'"timestamp":{draw(odd_numbers)}'
    return "{" + draw(st.sampled_from([","] * 12 + [", ", "\n,"])).join(own) + "}"


@st.composite
def batch_texts(draw: st.DrawFn) -> bytes:
    """A batch as JSON text, of such events."""
    listed = ",".join(draw(st.lists(event_texts(), max_size=5)))
    envelope = [
        '"messageType":"DATA_MESSAGE"',
        f'"owner":"{draw(texts)}"',
        '"logGroup":"g"',
        f'"logStream":"{draw(texts)}"',
    ]
    if draw(st.integers(0, 5)) == 0:
        envelope.insert(draw(st.integers(0, 4)), draw(members))
    after = draw(st.sampled_from(["", "", "", ',"policyLevel":"P"', ',"n":1', ',"logEvents":[]', ',"site":"\\n"']))
    text = "{" + ",".join(envelope) + f',"logEvents":[{listed}]{after}' + "}"
    return text.encode()


@settings(max_examples=150)
@given(text=batch_texts() | mutated(VALID))
@example(text=VALID)
def test_any_text(modules: dict[str, ModuleType], text: bytes) -> None:
    """Both ways make the same objects of any batch, also of one with changed bytes, or the fast way leaves it."""
    assert_equal_or_left(modules, text)


@pytest.mark.long
@settings(max_examples=5_000)
@given(text=batch_texts() | mutated(VALID))
def test_many_texts(modules: dict[str, ModuleType], text: bytes) -> None:
    """So they do of thousands of batches."""
    assert_equal_or_left(modules, text)


def test_lines_are_as_delivered(modules: dict[str, ModuleType]) -> None:
    """The fast way's messages are the delivered bytes."""
    [body] = spliced(modules, compact_json(batch(log_event(message="\ud800 é \x1b")))).values()

    assert gzip.decompress(body).endswith('"message":"\\ud800 é \\u001b"}\n'.encode())
