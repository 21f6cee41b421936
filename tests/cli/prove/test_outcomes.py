"""How a step waits."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from fargate_constructs.cli.prove.outcomes import DisprovedError, Waiting
from tests.cli.prove.conftest import Clock

NO_NETWORK = EndpointConnectionError(endpoint_url="https://ecs.eu-west-1.amazonaws.com/")
REFUSED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeStacks")


def wait(clock: Clock, said: list[str], *answers: str | Exception | None) -> str:
    """Wait for a minute; the last answer is given again and again."""
    left = [*answers]

    def ask() -> str | None:
        each = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(each, Exception):
            raise each
        return each

    return Waiting(clock.now, clock.sleep, said.append).until(ask, limit=60, missing="there is none")


def test_a_network_may_be_lost_for_some_time(clock: Clock, said: list[str]) -> None:
    """A person reads it once each time."""
    assert wait(clock, said, None, NO_NETWORK, NO_NETWORK, None, NO_NETWORK, "an answer") == "an answer"
    assert said == ["  AWS gives no answer; asks again"] * 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [(None, DisprovedError), (NO_NETWORK, EndpointConnectionError), (REFUSED, ClientError)],
)
def test_without_an_answer_it_ends(
    clock: Clock, said: list[str], answer: Exception | None, error: type[Exception]
) -> None:
    """A network that is lost disproves nothing, and what AWS refuses is not asked again."""
    with pytest.raises(error):
        wait(clock, said, answer)
    assert (clock.seconds > 60) is (answer is not REFUSED)
