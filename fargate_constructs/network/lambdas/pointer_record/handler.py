"""Set or remove the PTR record of one Elastic IP, and answer CloudFormation when it is done.

EC2 accepts a request at once and works on it for a minute or two. It refuses a name that does not resolve to the
address, and a resolver may cache for some time that it did not. So this function repeats the request until the record
itself has the name.
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

# Time kept for the answer, without which CloudFormation would go on waiting.
ANSWER_MILLIS = 30_000
MAX_PAUSE_SECONDS = 8

EC2: Any = boto3.client("ec2")


class PointerError(Exception):
    """The PTR record does not have the name, and time is up. The message says why."""


class Pointer(NamedTuple):
    """The PTR record of an address: its name, `""` if it has none, and the state of its last change."""

    name: str
    is_pending: bool
    reason: str


def handler(event: dict[str, Any], context: Any) -> None:  # noqa: ANN401 - Lambda's own
    """Do what CloudFormation requests, and always answer it. The same request may come twice."""
    allocation_id, name = (event["ResourceProperties"][key] for key in ("AllocationId", "Name"))
    answer = {"Status": "SUCCESS"}
    try:
        set_or_remove = remove_record if event["RequestType"] == "Delete" else set_record
        set_or_remove(allocation_id, name, context)
    except Exception as error:  # noqa: BLE001 - CloudFormation must get every error
        answer = {"Status": "FAILED", "Reason": f"{type(error).__name__}: {error}"}
    # The address is the physical ID: if it changes, CloudFormation deletes the record of the first one.
    respond(event, answer | {"PhysicalResourceId": allocation_id})


def set_record(allocation_id: str, name: str, context: Any) -> None:  # noqa: ANN401 - Lambda's own
    """Set the address's PTR record to the name."""
    _repeat(lambda: _request_name(allocation_id, name), context)


def remove_record(allocation_id: str, name: str, context: Any) -> None:  # noqa: ANN401 - Lambda's own
    """Remove the address's PTR record, unless it has another name by now or the address is gone."""
    try:
        _repeat(lambda: _request_removal(allocation_id, name), context)
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
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's URL, always https
        event["ResponseURL"],
        data=json.dumps(body).encode(),
        method="PUT",
        headers={"Content-Type": ""},  # the URL is signed without one
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310


def _request_name(allocation_id: str, name: str) -> str:
    """Request a PTR record; return why it does not have the name yet, or an empty text."""
    try:
        pointer = read(allocation_id)
        if pointer.is_pending:
            return f"EC2 is still working on the PTR record of {allocation_id}"
        if pointer.name == name:
            return ""
        EC2.modify_address_attribute(AllocationId=allocation_id, DomainName=name)
    except ClientError as error:
        # A name that does not resolve yet, or a new permission, will work later.
        if _is_unknown_address(error):
            raise
        return str(error)
    return f"the PTR record of {allocation_id} says {pointer.name!r} instead of {name!r}: {pointer.reason}"


def _request_removal(allocation_id: str, name: str) -> str:
    """Request the removal of the name's PTR record; return why it is still there, or an empty text."""
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
    """Repeat a request until it returns no obstacle; stop in time to report the last one."""
    pause = 1
    while obstacle := request():
        if context.get_remaining_time_in_millis() < ANSWER_MILLIS:
            raise PointerError(obstacle)
        time.sleep(pause)
        pause = min(2 * pause, MAX_PAUSE_SECONDS)
