"""What is known at synth of a name that holds tokens, and that every part judges its names by that."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Aws, CfnParameter, CfnResource, Environment, Fn, Stack, Token
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_route53 as route53

from fargate_constructs import Health, SignIn
from fargate_constructs._core.hosted_zones import validate_in_zone
from fargate_constructs._core.unresolved import may_end_with, may_match, may_start_with, min_length, with_names
from fargate_constructs._core.validation import validate_allocation_ids, validate_header
from fargate_constructs.endpoint.access_logs import AccessLogs
from fargate_constructs.endpoint.conditions import Conditions
from fargate_constructs.endpoint.domains import validate_domain
from fargate_constructs.logs.log_group_names import known_name
from fargate_constructs.network.reverse_dns import _validate_name as validate_pointer_name
from fargate_constructs.service.containers.container import Container
from fargate_constructs.service.links.service_connect_names import validate_host_name
from fargate_constructs.service.targets.ports import named_ports

TOKEN = Aws.URL_SUFFIX
LIST_TOKEN, DUMMY = "#{Token[TOKEN.1]}", "dummy-value-for-/db"  # as CDK writes them
STACK = Stack(App(), "Test")
IMAGE = ecs.ContainerImage.from_registry("nginx")
ZONE = route53.HostedZone.from_hosted_zone_attributes(STACK, "Zone", hosted_zone_id="Z0", zone_name="example.com")
CERTIFICATE = acm.Certificate.from_certificate_arn(STACK, "C", "arn:aws:acm:eu-west-1:111111111111:certificate/1")

# --- What is known ---


@pytest.mark.parametrize(
    ("text", "may"),
    [
        ("web", True),
        ("Web", False),
        ("", False),
        (TOKEN, True),
        (f"{TOKEN}{TOKEN}", True),
        (LIST_TOKEN, True),
        (DUMMY, True),
        (f"web-{TOKEN}", True),
        (f"Web-{TOKEN}", False),
        (f"{TOKEN}-{TOKEN}", True),
        (f"{'x' * 8}{TOKEN}", True),
        (f"{'x' * 9}{TOKEN}", False),
        (f"{TOKEN}/web", False),
    ],
)
def test_a_text_is_judged_by_what_is_around_its_tokens(text: str, may: bool) -> None:  # noqa: FBT001 -- a parameter
    """What no value of the tokens could mend does not match; without tokens, the pattern decides."""
    assert may_match(re.compile("[a-z-]{1,8}"), text) == may


@pytest.mark.parametrize("text", [f"{TOKEN}.example.com", f"shop.{TOKEN}", f"shop{TOKEN}", f"{TOKEN}shop{TOKEN}"])
def test_a_token_may_be_several_parts(text: str) -> None:
    """Such as those of a host, of which one alone would be none."""
    assert may_match(re.compile(r"([a-z]+\.)+[a-z]{2,}"), text)


@pytest.mark.parametrize(
    ("text", "starts", "ends"),
    [
        ("/api", True, False),
        ("api/", False, True),
        (f"/{TOKEN}", True, True),
        (f"api/{TOKEN}", False, True),
        (f"{TOKEN}/api", True, False),
        (TOKEN, True, True),
        (DUMMY, True, True),
    ],
)
def test_beginnings_and_ends(text: str, starts: bool, ends: bool) -> None:  # noqa: FBT001 -- parameters
    """A token may begin and end in any way; what is before and after it is known."""
    assert (may_start_with("/", text), may_end_with("/", text)) == (starts, ends)


def test_a_prefix_may_be_cut_by_a_token() -> None:
    """What is before the token must be a part of it."""
    assert may_start_with("https://", f"http{TOKEN}")
    assert not may_start_with("https://", f"http:{TOKEN}")
    assert may_end_with(".example.com", f"{TOKEN}ample.com")
    assert not may_end_with(".example.com", f"{TOKEN}.org")


@pytest.mark.parametrize(("text", "length"), [("web", 3), (f"web-{TOKEN}", 4), (TOKEN, 0), (DUMMY, 0)])
def test_the_least_length(text: str, length: int) -> None:
    """Tokens may be empty, and so may what is yet to be looked up."""
    assert min_length(text) == length


def test_what_a_stack_knows_is_put_in() -> None:
    """Its own name always; its region and account where they are known."""
    stack = Stack(env=Environment(region="eu-west-1"), stack_name="shop")

    name = known_name(stack, f"/{Aws.STACK_NAME}/{Aws.REGION}/{Aws.ACCOUNT_ID}")
    assert name == f"/shop/eu-west-1/{Aws.ACCOUNT_ID}"


def test_a_name_that_only_the_deployment_knows_stays() -> None:
    """Such as a parameter's."""
    parameter = CfnParameter(Stack(), "Name").value_as_string

    assert known_name(STACK, f"/{parameter}") == f"/{parameter}"


# --- Every part ---

CHECKS: dict[str, tuple[Callable[[str], object], str, str]] = {
    "header's name": (lambda name: validate_header("header", name, "1"), "x-{}", "x {}"),
    "header's value": (lambda value: validate_header("header", "x", value), "v{}", "v\\{}"),
    "host": (lambda host: Conditions(hosts=[host]).validate(), "*.{}.com", "https://{}"),
    "long host": (lambda host: Conditions(hosts=[host]).validate(), "a{}.com", f"{'a' * 128}{{}}.com"),
    "path": (lambda path: Conditions(paths=[path]).validate(), "{}/api", "api/{}"),
    "method": (lambda method: Conditions(methods=[method]).validate(), "G{}", "g{}"),
    "query": (lambda value: Conditions(query={"v": [value]}).validate(), "1{}", "\\{}"),
    "domain name": (lambda name: validate_domain(CERTIFICATE, name, None), "{}.example.com", "{}.Example.com"),
    "long domain name": (
        lambda name: validate_domain(None, name, ZONE),
        "{}.example.com",
        f"{'a' * 60}{{}}.example.com",
    ),
    "wildcard": (lambda name: validate_domain(CERTIFICATE, name, None), "a{}.example.com", "*.{}.example.com"),
    "name in a zone": (lambda name: validate_in_zone("name", name, ZONE), "{}example.com", "{}.example.org"),
    "host name": (lambda name: validate_pointer_name(name, ZONE), "mail{}.example.com", "mail_{}.example.com"),
    "URL": (lambda url: SignIn.jwt(issuer="me", jwks_endpoint=url), "https://{}", "http://{}"),
    "long issuer": (lambda name: SignIn.jwt(issuer=name, jwks_endpoint="https://a"), "a{}", f"{'a' * 257}{{}}"),
    "prefix": (
        lambda prefix: AccessLogs(bucket=None, prefix=prefix, expiration=None, connection_logs=False).validate("Web"),
        "a/{}",
        "/{}",
    ),
    "allocation ID": (lambda each: validate_allocation_ids("ids", [each]), "eipalloc-{}", "eip-{}"),
    "health check's path": (lambda path: Health(path=path), "/{}", "health/{}"),
    "port's name": (lambda name: named_ports({name: 80}), "admin-{}", "Admin-{}"),
    "service's name": (validate_host_name, "api-{}", "1-{}"),
    "folder": (
        lambda path: Container(image=IMAGE, writable_paths=[path]).validate(STACK, on_windows=False),
        "/{}",
        "tmp/{}",
    ),
}


@pytest.mark.parametrize("what", CHECKS)
def test_a_part_judges_what_is_known_of_a_name(what: str) -> None:
    """A token passes, also within a name; what is wrong around it is refused all the same."""
    check, right, wrong = CHECKS[what]

    check(right.format(TOKEN))
    check(TOKEN)
    with pytest.raises(ValueError, match=r"got.*(\$\{|257)"):
        check(wrong.format(TOKEN))


def test_no_message_has_a_token() -> None:
    """It has the reference that the template will have, also a message for a wrong type; what is known is written."""
    name = CfnResource(STACK, "Made", type="AWS::SNS::Topic").get_att("Name").to_string()
    text = "-".join([TOKEN, name, Fn.import_value("x"), Token.as_string("known")])

    assert with_names(f"got: {text}") == 'got: ${AWS::URLSuffix}-${Made.Name}-{"Fn::ImportValue": "x"}-known'
    with pytest.raises(ValueError, match=r"got: 'health/\$\{AWS::URLSuffix\}'"):
        Health(path=f"health/{TOKEN}")
    wrong: Any = TOKEN
    with pytest.raises(TypeError, match=r"got: '\$\{AWS::URLSuffix\}'"):
        Health(interval=wrong)
