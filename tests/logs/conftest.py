"""A real S3 API on loopback for the shipper, and the same one on its bad days."""

from collections.abc import Callable, Iterator

import pytest
from types_boto3_s3 import S3Client

from tests.emulator.emulator import Emulator
from tests.logs.deployed import Shipper, load
from tests.logs.faults import FaultyS3, s3_at


@pytest.fixture(scope="session")
def aws() -> Iterator[Emulator]:
    """A local AWS for this test session."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture(scope="session")
def s3(aws: Emulator) -> S3Client:
    """A client to look at what the shipper stored."""
    client: S3Client = aws.client("s3")
    return client


@pytest.fixture(scope="session")
def new_shipper(aws: Emulator, s3: S3Client) -> Callable[[], Shipper]:
    """Make a shipper with two empty buckets, as often as a test likes."""
    modules = load(aws.environment)
    return lambda: Shipper(modules, s3, aws.environment)


@pytest.fixture
def shipper(new_shipper: Callable[[], Shipper]) -> Shipper:
    """A shipper with two empty buckets."""
    return new_shipper()


@pytest.fixture
def faulty_s3(aws: Emulator) -> Iterator[FaultyS3]:
    """The S3 API on its bad days."""
    with FaultyS3(s3_at(aws.endpoint_url)) as server:
        yield server


@pytest.fixture
def unlucky_shipper(faulty_s3: FaultyS3, aws: Emulator, s3: S3Client) -> Shipper:
    """A shipper that reaches S3 through `faulty_s3`."""
    environment = aws.environment | {"AWS_ENDPOINT_URL": faulty_s3.endpoint_url}
    return Shipper(load(environment), s3, environment)
