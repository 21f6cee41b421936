"""What the shipper weighs: large batches, bombs, and what it imports."""

import json
import os
import shutil
import subprocess
import sys
import zlib
from itertools import chain
from pathlib import Path

from tests.logs.deployed import FOLDERS, JsonObject, Shipper, batch, compact_json, delivery, log_event, pack, wrap


def measured(shipper: Shipper, event: JsonObject, folder: Path) -> tuple[float, int]:
    """The CPU seconds that one invocation takes in a new process, and the most MiB that the process ever had."""
    (folder / "event.json").write_text(json.dumps(event))
    script = (
        "import json, sys, time; from shipper import handler\n"
        "class Context: function_name = 'f'; get_remaining_time_in_millis = lambda _: 60_000\n"
        "event = json.load(open(sys.argv[1]))\n"
        "start = time.process_time(); handler.handler(event, Context()); used = time.process_time() - start\n"
        "print('\\n', used)"
    )
    # A process inherits its parent's peak, so it is a small parent that starts the one to be measured.
    parent = (
        "import resource, subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', *sys.argv[1:]], check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    output = subprocess.run(
        [sys.executable, "-u", "-c", parent, script, str(folder / "event.json")],
        cwd=FOLDERS,
        env=os.environ | shipper.environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    seconds, kib = output.splitlines()[-2:]
    return float(seconds), int(kib) // 1024


def test_bomb(distant_shipper: Shipper, tmp_path: Path) -> None:
    """Of 700 MB in less than 1 MB of gzip, no more than the limit is ever unpacked."""
    deflate = zlib.compressobj(9, wbits=31)
    begin = deflate.compress(bytes(1_000_000)) + deflate.flush(zlib.Z_FULL_FLUSH)
    million = deflate.compress(bytes(1_000_000)) + deflate.flush(zlib.Z_FULL_FLUSH)  # each as the one before
    bomb = begin + 699 * million + deflate.flush()
    event = wrap(bomb)
    assert len(event["awslogs"]["data"]) < 1_000_000

    _, mib = measured(distant_shipper, event, tmp_path)

    assert mib < 256
    assert (len(distant_shipper.archived()), len(distant_shipper.quarantined())) == (0, 1)


def repetitive(size: int, before: str) -> JsonObject:
    """A delivery of a little less than so many bytes of JSON, with something before its first event."""
    event = compact_json(log_event(message="lorem 🚀 ipsum " * 20))
    events = b",".join([event] * ((size - 1000) // (len(event) + 1)))
    return pack(compact_json(batch()).replace(b"[]", b"[" + before.encode() + events + b"]"))


def test_largest_that_is_spliced(distant_shipper: Shipper, tmp_path: Path) -> None:
    """A batch just below the limit of 64 MiB, of the expected layout, is archived within the function's 512 MB."""
    _, mib = measured(distant_shipper, repetitive(64 * 1024 * 1024, ""), tmp_path)

    assert mib < 400
    assert (len(distant_shipper.archived_bytes()), len(distant_shipper.quarantined())) == (1, 0)


def test_largest_that_is_parsed(distant_shipper: Shipper, tmp_path: Path) -> None:
    """A batch of 16 MiB of another layout is archived within the function's 512 MB; a larger one is put aside."""
    _, mib = measured(distant_shipper, repetitive(16 * 1024 * 1024, " "), tmp_path)
    assert mib < 480
    assert (len(distant_shipper.archived_bytes()), len(distant_shipper.quarantined())) == (1, 0)

    assert list(distant_shipper.invoke(repetitive(17 * 1024 * 1024, " "))) == ["quarantined"]


def test_largest_batch(distant_shipper: Shipper, tmp_path: Path) -> None:
    """Ten thousand events in 4 MB, the most that one PutLogEvents takes, go through within a second and 256 MB."""
    message = (
        '{"level":"INFO","path":"/api/orders/%d","user":"%x","duration_ms":%d,"text":"' + "lorem ipsum " * 18 + '"}'
    )
    events = [
        log_event(f"{10**55 + n}", 1_772_323_000_000 + n, message % (n, n * 7919, n % 997)) for n in range(10_000)
    ]

    seconds, mib = measured(distant_shipper, delivery(*events), tmp_path)

    # About 0.15 s on a core of its own; the rest is for machines that share theirs.
    assert (seconds < 1, mib < 256) == (True, True), (seconds, mib)
    assert [record["id"] for record in chain(*distant_shipper.archived().values())] == [event["id"] for event in events]


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
