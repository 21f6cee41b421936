"""An S3 API for the Lambdas' code in this process, good and bad days of it, and functions that use it."""

import functools
import os
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3
import pytest
from types_boto3_s3 import S3Client

from tests.logs import compacting
from tests.logs.compacting import Compaction
from tests.logs.deployed import Shipper, client, environment_of, load
from tests.logs.faults import Answer, FaultyS3, Request, in_process, over_http
from tests.logs.memory_s3 import MemoryS3


@pytest.fixture(scope="session")
def memory_s3() -> MemoryS3:
    """The S3 API behind all others."""
    return MemoryS3()


@pytest.fixture(scope="session")
def faulty_s3(memory_s3: MemoryS3) -> FaultyS3:
    """The same API, as all functions reach it: without faults unless a test scripts them."""
    return FaultyS3(memory_s3)


@pytest.fixture(autouse=True)
def _faults_end_with_a_test(faulty_s3: FaultyS3) -> Iterator[None]:
    """The next test begins without faults."""
    yield
    faulty_s3.end()


@pytest.fixture(scope="session", autouse=True)
def _retries_without_quota() -> Iterator[None]:
    """A client has tokens for 100 retries (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html).

    Tests with faults share clients, and would use that up.
    """
    with mock.patch("botocore.retries.quota.RetryQuota.acquire", return_value=True):
        yield


@pytest.fixture(scope="session")
def environment(faulty_s3: FaultyS3) -> Iterator[dict[str, str]]:
    """The environment variables with which boto3 finds the S3 API."""
    with in_process(faulty_s3) as url:
        yield environment_of(url)


@pytest.fixture(scope="session")
def environment_over_http(faulty_s3: FaultyS3) -> Iterator[dict[str, str]]:
    """The environment variables with which boto3 finds it over HTTP, from other processes too."""
    with over_http(faulty_s3) as url:
        yield environment_of(url)


@pytest.fixture(scope="session")
def s3(environment: dict[str, str]) -> S3Client:
    """A client to look at what the functions stored."""
    found: S3Client = client("s3", environment)
    return found


@pytest.fixture(scope="session")
def new_shipper(memory_s3: MemoryS3, environment: dict[str, str], s3: S3Client) -> Callable[[], Shipper]:
    """Make a shipper with two empty buckets, as often as a test likes."""
    modules = load(environment)
    return lambda: Shipper(modules, memory_s3, s3, environment)


@pytest.fixture
def shipper(new_shipper: Callable[[], Shipper]) -> Shipper:
    """A shipper with two empty buckets."""
    return new_shipper()


@pytest.fixture(scope="session")
def distant_modules(environment_over_http: dict[str, str]) -> dict[str, Any]:
    """The shipper's modules, with a client that reaches S3 over HTTP."""
    return load(environment_over_http)


@pytest.fixture
def distant_shipper(
    distant_modules: dict[str, Any], memory_s3: MemoryS3, environment_over_http: dict[str, str], s3: S3Client
) -> Shipper:
    """A shipper that reaches S3 over HTTP: in other processes, with time-outs."""
    return Shipper(distant_modules, memory_s3, s3, environment_over_http)


@pytest.fixture(scope="session")
def replay_modules(environment: dict[str, str]) -> dict[str, Any]:
    """The modules of the replay function."""
    return load(environment, "replay")


@pytest.fixture(scope="session")
def new_compaction(environment: dict[str, str], new_shipper: Callable[[], Shipper]) -> Callable[[], Compaction]:
    """Make a compaction of a shipper's empty bucket, as often as a test likes."""
    module = compacting.load(environment)
    return lambda: Compaction(module, new_shipper())


@pytest.fixture
def compaction(new_compaction: Callable[[], Compaction]) -> Compaction:
    """A compaction of a shipper's empty bucket."""
    return new_compaction()


@pytest.fixture(scope="session")
def logs_api() -> Iterator[SimpleNamespace]:
    """An API of CloudWatch Logs that each test exchanges, and what makes boto3's clients of it, each once."""
    made: Any = SimpleNamespace(logs=None)

    def ask(request: Request) -> Answer:
        answer: Answer = made.logs(request)
        return answer

    with in_process(ask) as url:

        @functools.cache
        def make(service: str, **options: object) -> Any:  # noqa: ANN401 -- boto3 makes its classes at run time
            client: Any = boto3.client  # typed for literal names alone
            with mock.patch.dict(os.environ, environment_of(url)):
                return client(service, **options)

        made.client = make
        yield made
