"""The options of commands that ask AWS, the session that they make, and what AWS's errors mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from boto3 import Session

Function = TypeVar("Function", bound=Callable[..., Any])
Item = TypeVar("Item")
# What AWS answers, or a part of it, as boto3 returns it.
Answer = Mapping[str, Any]

# What the errors mean that say nothing about the question. A pattern is for the error's class and code. The text may
# have the same words by chance, such as the name of a service.
MEANINGS = {
    r"NoCredentials|PartialCredentials|NoAuthToken": "there are no credentials; set AWS_PROFILE, write --profile, or "
    "run `aws sso login` or `aws login`",
    r"Expired|SSO|TokenRetrieval|^Login|RefreshWithMFA": "the credentials have expired; renew them, for example with "
    "`aws sso login` or `aws login`, and the same --profile",
    r"CredentialRetrieval|MetadataRetrieval": "the credentials cannot be retrieved from their source; check it, or "
    "name another with --profile",
    r"InvalidClientTokenId|UnrecognizedClient|InvalidAccessKeyId|SignatureDoesNotMatch|AuthFailure|"
    r"IncompleteSignature": "these credentials are not accepted; check --profile, and whether {region} "
    "is enabled in the account",
    r"NoRegion": "there is no region; write --region, or set AWS_REGION",
    r"EndpointConnection|ConnectTimeout|ReadTimeout|ConnectionClosed|ProxyConnection|SSLError": "there is no answer; "
    "check the network, and whether {region} exists",
    r"Throttl|RequestLimitExceeded|TooManyRequests": "the rate of requests is limited, also after "
    "several attempts; wait a minute",
}
# The codes of errors of AWS after which the same request may be answered.
PASSING = r"Throttl|LimitExceeded|TooManyRequests|ServerException|ServiceUnavailable|InternalFailure|InternalServer"


def session_for(profile: str | None, region: str | None) -> Session:
    """Return a session with ordinary credentials.

    It repeats requests that AWS throttles, in botocore's standard mode
    (https://docs.aws.amazon.com/boto3/latest/guide/retries.html), if no setting names another mode.
    """
    import boto3  # noqa: PLC0415 - commands that ask AWS nothing start without it
    from botocore.session import Session as CoreSession  # noqa: PLC0415 - the same

    core = CoreSession(profile=profile)
    if core.get_config_variable("retry_mode") == "legacy":
        core.set_config_variable("retry_mode", "standard")
    return boto3.Session(botocore_session=core, region_name=region)


def paged(client: Any, operation: str, key: str, **parameters: Any) -> Iterator[Any]:  # noqa: ANN401 - of boto3
    """Yield what an operation lists under a key, of all pages."""
    has_pages = client.can_paginate(operation)
    ask = client.get_paginator(operation).paginate if has_pages else getattr(client, operation)
    answer = ask(**parameters)
    for page in answer if has_pages else [answer]:
        yield from page.get(key, ())


def in_batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Yield some items after the other, as many as one request may name."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


@contextmanager
def noting(gaps: list[str], subject: str) -> Iterator[None]:
    """Note that a subject is not checked, if AWS refuses it; without a network there is no answer at all."""
    try:
        yield
    except aws_errors() as error:
        if is_no_answer(error):
            raise
        gaps.append(f"{subject}: {one_line(error)}")


def aws_errors() -> tuple[type[Exception], ...]:
    """Return what boto3 raises if AWS refuses a request, or does not answer: for an `except`."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - `--help` starts without it

    return BotoCoreError, ClientError


def one_line(error: Exception) -> str:
    """Return the text of an error without its line breaks."""
    return " ".join(str(error).split())


def meaning_of(error: Exception) -> str:
    """Return an error of botocore as one line: what it means, and what AWS answered."""
    region = re.search(r"\.([a-z]{2,3}(?:-[a-z]+)+-\d)\.", str(error))
    meaning = _meaning(error)
    if meaning is None:
        return one_line(error)
    line = meaning.format(region=f"the region {region[1]}" if region else "the region")
    return f"{line} ({one_line(error)})"


def is_no_answer(error: Exception) -> bool:
    """Whether an error of botocore says nothing about the question, such as one of the network or of credentials."""
    return _meaning(error) is not None


def is_passing(error: Exception) -> bool:
    """Whether AWS may answer the same request later: no network, a limited rate of requests, a fault of AWS's."""
    from botocore.exceptions import ConnectionError, HTTPClientError  # noqa: A004, PLC0415 - as above

    return isinstance(error, (ConnectionError, HTTPClientError)) or re.search(PASSING, code_of(error)) is not None


def code_of(error: Exception) -> str:
    """Return the code of an error that AWS answered; empty if it is an error of the connection."""
    answer = getattr(error, "response", None) or {}  # botocore has `None` if a connection was closed
    return str(answer.get("Error", {}).get("Code", ""))


def _meaning(error: Exception) -> str | None:
    about = f"{type(error).__name__} {code_of(error)}"
    return next((meaning for pattern, meaning in MEANINGS.items() if re.search(pattern, about)), None)
