"""An S3 API for the Lambdas' code in this process, and the same one on its bad days."""

from collections.abc import Callable, Iterator

import pytest
from types_boto3_s3 import S3Client

from tests.logs.deployed import Shipper, client, environment_of, load
from tests.logs.faults import FaultyS3, in_process, over_http
from tests.logs.memory_s3 import MemoryS3


@pytest.fixture(scope="session")
def memory_s3() -> MemoryS3:
    """The S3 API behind all others."""
    return MemoryS3()


@pytest.fixture(scope="session")
def environment(memory_s3: MemoryS3) -> Iterator[dict[str, str]]:
    """The environment variables with which boto3 finds the S3 API."""
    with in_process(memory_s3) as url:
        yield environment_of(url)


@pytest.fixture(scope="session")
def s3(environment: dict[str, str]) -> S3Client:
    """A client to look at what the shipper stored."""
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


@pytest.fixture
def faulty_s3(memory_s3: MemoryS3) -> Iterator[FaultyS3]:
    """The S3 API on its bad days."""
    faulty = FaultyS3(memory_s3)
    yield faulty
    faulty.ended.set()


@pytest.fixture
def bad_days(faulty_s3: FaultyS3) -> Iterator[dict[str, str]]:
    """The environment variables with which boto3 finds `faulty_s3`."""
    with in_process(faulty_s3) as url:
        yield environment_of(url)


@pytest.fixture
def bad_days_over_http(faulty_s3: FaultyS3) -> Iterator[dict[str, str]]:
    """The environment variables with which boto3 finds `faulty_s3` over HTTP, from other processes too."""
    with over_http(faulty_s3) as url:
        yield environment_of(url)


@pytest.fixture
def unlucky_shipper(memory_s3: MemoryS3, bad_days: dict[str, str], s3: S3Client) -> Shipper:
    """A shipper that reaches S3 through `faulty_s3`."""
    return Shipper(load(bad_days), memory_s3, s3, bad_days)


@pytest.fixture
def distant_shipper(memory_s3: MemoryS3, bad_days_over_http: dict[str, str], s3: S3Client) -> Shipper:
    """A shipper that reaches S3 through `faulty_s3` over HTTP: in other processes, with time-outs."""
    return Shipper(load(bad_days_over_http), memory_s3, s3, bad_days_over_http)
