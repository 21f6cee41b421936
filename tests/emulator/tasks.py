"""Tasks that end, in an ECS that runs nothing, and the news of it.

StopTask with the reason "exit 3" ──> the task ended by itself with exit code 3 ──> EventBridge
"""

import json
import re
from collections.abc import Callable
from functools import partial

from ministack.services.ecs import _ACTION_MAP, _mark_task_stopped, _resolve_cluster_name, _resolve_task
from ministack.services.eventbridge import _put_events

from tests.emulator.api import Props, Response

OWN_END = "Essential container in task exited", "EssentialContainerExited"


def _stop_task(data: Props, *, stop: Callable[[Props], Response]) -> Response:
    """Stop a task of MiniStack, also for a task that ends itself, and send ECS's event to EventBridge."""
    if exits := re.fullmatch(r"exit (\d+)", data.get("reason", "")):
        task = _resolve_task(data["task"], _resolve_cluster_name(data["cluster"]))
        _mark_task_stopped(task["taskArn"], task, *OWN_END, int(exits[1]))
    response = stop(data)
    detail = json.dumps(json.loads(response[2])["task"])
    news = {"Source": "aws.ecs", "DetailType": "ECS Task State Change", "Detail": detail}
    _put_events({"Entries": [news]}, allow_aws_source=True)
    return response


def register() -> None:
    """Enter the action in MiniStack's table."""
    _ACTION_MAP["StopTask"] = partial(_stop_task, stop=_ACTION_MAP["StopTask"])
