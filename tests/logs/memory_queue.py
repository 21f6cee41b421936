"""An SQS queue, with a clock that tests move.

```
replay handler ──> boto3 ──> in_process ──> [MemoryQueue]
```
"""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.logs.faults import Answer, Request

VISIBILITY_TIMEOUT = 15 * 60  # seconds, as the construct sets it
MAX_MESSAGES = 10


@dataclass
class Message:
    """A message of the queue; *invisible_until* is a time of the queue's clock."""

    body: str
    sent: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    invisible_until: int = 0


class MemoryQueue:
    """The part of the SQS API that the Lambdas use, for one queue."""

    def __init__(self) -> None:
        """Make it empty."""
        self.clock = 0
        self.messages: list[Message] = []
        self._deleted: list[Message] = []

    def send(self, body: str) -> str:
        """Put a message into the queue; return its ID."""
        self.messages.append(Message(body, sent=1_772_323_200 + self.clock))
        return self.messages[-1].id

    def pass_time(self) -> None:
        """Let the visibility time-out of all messages pass."""
        self.clock += VISIBILITY_TIMEOUT

    def deliver_again(self) -> None:
        """Bring back what was deleted last: SQS delivers at least once."""
        self.messages += self._deleted[-1:]

    def __call__(self, request: Request) -> Answer:
        """Answer a request in SQS's JSON protocol."""
        operation, parameters = request.headers["X-Amz-Target"].partition(".")[2], json.loads(request.body)
        answer = getattr(self, operation)(parameters)
        return 200, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(answer).encode()

    def ReceiveMessage(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - SQS's name
        """Hand out visible messages, and hide them."""
        assert parameters["WaitTimeSeconds"] > 0, "a short poll may miss messages"
        visible = [each for each in self.messages if each.invisible_until <= self.clock]
        received = visible[: min(parameters["MaxNumberOfMessages"], MAX_MESSAGES)]
        for message in received:
            message.invisible_until = self.clock + VISIBILITY_TIMEOUT
        return {
            "Messages": [
                {
                    "MessageId": each.id,
                    "ReceiptHandle": each.id,
                    "Body": each.body,
                    "Attributes": {"SentTimestamp": str(each.sent * 1000)},
                }
                for each in received
            ]
        }

    def DeleteMessage(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - SQS's name
        """Delete a message, which may be gone already."""
        self._deleted += [each for each in self.messages if each.id == parameters["ReceiptHandle"]]
        self.messages = [each for each in self.messages if each.id != parameters["ReceiptHandle"]]
        return {}

    def SendMessage(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - SQS's name
        """Put a message into the queue."""
        return {"MessageId": self.send(parameters["MessageBody"])}
