"""The export tasks of CloudWatch Logs, which MiniStack lacks.

CreateExportTask ──> one task at a time, pending, running, done ──> gzipped text in S3, a folder for each stream
"""

import gzip
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import cloudwatch_logs
from ministack.services.cloudwatch_logs import _log_groups
from ministack.services.s3 import _put_object

from tests.emulator.api import Props, Response

NEXT = {"PENDING": "RUNNING", "RUNNING": "COMPLETED", "COMPLETED": "COMPLETED", "FAILED": "FAILED"}

_tasks: dict[str, Props] = {}


def register() -> None:
    """Answer these calls beside MiniStack's own."""
    vars(cloudwatch_logs).update(handle_request=_beside(cloudwatch_logs.handle_request))


def _beside(others: Callable[..., Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
    """The service's entry, with the calls here."""
    actions = {"CreateExportTask": _create, "DescribeExportTasks": _describe}

    async def handle_request(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> Response:  # noqa: ANN401  # MiniStack's own
        action = actions.get(headers.get("x-amz-target", "").rpartition(".")[2])
        return action(json.loads(body)) if action else await others(method, path, headers, body, query)

    return handle_request


def _create(data: Props) -> Response:
    """Begin a task, unless one is under way."""
    if any(task["status"]["code"] in {"PENDING", "RUNNING"} for task in _tasks.values()):
        return error_response_json("LimitExceededException", "Resource limit exceeded.", 400)
    if data["logGroupName"] not in _log_groups:
        return error_response_json("ResourceNotFoundException", "The specified log group does not exist.", 400)
    task_id = new_uuid()
    _tasks[task_id] = {"taskId": task_id, "status": {"code": "PENDING"}, **data}
    return json_response({"taskId": task_id})


def _describe(data: Props) -> Response:
    """What tasks there are; each look finds them a step further. A destination named `fails…` cannot be written to."""
    tasks = [task for task_id, task in _tasks.items() if data.get("taskId") in {None, task_id}]
    for task in tasks:
        status = task["status"]
        before = status["code"]
        status["code"] = NEXT[status["code"]]
        if (before, status["code"]) == ("RUNNING", "COMPLETED"):
            if task["destination"].startswith("fails"):
                task["status"] = {"code": "FAILED", "message": "access denied"}
            else:
                _write(task)
    return json_response({"exportTasks": tasks})


def _write(task: Props) -> None:
    """Put a task's events, as CloudWatch Logs writes them."""
    prefix = task.get("destinationPrefix", "exportedlogs")
    _put(task["destination"], f"{prefix}/aws-logs-write-test", b"Permission Check Successful")
    files = Counter[str]()
    for stream, content in _log_groups[task["logGroupName"]]["streams"].items():
        folder = f"{prefix}/{task['taskId']}/{stream.replace('/', '-')}"  # two streams may share it
        events = [event for event in content["events"] if task["from"] <= event["timestamp"] <= task["to"]]
        lines = [f"{_time(event['timestamp'])} {event['message']}\n" for event in events]
        half = len(lines) // 2  # of a long stream there are several files
        for part in filter(None, (lines[:half], lines[half:])):
            _put(task["destination"], f"{folder}/{files[folder]:06}.gz", gzip.compress("".join(part).encode()))
            files[folder] += 1


def _time(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _put(bucket: str, key: str, body: bytes) -> None:
    _put_object(bucket, key, body, {"content-length": str(len(body))})
