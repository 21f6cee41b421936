"""The log shipper: its CPU time, memory and cold start.

```
Corpus ──> handler, without S3 ──> [rows]
       └─> the floor: only base64, gunzip and gzip
       └─> the plain way: json.loads, json.dumps for each event, gzip.compress
```
"""

import base64
import gzip
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from benchmarks.corpora import CORPORA, Corpus
from benchmarks.measure import best_cpu_ms, in_new_process
from benchmarks.table import Row

FOLDER = Path(__file__).resolve().parents[1] / "fargate_constructs/logs/lambdas/shipper"
TURNS = 25
PROCESSES = 7
ENVIRONMENT = {
    "ARCHIVE_BUCKET": "archive",
    "FAILURE_BUCKET": "failures",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",  # no server
    "PYTHONDONTWRITEBYTECODE": "1",  # as in Lambda, where the function's folder cannot be written to
}
TO_THE_FLOOR, TO_THE_PLAIN_WAY, MEMORY, COLD_START = 1.5, 5.0, 6.0, 1.1
FROM_EVENTS = {"floor": 1_000, "plain way": 10_000}

# The kernel measures the peak, so that zlib's memory counts. A batch of ten events is sent first, so that the memory of
# each invocation does not count. `argv`: the asset's folder, a file with the two batches.
MEMORY_SCRIPT = """
import json, re, sys, tracemalloc
sys.path.insert(0, sys.argv[1])
from shipper import handler, metrics, put
metrics.LATE_MS = float("inf")
class Nowhere:
    def put_object(self, **request): pass
class Context:
    function_name = "shipper"
    def get_remaining_time_in_millis(self): return 60_000
def status(name): return int(re.search(name + r":\\s+(\\d+) kB", open("/proc/self/status").read())[1]) * 1024
put.S3 = Nowhere()
first, event = json.load(open(sys.argv[2]))
handler.handler(first, Context())
before = status("VmRSS")
handler.handler(event, Context())
print(status("VmHWM") - before)
tracemalloc.start()
handler.handler(event, Context())
print(tracemalloc.get_traced_memory()[1])
"""

IMPORT_SCRIPT = """
import sys, time
sys.path.insert(0, sys.argv[1])
start = time.process_time()
{statement}
print((time.process_time() - start) * 1000)
"""


class Nowhere:
    """An S3 client that keeps the last object in memory."""

    body = b""

    def put_object(self, **request: object) -> None:
        """Keep the body."""
        assert isinstance(request["Body"], bytes)
        self.body = request["Body"]


class Context:
    """Lambda's context object, with a minute left."""

    function_name = "shipper"

    def get_remaining_time_in_millis(self) -> int:
        """Return a minute."""
        return 60_000


def rows() -> Iterator[Row]:
    """Measure the shipper."""
    with mock.patch.dict(os.environ, ENVIRONMENT), tempfile.TemporaryDirectory() as folder:
        asset = Path(folder)
        # As it is deployed: without bytecode.
        shutil.copytree(FOLDER, asset / "shipper", ignore=shutil.ignore_patterns("__pycache__"))
        for corpus in CORPORA:
            yield from cpu_rows(corpus)
        for corpus in CORPORA:
            yield from memory_rows(corpus, asset)
        yield cold_start_row(asset)


def cpu_rows(corpus: Corpus) -> Iterator[Row]:
    """Compare CPU time and size with the floor and with the plain way."""
    from fargate_constructs.logs.lambdas.shipper import handler, metrics, objects, put  # noqa: PLC0415 -- it makes an S3 client on import

    s3 = Nowhere()
    event = {"awslogs": {"data": corpus.data}}

    def floor_of(lines: bytes) -> bytes:
        zlib.decompress(base64.b64decode(corpus.data), zlib.MAX_WBITS | 16)
        gzip_ = objects.new_gzip()
        return bytes(gzip_.compress(lines) + gzip_.flush())

    def ship() -> bytes:
        handler.handler(event, Context())
        return s3.body

    # The events are old, but no metric of late batches is written.
    with mock.patch.object(put, "S3", s3), mock.patch.object(metrics, "LATE_MS", float("inf")):
        lines = gzip.decompress(ship())
        assert [json.loads(line)["id"] for line in lines.splitlines()] == [
            json.loads(line)["id"] for line in gzip.decompress(plain_way(corpus.data)).splitlines()
        ]
        ours, floor, plain = best_cpu_ms(
            ship,
            lambda: floor_of(lines),
            lambda: plain_way(corpus.data),
            turns=TURNS,
        )
        size, plain_size = len(ship()), len(plain_way(corpus.data))
    what = f"shipper, {corpus.events:,} events, {corpus.name}"
    yield Row(
        what=f"{what}: CPU to the floor",
        ours=f"{ours:.2f} ms",
        other=f"{floor:.2f} ms base64 + gunzip + the same gzip",
        ratio=ours / floor,
        at_most=TO_THE_FLOOR if corpus.events >= FROM_EVENTS["floor"] else None,
    )
    yield Row(
        what=f"{what}: times as fast as the plain way",
        ours=f"{ours:.2f} ms",
        other=f"{plain:.2f} ms json.loads + json.dumps + gzip.compress",
        ratio=plain / ours,
        at_least=TO_THE_PLAIN_WAY if corpus.events >= FROM_EVENTS["plain way"] else None,
    )
    yield Row(
        what=f"{what}: size in S3",
        ours=f"{size / 1000:,.0f} kB",
        other=f"{plain_size / 1000:,.0f} kB gzip level 9",
        ratio=size / plain_size,
    )


def plain_way(data: str) -> bytes:
    """Return the gzipped lines of a simple program with the defaults of the standard library."""
    batch = json.loads(gzip.decompress(base64.b64decode(data)))
    shared = {key: batch[key] for key in ("logGroup", "logStream", "owner")}
    lines = "".join(json.dumps({**shared, **event}) + "\n" for event in batch["logEvents"])
    return gzip.compress(lines.encode())


def memory_rows(corpus: Corpus, asset: Path) -> Iterator[Row]:
    """Compare the memory for a batch with the size of the batch."""
    events = [{"awslogs": {"data": data}} for data in (CORPORA[0].data, corpus.data)]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(events, file)
        file.flush()
        resident, traced = in_new_process(MEMORY_SCRIPT, str(asset), file.name, **ENVIRONMENT)
    size = len(corpus.text)
    for how, peak in (("resident", resident), ("allocated by Python", traced)):
        yield Row(
            what=f"shipper, {corpus.events:,} events, {corpus.name}: peak memory, {how}",
            ours=f"{peak / 1e6:.2f} MB",
            other=f"{size / 1e6:.2f} MB unpacked batch",
            ratio=peak / size,
            at_most=MEMORY if corpus.events >= FROM_EVENTS["floor"] else None,
        )


def cold_start_row(asset: Path) -> Row:
    """Compare the import of the handler with that of boto3 and a new client."""
    statements = ("import shipper.handler", "import boto3; boto3.client('s3')")
    best = [float("inf")] * len(statements)
    for _ in range(PROCESSES):
        for index, statement in enumerate(statements):
            [cpu] = in_new_process(IMPORT_SCRIPT.format(statement=statement), str(asset), **ENVIRONMENT)
            best[index] = min(best[index], cpu)
    ours, boto3 = best
    return Row(
        what="shipper: cold start, CPU",
        ours=f"{ours:.0f} ms import handler",
        other=f"{boto3:.0f} ms import boto3 and an S3 client",
        ratio=ours / boto3,
        at_most=COLD_START,
    )
