"""What `make demo` shows, from app.py to the log lines in S3."""

import re
from ipaddress import ip_address
from typing import NoReturn

import pytest

from tests.emulator import demo


def test_demo_goes_the_whole_way() -> None:
    """The example deploys, tasks leave from promised addresses, every log line is in S3 once, and is found there."""
    said: list[str] = []
    result = demo.run(said.append)

    assert re.fullmatch(r"https?://[\w.-]+", result.outputs["EndpointUrl"])
    egress_ips = result.outputs["EgressIps"].split(",")
    assert all(ip_address(ip).is_global for ip in egress_ips)
    assert {way.service for way in result.departures} == {"web", "api"}
    assert {ip for way in result.departures for ip in way.public_ips} == set(egress_ips)

    assert len(result.sent) == 2 * len(demo.MESSAGES)
    assert sorted(line for lines in result.archived.values() for line in lines) == sorted(result.sent)
    key = r"log_group=[\w%.-]+/dt=\d{4}-\d\d-\d\d/hour=\d\d/[\w.-]+\.ndjson\.gz"
    assert all(re.fullmatch(key, name) for name in result.archived)

    story = "\n".join(said)
    assert all(ip in story for ip in egress_ips)
    assert all(message in story for message in demo.MESSAGES)
    [error] = [message for message in demo.MESSAGES if "error" in message]
    assert [row[-1] for row in result.errors.rows] == [error, error]
    assert {row[1] for row in result.errors.rows} == {line.log_group for line in result.sent}
    assert result.errors.table()[0] in story
    assert said[-1].endswith(f"{len(result.sent)} of {len(result.sent)} log lines are in S3")


@pytest.mark.parametrize("public_ips", [("203.0.113.9",), ("198.51.100.1", "203.0.113.9"), ()])
def test_another_way_out_fails_the_demo(public_ips: tuple[str, ...]) -> None:
    """A default route that ends at an address nobody promised, or at none, is an error that names it."""
    way = demo.Departure("web", "subnet-1", "nat-1", public_ips)
    with pytest.raises(demo.DemoError, match=r"subnet-1.*198\.51\.100\.1"):
        demo.check_departures([way], ["198.51.100.1"])


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (demo.DemoError("lost a line"), 1)])
def test_demo_ends_with_one_line(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C and a broken promise end the demo with an exit code and a line, not with a traceback."""

    def fail(_say: object) -> NoReturn:
        raise error

    monkeypatch.setattr(demo, "run", fail)
    assert demo.main() == code
    assert capsys.readouterr().err.strip().count("\n") == 0
