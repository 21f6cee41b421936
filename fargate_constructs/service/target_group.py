"""Where routes send requests, and how fast a task joins and leaves.

```
HttpEndpoint ──> route ──> [target group] ──> tasks
```
"""

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

# A new task takes requests after two checks in a row succeeded, 10 s apart, instead of the load balancer's default of
# five, 30 s apart. A check gives up after 5 s
# (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html).
HEALTH_CHECK_INTERVAL = Duration.seconds(10)
HEALTH_CHECK_TIMEOUT = Duration.seconds(5)
HEALTHY_AFTER = 2
# Three failures in a row, 30 s, take a task out: one slow answer does not.
UNHEALTHY_AFTER = 3
# An old task gets 30 s to answer what it began, instead of 300 s
# (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html).
DRAIN = Duration.seconds(30)


class TaskTargetGroup(elbv2.ApplicationTargetGroup):
    """A target group whose tasks join after 20 s and leave after 30 s.

    Args:
        scope: The construct that owns the target group.
        id: The target group's ID.
        vpc: Where the tasks are.
        port: The port on which they listen, for plain HTTP.
        target: The service whose tasks they are.
        health_check_path: The path that answers 2xx when a task can serve.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vpc: ec2.IVpc,
        port: int,
        target: elbv2.IApplicationLoadBalancerTarget,
        health_check_path: str,
    ) -> None:
        super().__init__(
            scope,
            id,
            vpc=vpc,
            port=port,
            protocol=elbv2.ApplicationProtocol.HTTP,
            target_type=elbv2.TargetType.IP,
            targets=[target],
            deregistration_delay=DRAIN,
            health_check=elbv2.HealthCheck(
                path=health_check_path,
                interval=HEALTH_CHECK_INTERVAL,
                timeout=HEALTH_CHECK_TIMEOUT,
                healthy_threshold_count=HEALTHY_AFTER,
                unhealthy_threshold_count=UNHEALTHY_AFTER,
                healthy_http_codes="200-299",
            ),
        )
