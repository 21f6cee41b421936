"""Checks what ECS Exec needs, before a session opens: each finding says what is missing, and what to do.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec-troubleshooting.html
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from typing import NamedTuple

from fargate_constructs.cli.shell.exec_targets import ExecTarget

PLUGIN = "session-manager-plugin"
GUIDE = "https://docs.aws.amazon.com/systems-manager/latest/userguide/"
INSTALL = {
    "Darwin": f"brew install --cask session-manager-plugin, or {GUIDE}install-plugin-macos-overview.html",
    "Windows": f"{GUIDE}install-plugin-windows.html",
}
INSTALL_ON_LINUX = f"{GUIDE}install-plugin-debian-and-ubuntu.html for .deb, {GUIDE}install-plugin-linux.html for .rpm"
# In these states containers run, too: targets are registered after their start, and deregistered before their end
# (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html).
BESIDE_RUNNING = ("ACTIVATING", "DEACTIVATING")
# Where the agent writes.
EXEC_PATHS = ("/var/lib/amazon", "/var/log/amazon")
# The agent takes these before the task role, as SDKs do.
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
REDEPLOY = "aws ecs update-service --cluster {cluster} --service {service} --force-new-deployment"


class Finding(NamedTuple):
    """What ECS Exec lacks."""

    id: str
    what: str
    todo: str
    is_certain: bool = False
    """Whether no session can open with it."""


def plugin_findings() -> Iterator[Finding]:
    """Yield that the plugin is not installed here."""
    if shutil.which(PLUGIN) is None:
        how = INSTALL.get(platform.system(), INSTALL_ON_LINUX)
        yield Finding(
            "noPlugin", f"{PLUGIN} is not on the PATH of this computer.", f"Install it: {how}", is_certain=True
        )


def task_findings(target: ExecTarget) -> Iterator[Finding]:
    """Yield what the task, its container and its task definition lack; without a request."""
    yield from _disabled(target)
    yield from _agent_findings(target)
    if not role_of(target):
        yield Finding(
            "noTaskRole",
            "The task has no task role, so its agent has no permissions.",
            "Give the task definition a task role with the four ssmmessages actions, and deploy.",
            is_certain=True,
        )
    yield from _definition_findings(target)


def role_of(target: ExecTarget) -> str:
    """Return the ARN of the role of the task; empty if it has none."""
    role: str = target.task.get("overrides", {}).get("taskRoleArn") or target.definition.get("taskRoleArn", "")
    return role


def _disabled(target: ExecTarget) -> Iterator[Finding]:
    task, service = target.task, target.service
    cluster = task["clusterArn"].rpartition("/")[2]
    redeploy = REDEPLOY.format(cluster=cluster, service=service["serviceName"])
    if task["lastStatus"] != "RUNNING":
        reason = f" ({task['stoppedReason']})" if "stoppedReason" in task else ""
        yield Finding(
            "taskNotRunning",
            f"The task is {task['lastStatus']}{reason}.",
            "Take a running task; `fargate-constructs explain` says why tasks stop.",
            is_certain=task["lastStatus"] not in BESIDE_RUNNING,
        )
    if task.get("enableExecuteCommand"):
        return
    if service.get("enableExecuteCommand"):
        yield Finding(
            "taskTooOld",
            "The task started before ECS Exec was turned on, or is not of the service.",
            f"Start new tasks: {redeploy}",
            is_certain=True,
        )
    else:
        yield Finding(
            "notEnabled",
            "ECS Exec is off in the service.",
            f"Set enable_execute_command=True and deploy, or until the next deployment: {redeploy} "
            "--enable-execute-command. The task role needs the four ssmmessages actions.",
            is_certain=True,
        )


def _agent_findings(target: ExecTarget) -> Iterator[Finding]:
    if not target.task.get("enableExecuteCommand"):
        return
    agent = target.agent
    status = agent.get("lastStatus", "not there")
    stop = f"aws ecs stop-task --cluster {target.task['clusterArn'].rpartition('/')[2]} --task {target.task_id}"
    if status == "PENDING":
        yield Finding(
            "agentStarts", "The agent of ECS Exec starts.", "Wait some seconds, and try again.", is_certain=True
        )
    elif status != "RUNNING":
        reason = f": {agent['reason']}" if agent.get("reason") else ""
        todo = f"Do what the other findings say, then replace the task: {stop}"
        yield Finding("agentStopped", f"The agent of ECS Exec is {status}{reason}.", todo, is_certain=True)


def _definition_findings(target: ExecTarget) -> Iterator[Finding]:
    container = target.container
    mounts = [each["containerPath"] for each in container.get("mountPoints", []) if not each.get("readOnly")]
    covered = all(any(f"{path}/".startswith(f"{mount.rstrip('/')}/") for mount in mounts) for path in EXEC_PATHS)
    if container.get("readonlyRootFilesystem") and not covered:
        yield Finding(
            "readOnly",
            "The container's root file system is read-only, and the agent writes there.",
            f"Mount volumes at {' and '.join(EXEC_PATHS)}; read_only=True of a FargateService does it.",
        )
    overrides = target.task.get("overrides", {}).get("containerOverrides", [])
    own = [container, *(each for each in overrides if each.get("name") == target.name)]
    variables = [each["name"] for part in own for key in ("environment", "secrets") for each in part.get(key, [])]
    if found := sorted({*variables} & {*KEYS}):
        yield Finding(
            "ownKeys",
            f"The container has {', '.join(found)}, which the agent uses instead of the task role.",
            "Give the variables other names, or let the application use the task role.",
        )
    if target.definition.get("pidMode") == "task" and len(target.definition["containerDefinitions"]) > 1:
        yield Finding(
            "sharedProcesses",
            "The containers share their processes (pidMode), and then only one of them has an agent.",
            "Take the container that was started first, or deploy without pid_mode.",
        )
