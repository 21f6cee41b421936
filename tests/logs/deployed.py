"""The shipper as Lambda runs it: loaded anew, on environment variables, against an S3 API."""

import base64
import gzip
import importlib
import json
import os
import re
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
from botocore.config import Config
from types_boto3_s3 import S3Client

from tests.logs.memory_s3 import MemoryS3

FOLDERS = Path(__file__).resolve().parents[2] / "fargate_constructs/logs/lambdas"
OWN_LOG_GROUP = "/aws/lambda/shipper"
ARCHIVE_OWNER, FAILURE_OWNER = "111111111111", "222222222222"

JsonObject = dict[str, Any]


def load(environment: dict[str, str], folder: str = "shipper") -> dict[str, Any]:
    """Import the modules of a Lambda anew, its clients made for this environment."""
    names = [path.stem for path in (FOLDERS / folder).glob("[!_]*.py")]
    modules = [f"fargate_constructs.logs.lambdas.{folder}.{name}" for name in names]
    package = importlib.import_module(f"fargate_constructs.logs.lambdas.{folder}")
    for name, module in zip(names, modules, strict=True):
        sys.modules.pop(module, None)
        vars(package).pop(name, None)  # which `from . import name` would find
    with mock.patch.dict(os.environ, environment):
        return dict(zip(names, map(importlib.import_module, modules), strict=True))


def environment_of(url: str) -> dict[str, str]:
    """The environment variables with which boto3 finds the APIs at a URL, and no others."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def client(service: str, environment: dict[str, str], **config: Any) -> Any:  # noqa: ANN401 -- boto3 makes its client classes at run time
    """A client for these environment variables."""
    make: Any = boto3.client  # typed for literal names alone
    with mock.patch.dict(os.environ, environment):
        return make(service, config=Config(**config))


def log_event(id: str = "1", timestamp: int = 1_772_323_199_999, message: str = "hello", **extra: object) -> JsonObject:  # noqa: A002 -- CloudWatch's own word
    """A log event as CloudWatch Logs sends it; by default of the last millisecond of February 2026."""
    return {"id": id, "timestamp": timestamp, "message": message, **extra}


def batch(*events: JsonObject, **envelope: object) -> JsonObject:
    """A DATA_MESSAGE as CloudWatch Logs sends it, with *envelope* over its defaults."""
    return {
        "messageType": "DATA_MESSAGE",
        "owner": "123456789012",
        "logGroup": "/ecs/web",
        "logStream": "web/app/1",
        "subscriptionFilters": ["archive"],
        "logEvents": list(events),
    } | envelope


def pack(text: str | bytes) -> JsonObject:
    """The event that Lambda gets for a JSON text."""
    return wrap(gzip.compress(text.encode() if isinstance(text, str) else text, 1))


def wrap(compressed: bytes) -> JsonObject:
    """The event that Lambda gets for bytes that should be gzip."""
    return {"awslogs": {"data": base64.b64encode(compressed).decode()}}


def delivery(*events: JsonObject, **envelope: object) -> JsonObject:
    """The event that Lambda gets for a batch of these log events."""
    return pack(compact_json(batch(*events, **envelope)))


def compact_json(value: object) -> bytes:
    """The JSON text of a value as CloudWatch Logs writes it, with lone surrogates, which UTF-8 cannot hold, escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return re.sub("[\ud800-\udfff]", lambda lone: f"\\u{ord(lone[0]):x}", text).encode()


class Context:
    """Lambda's context: the milliseconds left, one number per look at the clock, the last one for ever."""

    function_name = "shipper"

    def __init__(self, *remaining: int) -> None:
        """Script the clock."""
        self._remaining = chain(remaining, repeat(remaining[-1]))

    def get_remaining_time_in_millis(self) -> int:
        """The milliseconds left."""
        return next(self._remaining)


@dataclass
class Shipper:
    """The function with two buckets of its own."""

    modules: dict[str, Any]
    memory: MemoryS3
    s3: S3Client
    aws: dict[str, str]
    settings: dict[str, str] = field(default_factory=dict)
    archive: str = field(default_factory=lambda: f"archive-{uuid.uuid4()}")
    failures: str = field(default_factory=lambda: f"failures-{uuid.uuid4()}")

    def __post_init__(self) -> None:
        """Make the buckets."""
        self.memory.add(self.archive, self.failures)

    @property
    def not_stored(self) -> type[Exception]:
        """What the handler raises if S3 did not take an object."""
        error: type[Exception] = self.modules["put"].NotStoredError
        return error

    @property
    def environment(self) -> dict[str, str]:
        """The function's environment variables."""
        return self.aws | {
            "ARCHIVE_BUCKET": self.archive,
            "ARCHIVE_BUCKET_OWNER": ARCHIVE_OWNER,
            "FAILURE_BUCKET": self.failures,
            "FAILURE_BUCKET_OWNER": FAILURE_OWNER,
            "AWS_LAMBDA_LOG_GROUP_NAME": OWN_LOG_GROUP,
            "PYTHONDONTWRITEBYTECODE": "1",  # the asset folder stays as it is
            **self.settings,
        }

    @contextmanager
    def environ(self) -> Iterator[None]:
        """Set them for a block."""
        with mock.patch.dict(os.environ, self.environment):
            yield

    def invoke(self, event: object, context: Context | None = None) -> JsonObject:
        """Run the handler as Lambda does, with a minute's time unless *context* says otherwise."""
        with self.environ():
            result: JsonObject = self.modules["handler"].handler(event, context or Context(60_000))
        return result

    def archived(self) -> dict[str, list[JsonObject]]:
        """The archive: the records in each object, one per line, by key."""
        return {key: self._records(body) for key, body in self._objects(self.archive).items()}

    def ids(self) -> list[str]:
        """The ID of each archived event, sorted."""
        return sorted(record["id"] for records in self.archived().values() for record in records)

    def archived_bytes(self) -> dict[str, bytes]:
        """The archive: each object unzipped, by key."""
        return {key: gzip.decompress(body) for key, body in self._objects(self.archive).items()}

    def quarantined(self) -> dict[str, bytes]:
        """The failure bucket: each object, by key."""
        return self._objects(self.failures)

    def _objects(self, bucket: str) -> dict[str, bytes]:
        return self.memory.bodies(bucket)

    @staticmethod
    def _records(body: bytes) -> list[JsonObject]:
        # str.splitlines is the reader that splits at the most characters; it too must see one line per event.
        return [json.loads(line) for line in gzip.decompress(body).decode().splitlines()]
