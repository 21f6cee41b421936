"""The Lambda that sets PTR records, with an EC2 that takes its time."""

import http.server
import importlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
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
def function(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> Callable[[SlowEc2], Any]:
    """The Lambda's module with an EC2; it does not sleep."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    module = importlib.import_module("fargate_constructs.network.lambdas.pointer_record.handler")
    monkeypatch.setattr(module.time, "sleep", pauses.append)

    def with_ec2(ec2: SlowEc2) -> Any:  # noqa: ANN401 - a module
        monkeypatch.setattr(module, "EC2", ec2)
        return module

    return with_ec2


Answers = list[tuple[dict[str, str], dict[str, str]]]


@pytest.fixture
def cloudformation() -> Iterator[tuple[str, Answers]]:
    """CloudFormation's URL, and the headers and body of each answer to it."""
    answers: Answers = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answers.append((dict(self.headers), json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/answer", answers
        server.shutdown()


def test_a_record_is_requested_once(function: Callable[[SlowEc2], Any], pauses: list[float]) -> None:
    """The function returns when the PTR record has the name, with longer and longer pauses."""
    ec2 = SlowEc2(name="old.example.com.", looks=5)

    function(ec2).set_record(ADDRESS, NAME, Context())

    assert ec2.name == f"{NAME}."
    assert ec2.requests == [{"AllocationId": ADDRESS, "DomainName": NAME}]
    assert pauses == [1, 2, 4, 8, 8, 8]


@pytest.mark.parametrize(
    ("ec2", "requests"),
    [
        (SlowEc2(name=f"{NAME}."), 0),
        (SlowEc2(refusals=["InvalidParameterValue"] * 3), 1),
        (SlowEc2(refusals=["UnauthorizedOperation"] * 3), 1),
        (SlowEc2(refusals=["RequestLimitExceeded"] * 3), 1),
        (SlowEc2(failures=2), 3),
    ],
    ids=["set-already", "name-does-not-resolve-yet", "new-permission", "limit", "change-fails"],
)
def test_a_record_is_set(ec2: SlowEc2, requests: int, function: Callable[[SlowEc2], Any]) -> None:
    """A request that is refused, or not carried out, is repeated."""
    function(ec2).set_record(ADDRESS, NAME, Context())

    assert ec2.name == f"{NAME}."
    assert len(ec2.requests) == requests


@pytest.mark.parametrize(
    ("ec2", "message"),
    [
        (SlowEc2(refusals=["InvalidParameterValue"] * 100), r"\(InvalidParameterValue\) .*: not yet"),
        (SlowEc2(failures=100), f"the PTR record of {ADDRESS} says '' instead of '{NAME}': no A record"),
        (SlowEc2(looks=100), f"EC2 is still working on the PTR record of {ADDRESS}"),
    ],
)
def test_the_last_obstacle_is_reported_in_time(ec2: SlowEc2, message: str, function: Callable[[SlowEc2], Any]) -> None:
    """Half a minute before Lambda would end it."""
    module, context = function(ec2), Context(seconds=60)

    with pytest.raises(module.PointerError, match=message):
        module.set_record(ADDRESS, NAME, context)
    assert context.seconds == 29


@pytest.mark.parametrize(
    ("ec2", "requests", "name"),
    [
        (SlowEc2(name=f"{NAME}."), 1, ""),
        (SlowEc2(pending=[f"{NAME}.", ""]), 1, ""),
        (SlowEc2(), 0, ""),
        (SlowEc2(name="other.example.com."), 0, "other.example.com."),
        (SlowEc2(refusals=["InvalidAllocationID.NotFound"]), 0, ""),
    ],
    ids=["ours", "on-its-way", "none", "another", "address-is-gone"],
)
def test_a_record_is_removed(ec2: SlowEc2, requests: int, name: str, function: Callable[[SlowEc2], Any]) -> None:
    """The function returns when there is none, so that the address can be released; another name is left alone."""
    function(ec2).remove_record(ADDRESS, NAME, Context())

    assert ec2.name == name
    assert ec2.requests == [{"AllocationId": ADDRESS, "Attribute": "domain-name"}] * requests


def test_errors_that_do_not_pass_are_raised(function: Callable[[SlowEc2], Any]) -> None:
    """An address that does not exist, or a removal that is not allowed, which CloudFormation tries again."""
    with pytest.raises(ClientError, match=r"InvalidAllocationID\.NotFound"):
        function(SlowEc2(refusals=["InvalidAllocationID.NotFound"])).set_record(ADDRESS, NAME, Context())
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        function(SlowEc2(refusals=["UnauthorizedOperation"])).remove_record(ADDRESS, NAME, Context())


@pytest.mark.parametrize(
    ("request_", "ec2", "name"),
    [
        ({"RequestType": "Create"}, SlowEc2(), f"{NAME}."),
        # CloudFormation then deletes the record of the other address.
        ({"RequestType": "Update", "PhysicalResourceId": "eipalloc-before"}, SlowEc2(), f"{NAME}."),
        ({"RequestType": "Delete"}, SlowEc2(name=f"{NAME}."), ""),
    ],
    ids=["create", "update", "delete"],
)
def test_cloudformation_is_answered(
    request_: dict[str, str],
    ec2: SlowEc2,
    name: str,
    function: Callable[[SlowEc2], Any],
    cloudformation: tuple[str, Answers],
) -> None:
    """The answer is signed without a content type, and has the address as physical ID."""
    url, answers = cloudformation

    function(ec2).handler(event(url, **request_), Context())

    ((headers, answer),) = answers
    assert ec2.name == name
    assert headers["Content-Type"] == ""
    assert answer == {
        "Status": "SUCCESS",
        "PhysicalResourceId": ADDRESS,
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Pointer",
    }


def test_cloudformation_gets_the_error(function: Callable[[SlowEc2], Any], cloudformation: tuple[str, Answers]) -> None:
    """CloudFormation does not wait for its own timeout."""
    url, answers = cloudformation

    function(SlowEc2(failures=100, failed=True)).handler(event(url, RequestType="Create"), Context(seconds=30))

    ((_, answer),) = answers
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
