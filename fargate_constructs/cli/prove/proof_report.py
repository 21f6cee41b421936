"""Writes what a proof has shown, as Markdown and JSON, without account IDs and names of people."""

from __future__ import annotations

import json
import os
import platform
import re
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from fargate_constructs.cli.prove.leftovers import Leftovers
from fargate_constructs.cli.prove.outcomes import NOT_SHOWN, SHOWN, Result
from fargate_constructs.cli.prove.proof_run import DESTROY, DESTROY_PROMISE, STEPS
from fargate_constructs.cli.prove.proof_state import ProofState

FORMAT = 1
FORM = "https://github.com/fargate-constructs/fargate-constructs/issues/new?template=proof.yml"
# Who calls AWS, keys of access, and accounts, in the texts of AWS.
SECRETS = {
    r"arn:[\w-]+:(?:iam|sts)::\d{12}:[\w-]+/[^\s\"',]+": "(a role or user)",
    r"\bA[KS]IA[A-Z0-9]{16}\b": "(a key)",
    r"(?<=Encoded authorization failure message: )\S+": "(left out)",
}
ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
PACKAGES = ("fargate-constructs", "aws-cdk-lib", "constructs", "boto3")


class Environment(NamedTuple):
    """Where a proof ran."""

    place: str
    """`AWS`, or the address of what is in its place."""
    versions: dict[str, str]

    @property
    def is_aws(self) -> bool:
        """Whether it is AWS itself."""
        return self.place == "AWS"

    @classmethod
    def of(cls, client: Any) -> Environment:  # noqa: ANN401 - of boto3
        """Return that of a client."""
        url = client.meta.endpoint_url
        is_aws = re.fullmatch(r"https://[\w.-]+\.(?:amazonaws\.(?:com(?:\.cn)?|eu)|api\.aws)", url)
        return cls("AWS" if is_aws else url, {"python": platform.python_version(), **_versions()})


def _versions() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed, but run from a checkout"
    return versions


class ProofReport(NamedTuple):
    """What a proof has shown."""

    state: ProofState
    environment: Environment
    finished: str
    leftovers: Leftovers

    @property
    def results(self) -> list[Result]:
        """The result of each step, also of those that did not run."""
        known = {each.step: each for each in self.state.results}
        steps = [*((each.name, each.promise) for each in STEPS), (DESTROY, DESTROY_PROMISE)]
        return [
            known.get(name, Result(name, promise, NOT_SHOWN, "it did not run to its end")) for name, promise in steps
        ]

    @property
    def shows_all(self) -> bool:
        """Whether each promise is shown."""
        return all(each.outcome == SHOWN for each in self.results)

    @property
    def is_clean(self) -> bool:
        """Whether all is deleted, and AWS answered each question about what is left."""
        return self.state.is_destroyed and not any(self.leftovers)

    def document(self) -> dict[str, Any]:
        """Return it as a document for JSON."""
        return {
            "format": FORMAT,
            "place": self.environment.place,
            "versions": self.environment.versions,
            "region": self.state.region,
            "account": self.state.account,
            "started": self.state.started,
            "finished": self.finished,
            "expected_usd": self.state.expected_usd,
            "steps": [asdict(each) for each in self.results],
            "left": [each._asdict() for each in self.leftovers.found],
            "not_shown": self.leftovers.not_shown,
        }

    def markdown(self) -> str:
        """Return it as a page."""
        state, place = self.state, self.environment.place
        where = f"{place}, {state.region}" if self.environment.is_aws else f"**not AWS**, but {place}"
        lines = [
            "# Proof of fargate-constructs",
            "",
            f"On {where}, {state.started} to {self.finished}, expected cost {self.state.expected_usd:.2f} USD.",
            ", ".join(f"{name} {version}" for name, version in self.environment.versions.items()) + ".",
            "",
            "| step | promise | result | seconds |",
            "|---|---|---|---|",
            *(f"| {each.step} | {each.promise} | {each.outcome} | {each.seconds:.0f} |" for each in self.results),
        ]
        reasons = [f"- {each.step}: {one_line(each.reason)}" for each in self.results if each.reason]
        measured = [
            f"| {each.step} | {name.replace('_', ' ')} | {_text(value)} |"
            for each in self.results
            for name, value in each.measured.items()
        ]
        lines += ["", "## Why not shown", "", *reasons] if reasons else []
        lines += ["", "## Measured", "", "| step | what | value |", "|---|---|---|", *measured] if measured else []
        lines += ["", "## Left in the account", "", *_left(self.leftovers)]
        return "\n".join(lines) + "\n"

    def write(self, *, shows_account: bool) -> list[Path]:
        """Write both files beside the state; return their paths."""
        folder = self.state.folder
        texts = {"report.md": self.markdown(), "report.json": json.dumps(self.document(), indent=2) + "\n"}
        for name, text in texts.items():
            (folder / name).write_text(redacted(text, shows_account=shows_account))
        return [folder / name for name in texts]


def redacted(text: str, *, shows_account: bool) -> str:
    """Return a text without names of people, keys and, unless it is wanted, account IDs."""
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.home() raises an error for a user without one
    if len(home) > 1:
        text = text.replace(home, "~")
    for pattern, replacement in SECRETS.items():
        text = re.sub(pattern, replacement, text)
    return text if shows_account else ACCOUNT.sub("ACCOUNT", text)


def one_line(text: str) -> str:
    """Return a text without line breaks, and without what a table of Markdown ends at."""
    return " ".join(text.split()).replace("|", "\\|")


def _text(value: Any) -> str:  # noqa: ANN401 - what JSON has
    return one_line(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def _left(leftovers: Leftovers) -> list[str]:
    left = [f"- {each.type} {each.id} (found by {each.found_by})" for each in leftovers.found]
    gaps = [f"- not asked: {one_line(each)}" for each in leftovers.not_shown]
    return [*(left or ["Nothing is left that the command can find."]), *gaps]
