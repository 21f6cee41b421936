"""As much of S3's API as the archive's code uses, in this process; `test_memory_s3.py` compares it with MiniStack's.

```
boto3 ──> in_process ──> [MemoryS3]
```
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import md5
from itertools import count
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from tests.logs.faults import Answer, Request

KEPT_HEADERS = ("content-type", "x-amz-storage-class")
COLD = ("GLACIER", "DEEP_ARCHIVE")  # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
PAGE = 1_000


class Refusal(Exception):  # noqa: N818 -- S3's word
    """One of S3's errors."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status


@dataclass
class Stored:
    """An object."""

    body: bytes
    headers: dict[str, str]
    etag: str
    modified: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Upload:
    """A multipart upload that is under way."""

    bucket: str
    key: str
    headers: dict[str, str]
    parts: dict[int, bytes] = field(default_factory=dict)


@dataclass
class Bucket:
    """A bucket."""

    objects: dict[str, Stored] = field(default_factory=dict)
    versioning: str = ""


class MemoryS3:
    """The API.

    Attributes:
        page: How many keys a list has at the most.
    """

    def __init__(self, *buckets: str) -> None:
        """Start with these buckets, empty."""
        self.page = PAGE
        self.buckets: dict[str, Bucket] = {}
        self.add(*buckets)
        self._uploads: dict[str, Upload] = {}
        self._numbers = count(1)
        self._lock = threading.Lock()

    def add(self, *buckets: str) -> None:
        """Make buckets."""
        self.buckets |= {name: Bucket() for name in buckets}

    def bodies(self, bucket: str) -> dict[str, bytes]:
        """What lies in a bucket, by key, sorted."""
        return {key: stored.body for key, stored in sorted(self.buckets[bucket].objects.items())}

    def __call__(self, request: Request) -> Answer:
        """Answer a request."""
        address = urlsplit(request.path)
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        bucket, _, key = unquote(address.path, errors="surrogatepass").removeprefix("/").partition("/")
        with self._lock:
            try:
                headers, body = self._answer(request, bucket, key, query)
                status = 204 if request.method == "DELETE" else 200
            except Refusal as refusal:
                status, headers = refusal.status, {}
                body = f"<Error><Code>{refusal}</Code><Message>{refusal}</Message></Error>".encode()
        return status, {"Date": format_datetime(datetime.now(UTC), usegmt=True), **headers}, body

    def _answer(  # noqa: C901, PLR0911, PLR0912 -- a table of the calls
        self, request: Request, name: str, key: str, query: dict[str, str]
    ) -> tuple[dict[str, str], bytes]:
        if (request.method, key, query) == ("PUT", "", {}):
            self.add(name)
            return {}, b""
        if name not in self.buckets:
            raise Refusal(404, "NoSuchBucket")
        bucket = self.buckets[name]
        match request.method, key, query:
            case "GET", "", {"list-type": "2"}:
                return {}, self._list(bucket, query)
            case "GET", "", {"uploads": _}:
                begun = {number: each for number, each in self._uploads.items() if each.bucket == name}
                return {}, _xml(
                    "ListMultipartUploadsResult",
                    *(
                        f"<Upload><Key>{escape(each.key)}</Key><UploadId>{number}</UploadId></Upload>"
                        for number, each in begun.items()
                        if each.key.startswith(query.get("prefix", ""))
                    ),
                )
            case "GET", "", {"versioning": _}:
                return {}, _xml(
                    "VersioningConfiguration", f"<Status>{bucket.versioning}</Status>" * bool(bucket.versioning)
                )
            case "PUT", "", {"versioning": _}:
                bucket.versioning = next(_texts(request.body, "Status"))
                return {}, b""
            case "POST", "", {"delete": _}:
                for each in _texts(request.body, "Key"):
                    bucket.objects.pop(each, None)
                return {}, _xml("DeleteResult")
            case "DELETE", "", _:
                del self.buckets[name]
                return {}, b""
            case "POST", _, {"uploads": _}:
                number = str(next(self._numbers))
                self._uploads[number] = Upload(name, key, _kept(request))
                return {}, _xml("InitiateMultipartUploadResult", f"<UploadId>{number}</UploadId>")
            case "PUT", _, {"partNumber": part, "uploadId": number}:
                self._upload(number).parts[int(part)] = request.body
                return {"ETag": _etag(request.body)}, b""
            case "POST", _, {"uploadId": number}:
                return {}, self._complete(bucket, number, list(map(int, _texts(request.body, "PartNumber"))))
            case "DELETE", _, {"uploadId": number}:
                self._upload(number)
                del self._uploads[number]
                return {}, b""
            case "DELETE", _, _:
                bucket.objects.pop(key, None)
                return {}, b""
            case "PUT", _, _:
                return self._put(bucket, key, request)
            case "GET" | "HEAD", _, _:
                return self._get(bucket, key, request.method)
        raise AssertionError(f"unknown: {request.method} {request.path}")

    def _list(self, bucket: Bucket, query: dict[str, str]) -> bytes:
        prefix, delimiter, after = (query.get(name, "") for name in ("prefix", "delimiter", "continuation-token"))
        after = max(after, query.get("start-after", ""))
        page, truncated, last = dict[str, str](), False, ""
        for key in sorted(bucket.objects):
            begin, found, _ = key.removeprefix(prefix).partition(delimiter) if delimiter else (key, "", "")
            folder = f"{prefix}{begin}{found}" if found else ""
            if not key.startswith(prefix) or (folder or key) <= after or folder in page:
                continue
            if len(page) == min(self.page, int(query.get("max-keys", PAGE))):
                truncated = True
                break
            last = folder or key
            page[last] = (
                f"<CommonPrefixes><Prefix>{quote(folder)}</Prefix></CommonPrefixes>"
                if folder
                else _entry(key, bucket.objects[key])
            )
        return _xml(
            "ListBucketResult",
            "<EncodingType>url</EncodingType>",
            f"<IsTruncated>{str(truncated).lower()}</IsTruncated>",
            f"<NextContinuationToken>{escape(last)}</NextContinuationToken>" * truncated,
            *page.values(),
        )

    @staticmethod
    def _put(bucket: Bucket, key: str, request: Request) -> tuple[dict[str, str], bytes]:
        there = bucket.objects.get(key)
        if there and request.headers["If-None-Match"] == "*":
            raise Refusal(412, "PreconditionFailed")
        if wanted := request.headers["If-Match"]:
            if not there:
                raise Refusal(404, "NoSuchKey")
            if there.etag != wanted:
                raise Refusal(412, "PreconditionFailed")
        bucket.objects[key] = Stored(request.body, _kept(request), _etag(request.body))
        return {"ETag": bucket.objects[key].etag}, b""

    @staticmethod
    def _get(bucket: Bucket, key: str, method: str) -> tuple[dict[str, str], bytes]:
        if key not in bucket.objects:
            raise Refusal(404, "NoSuchKey")
        stored = bucket.objects[key]
        if method == "GET" and stored.headers.get("x-amz-storage-class") in COLD:
            raise Refusal(403, "InvalidObjectState")
        return {
            "ETag": stored.etag,
            "Last-Modified": format_datetime(stored.modified, usegmt=True),
            **stored.headers,
        }, (stored.body)

    def _upload(self, number: str) -> Upload:
        if number not in self._uploads:
            raise Refusal(404, "NoSuchUpload")
        return self._uploads[number]

    def _complete(self, bucket: Bucket, number: str, parts: list[int]) -> bytes:
        upload = self._upload(number)
        del self._uploads[number]
        etag = _etag(b"".join(upload.parts[part] for part in parts)).strip('"')
        body = b"".join(upload.parts[part] for part in parts)
        bucket.objects[upload.key] = Stored(body, upload.headers, f'"{etag}-{len(parts)}"')
        return _xml("CompleteMultipartUploadResult", f"<ETag>{etag}-{len(parts)}</ETag>")


def _entry(key: str, stored: Stored) -> str:
    return (
        f"<Contents><Key>{quote(key)}</Key><LastModified>{stored.modified:%Y-%m-%dT%H:%M:%S}.000Z</LastModified>"
        f"<ETag>{escape(stored.etag)}</ETag><Size>{len(stored.body)}</Size>"
        f"<StorageClass>{stored.headers.get('x-amz-storage-class', 'STANDARD')}</StorageClass></Contents>"
    )


def _kept(request: Request) -> dict[str, str]:
    return {
        name: value
        for name, value in request.headers.items()
        if name.lower() in KEPT_HEADERS or name.lower().startswith("x-amz-meta-")
    }


def _etag(body: bytes) -> str:
    return f'"{md5(body, usedforsecurity=False).hexdigest()}"'


def _xml(name: str, *elements: str) -> bytes:
    return f"<{name}>{''.join(elements)}</{name}>".encode()


def _texts(body: bytes, name: str) -> Iterator[str]:
    """The texts of all elements of this name."""
    return (element.text or "" for element in ET.fromstring(body).iter() if element.tag.endswith("}" + name))  # noqa: S314 -- boto3's own XML
