"""What the shipper weighs: large batches, bombs, and what it imports."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.logs.deployed import FOLDERS, JsonObject, Shipper, batch, compact_json, delivery, log_event, pack, wrap
from tests.logs.memory_s3 import MemoryS3

MIB = 1024 * 1024
# What a process does with events one after the other, and how large it has been by then. A process inherits its
# parent's peak, so a small parent starts the one that is measured.
MEASURED = """
import json, resource, sys, time
from shipper import handler
class Context: function_name = 'f'; get_remaining_time_in_millis = lambda _: 60_000
for name in sys.argv[1:]:
    event = json.load(open(name))
    start = time.process_time()
    result = handler.handler(event, Context())
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps([result, seconds, peak]), file=sys.stderr)
"""
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]], check=True)"


def bomb() -> JsonObject:
    """Return 700 MB in less than 1 MB of gzip."""
    deflate = zlib.compressobj(9, wbits=31)
    begin = deflate.compress(bytes(1_000_000)) + deflate.flush(zlib.Z_FULL_FLUSH)
    million = deflate.compress(bytes(1_000_000)) + deflate.flush(zlib.Z_FULL_FLUSH)  # each as the one before
    return wrap(begin + 699 * million + deflate.flush())


def repetitive(size: int, before: str) -> JsonObject:
    """Return a little less than so many bytes of JSON, with something before its first event."""
    event = compact_json(log_event(message="lorem 🚀 ipsum " * 20))
    events = b",".join([event] * ((size - 1000) // (len(event) + 1)))
    return pack(compact_json(batch()).replace(b"[]", b"[" + before.encode() + events + b"]"))


def ten_thousand_events() -> JsonObject:
    """Return 4 MB of JSON, the most that one PutLogEvents takes."""
    message = (
        '{"level":"INFO","path":"/api/orders/%d","user":"%x","duration_ms":%d,"text":"' + "lorem ipsum " * 18 + '"}'
    )
    return delivery(
        *(log_event(f"{10**55 + n}", 1_772_323_000_000 + n, message % (n, n * 7919, n % 997)) for n in range(10_000))
    )


# Each larger one comes later, because only the peak of the whole process is known.
LARGE: dict[str, tuple[Callable[[], JsonObject], int, str]] = {
    "a bomb": (bomb, 256, "quarantined"),
    "ten thousand events": (ten_thousand_events, 256, "archived"),
    "64 MiB of the expected layout": (partial(repetitive, 64 * MIB, ""), 400, "archived"),
    "16 MiB of another layout": (partial(repetitive, 16 * MIB, " "), 480, "archived"),
}


@pytest.fixture(scope="module")
def measured(
    distant_modules: dict[str, Any],
    memory_s3: MemoryS3,
    environment_over_http: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Shipper, dict[str, tuple[JsonObject, float, int]]]:
    """The shipper in a process of its own, and for each large event the result, its CPU seconds and the peak in MiB."""
    shipper = Shipper(distant_modules, memory_s3, distant_modules["put"].S3, environment_over_http)
    folder = tmp_path_factory.mktemp("events")
    for name, (make, _, _) in LARGE.items():
        (folder / name).write_text(json.dumps(make()))
    output = subprocess.run(
        [sys.executable, "-c", PARENT, MEASURED, *(folder / name for name in LARGE)],
        cwd=FOLDERS,
        env=os.environ | shipper.environment,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    ).stderr
    return shipper, dict(zip(LARGE, map(json.loads, output.splitlines()), strict=True))


@pytest.mark.parametrize("name", LARGE)
def test_memory(measured: tuple[Shipper, dict[str, Any]], name: str) -> None:
    """What is large fits into the function's 512 MB; of a bomb, no more than the limit is ever unpacked."""
    _, limit, outcome = LARGE[name]
    result, _, mib = measured[1][name]

    assert list(result) == [outcome]
    assert mib < limit


def test_ten_thousand_events(measured: tuple[Shipper, dict[str, Any]]) -> None:
    """They go through within a second, in their order."""
    shipper, results = measured
    result, seconds, _ = results["ten thousand events"]

    assert seconds < 1  # about 0.15 s on a core of its own; the rest is for machines that share theirs
    [key] = result["archived"]
    lines = gzip.decompress(shipper.memory.bodies(shipper.archive)[key]).splitlines()
    assert [int(json.loads(line)["id"]) for line in lines] == [10**55 + number for number in range(10_000)]


def test_more_than_can_be_parsed(shipper: Shipper) -> None:
    """More than 16 MiB of another layout is put aside."""
    assert list(shipper.invoke(repetitive(17 * MIB, " "))) == ["quarantined"]


def test_largest_event(shipper: Shipper) -> None:
    """An event of 1 MB, the most that CloudWatch Logs takes, is one line."""
    message = "0123456789abcdef" * 65_536

    shipper.invoke(delivery(log_event(message=message)))

    [[record]] = shipper.archived().values()
    assert record["message"] == message


def test_needs_only_the_runtime(shipper: Shipper, tmp_path: Path) -> None:
    """Alone in a folder, the asset imports nothing but the standard library and what an S3 client needs anyway."""
    shutil.copytree(FOLDERS / "shipper", tmp_path / "shipper")
    script = (
        "import sys, boto3; boto3.client('s3'); before = {*sys.modules}\n"
        "sys.path.insert(0, '.'); import shipper.handler; print(*{*sys.modules} - before)"
    )

    command = [sys.executable, "-I", "-c", script]
    output = subprocess.run(
        command, cwd=tmp_path, env=shipper.environment, capture_output=True, text=True, check=True
    ).stdout
    assert {name.partition(".")[0] for name in output.split()} - sys.stdlib_module_names == {"shipper"}
