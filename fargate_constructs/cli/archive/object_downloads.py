"""Copies objects of S3 to files: several at a time, each whole or not at all.

objects ──> [threads: GetObject ──> a hidden partial file ──> size and checksums] ──> files with their names
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

# The connections that a client of boto3 has by default are 10.
THREADS = 8
CHUNK = 1 << 18
# A download that breaks off is begun again. boto3 does that for requests only, not for bodies.
ATTEMPTS = 5
# Seconds between two looks at the progress.
REPORT = 0.5
# An ETag that is the MD5 of the object: of one part, and not encrypted with a key of KMS
# (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html).
MD5 = re.compile(r'"?([0-9a-f]{32})"?')


class Download(NamedTuple):
    """An object, and the file for it."""

    key: str
    size: int
    path: Path


@dataclass
class Outcome:
    """What became of downloads."""

    objects: int = 0
    bytes: int = 0
    vanished: list[str] = field(default_factory=list)
    """Keys of objects that were deleted meanwhile."""
    to_restore: list[str] = field(default_factory=list)
    """Keys of objects that S3 must restore from an archive class first."""
    damaged: dict[str, str] = field(default_factory=dict)
    """Keys of objects whose content is not what S3 says, also after several attempts, and why."""

    @property
    def problems(self) -> list[str]:
        """Why objects have no file, a text for each."""
        return [
            *(f"{each} was deleted meanwhile" for each in self.vanished),
            *(f"{each} must be restored first" for each in self.to_restore),
            *(f"{key}: {reason}" for key, reason in self.damaged.items()),
        ]


def is_whole(path: Path, size: int) -> bool:
    """Whether the file of an object is there: it gets its name when it is whole."""
    return path.is_file() and path.stat().st_size == size


class _StoppedError(Exception):
    """Another thread failed, or the command was interrupted."""


def download_all(
    s3: Any,  # noqa: ANN401 - of boto3
    bucket: Mapping[str, str],
    downloads: Iterable[Download],
    *,
    threads: int = THREADS,
    report: Callable[[Outcome], None] = lambda _outcome: None,
) -> Outcome:
    """Download objects of a bucket, which is given as arguments of a request, and report what is done so far.

    Raises:
        OSError: A file cannot be written.
        botocore.exceptions.BotoCoreError: The network does not answer, also after several attempts.
        botocore.exceptions.ClientError: S3 refuses an object for a reason that holds for others, too.
    """
    work = _Work(s3, bucket, iter(downloads))
    # Threads that wait for the network do not delay the end of an interrupted command.
    running = [threading.Thread(target=work.run, daemon=True) for _ in range(threads)]
    try:
        for each in running:
            each.start()
        for each in running:
            while each.is_alive():
                each.join(REPORT)
                report(work.outcome)
    finally:
        work.end()
    if work.error:
        raise work.error
    return work.outcome


class _Work:
    """Downloads that threads share."""

    def __init__(self, s3: Any, bucket: Mapping[str, str], downloads: Iterator[Download]) -> None:  # noqa: ANN401
        self.outcome = Outcome()
        self.error: BaseException | None = None
        """What ended a thread, and so all of them."""
        self._s3, self._bucket, self._downloads = s3, bucket, downloads
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._partial = set[Path]()

    def run(self) -> None:
        """Download what is left, one object at a time."""
        while not self._stop.is_set():
            with self._lock:
                download = next(self._downloads, None)
            if download is None:
                return
            try:
                self._download(download)
            except _StoppedError:
                return
            except BaseException as error:  # noqa: BLE001 - the main thread raises it
                self.error = self.error or error
                self._stop.set()

    def end(self) -> None:
        """Stop the threads, and remove what they have not finished."""
        self._stop.set()
        with self._lock:
            partial = [*self._partial]
        for each in partial:
            each.unlink(missing_ok=True)

    def _download(self, download: Download) -> None:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - `--help` starts without it

        download.path.parent.mkdir(parents=True, exist_ok=True)
        reason = ""
        for attempt in range(1, ATTEMPTS + 1):
            self._go_on()
            try:
                reason = self._attempt(download)
            except ClientError as error:
                if not self._note(download, error.response["Error"]["Code"]):
                    raise
                return
            except BotoCoreError:
                if attempt == ATTEMPTS:
                    raise
            else:
                if not reason:
                    break
        with self._lock:
            if reason:
                self.outcome.damaged[download.key] = reason
            else:
                self.outcome.objects += 1
                self.outcome.bytes += download.size

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise _StoppedError

    def _note(self, download: Download, code: str) -> bool:
        """Note a refusal that is about one object; return whether it is."""
        notes = {"NoSuchKey": self.outcome.vanished, "InvalidObjectState": self.outcome.to_restore}
        if code not in notes:
            return False
        with self._lock:
            notes[code].append(download.key)
        return True

    def _attempt(self, download: Download) -> str:
        """Download an object; return what is wrong with its content, if there is something.

        botocore itself compares the checksum that S3 has of the object, if there is one, also in an encrypted bucket.
        """
        answer = self._s3.get_object(**self._bucket, Key=download.key, ChecksumMode="ENABLED")
        # No other program takes a file with this name for a log.
        partial = download.path.with_name(f".{hashlib.sha256(download.path.name.encode()).hexdigest()[:32]}.partial")
        md5, size = hashlib.md5(usedforsecurity=False), 0
        with self._lock:
            self._partial.add(partial)
        try:
            with partial.open("wb") as file:
                for chunk in answer["Body"].iter_chunks(CHUNK):
                    self._go_on()
                    file.write(chunk)
                    md5.update(chunk)
                    size += len(chunk)
            if size != download.size:
                return f"it has {size:,} bytes, and S3 lists {download.size:,}"
            etag = MD5.fullmatch(answer["ETag"])
            if etag and answer.get("ServerSideEncryption", "AES256") == "AES256" and etag[1] != md5.hexdigest():
                return f"its MD5 is {md5.hexdigest()}, and its ETag is {etag[1]}"
            partial.replace(download.path)
        finally:
            partial.unlink(missing_ok=True)
            with self._lock:
                self._partial.discard(partial)
        return ""
