"""How many messages a queue of a worker or a job has."""

from typing import Any, NamedTuple

QUEUE_TYPE = "AWS::SQS::Queue"
NUMBERS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]


class Queue(NamedTuple):
    """A queue, and how many messages it has; SQS counts approximately."""

    name: str
    waiting: int
    in_work: int


def depth_of(sqs: Any, url: str, name: str) -> Queue:  # noqa: ANN401 - of boto3
    """Ask SQS about a queue."""
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=NUMBERS)["Attributes"]
    return Queue(name, *(int(answer[each]) for each in NUMBERS))
