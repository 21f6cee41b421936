"""The smallest app that writes logs to S3.

```
log group ──> Lambda ──> S3
```
"""

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_logs_destinations as logs_destinations
from aws_cdk import aws_s3 as s3
from constructs import Construct


class PlainShipper(Construct):
    """A function and a bucket."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        bucket = s3.Bucket(self, "Bucket")
        function = lambda_.Function(
            self,
            "Function",
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="index.handler",
            code=lambda_.Code.from_inline("def handler(event, context): ..."),
        )
        bucket.grant_put(function)
        self._destination = logs_destinations.LambdaDestination(function)
        self._pattern = logs.FilterPattern.all_events()

    def add_log_group(self, log_group: logs.ILogGroup) -> object:
        """Ship a log group."""
        return log_group.add_subscription_filter("Shipper", destination=self._destination, filter_pattern=self._pattern)
