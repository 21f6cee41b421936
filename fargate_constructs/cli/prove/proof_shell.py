"""The step that runs a command in a task, with `fargate-constructs shell` as a person does."""

from __future__ import annotations

import subprocess
import sys

from fargate_constructs.cli.prove.outcomes import DisprovedError, NotShownError
from fargate_constructs.cli.prove.proof_step import MINUTE, Measured, Proof
from fargate_constructs.cli.shell.exec_checks import plugin_findings

PROGRAM = (sys.executable, "-m", "fargate_constructs")
# The path of the service's construct, below the stack.
SERVICE = "Web"
SHELL_SECONDS, SESSION_SECONDS, PAUSE_SECONDS = 5 * MINUTE, 2 * MINUTE, 30
# The status shows that the command ran, and that its own status comes back.
STATUS, NUMBERS, RESULT = 7, "6*7", "42"


def open_a_shell(proof: Proof) -> Measured:
    """A command in a running task prints a number that is not in the command, and its exit status comes back."""
    for finding in plugin_findings():
        raise NotShownError(f"{finding.what} {finding.todo}")
    reasons = [""]

    def ask() -> float | None:
        started = proof.waiting.now()
        reasons.append(_difference(proof))
        return None if reasons[-1] else proof.waiting.now() - started

    try:  # the agent starts some seconds after the task
        seconds = proof.waiting.until(ask, limit=SHELL_SECONDS, every=PAUSE_SECONDS, missing="no command ran in a task")
    except DisprovedError as error:
        raise DisprovedError(f"{error}: {reasons[-1]}") from None
    return {"seconds_with_checks": round(seconds, 1)}


def _difference(proof: Proof) -> str:
    """Run the command; return how its result differs from the expected one, or an empty text."""
    state = proof.operations.state
    script = f"echo {proof.token}-$(({NUMBERS})); exit {STATUS}"
    profile = ["--profile", proof.profile] if proof.profile else []
    # The assembly of the proof is searched first, and not a cdk.out that may be here.
    app = ["--app", str(proof.assemblies / "first")]
    options = [f"{state.stack_name}/{SERVICE}", *app, "--region", state.region, *profile]
    command = [*PROGRAM, "shell", *options, "--", "sh", "-c", script]
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=SESSION_SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"the session has no end after {SESSION_SECONDS} s"
    if (done.returncode, done.stdout.strip()) == (STATUS, f"{proof.token}-{RESULT}"):
        return ""
    return f"status {done.returncode}, printed: {f'{done.stdout} {done.stderr}'.strip()}"
