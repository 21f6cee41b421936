"""Move failed batches from the failure queue into the failure bucket, then replay: the entry for the China regions.

```
failure queue ──> [drain] ──> failure bucket, under the keys that Lambda's S3 destination makes ──> replay
```

A message is deleted only after its object exists. If the function is killed in between, both remain. The message comes
again after the visibility timeout, with the same key, which is made from the message's time and ID. A message that SQS
delivers twice makes one object; if that was replayed meanwhile, the shipper finds its batch stored.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from . import handler as replay

if TYPE_CHECKING:
    from .handler import Context

# The maximum of one request
# (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html).
MAX_MESSAGES = 10
# Seconds. With any wait SQS asks all of its servers, so that an empty answer means an empty queue
# (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html).
WAIT = 2

SQS: Any = boto3.client("sqs", config=Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard"}))


def handler(event: object, context: Context) -> dict[str, int]:
    """Drain the queue, then replay as much as time allows; return the same as `replay.handler.handler`.

    Raises:
        botocore.exceptions.BotoCoreError: S3 or SQS cannot be reached.
        botocore.exceptions.ClientError: S3 refuses to list the failures, or SQS to receive or delete messages.
    """
    try:
        drain(context)
    finally:  # an error of the queue does not stop the replay of the bucket
        result = replay.handler(event, context)
    return result


def drain(context: Context) -> None:
    """Move as many messages as time allows. A message that cannot be moved stays in the queue."""
    queue = os.environ["FAILURE_QUEUE"]
    while not replay.is_late(context):
        received = SQS.receive_message(
            QueueUrl=queue,
            MaxNumberOfMessages=MAX_MESSAGES,
            WaitTimeSeconds=WAIT,
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        messages = received.get("Messages", [])
        for message in messages:
            if reason := why_not_moved(message):
                replay.report({"failure": message["MessageId"], "reason": reason})
            else:
                SQS.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        if not messages:
            return


def why_not_moved(message: dict[str, Any]) -> str | None:
    """Put a message into the failure bucket, unless it is there; return the error, if there is one."""
    try:
        replay.S3.put_object(
            **replay.async_failures().bucket(),
            Key=key_of(message),
            Body=message["Body"].encode(),
            ContentType="application/json",
            IfNoneMatch="*",
        )
    except (BotoCoreError, ClientError) as error:
        if status_of(error) != HTTPStatus.PRECONDITION_FAILED:
            return f"{type(error).__name__}: {error}"
    return None


def key_of(message: dict[str, Any]) -> str:
    """Return a key in the form of Lambda's S3 destination.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    sent = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
    prefix = f"{replay.ASYNC_FAILURES}{os.environ['SHIPPER']}"
    return f"{prefix}/{sent:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{message['MessageId']}"


def status_of(error: Exception) -> int | None:
    """Return the HTTP status of S3's error response."""
    match error:
        case ClientError(response={"ResponseMetadata": {"HTTPStatusCode": int(status)}}):
            return status
    return None
