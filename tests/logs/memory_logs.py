"""As much of CloudWatch Logs' API as the back-fill uses, in this process: its groups, streams and export tasks.

```
CreateExportTask ──> one at a time: pending, running, done ──> gzipped text in S3, a folder for each stream
```
"""

import gzip
import json
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.logs.faults import Answer, Api, Request
from tests.logs.memory_s3 import MemoryS3, Stored

ACCOUNT = "123456789012"
NEXT = {"PENDING": "RUNNING", "RUNNING": "COMPLETED", "COMPLETED": "COMPLETED", "FAILED": "FAILED"}
IDENTITY = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult>"
    f"<Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)


class Refusal(Exception):  # noqa: N818 -- the API's answer
    """One of CloudWatch Logs' errors."""


@dataclass
class Group:
    """A log group.

    Attributes:
        created: In milliseconds.
        streams: By name, the timestamp and message of each event.
    """

    created: int
    streams: dict[str, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))


class MemoryLogs:
    """The API; what is not for it goes to S3, or asks STS for the account.

    Attributes:
        groups: By name.
        tasks: The export tasks, by ID.
        ends: How the next ones end; all others are completed.
        throttled: How many requests for streams are refused first.
    """

    def __init__(self, memory: MemoryS3, s3: Api | None = None) -> None:
        """Take the S3 API to which exports go, and that which is asked; by default the same."""
        self.groups: dict[str, Group] = {}
        self.tasks: dict[str, Any] = {}
        self.ends: list[dict[str, str]] = []
        self.throttled = 0
        self._memory, self._s3 = memory, s3 or memory

    def __call__(self, request: Request) -> Answer:
        """Answer a request."""
        if target := request.headers["X-Amz-Target"]:
            action = {
                "CreateExportTask": self._create,
                "DescribeExportTasks": self._describe,
                "DescribeLogGroups": self._describe_groups,
                "DescribeLogStreams": self._describe_streams,
            }[target.rpartition(".")[2]]
            try:
                return 200, {}, json.dumps(action(json.loads(request.body))).encode()
            except Refusal as refusal:
                return 400, {}, json.dumps({"__type": str(refusal), "message": "scripted"}).encode()
        if "Action=GetCallerIdentity" in str(request.body):
            return 200, {}, IDENTITY.encode()
        return self._s3(request)

    def _describe_groups(self, data: Any) -> object:  # noqa: ANN401 -- JSON
        prefix = data["logGroupNamePrefix"]
        found = [
            {"logGroupName": name, "creationTime": group.created}
            for name, group in sorted(self.groups.items())
            if name.startswith(prefix)
        ]
        return {"logGroups": found}

    def _describe_streams(self, data: Any) -> object:  # noqa: ANN401 -- JSON
        """Two at a time."""
        if self.throttled:
            self.throttled -= 1
            raise Refusal("ThrottlingException")
        begin = int(data.get("nextToken", 0))
        streams = [
            {"logStreamName": name, "firstEventTimestamp": min(events)[0]}
            for name, events in sorted(self.groups[data["logGroupName"]].streams.items())
        ]
        page = {"logStreams": streams[begin : begin + 2]}
        return page | ({"nextToken": str(begin + 2)} if begin + 2 < len(streams) else {})

    def _create(self, data: Any) -> object:  # noqa: ANN401 -- JSON
        """Begin a task, unless one is under way or it would end before the log group was made."""
        if data["to"] < self.groups[data["logGroupName"]].created:
            raise Refusal("InvalidParameterException")
        if any(task["status"]["code"] in {"PENDING", "RUNNING"} for task in self.tasks.values()):
            raise Refusal("LimitExceededException")
        task_id = str(uuid.uuid4())
        self.tasks[task_id] = {"taskId": task_id, "status": {"code": "PENDING"}, **data}
        return {"taskId": task_id}

    def _describe(self, data: Any) -> object:  # noqa: ANN401 -- JSON
        """What a task is at; each look finds it a step further."""
        task = self.tasks[data["taskId"]]
        before = task["status"]["code"]
        task["status"] = {"code": NEXT[before]}
        if before == "RUNNING":
            if self.ends:
                task["status"] = self.ends.pop(0)
            else:
                self._export(task)
        return {"exportTasks": [task]}

    def _export(self, task: Any) -> None:  # noqa: ANN401 -- JSON
        """Put a task's events, as CloudWatch Logs writes them."""
        prefix = task.get("destinationPrefix", "exportedlogs")
        exports = self._memory.buckets[task["destination"]].objects
        exports[f"{prefix}/aws-logs-write-test"] = Stored(b"Permission Check Successful", {}, "")
        files = Counter[str]()
        for stream, events in self.groups[task["logGroupName"]].streams.items():
            folder = f"{prefix}/{task['taskId']}/{stream.replace('/', '-')}"  # two streams may share it
            chosen = sorted(event for event in events if task["from"] <= event[0] <= task["to"])
            lines = [f"{_time(timestamp)} {message}\n" for timestamp, message in chosen]
            half = len(lines) // 2  # of a long stream there are several files
            for part in filter(None, (lines[:half], lines[half:])):
                text = "".join(part).encode(errors="surrogateescape")
                exports[f"{folder}/{files[folder]:06}.gz"] = Stored(gzip.compress(text, 1), {}, "")
                files[folder] += 1


def _time(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
