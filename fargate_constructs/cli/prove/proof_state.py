"""The file that remembers a proof, so that a later call can go on with it or clean up after it.

It is written before the first resource is made, and after each step.
"""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from fargate_constructs.cli.prove.outcomes import SHOWN, Result

FILE = "state.json"
# Short, so that CloudFormation cuts nothing off where it makes names of functions and their log groups from it.
PREFIX = "FargateProof"
TAG = "fargate-constructs:proof"
ACCOUNT_DIGITS = 12


@dataclass
class ProofState:
    """What a proof made, and what it has shown."""

    folder: Path
    id: str
    account: str
    region: str
    started: str
    expected_usd: float = 0
    results: list[Result] = field(default_factory=list)
    stack_id: str = ""
    """The ARN of the stack, once it exists. A deleted stack has no name."""
    vpc: str = ""
    before: dict[str, list[str]] = field(default_factory=dict)
    """The deployments of the service that there were before a step, by step."""
    is_destroyed: bool = False

    @classmethod
    def new(cls, folder: Path, account: str, region: str) -> ProofState:
        """Return the state of a proof that has made nothing; its ID is random."""
        return cls(folder, secrets.token_hex(4), account, region, datetime.now(UTC).isoformat(timespec="seconds"))

    @classmethod
    def read(cls, folder: Path) -> ProofState | None:
        """Return the state in a folder; `None` if there is none."""
        path = folder / FILE
        if not path.exists():
            return None
        try:
            values = json.loads(path.read_text())
            results = [Result(**each) for each in values.pop("results")]
            return cls(folder=folder, results=results, **values)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{path} must be the state of a proof, got: {error}; delete the stack {PREFIX}-… and the bucket "
                f"{PREFIX.lower()}-… in the console, and write another --output"
            ) from error

    @property
    def stack_name(self) -> str:
        """The name of the stack."""
        return f"{PREFIX}-{self.id}"

    @property
    def stack(self) -> str:
        """How CloudFormation finds the stack."""
        return self.stack_id or self.stack_name

    @property
    def bucket(self) -> str:
        """The name of the bucket with templates and the code of functions."""
        return f"{PREFIX}-{self.id}".lower()

    @property
    def token(self) -> str:
        """What a log line of this proof has."""
        return f"proof-{self.id}"

    def has_shown(self, step: str) -> bool:
        """Whether a step has been shown."""
        return any(each.step == step and each.outcome == SHOWN for each in self.results)

    def add(self, result: Result) -> None:
        """Remember a result, in place of an earlier one of the same step."""
        self.results = [each for each in self.results if each.step != result.step] + [result]
        self.remember()

    def remember(self) -> None:
        """Write the file if that is possible: a disk that is full must not prevent the deletion."""
        with suppress(OSError):
            self.save()

    def save(self) -> None:
        """Write the file, so that it is never there in part."""
        self.folder.mkdir(parents=True, exist_ok=True)
        values = asdict(self)
        values.pop("folder")
        written = self.folder / f"{FILE}.new"
        written.write_text(json.dumps(values, indent=2) + "\n")
        written.replace(self.folder / FILE)


def state_for(
    folder: Path, account: str, region: str | None, *, resume: bool = False, only_destroys: bool = False
) -> ProofState:
    """Return the state of a new proof, or that in a folder."""
    if resume and only_destroys:
        raise ValueError("one of --resume and --destroy is allowed, got: both; leave one out")
    found = ProofState.read(folder)
    if resume or only_destroys:
        return _known(found, folder, account, region, resume=resume)
    if found and not found.is_destroyed:
        raise ValueError(
            f"--output must be a folder without an unfinished proof, got: {folder} with {found.stack_name} in "
            f"{found.region}; write --resume to go on, --destroy to delete what it deployed, or another --output"
        )
    if not (account.isascii() and account.isdigit() and len(account) == ACCOUNT_DIGITS):
        raise ValueError(f"--account must be an ID of 12 digits, got: {account or 'none'}")
    if not region:
        raise ValueError("--region must be a region, got: none; write that in which the proof may deploy")
    return ProofState.new(folder, account, region)


def _known(found: ProofState | None, folder: Path, account: str, region: str | None, *, resume: bool) -> ProofState:
    if found is None:
        raise ValueError(f"--output must be the folder of a proof, got: {folder}; correct it")
    if resume and found.is_destroyed:
        raise ValueError(f"--resume needs an unfinished proof, got: {folder}; leave --resume out for a new one")
    for name, wanted, known in (("--account", account, found.account), ("--region", region, found.region)):
        if wanted and wanted != known:
            raise ValueError(f"{name} must be that of the proof, {known}, got: {wanted}; leave it out")
    return found
