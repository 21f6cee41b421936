"""The maintenance page of an endpoint."""

import re
from functools import cache
from typing import Any

import pytest
from aws_cdk import CfnParameter

from fargate_constructs import HttpEndpoint
from fargate_constructs.endpoint.fixed_responses import MAX_BODY_BYTES, PAGE
from tests.endpoint.lab import Lab


@cache
def resources_of(**arguments: Any) -> dict[str, Any]:  # noqa: ANN401  # what `maintenance` takes
    """Return the resources of an endpoint with a route and, with arguments, a maintenance page."""
    lab = Lab()
    endpoint = lab.http()
    endpoint.add_fixed_response("Up", paths=["/up"])
    if arguments:
        endpoint.maintenance(**arguments)
    resources: dict[str, Any] = lab.template.to_json()["Resources"]
    return resources


@pytest.mark.parametrize(("arguments", "body"), [({"on": True}, PAGE), ({"html": "<h1>Noon</h1>"}, "<h1>Noon</h1>")])
def test_a_page_before_all_routes(arguments: dict[str, Any], body: str) -> None:
    """One rule before all routes, whose priorities are 2 or more, answers every request. No route changes."""
    without, with_page = resources_of(), resources_of(**arguments)
    ((name, rule),) = ((name, each) for name, each in with_page.items() if name not in without)

    assert {name: with_page[name] for name in without} == without
    assert name.startswith("EndpointMaintenance")
    found = {key: rule["Properties"][key] for key in ("Priority", "Conditions", "Actions")}
    response = {"StatusCode": "503", "ContentType": "text/html", "MessageBody": body}
    assert found == {
        "Priority": 1,
        "Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}}],
        "Actions": [{"Type": "fixed-response", "FixedResponseConfig": response}],
    }


def test_off_makes_nothing() -> None:
    """So a context value can switch it."""
    assert resources_of(on=False) == resources_of()


def test_pages_that_aws_accepts(idle: Lab) -> None:
    """1,024 bytes, of which a character may need several. The length of a token is not known."""
    assert len(PAGE.encode()) <= MAX_BODY_BYTES
    for name, page in (("Long", "é" * 512), ("Token", CfnParameter(idle.stack, "Page").value_as_string)):
        idle.http(f"{name}Page").maintenance(html=page)


@pytest.fixture(scope="module")
def endpoint(idle: Lab) -> HttpEndpoint:
    """An endpoint with a page, after one that was off."""
    endpoint = idle.http("Maintained")
    endpoint.maintenance(on=False)
    endpoint.maintenance()
    return endpoint


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"html": "é" * 512 + "!"}, ValueError, "html must be 1 to 1024 bytes, the limit of a load balancer's own"),
        ({"html": ""}, ValueError, "got: 0; serve pictures and styles from another place"),
        ({"html": "again"}, ValueError, "has a maintenance page already, got another; call maintenance once"),
        # `cdk deploy -c maintenance=false` gives a string, which Python takes for true.
        ({"on": "false"}, TypeError, "on must be bool, got: 'false'"),
        ({"on": None}, TypeError, "on must be bool, got: None"),
    ],
    ids=["too long", "empty", "second", "string", "none"],
)
def test_pages_that_are_refused(
    endpoint: HttpEndpoint, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    """The message says what was given."""
    with pytest.raises(error, match=re.escape(message)):
        endpoint.maintenance(**arguments)
