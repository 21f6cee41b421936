"""`fargate-constructs archive fetch`, on an S3 in memory: what S3 does to it, and what is left on disk."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from hashlib import md5
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fargate_constructs.cli.archive import archive_fetch, archive_options, object_downloads
from fargate_constructs.cli.archive.object_downloads import Download, download_all
from fargate_constructs.cli.deployed.archives import DeployedArchive
from fargate_constructs.cli.terminal import confirmation
from tests.cli.runner import runner
from tests.logs.deployed import client, environment_of
from tests.logs.faults import FaultyS3, in_process, over_http, pass_on, refuse, reset, stay_silent
from tests.logs.memory_s3 import MemoryS3, Stored

ROOT = Path(__file__).parents[3]
HOUR = "log_group=%2Fecs%2Fweb/dt=2026-02-28/hour=22/"
KEYS = [f"{HOUR}{number}-{'0' * 32}.ndjson.gz" for number in range(12)]
OTHER = f"log_group=%2Fecs%2Fapi/dt=2026-02-28/hour=23/99-{'0' * 32}.ndjson.gz"
RANGE = ("--since", "2026-02-28T22:30", "--until", "2026-03-01")
ARCHIVE = DeployedArchive("Shop/Logs", "us-east-1", bucket="archive", format="ndjson", prefix="log_group=")

run = runner("archive", "fetch", *RANGE, "--output", "copy")


class Bucket:
    """The archive's bucket, behind an S3 on its bad days."""

    def __init__(self) -> None:
        self.memory = MemoryS3("archive")
        self.faulty = FaultyS3(self.memory)
        for key in (*KEYS, OTHER):
            self.put(key, key.encode() * 9)

    @property
    def objects(self) -> dict[str, Stored]:
        """Its objects."""
        return self.memory.buckets["archive"].objects

    def put(self, key: str, body: bytes, storage_class: str = "STANDARD") -> None:
        """Store an object, with its MD5 as its ETag."""
        headers = {"x-amz-storage-class": storage_class}
        self.objects[key] = Stored(body, headers, f'"{md5(body, usedforsecurity=False).hexdigest()}"')

    def fetched(self) -> list[str]:
        """The keys that were fetched, in order."""
        paths = [each.path.partition("?")[0] for each in self.faulty.requests if each.method == "GET"]
        return [each for each in paths if each.endswith(".gz")]


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    """A bucket with thirteen objects of two hours."""
    made = Bucket()
    yield made
    made.faulty.ended.set()


@pytest.fixture(autouse=True)
def in_an_empty_folder(bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The command asks the bucket."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    monkeypatch.setattr(archive_options, "find_archive", lambda *_: ARCHIVE)
    with in_process(bucket.faulty) as url:
        s3 = client("s3", environment_of(url))
        session = SimpleNamespace(client=lambda *_, **__: s3)
        monkeypatch.setattr("fargate_constructs.cli.options.session_for", lambda *_: session)
        yield


def files() -> list[str]:
    """The files below the folder, with hidden ones."""
    return sorted(str(each.relative_to("copy")) for each in Path("copy").rglob("*") if each.is_file())


def test_a_second_run_fetches_what_is_missing(bucket: Bucket) -> None:
    """Files have the paths of keys; a cut one, and one without its end, are fetched again."""
    assert run("--log-group", "/ecs/web")[:2] == (0, "12 objects fetched (9.6 KB), 0 were there, of 12 in Shop/Logs\n")
    assert files() == sorted(KEYS)
    assert all((Path("copy") / key).read_bytes() == bucket.objects[key].body for key in KEYS)

    (Path("copy") / KEYS[3]).write_bytes(b"cut")
    (Path("copy") / KEYS[5]).unlink()
    (Path("copy") / HOUR / ".0.partial").write_bytes(b"of a killed run")
    bucket.faulty.requests.clear()
    status, output, _ = run("--json")
    document = json.loads(output)
    assert status == 0
    assert (document["objects"], document["there_already"], document["fetched"]) == (13, 10, 3)
    assert len(bucket.fetched()) == 3
    twice = ("--log-group", "/ecs/web") * 2
    assert run(*twice)[1] == "0 objects fetched (0 bytes), 12 were there, of 12 in Shop/Logs\n"


def test_hours_and_log_groups(bucket: Bucket) -> None:
    """Hidden lists and other hours stay; a log group that is not there is named."""
    bucket.put(f"{HOUR}_1-{'0' * 32}.merged.txt", b"a list")
    bucket.put(KEYS[0].replace("hour=22", "hour=21"), b"too early")
    bucket.put(KEYS[0].replace("dt=2026-02-28/hour=22", "dt=2026-03-01/hour=00"), b"too late")
    assert json.loads(run("--json")[1])["objects"] == 13
    assert (
        "--log-group must be one that Shop/Logs has, got: /ecs/no; it has /ecs/api, /ecs/web"
        in run("--log-group", "/ecs/no")[2]
    )
    bucket.objects.clear()
    assert "got: /ecs/no; it is empty" in run("--log-group", "/ecs/no")[2]
    assert run()[1] == "0 objects fetched (0 bytes), 0 were there, of 0 in Shop/Logs\n"
    assert "--since must be before --until, got: 2026-04-01" in run("--since", "2026-04-01")[2]


def test_a_key_that_leads_out_of_the_folder(bucket: Bucket) -> None:
    """Who may write to the bucket cannot write to other folders of the reader."""
    evil = f"{HOUR}../../../../dt=2026-02-28/hour=22/1-{'0' * 32}.ndjson.gz"
    bucket.put(evil, b"evil")
    status, output, _ = run()
    assert (status, output.partition(" fetched")[0]) == (1, "13 objects")
    assert f"not fetched: {evil}: its key leads out of the folder\n" in output
    assert [*Path().iterdir()] == [Path("copy")]
    assert run()[1].startswith("0 objects fetched (0 bytes), 13 were there, of 14 in Shop/Logs\n")


def test_a_log_group_that_is_too_long_for_a_file(bucket: Bucket) -> None:
    """The others are fetched; many objects are counted."""
    for number in range(7):
        bucket.put(f"log_group={'%2Fa' * 64}/dt=2026-02-28/hour=22/{number}-{'0' * 32}.ndjson.gz", b"a")
    for fetched in (13, 0):
        status, output, _ = run()
        assert (status, output.partition(" object")[0]) == (1, str(fetched))
        assert output.count(": its log group is too long for a name of 255 bytes\n") == 5
        assert output.endswith("\nand 2 more; --json has all\n")


def test_what_is_wrong_with_a_body(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken connection is tried again; content that differs from its ETag is not kept."""
    attempts: list[str] = []

    def cut_once(faulty: FaultyS3, request: Any) -> Any:  # noqa: ANN401 - an answer
        status, headers, body = pass_on(faulty, request)
        attempts.append(request.path)
        return (status, headers, body[:9]) if len(attempts) == 1 else (status, headers, body)

    bucket.faulty.always("GET", "/1-", cut_once)
    bucket.objects[KEYS[2]].etag = f'"{"0" * 32}"'
    bucket.objects[KEYS[3]].etag = '"0123-2"'  # of several parts: no MD5
    bucket.objects[KEYS[4]].headers["x-amz-server-side-encryption"] = "aws:kms"
    bucket.objects[KEYS[4]].etag = f'"{"0" * 32}"'
    monkeypatch.setattr("tests.logs.memory_s3.KEPT_HEADERS", ("x-amz-storage-class", "x-amz-server-side-encryption"))
    status, output, errors = run()
    assert status == 1, errors
    assert output.startswith("12 objects fetched")
    assert f"not fetched: {KEYS[2]}: its MD5 is " in output
    assert KEYS[2] not in files()
    assert len(attempts) == 2
    assert len([each for each in bucket.fetched() if "/2-" in each]) == object_downloads.ATTEMPTS


def test_a_size_that_differs(bucket: Bucket, tmp_path: Path) -> None:
    """The list and the object do not agree."""
    with in_process(bucket.faulty) as url:
        s3 = client("s3", environment_of(url))
        download = Download(KEYS[0], 3, tmp_path / "a.gz")
        outcome = download_all(s3, {"Bucket": "archive"}, [download], threads=1)
    assert outcome.problems == [f"{KEYS[0]}: it has {len(KEYS[0]) * 9:,} bytes, and S3 lists 3"]
    assert [*tmp_path.iterdir()] == []
    outcome.to_restore.append("b")
    outcome.vanished.append("c")
    assert outcome.problems[:2] == ["c was deleted meanwhile", "b must be restored first"]


def test_objects_to_restore(bucket: Bucket) -> None:
    """What is in an archive class is named with the command that restores it; the rest is fetched."""
    for key in KEYS[:7]:
        bucket.objects[key].headers["x-amz-storage-class"] = "DEEP_ARCHIVE"
    status, output, _ = run()
    assert status == 1
    assert output.startswith("6 objects fetched")
    assert "7 objects to restore first, in an archive class of S3: " in output
    assert f"{KEYS[0]}, {KEYS[1]}, " in output
    assert " and 2 more; --json has all\n    aws s3api restore-object --bucket archive " in output
    assert len(json.loads(run("--json")[1])["to_restore"]) == 7


def test_compaction_meanwhile(bucket: Bucket) -> None:
    """A deleted object is not missed: a new list has what its lines are in. Files of joined objects are counted."""
    assert run("--log-group", "/ecs/web")[0] == 0
    (Path("copy") / KEYS[1]).unlink()
    merged = f"{HOUR}0-{'1' * 32}.merged.ndjson.gz"

    def compact(faulty: FaultyS3, request: Any) -> Any:  # noqa: ANN401 - an answer
        for key in KEYS:
            bucket.objects.pop(key, None)
        bucket.put(merged, b"all lines")
        return pass_on(faulty, request)

    bucket.faulty.always("GET", "/1-", compact)
    status, output, _ = run("--log-group", "/ecs/web")
    assert status == 0
    assert output.startswith("1 object fetched (9 bytes), 0 were there, of 1 in Shop/Logs\n11 files of these hours not")
    assert merged in files()


def test_files_of_an_hour_before(bucket: Bucket) -> None:
    """A log router's object may go on into the first hour; what an earlier run fetched beside it was not joined."""
    for name in ("a", "b"):
        bucket.put(f"{HOUR}routed-{name}.ndjson.gz", b"lines")
    assert run()[1].startswith("15 objects fetched")
    del bucket.objects[f"{HOUR}routed-a.ndjson.gz"]
    status, output, _ = run("--since", "2026-02-28T23:00")
    assert (status, output) == (0, "0 objects fetched (0 bytes), 2 were there, of 2 in Shop/Logs\n")
    assert "1 file of these hours not in the archive now" in run()[1]


def test_objects_that_go_on_vanishing(bucket: Bucket) -> None:
    """After some rounds the command says so."""
    bucket.faulty.always("GET", "/99-", refuse(404, "NoSuchKey"))
    status, output, _ = run()
    assert status == 1
    assert output.startswith("12 objects fetched (9.6 KB), 0 were there, of 13 ")
    assert f"1 object deleted meanwhile: {OTHER}\n" in output
    assert len([each for each in bucket.fetched() if "/99-" in each]) == archive_fetch.ROUNDS


@pytest.mark.parametrize(
    ("fault", "message"), [(refuse(403, "AccessDenied"), "AccessDenied"), (reset, "there is no answer")]
)
def test_a_refusal_ends_the_command(bucket: Bucket, fault: Any, message: str) -> None:  # noqa: ANN401
    """What holds for one object holds for all; no partial file is left."""
    bucket.faulty.always("GET", "/6-", fault)
    status, output, errors = run()
    assert (status, output) == (2, "")
    assert message in errors
    assert not [each for each in files() if each.endswith(".partial")]


def test_a_large_range_is_confirmed(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size and the price are named before the first byte; the second round does not ask again."""
    for key in KEYS:
        bucket.objects[key].headers["x-amz-storage-class"] = "GLACIER_IR"
    monkeypatch.setattr(archive_fetch, "LARGE_BYTES", 5000)
    status, _, errors = run()
    assert status == 2
    assert "13 objects with 10.4 KB to copy, for about 0.00 USD" in errors
    assert bucket.fetched() == []
    monkeypatch.setattr(confirmation, "is_terminal", lambda: True)
    assert run(text="y\n")[0] == 0
    monkeypatch.setattr(archive_fetch, "LARGE_PRICE", 0)
    assert run("--yes")[0] == 0


def test_a_full_disk(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The room that is needed is named before the first byte."""
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: SimpleNamespace(free=9))
    status, _, errors = run()
    assert (status, bucket.fetched()) == (2, [])
    assert "must have 10.4 KB free, got: 9 bytes; name another --output" in errors


def test_an_interrupt_does_not_wait_for_the_network(tmp_path: Path) -> None:
    """The partial file is removed although its thread still waits for the next bytes."""
    waiting, ended = threading.Event(), threading.Event()

    def chunks(_size: int) -> Iterator[bytes]:
        yield b"a"
        waiting.set()
        ended.wait()
        yield b"b"

    s3 = SimpleNamespace(get_object=lambda **_: {"Body": SimpleNamespace(iter_chunks=chunks), "ETag": ""})

    def interrupt(_outcome: object) -> None:
        waiting.wait()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download_all(s3, {}, [Download("a", 2, tmp_path / "a.gz")], threads=1, report=interrupt)
    assert [*tmp_path.iterdir()] == []
    ended.set()


KILLED = """
import sys
from fargate_constructs.cli.archive.object_downloads import Download, download_all
from pathlib import Path
import boto3
s3 = boto3.client("s3")
listed = s3.list_objects_v2(Bucket="archive")["Contents"]
downloads = [Download(each["Key"], each["Size"], Path("copy") / each["Key"]) for each in listed]
download_all(s3, {"Bucket": "archive"}, downloads, threads=1)
"""


def test_a_run_that_is_killed(bucket: Bucket) -> None:
    """While an object is on its way: no file with its name is there, and the next run goes on."""
    bucket.faulty.always("GET", "/4-", stay_silent)
    with over_http(bucket.faulty) as url:
        environment = {**os.environ, **environment_of(url), "PYTHONPATH": str(ROOT)}
        with subprocess.Popen([sys.executable, "-c", KILLED], env=environment, stderr=subprocess.DEVNULL) as process:
            assert bucket.faulty.silent.wait(30)
            process.kill()
        assert process.returncode == -signal.SIGKILL
    assert KEYS[4] not in files()
    done = len(files())
    assert done > 0
    bucket.faulty.well()
    assert json.loads(run("--json")[1])["fetched"] == 13 - done
    assert files() == sorted([*KEYS, OTHER])
