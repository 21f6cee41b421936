"""What `make demo` shows, from app.py to the log lines in S3."""

import errno
import json
import re
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn, TypeAlias

import pytest

from tests.emulator import demo
from tests.emulator.emulator import Emulator, EmulatorError
from tests.pictures.terminal import shown, still, without_what_varies

Captured: TypeAlias = pytest.CaptureFixture[str]


@pytest.fixture
def a_persons_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of a person who uses a real AWS through a proxy, and another local AWS."""
    settings = {"profile": "shop", "context": {"domain_name": "shop.example.com", "hosted_zone_id": "Z1"}}
    (tmp_path / ".cdk.json").write_text(json.dumps(settings))
    variables = {
        "HOME": str(tmp_path),
        "AWS_PROFILE": "shop",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "CDK_APP": "false",
        "https_proxy": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "no_proxy": "example.com",
        "SERVICES": "s3",
        "USE_SSL": "1",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("a_persons_settings")
def test_demo_goes_the_whole_way() -> None:
    """The example deploys, routes lead to their services, tasks leave from promised addresses, log lines are in S3."""
    lines: list[str] = []
    result = demo.run(lines.append)

    assert re.fullmatch(r"https?://[\w.-]+", result.outputs["EndpointUrl"])
    egress_ips = result.outputs["EgressIps"].split(",")
    assert all(ip_address(ip).is_global for ip in egress_ips)
    assert [(way.path, way.service) for way in result.arrivals] == [("/api/hello", "api"), ("/hello", "web")]
    assert {way.service for way in result.departures} == {"web", "api"}
    assert {ip for way in result.departures for ip in way.public_ips} == set(egress_ips)

    assert len(result.sent) == 2 * len(demo.MESSAGES)
    assert sorted(line for lines in result.archived.values() for line in lines) == sorted(result.sent)
    key = r"log_group=[\w%.-]+/dt=\d{4}-\d\d-\d\d/hour=\d\d/[\w.-]+\.ndjson\.gz"
    assert all(re.fullmatch(key, name) for name in result.archived)

    story = "\n".join(lines)
    assert "runs no containers" in story
    assert "answers only inside" in story
    assert all(way.answer in story for way in result.arrivals)
    assert all(ip in story for ip in egress_ips)
    assert all(message in story for message in demo.MESSAGES)
    [error] = [message for message in demo.MESSAGES if "error" in message]
    assert [row[-1] for row in result.errors.rows] == [error, error]
    assert {row[1] for row in result.errors.rows} == {line.log_group for line in result.sent}
    assert result.errors.table()[0] in story

    # `python -m tests.pictures.terminal` writes the still.
    assert without_what_varies(shown(lines)) == without_what_varies(still())

    assert result.printed.keys() == set(demo.COMMANDS)
    status, logs, egress = ("\n".join(result.printed[command]) for command in demo.COMMANDS)
    assert status.startswith("Example/Web: healthy\n")
    assert all(message in logs for message in demo.MESSAGES)
    assert egress.startswith("Example/Network: 2 addresses, no findings\n")
    assert all(ip in egress and ip in status for ip in egress_ips)
    assert all(f"{demo.INDENT}{row}".rstrip() in story for rows in result.printed.values() for row in rows)
    assert lines[-1].endswith(f"{len(result.sent)} of {len(result.sent)} log lines are in S3")


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"/": "api/1"}, "answer='api/1'"),
        ({"/": "502 no target"}, "502 no target"),
        ({}, r"no route leads to \['web'\]"),
    ],
)
def test_another_answer_fails_the_demo(answers: dict[str, str], message: str) -> None:
    """A route that leads to another service, to none, or is not there, is an error that names it."""
    service = demo.Service(
        "web", ("1",), target_group="arn", subnets=("subnet-1",), log_group="/web", log_stream="web/web/1"
    )
    arrivals = [demo.Arrival(path, "/*", "web", answer) for path, answer in answers.items()]
    with pytest.raises(demo.DemoError, match=message):
        demo.check_arrivals(arrivals, [service])


@pytest.mark.parametrize("public_ips", [("203.0.113.9",), ("198.51.100.1", "203.0.113.9"), ()])
def test_another_way_out_fails_the_demo(public_ips: tuple[str, ...]) -> None:
    """A default route that ends at another address than the promised ones, or at none, is an error that names it."""
    way = demo.Departure("web", "subnet-1", "nat-1", public_ips)
    with pytest.raises(demo.DemoError, match=r"subnet-1.*198\.51\.100\.1"):
        demo.check_departures([way], ["198.51.100.1"])


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "stopped, and the local AWS with it"),
        (demo.DemoError("lost a line"), 1, "the demo failed: lost a line"),
        (OSError(errno.ENOSPC, "no space", "/tmp"), 1, "the demo failed: [Errno 28] no space: '/tmp'"),  # noqa: S108
        (BrokenPipeError(), 141, ""),  # `make demo | head`
    ],
)
def test_demo_ends_with_one_line(
    error: BaseException, code: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, capsys: Captured
) -> None:
    """What ends the demo early gives an exit code and a line, not a traceback."""

    def fail(_say: object) -> NoReturn:
        raise error

    monkeypatch.setattr(demo, "run", fail)
    with (tmp_path / "stdout").open("w") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        assert demo.main() == code
    assert capsys.readouterr().err.strip() == message


def test_a_full_disk_is_named_before_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the folder, its room, and what to set."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: SimpleNamespace(free=1 << 20))
    with pytest.raises(EmulatorError, match=rf"{tmp_path} must have 100 MB free, got: 1 MB; .*TMPDIR"), Emulator():
        pass
    assert list(tmp_path.iterdir()) == []
