"""Where a load balancer keeps what it was asked.

```
caller ──> load balancer ──> [access log bucket]
```
"""

from aws_cdk import Aws, Duration
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from fargate_constructs.private_bucket import PrivateBucket


class AccessLogBucket(PrivateBucket):
    """A private bucket that a load balancer of the same account and region may write its access logs to.

    `ApplicationLoadBalancer.log_access_logs` cannot do this in a stack without a fixed region (aws-cdk#27432): it
    looks up the region's old account of Elastic Load Balancing. The service principal used here needs no region. See
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html, which also says
    that SSE-S3 is the only encryption these logs can have.

    Args:
        scope: The construct that owns the bucket.
        id: The bucket's ID.
        expiration: After how long a log file is deleted.
    """

    def __init__(self, scope: Construct, id: str, *, expiration: Duration) -> None:
        super().__init__(scope, id, lifecycle_rules=[s3.LifecycleRule(expiration=expiration)])
        # The path holds the account: Elastic Load Balancing writes no other account's logs below it.
        self.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("logdelivery.elasticloadbalancing.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[self.arn_for_objects(f"AWSLogs/{Aws.ACCOUNT_ID}/*")],
            ),
        )

    def receive_from(self, load_balancer: elbv2.ApplicationLoadBalancer) -> None:
        """Turn on the load balancer's access logs, once it may write them."""
        load_balancer.set_attribute("access_logs.s3.enabled", "true")
        load_balancer.set_attribute("access_logs.s3.bucket", self.bucket_name)
        load_balancer.node.find_child("Resource").node.add_dependency(self.node.find_child("Policy"))
