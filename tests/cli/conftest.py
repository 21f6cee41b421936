"""The recorded AWS of the commands' tests."""

import pytest

from tests.cli.recorded_aws import RecordedAws


@pytest.fixture(scope="session")
def clients() -> RecordedAws:
    """The clients of all tests, because boto3 takes long to make them."""
    return RecordedAws()
