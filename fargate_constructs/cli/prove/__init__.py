"""`fargate-constructs prove`: deploys the example into an account, asks AWS about each promise, and destroys it.

```
state ──> [stack operations] ──> [steps] ──> results ──> [destroy] ──> [leftovers] ──> report
```
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from fargate_constructs.cli.aws import session_for
from fargate_constructs.cli.command_line import FINDING, FINE, INTERRUPTED
from fargate_constructs.cli.options import profile_option
from fargate_constructs.cli.prove.leftovers import Leftovers, find_leftovers
from fargate_constructs.cli.prove.outcomes import Waiting
from fargate_constructs.cli.prove.proof_assemblies import MOST_HOURS, USUAL_HOURS, synthesize, usd_of
from fargate_constructs.cli.prove.proof_report import FORM, Environment, ProofReport, redacted
from fargate_constructs.cli.prove.proof_run import destroy, run_steps
from fargate_constructs.cli.prove.proof_state import state_for
from fargate_constructs.cli.prove.proof_step import Proof
from fargate_constructs.cli.prove.stack_operations import StackOperations, check_account
from fargate_constructs.cli.terminal.confirmation import confirm, is_terminal, says_yes, yes_option
from fargate_constructs.cli.terminal.interrupts import terminations_as_interrupts
from fargate_constructs.cli.terminal.output import console, json_option, print_json, print_screen, say

OUTPUT = Path("fargate-constructs-proof")
USUAL_MINUTES = 45
EXAMPLES = """\b
Examples:
  fargate-constructs prove --account 111122223333 --region eu-west-1
  fargate-constructs prove --resume
  fargate-constructs prove --destroy
"""


@click.command(epilog=EXAMPLES)
@click.option("--account", metavar="ID", default="", help="The ID of the account. It must be that of the credentials.")
@click.option("--region", help="The region in which to deploy.")
@click.option(
    "--output",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=OUTPUT,
    show_default=True,
    help="The folder for the report, and for what a later call must know.",
)
@click.option("--resume", is_flag=True, help="Go on with a proof that was interrupted.")
@click.option("--destroy", "only_destroys", is_flag=True, help="Delete what an interrupted proof deployed.")
@yes_option
@click.option("--show-account", "shows_account", is_flag=True, help="Write account IDs into the report.")
@json_option
@profile_option
@click.pass_context
def command(
    context: click.Context,
    *,
    account: str,
    folder: Path,
    resume: bool,
    only_destroys: bool,
    yes: bool,
    shows_account: bool,
    as_json: bool,
    profile: str | None,
    region: str | None,
) -> None:
    """Show in a real account what the library promises.

    It deploys an app with the parts of the example, asks AWS about each promise, deletes all that it deployed, lists
    what is left, and writes report.md and report.json. This costs money, and takes about 45 minutes: docs/prove.md.

    The status is 1 if a promise is not shown, or if something is left.
    """
    state = state_for(folder, account, region, resume=resume, only_destroys=only_destroys)
    session = session_for(profile, state.region)
    waiting = Waiting(say=_say)
    operations = StackOperations(session, state, waiting, _say)
    check_account(operations.client("sts"), state.account)
    proof = Proof(operations, folder / state.id, waiting, profile=profile or "")
    with nullcontext() if resume or only_destroys else _without_traces(proof):
        _agree(proof, yes=yes, only_destroys=only_destroys)
        state.save()
    environment = Environment.of(operations.client("cloudformation"))
    with terminations_as_interrupts():
        is_interrupted = not only_destroys and _is_interrupted(proof, environment)
        if is_interrupted and not _destroys_now(yes=yes):
            _say(f"what is deployed costs money until it is deleted: {_later(proof)}")
            context.exit(INTERRUPTED)
        leftovers = _destroy(proof, environment)
    report = ProofReport(state, environment, _now(), leftovers)
    _publish(report, as_json=as_json, shows_account=shows_account)
    is_fine = report.is_clean and (only_destroys or report.shows_all)
    context.exit(INTERRUPTED if is_interrupted else FINE if is_fine else FINDING)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _say(text: str) -> None:
    """Print a line of progress, with the time in UTC."""
    say(f"{datetime.now(UTC):%H:%M:%S}  {text}")


def _later(proof: Proof) -> str:
    """Return the command that deletes what is deployed."""
    output = [] if proof.folder == OUTPUT else ["--output", str(proof.folder)]
    profile = ["--profile", proof.profile] if proof.profile else []
    return shlex.join(["fargate-constructs", "prove", "--destroy", *output, *profile])


@contextmanager
def _without_traces(proof: Proof) -> Iterator[None]:
    """Remove the app of a new proof from the disk if it is not deployed."""
    try:
        yield
    except BaseException:
        for each in proof.folder.glob(f"{proof.assemblies.name}*"):
            shutil.rmtree(each, ignore_errors=True)
        with suppress(OSError):  # it is not empty, or not there
            proof.folder.rmdir()
        raise


def _agree(proof: Proof, *, yes: bool, only_destroys: bool) -> None:
    """Return if a person agrees to what is going to be done."""
    state = proof.operations.state
    if not only_destroys:
        _say("synthesizes the app")
        synthesize(state, proof.assemblies)
        state.expected_usd = usd_of(state, proof.assemblies, USUAL_HOURS)
    plan = _plan(proof, only_destroys=only_destroys)
    if yes:
        _say(plan)
    confirm(plan, yes=yes)


def _plan(proof: Proof, *, only_destroys: bool) -> str:
    """Return what is going to be done, and what it costs."""
    state = proof.operations.state
    place = f"in the account {state.account}{_alias(proof)}, {state.region}"
    if only_destroys:
        return f"Deletes the stack {state.stack_name} and the bucket {state.bucket} {place}."
    most = usd_of(state, proof.assemblies, MOST_HOURS)
    return (
        f"Deploys the stack {state.stack_name} and the bucket {state.bucket} {place}, tries it, and deletes both. "
        f"It takes about {USUAL_MINUTES} minutes and costs about {state.expected_usd:.2f} USD, or {most:.2f} USD in "
        f"{MOST_HOURS} hours (list prices of us-east-1)."
    )


def _alias(proof: Proof) -> str:
    """Return the alias of the account in brackets, by which a person recognizes a wrong one; empty without one."""
    client = proof.client("iam")
    try:
        aliases = client.list_account_aliases()["AccountAliases"]
    except client.exceptions.ClientError:  # it is not needed
        return ""
    return f" ({aliases[0]})" if aliases else ""


def _destroys_now(*, yes: bool) -> bool:
    """Whether to delete what is deployed after an interrupt; without a terminal it is deleted."""
    return yes or not is_terminal() or says_yes("Interrupted. Delete what is deployed now?")


def _is_interrupted(proof: Proof, environment: Environment) -> bool:
    """Run the steps; return whether they were interrupted."""
    try:
        run_steps(proof, _say, is_aws=environment.is_aws)
    except KeyboardInterrupt:
        return True
    return False


def _destroy(proof: Proof, environment: Environment) -> Leftovers:
    """Delete what is deployed; return what is left."""
    try:
        destroy(proof, _say, is_aws=environment.is_aws)
        _say("asks what is left")
        leftovers = find_leftovers(proof.operations, proof.waiting)
    except KeyboardInterrupt:
        _say(f"the deletion may go on; this waits for it, and lists what is left: {_later(proof)}")
        raise
    if proof.operations.state.is_destroyed:
        shutil.rmtree(proof.assemblies, ignore_errors=True)
    else:
        _say(f"what is not deleted costs money; this tries it again: {_later(proof)}")
    return leftovers


def _publish(report: ProofReport, *, as_json: bool, shows_account: bool) -> None:
    """Write the files, and print the result."""
    files = report.write(shows_account=shows_account)
    if as_json:
        print_json(json.loads(redacted(json.dumps(report.document()), shows_account=shows_account)))
        return
    screen = console()
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for each in report.results:
        table.add_row(each.step, each.outcome, Text(each.reason or each.promise))
    print_screen(screen, table)
    for left in report.leftovers.found:
        screen.print(Text(f"left: {left.type} {left.id} (found by {left.found_by})"))
    for gap in report.leftovers.not_shown:
        screen.print(Text(f"not asked: {gap}"))
    click.echo(f"wrote {' and '.join(map(str, files))}; to send it to the project: {FORM}", err=True)
