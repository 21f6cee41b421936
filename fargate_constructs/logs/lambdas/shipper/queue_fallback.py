"""The shipper's entry for the China regions, where Lambda's failure destination is a queue.

Lambda's record of a failed invocation must fit into one message. The record holds the whole event, something about the
request, and the error. Lambda takes events as large as a message may be, 256 KB or 1 MB by region
(https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html), so the record of the
largest events does not fit, and the batch would be lost. Their data alone fits: `{"rawData":""}` around it is shorter
than the event's own `{"awslogs":{"data":""}}`. So the function sends that itself when S3 does not take the batch.

The replay function keeps its batches until they are stored. It marks them, and they are not sent to the queue again.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from . import handler as shipper
from .envelope import data_of
from .put import NotStoredError

if TYPE_CHECKING:
    from .put import Context

# Characters of data. The smaller limit of a message, less some 16 KB for the rest of Lambda's record.
MAX_RECORDED = 240_000

SQS: Any = boto3.client("sqs", config=Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard"}))


def handler(event: object, context: Context) -> dict[str, object]:
    """Archive or quarantine the batch in a subscription event; `{"queued": ID}` if it was sent to the failure queue.

    Raises:
        NotStoredError: S3 did not take an object. The next attempt finds what this one stored.
    """
    try:
        return shipper.handler(event, context)
    except NotStoredError:
        if is_replayed(event) or len(data_of(event) or "") <= MAX_RECORDED:
            raise
    body = json.dumps({"rawData": data_of(event)}, separators=(",", ":"))
    return {"queued": SQS.send_message(QueueUrl=os.environ["FAILURE_QUEUE"], MessageBody=body)["MessageId"]}


def is_replayed(event: object) -> bool:
    """Tell whether the replay function sent this event."""
    return isinstance(event, dict) and "replayed" in event
