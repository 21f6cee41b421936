"""The step that runs a command in a task with ECS Exec, as a person's shell does.

ExecuteCommand ──> session ──> session-manager-plugin in a terminal of its own ──> what the command prints
"""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any

from fargate_constructs.cli.proof.outcomes import DisprovedError, NotShownError
from fargate_constructs.cli.proof.proof_steps import MINUTE, Measured, Proof

PLUGIN = "session-manager-plugin"
PLUGIN_PAGE = (
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html"
)
AGENT_SECONDS, SESSION_SECONDS = 5 * MINUTE, 60
READ_BYTES = 65536


def open_a_shell(proof: Proof) -> Measured:
    """A command in a running task prints a number that is not in the command."""
    plugin = shutil.which(PLUGIN)
    if plugin is None:
        raise NotShownError(f"{PLUGIN} is not on the PATH; install it: {PLUGIN_PAGE}")
    task = proof.waiting.until(
        lambda: _task_with_agent(proof), limit=AGENT_SECONDS, missing="the agent of ECS Exec does not run in a task"
    )
    number = 6 * 7
    command = f"sh -c 'echo {proof.token}-$((6*7))'"
    answer = proof.waiting.until(
        lambda: _start_session(proof, task, command), limit=AGENT_SECONDS, missing="no task is connected"
    )
    started = proof.waiting.now()
    printed = run_in_terminal(
        [plugin, *plugin_arguments(answer, proof.operations.state.region, proof.client("ssm").meta.endpoint_url)],
        limit=SESSION_SECONDS,
    )
    if f"{proof.token}-{number}" not in printed:
        raise DisprovedError(f"the command printed: {printed.strip()[-200:] or 'nothing'}")
    return {"command_seconds": round(proof.waiting.now() - started, 1)}


def _task_with_agent(proof: Proof) -> Mapping[str, Any] | None:
    """Return a task of the service whose agent runs."""
    client, cluster = proof.client("ecs"), proof.output("Cluster")
    arns = client.list_tasks(cluster=cluster, serviceName=proof.output("Service"))["taskArns"]
    for task in client.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else ():
        for container in task["containers"]:
            agents = {each["name"]: each.get("lastStatus") for each in container.get("managedAgents", [])}
            if (container["name"], agents.get("ExecuteCommandAgent")) == (proof.output("Container"), "RUNNING"):
                found: Mapping[str, Any] = task
                return found
    return None


def _start_session(proof: Proof, task: Mapping[str, Any], command: str) -> Mapping[str, Any] | None:
    """Return what ECS answers about a new session, with the target that the plugin needs."""
    client, name = proof.client("ecs"), proof.output("Container")
    try:
        answer = client.execute_command(
            cluster=task["clusterArn"], task=task["taskArn"], container=name, interactive=True, command=command
        )
    except client.exceptions.TargetNotConnectedException:
        return None
    (runtime_id,) = (each["runtimeId"] for each in task["containers"] if each["name"] == name)
    cluster, task_id = (arn.rpartition("/")[2] for arn in (task["clusterArn"], task["taskArn"]))
    return {"session": answer["session"], "target": f"ecs:{cluster}_{task_id}_{runtime_id}"}


def plugin_arguments(answer: Mapping[str, Any], region: str, endpoint_url: str) -> list[str]:
    """Return the arguments of the plugin, as the AWS CLI writes them."""
    request = {"Target": answer["target"]}
    return [json.dumps(answer["session"]), region, "StartSession", "", json.dumps(request), endpoint_url]


def run_in_terminal(command: Sequence[str], *, limit: float) -> str:
    """Run a program in a terminal of its own, because the plugin needs one; return what it prints.

    It is ended after some seconds.
    """
    reader, writer = pty.openpty()
    try:
        process = subprocess.Popen(command, stdin=writer, stdout=writer, stderr=writer, start_new_session=True)  # noqa: S603 - the plugin
    finally:
        os.close(writer)
    deadline, printed = time.monotonic() + limit, b""
    try:
        while select.select([reader], [], [], max(0, deadline - time.monotonic()))[0]:
            try:
                part = os.read(reader, READ_BYTES)
            except OSError:  # Linux's end of a terminal that no program has open
                break
            if not part:  # macOS's
                break
            printed += part
    finally:
        process.kill()
        process.wait()
        os.close(reader)
    return printed.decode(errors="replace")
