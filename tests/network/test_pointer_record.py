"""The Lambda that sets PTR records, with an EC2 that takes its time."""

import http.server
import importlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

ADDRESS, NAME = "eipalloc-0123456789abcdef0", "mail.example.com"


@dataclass
class SlowEc2:
    """EC2's answers about one Elastic IP: each change takes a few looks, and may be refused at first.

    Args:
        name: what the PTR record says; `""` if there is none.
        looks: how often a change is seen pending.
        refusals: with what the next requests are refused.
        failures: how many changes come to nothing, after they were taken.
    """

    name: str = ""
    looks: int = 2
    refusals: list[str] = field(default_factory=list)
    failures: int = 0
    requests: list[dict[str, str]] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    failed: bool = False

    def describe_addresses_attribute(self, **request: object) -> dict[str, Any]:
        """Show the PTR record, and what becomes of the last request."""
        assert request == {"AllocationIds": [ADDRESS], "Attribute": "domain-name"}
        self._refuse()
        update = {"PtrRecordUpdate": {"Status": "PENDING"}} if self.pending else {}
        if self.failed:
            update = {"PtrRecordUpdate": {"Status": "FAILED", "Reason": "no A record"}}
        record = {"PtrRecord": self.name} if self.name else {}
        if self.pending:
            self.name = self.pending.pop()
        return {"Addresses": [{"AllocationId": ADDRESS, **record, **update}] if record or update else []}

    def modify_address_attribute(self, **request: str) -> None:
        """Take a request for a name."""
        self._refuse()
        self.requests.append(request)
        self._change(f"{request['DomainName']}.")

    def reset_address_attribute(self, **request: str) -> None:
        """Take a request for none."""
        self.requests.append(request)
        self._change("")

    def _change(self, name: str) -> None:
        self.failed = self.failures > 0
        if self.failed:
            self.failures -= 1
        else:
            self.pending = [name, *[self.name] * (self.looks - 1)]

    def _refuse(self) -> None:
        if self.refusals:
            raise ClientError({"Error": {"Code": self.refusals.pop(0), "Message": "not yet"}}, "Anything")


@dataclass
class Context:
    """What Lambda tells a function: how much time is left, a second less each time it is asked."""

    seconds: int = 900

    def get_remaining_time_in_millis(self) -> int:
        """Return the time that is left."""
        self.seconds -= 1
        return self.seconds * 1000


@pytest.fixture
def pauses() -> list[float]:
    """How long the function slept, each time."""
    return []


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> ModuleType:
    """The Lambda's module, which does not sleep."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    module = importlib.import_module("fargate_constructs.network.lambdas.pointer_record.handler")
    monkeypatch.setattr(module.time, "sleep", pauses.append)
    return module


@pytest.fixture
def cloudformation() -> Iterator[tuple[str, list[tuple[dict[str, str], dict[str, str]]]]]:
    """Where CloudFormation listens, and what it hears: headers and body of each answer."""
    heard: list[tuple[dict[str, str], dict[str, str]]] = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((dict(self.headers), json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(
            target=server.serve_forever, args=(0.01,), daemon=True
        ).start()  # how often it looks for its end
        yield f"http://127.0.0.1:{server.server_port}/answer", heard
        server.shutdown()


def use(function: ModuleType, monkeypatch: pytest.MonkeyPatch, ec2: SlowEc2) -> SlowEc2:
    """Let the function talk to this EC2."""
    monkeypatch.setattr(function, "EC2", ec2)
    return ec2


def test_a_pointer_is_asked_for_once_and_waited_for(
    function: ModuleType, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    """The function returns when the PTR record says the name, looking less and less often."""
    ec2 = use(function, monkeypatch, SlowEc2(name="old.example.com.", looks=5))

    function.point(ADDRESS, NAME, Context())

    assert ec2.name == f"{NAME}."
    assert ec2.requests == [{"AllocationId": ADDRESS, "DomainName": NAME}]
    assert pauses == [1, 2, 4, 8, 8, 8]


def test_a_pointer_that_is_right_is_left_alone(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """CloudFormation may ask twice."""
    ec2 = use(function, monkeypatch, SlowEc2(name=f"{NAME}."))

    function.point(ADDRESS, NAME, Context())

    assert ec2.requests == []


@pytest.mark.parametrize("code", ["InvalidParameterValue", "UnauthorizedOperation", "RequestLimitExceeded"])
def test_a_refusal_may_pass(function: ModuleType, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """A name that does not resolve yet, a permission that is a second old: it asks again."""
    ec2 = use(function, monkeypatch, SlowEc2(refusals=[code] * 3))

    function.point(ADDRESS, NAME, Context())

    assert ec2.name == f"{NAME}."


def test_a_change_that_comes_to_nothing_is_asked_for_again(
    function: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EC2 may take a request and not carry it out."""
    ec2 = use(function, monkeypatch, SlowEc2(failures=2))

    function.point(ADDRESS, NAME, Context())

    assert ec2.name == f"{NAME}."
    assert len(ec2.requests) == 3


@pytest.mark.parametrize(
    ("ec2", "message"),
    [
        (SlowEc2(refusals=["InvalidParameterValue"] * 100), r"\(InvalidParameterValue\) .*: not yet"),
        (SlowEc2(failures=100), f"the PTR record of {ADDRESS} says '' instead of '{NAME}': no A record"),
        (SlowEc2(looks=100), f"EC2 is still working on the PTR record of {ADDRESS}"),
    ],
)
def test_what_stood_in_the_way_is_said_in_time(
    function: ModuleType, monkeypatch: pytest.MonkeyPatch, ec2: SlowEc2, message: str
) -> None:
    """Before Lambda ends it, the function gives up and says what it last heard."""
    use(function, monkeypatch, ec2)
    context = Context(seconds=60)

    with pytest.raises(function.PointerError, match=message):
        function.point(ADDRESS, NAME, context)
    assert context.seconds == 29


def test_an_unknown_address_is_not_waited_for(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that does not exist will not come into being."""
    use(function, monkeypatch, SlowEc2(refusals=["InvalidAllocationID.NotFound"]))

    with pytest.raises(ClientError, match=r"InvalidAllocationID\.NotFound"):
        function.point(ADDRESS, NAME, Context())


def test_a_pointer_is_removed_and_waited_for(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The function returns when there is none: only then can the address be released."""
    ec2 = use(function, monkeypatch, SlowEc2(name=f"{NAME}."))

    function.release(ADDRESS, NAME, Context())

    assert ec2.name == ""
    assert ec2.requests == [{"AllocationId": ADDRESS, "Attribute": "domain-name"}]


@pytest.mark.parametrize("ec2", [SlowEc2(), SlowEc2(name="other.example.com.")], ids=["none", "another"])
def test_what_is_not_ours_is_left_alone(function: ModuleType, monkeypatch: pytest.MonkeyPatch, ec2: SlowEc2) -> None:
    """There may be no PTR record any more, or one that somebody else made."""
    use(function, monkeypatch, ec2)

    function.release(ADDRESS, NAME, Context())

    assert ec2.requests == []


def test_a_pointer_on_its_way_is_removed_too(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment that failed may have asked for one that comes later."""
    ec2 = use(function, monkeypatch, SlowEc2(pending=[f"{NAME}.", ""]))

    function.release(ADDRESS, NAME, Context())

    assert ec2.name == ""


def test_an_address_that_is_gone_has_no_pointer(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing to remove."""
    use(function, monkeypatch, SlowEc2(refusals=["InvalidAllocationID.NotFound"]))

    function.release(ADDRESS, NAME, Context())


def test_another_error_of_a_removal_is_raised(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """CloudFormation tries a deletion again."""
    use(function, monkeypatch, SlowEc2(refusals=["UnauthorizedOperation"]))

    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        function.release(ADDRESS, NAME, Context())


@pytest.mark.parametrize("request_type", ["Create", "Update", "Delete"])
def test_cloudformation_is_answered(
    function: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    cloudformation: tuple[str, list[tuple[dict[str, str], dict[str, str]]]],
    request_type: str,
) -> None:
    """The answer is signed for without a content type, and names the address as the resource."""
    ec2 = use(function, monkeypatch, SlowEc2(name=f"{NAME}." if request_type == "Delete" else ""))
    url, heard = cloudformation

    function.handler(event(url, RequestType=request_type), Context())

    ((headers, answer),) = heard
    assert ec2.name == ("" if request_type == "Delete" else f"{NAME}.")
    assert headers["Content-Type"] == ""
    assert answer == {
        "Status": "SUCCESS",
        "PhysicalResourceId": ADDRESS,
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Pointer",
    }


def test_another_address_is_another_resource(
    function: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    cloudformation: tuple[str, list[tuple[dict[str, str], dict[str, str]]]],
) -> None:
    """An Elastic IP that was replaced makes CloudFormation delete the PTR record of the one before."""
    use(function, monkeypatch, SlowEc2())
    url, heard = cloudformation

    function.handler(event(url, RequestType="Update", PhysicalResourceId="eipalloc-before"), Context())

    ((_, answer),) = heard
    assert answer["PhysicalResourceId"] == ADDRESS


def test_cloudformation_hears_of_a_failure(
    function: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    cloudformation: tuple[str, list[tuple[dict[str, str], dict[str, str]]]],
) -> None:
    """Whatever goes wrong, CloudFormation need not wait."""
    use(function, monkeypatch, SlowEc2(failures=100, failed=True))
    url, heard = cloudformation

    function.handler(event(url, RequestType="Create"), Context(seconds=30))

    ((_, answer),) = heard
    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == f"PointerError: the PTR record of {ADDRESS} says '' instead of '{NAME}': no A record"


def event(url: str, **more: str) -> dict[str, Any]:
    """Return what CloudFormation asks for."""
    return {
        "ResponseURL": url,
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Pointer",
        "ResourceProperties": {"AllocationId": ADDRESS, "Name": NAME, "ServiceToken": "arn:…"},
        **more,
    }
