"""The apps of docs/migrating.md: for each origin one as it is deployed, and one with this library."""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from click.testing import CliRunner, Result

from fargate_constructs.cli.command_line import commands

PAGE = Path(__file__).parents[1] / "docs/migrating.md"
# The page's hosted zone.
ZONE_ID = "Z0123456789ABCDEFGHIJ"
ORIGIN = re.compile(r"^### `(\w+)`\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
PROGRAM = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PATTERN = re.compile(r" paths?_pattern=\"([^\"]+)\"")
ADOPT = 'adopt(stack, "adoption.json")\n'
FILE = "adoption.json"
# Marks the lines that the second deployment leaves out.
FOR_A_TIME = "  # for a time\n"


class Origin(NamedTuple):
    """A class of `aws_ecs_patterns`, an app with it, and the same app with this library."""

    name: str
    before: str
    after: str
    accepted: list[str]
    """The options of the command that the page names beside the apps."""

    @property
    def first(self) -> str:
        """The new app, before there is a file of logical IDs."""
        return self.after.replace(ADOPT, "")

    @property
    def last(self) -> str:
        """The app of the second deployment."""
        return "".join(line for line in self.after.splitlines(keepends=True) if not line.endswith(FOR_A_TIME))

    @property
    def paths(self) -> list[str]:
        """Paths that callers of an application load balancer ask for."""
        if "Application" not in self.name:
            return []
        return ["/", *(found.replace("*", "hello") for found in PATTERN.findall(self.before))]


def synthesize(program: str, folder: Path, **context: object) -> Path:
    """Synthesize an app into a folder, as the CDK CLI does, and return the folder."""
    settings = f"App(outdir={str(folder)!r}, context={context | {'aws:cdk:enable-path-metadata': True}!r})"
    exec(compile(program.replace("App()", settings), PAGE.name, "exec"), {})  # noqa: S102 - the project's own code
    return folder


def plan(*arguments: str, app: Path) -> Result:
    """Run `fargate-constructs plan`."""
    return CliRunner().invoke(commands, ["plan", "Shop", "--app", str(app), *arguments])


def unprotected(program: str) -> str:
    """Return an app whose load balancer can be deleted."""
    arguments = '    "Endpoint",\n    network=network,\n'
    return program.replace(arguments, f"{arguments}    deletion_protection=False,\n")


@cache
def origins() -> list[Origin]:
    """Return the page's origins, in order."""
    return [_origin(name, text) for name, text in ORIGIN.findall(PAGE.read_text())]


def _origin(name: str, text: str) -> Origin:
    before, after = (each for each in PROGRAM.findall(text) if "app.synth()" in each)
    options = re.findall(r"`(--accept\s+[^`]+)`", text)
    return Origin(name, before, after, [word for option in options for word in option.split()])


def beside() -> tuple[str, str]:
    """Return the app of an old service alone, as it is deployed, and the app with a service beside it."""
    program = _program("Weighted rule")
    return f"{program.partition('RemovalPolicies.of')[0]}app.synth()\n", program


def with_security_group(origin: Origin) -> str:
    """Return the app for a network load balancer that has a security group."""
    (endpoint,) = re.findall(r"^```python\n(edge = .*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    before, _, after = origin.after.partition("balancer = ")
    return f"{before}{endpoint}{after[after.index('web = ') :]}"


def dns() -> str:
    """Return the app with a weighted record."""
    return _program("Weighted DNS")


def _program(heading: str) -> str:
    _, _, section = PAGE.read_text().partition(f"\n### {heading}\n")
    return str(PROGRAM.findall(section)[0])
