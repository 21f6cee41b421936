"""An SQS queue in place of boto3's client, with a clock that tests move."""

import uuid
from dataclasses import dataclass, field
from typing import Any

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
    """The calls that the Lambdas make, for one queue. `test_a_failure_queue` makes the same ones by SQS's protocol."""

    def __init__(self) -> None:
        """Make it empty."""
        self.clock = 0
        self.messages: list[Message] = []
        self._deleted: list[Message] = []

    def pass_time(self) -> None:
        """Let the visibility time-out of all messages pass."""
        self.clock += VISIBILITY_TIMEOUT

    def deliver_again(self) -> None:
        """Bring back what was deleted last: SQS delivers at least once."""
        self.messages += self._deleted[-1:]

    def send_message(self, **request: str) -> dict[str, str]:
        """Put a message into the queue."""
        assert request["QueueUrl"] == "queue"
        self.messages.append(Message(request["MessageBody"], sent=1_772_323_200 + self.clock))
        return {"MessageId": self.messages[-1].id}

    def receive_message(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3's
        """Hand out visible messages, and hide them."""
        assert (request["QueueUrl"], request["MessageSystemAttributeNames"]) == ("queue", ["SentTimestamp"])
        assert request["WaitTimeSeconds"] > 0, "a short poll may miss messages"
        assert request["MaxNumberOfMessages"] <= MAX_MESSAGES
        visible = [each for each in self.messages if each.invisible_until <= self.clock]
        received = visible[: request["MaxNumberOfMessages"]]
        for message in received:
            message.invisible_until = self.clock + VISIBILITY_TIMEOUT
        described = [
            {
                "MessageId": each.id,
                "ReceiptHandle": each.id,
                "Body": each.body,
                "Attributes": {"SentTimestamp": str(each.sent * 1000)},
            }
            for each in received
        ]
        return {"Messages": described} if described else {}

    def delete_message(self, **request: str) -> None:
        """Delete a message, which may be gone already."""
        assert request["QueueUrl"] == "queue"
        self._deleted += [each for each in self.messages if each.id == request["ReceiptHandle"]]
        self.messages = [each for each in self.messages if each.id != request["ReceiptHandle"]]
