"""What callers are told while nothing serves."""

import re
from functools import cache
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Stack
from aws_cdk.assertions import Template

from fargate_constructs import FargateService, HttpEndpoint
from fargate_constructs.endpoint.maintenance import MAX_PAGE_BYTES, PAGE
from fargate_constructs.network.network import Network
from tests.modes.made_elsewhere import IMAGE, network_in

RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"


@pytest.fixture
def endpoint(stack: Stack, network: Network) -> HttpEndpoint:
    """An endpoint."""
    return HttpEndpoint(stack, "Endpoint", network=network)


@pytest.fixture(scope="module")
def idle() -> HttpEndpoint:
    """An endpoint that refuses."""
    stack = Stack(App(), "Test")
    return HttpEndpoint(stack, "Endpoint", network=network_in(stack))


@cache
def resources_of(*, on: bool | None) -> dict[str, Any]:
    """Return the resources of an endpoint with a route, its maintenance page on, off or never spoken of."""
    stack = Stack(App(), "Test")
    network = network_in(stack)
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)
    endpoint.add_route("Web", service=FargateService(stack, "Web", network=network, image=IMAGE))
    if on is not None:
        endpoint.maintenance(on=on)
    resources: dict[str, Any] = Template.from_stack(stack).to_json()["Resources"]
    return resources


def test_no_route_is_touched() -> None:
    """Turning the page on adds one rule and changes nothing else."""
    without, with_page = resources_of(on=None), resources_of(on=True)

    assert with_page.keys() - without.keys() == {"EndpointMaintenance3C92D6EA"}
    assert {name: with_page[name] for name in without} == without


def test_off_makes_nothing() -> None:
    """So that a context value can drive it."""
    assert resources_of(on=False) == resources_of(on=None)


def test_a_page_before_all_routes(stack: Stack, endpoint: HttpEndpoint) -> None:
    """The rule is tried first (routes have numbers from 2 on), and claims every request."""
    endpoint.maintenance(html="<h1>Back at noon</h1>")

    Template.from_stack(stack).has_resource_properties(
        RULE,
        {
            "Priority": 1,
            "Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}}],
            "Actions": [
                {
                    "Type": "fixed-response",
                    "FixedResponseConfig": {
                        "StatusCode": "503",
                        "ContentType": "text/html",
                        "MessageBody": "<h1>Back at noon</h1>",
                    },
                }
            ],
        },
    )


def test_there_is_a_page() -> None:
    """By default callers are asked to come back."""
    (rule,) = (each for each in resources_of(on=True).values() if each["Properties"].get("Priority") == 1)

    assert rule["Properties"]["Actions"][0]["FixedResponseConfig"]["MessageBody"] == PAGE
    assert len(PAGE.encode()) <= MAX_PAGE_BYTES


def test_a_page_as_long_as_aws_takes(endpoint: HttpEndpoint) -> None:
    """1,024 bytes, some characters being several."""
    endpoint.maintenance(html="é" * 512)


@pytest.mark.parametrize(("html", "size"), [("é" * 512 + "!", 1025), ("", 0)], ids=["too long", "empty"])
def test_a_page_that_aws_refuses_is_refused(idle: HttpEndpoint, html: str, size: int) -> None:
    """The message says how long it is."""
    with pytest.raises(ValueError, match=f"html must be 1 to 1024 bytes, .* got: {size}; keep pictures"):
        idle.maintenance(html=html)


def test_a_second_page_is_refused(endpoint: HttpEndpoint) -> None:
    """Every request gets the first one."""
    endpoint.maintenance(on=False)
    endpoint.maintenance()

    with pytest.raises(
        ValueError, match=r"Endpoint has a maintenance page already, got another; call maintenance once"
    ):
        endpoint.maintenance(html="<h1>Back at noon</h1>")


def test_a_page_known_only_when_deployed_passes(stack: Stack, endpoint: HttpEndpoint) -> None:
    """Its length cannot be told."""
    endpoint.maintenance(html=CfnParameter(stack, "Page").value_as_string)


@pytest.mark.parametrize("on", ["false", None], ids=["string", "none"])
def test_a_switch_that_is_neither_on_nor_off_is_refused(idle: HttpEndpoint, on: object) -> None:
    """`cdk deploy -c maintenance=false` gives a string, which Python takes for true."""
    with pytest.raises(TypeError, match=re.escape(f"on must be bool, got: {on!r}")):
        idle.maintenance(on=on)  # type: ignore[arg-type]  # the mistake
