"""Set or remove the PTR record of one Elastic IP, and tell CloudFormation once it is done.

```
CloudFormation ──> [this Lambda] ──> EC2 ──> PTR record
```

EC2 takes a request at once and works on it for a minute or two. It refuses a name that does not resolve to the
address, and goes on refusing one that did not resolve a moment ago for as long as a resolver remembers that. So the
request is repeated, and the answer is that of the record itself.
"""

from __future__ import annotations

import json
import time
import urllib.request
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

# As long as the Lambda runs; this much is kept for the answer, without which CloudFormation would wait on.
LAST_WORDS_MILLIS = 30_000
LONGEST_PAUSE_SECONDS = 8

EC2: Any = boto3.client("ec2")


class PointerError(Exception):
    """The PTR record is not what it should be, and time is up. The message says what stood in the way."""


class Pointer(NamedTuple):
    """The PTR record of an address: its name, `""` if it has none, and what EC2 says about a change of it."""

    name: str
    is_pending: bool
    reason: str


def handler(event: dict[str, Any], context: Any) -> None:  # noqa: ANN401 - Lambda's own
    """Do what CloudFormation asks for, as often as it asks, and answer it whatever happens."""
    allocation_id, name = (event["ResourceProperties"][key] for key in ("AllocationId", "Name"))
    answer = {"Status": "SUCCESS"}
    try:
        act = release if event["RequestType"] == "Delete" else point
        act(allocation_id, name, context)
    except Exception as error:  # noqa: BLE001 - whatever it is, CloudFormation must be told
        answer = {"Status": "FAILED", "Reason": f"{type(error).__name__}: {error}"}
    # The address is the resource's identity: given another one, CloudFormation deletes the record of the first.
    respond(event, answer | {"PhysicalResourceId": allocation_id})


def point(allocation_id: str, name: str, context: Any) -> None:  # noqa: ANN401 - Lambda's own
    """Let the address's PTR record say the name."""
    _repeat(lambda: _ask_for(allocation_id, name), context)


def release(allocation_id: str, name: str, context: Any) -> None:  # noqa: ANN401 - Lambda's own
    """Remove the address's PTR record, unless it says another name by now or the address is gone."""
    try:
        _repeat(lambda: _ask_for_none(allocation_id, name), context)
    except ClientError as error:
        if not _is_unknown_address(error):
            raise


def read(allocation_id: str) -> Pointer:
    """Return the address's PTR record."""
    found = EC2.describe_addresses_attribute(AllocationIds=[allocation_id], Attribute="domain-name")["Addresses"]
    address = found[0] if found else {}
    update = address.get("PtrRecordUpdate", {})
    return Pointer(
        name=address.get("PtrRecord", "").rstrip("."),
        is_pending=update.get("Status") == "PENDING",
        reason=update.get("Reason", "EC2 gives no reason"),
    )


def respond(event: dict[str, Any], answer: dict[str, str]) -> None:
    """Answer CloudFormation."""
    body = answer | {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own address, always https
        event["ResponseURL"],
        data=json.dumps(body).encode(),
        method="PUT",
        headers={"Content-Type": ""},  # the address is signed without one
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310


def _ask_for(allocation_id: str, name: str) -> str:
    """Ask for a PTR record; return what still keeps it from saying the name, and nothing once it does."""
    try:
        pointer = read(allocation_id)
        if pointer.is_pending:
            return f"EC2 is still working on the PTR record of {allocation_id}"
        if pointer.name == name:
            return ""
        EC2.modify_address_attribute(AllocationId=allocation_id, DomainName=name)
    except ClientError as error:
        # A name that does not resolve yet, or a permission that is a second old: both pass.
        if _is_unknown_address(error):
            raise
        return str(error)
    return f"the PTR record of {allocation_id} says {pointer.name!r} instead of {name!r}: {pointer.reason}"


def _ask_for_none(allocation_id: str, name: str) -> str:
    """Ask for the removal of the name's PTR record; return what is still there of it."""
    pointer = read(allocation_id)
    if pointer.is_pending:
        return f"EC2 is still working on the PTR record of {allocation_id}"
    if pointer.name != name:
        return ""
    EC2.reset_address_attribute(AllocationId=allocation_id, Attribute="domain-name")
    return f"the PTR record of {allocation_id} still says {name!r}: {pointer.reason}"


def _is_unknown_address(error: ClientError) -> bool:
    return error.response["Error"]["Code"].startswith("InvalidAllocationID.")


def _repeat(request: Callable[[], str], context: Any) -> None:  # noqa: ANN401 - Lambda's own
    """Repeat a request until nothing stands in its way; give up in time to say what did."""
    pause = 1
    while obstacle := request():
        if context.get_remaining_time_in_millis() < LAST_WORDS_MILLIS:
            raise PointerError(obstacle)
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
