"""What the endpoint's tests start from."""

import pytest
from hypothesis import settings

from tests.endpoint.lab import Lab

# Of `make long`, for random routes and requests.
settings.register_profile("long", max_examples=8000, deadline=None)


@pytest.fixture(scope="package")
def idle() -> Lab:
    """What refused constructs get. The stack is never synthesized, and nothing refused is left in it."""
    return Lab()
