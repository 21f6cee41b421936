"""Tasks that start and end, in an ECS that runs nothing, and the events about it.

RunTask ──> the task is RUNNING, once for each client token ──> EventBridge
RunTask with the command "… capacity after 2 attempts" ──> two answers without a task
StopTask with the reason "exit 3" ──> the task ended by itself with exit code 3 ──> EventBridge
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from ministack.core.responses import json_response
from ministack.services.ecs import _ACTION_MAP, _mark_task_stopped, _resolve_cluster_name, _resolve_task
from ministack.services.eventbridge import _put_events

from tests.emulator.api import Props, Response

OWN_END = "Essential container in task exited", "EssentialContainerExited"


NO_CAPACITY = {"tasks": [], "failures": [{"reason": "Capacity is unavailable at this time."}]}

_BY_TOKEN: dict[str, Response] = {}
_ATTEMPTS: Counter[str] = Counter()


def _run_task(data: Props, *, run: Callable[[Props], Response]) -> Response:
    """Start tasks, or return those that were started with the same client token."""
    token = data.get("clientToken")
    if token in _BY_TOKEN:
        return _BY_TOKEN[token]
    response = json_response(NO_CAPACITY) if _lacks_capacity(data) else run(data)
    for task in json.loads(response[2]).get("tasks", []):
        _send_event(task)
    if token:
        _BY_TOKEN[token] = response
    return response


def _lacks_capacity(data: Props) -> bool:
    overrides = data.get("overrides", {}).get("containerOverrides", [])
    text = " ".join(word for each in overrides for word in each.get("command", []))
    if found := re.search(r"capacity after (\d+) attempts", text):
        _ATTEMPTS[text] += 1
        return _ATTEMPTS[text] <= int(found[1])
    return False


def _stop_task(data: Props, *, stop: Callable[[Props], Response]) -> Response:
    """Stop a task of MiniStack, also for a task that ends itself, and send ECS's event to EventBridge."""
    if exits := re.fullmatch(r"exit (\d+)", data.get("reason", "")):
        task = _resolve_task(data["task"], _resolve_cluster_name(data["cluster"]))
        _mark_task_stopped(task["taskArn"], task, *OWN_END, int(exits[1]))
    response = stop(data)
    _send_event(json.loads(response[2])["task"])
    return response


def _send_event(task: Props) -> None:
    # The API has numbers, the event has texts.
    times = {key: _iso(each) for key, each in task.items() if key.endswith("At") and isinstance(each, int | float)}
    event = {"Source": "aws.ecs", "DetailType": "ECS Task State Change", "Detail": json.dumps(task | times)}
    _put_events({"Entries": [event]}, allow_aws_source=True)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def register() -> None:
    """Enter the actions in MiniStack's table."""
    _ACTION_MAP["RunTask"] = partial(_run_task, run=_ACTION_MAP["RunTask"])
    _ACTION_MAP["StopTask"] = partial(_stop_task, stop=_ACTION_MAP["StopTask"])
