"""What is known at synth of a name that holds tokens."""

import re

import pytest
from aws_cdk import Aws, Environment, Stack

from fargate_constructs.names import known_name, may_match, may_start_with

TOKEN = Aws.URL_SUFFIX


@pytest.mark.parametrize(
    ("text", "may"),
    [
        ("web", True),
        ("Web", False),
        ("", False),
        (TOKEN, True),
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


@pytest.mark.parametrize("text", [TOKEN, f"{TOKEN}.example.com", f"shop.{TOKEN}", f"shop{TOKEN}", f"{TOKEN}{TOKEN}"])
def test_a_token_may_be_several_parts(text: str) -> None:
    """Such as those of a host, of which one alone would be none."""
    assert may_match(re.compile(r"([a-z]+\.)+[a-z]{2,}"), text)


@pytest.mark.parametrize(
    ("text", "may"),
    [("https://a", True), ("http://a", False), (f"https://{TOKEN}", True), (f"http://{TOKEN}", False), (TOKEN, True)],
)
def test_beginnings(text: str, may: bool) -> None:  # noqa: FBT001 -- a parameter
    """A token may begin in any way; what stands before it is known."""
    assert may_start_with("https://", text) == may


def test_what_a_stack_knows_is_put_in() -> None:
    """Its own name always; its region and account where they are known."""
    stack = Stack(env=Environment(region="eu-west-1"), stack_name="shop")

    name = known_name(stack, f"/{Aws.STACK_NAME}/{Aws.REGION}/{Aws.ACCOUNT_ID}")
    assert name == f"/shop/eu-west-1/{Aws.ACCOUNT_ID}"
