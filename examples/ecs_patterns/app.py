"""The six Fargate classes of aws_ecs_patterns, each as a stack: what their documentation shows, with this library.

https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk.aws_ecs_patterns/README.html
"""

from aws_cdk import App, Duration, Stack, TimeZone
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from fargate_constructs import (
    Capacity,
    FargateService,
    FargateWebService,
    FixedEgressNetwork,
    HttpEndpoint,
    QueueWorker,
    Scaling,
    ScheduledTask,
    TcpEndpoint,
)

IMAGE = ecs.ContainerImage.from_registry("public.ecr.aws/docker/library/httpd:2.4-alpine")


def zone_of(stack: Stack) -> route53.IHostedZone:
    """Return the zone in which the names are."""
    return route53.HostedZone.from_hosted_zone_attributes(
        stack, "Zone", hosted_zone_id="Z0873220N255IR3MTNR4", zone_name="example.com"
    )


class Application(Stack):
    """ApplicationLoadBalancedFargateService."""

    def __init__(self, scope: Construct, id: str) -> None:
        """One construct: network, load balancer with TLS, service, logs and alarms."""
        super().__init__(scope, id)
        FargateWebService(
            self,
            "Service",
            image=IMAGE,
            cpu=512,
            memory_limit_mib=1024,
            environment={"TEST_ENVIRONMENT_VARIABLE1": "test environment variable 1 value"},
            scaling=Scaling(min=6, max=10),
            capacity=Capacity.spot(on_demand_base=1, on_demand_percent=50),
            domain_name="api.example.com",
            hosted_zone=zone_of(self),
            idle_timeout=Duration.seconds(120),
        )


class Network(Stack):
    """NetworkLoadBalancedFargateService."""

    def __init__(self, scope: Construct, id: str) -> None:
        """A network load balancer, with addresses that stay and TLS."""
        super().__init__(scope, id)
        network = FixedEgressNetwork(self, "Network")
        service = FargateService(self, "Service", network=network, image=IMAGE, cpu=512, memory_limit_mib=1024)
        endpoint = TcpEndpoint(
            self, "Endpoint", network=network, domain_name="tls.example.com", hosted_zone=zone_of(self)
        )
        endpoint.add_listener("Tls", port=443, service=service, protocol=elbv2.Protocol.TLS)


class ApplicationMultiple(Stack):
    """ApplicationMultipleTargetGroupsFargateService."""

    def __init__(self, scope: Construct, id: str) -> None:
        """Two ports of a service, one by its path, behind a public and an internal load balancer."""
        super().__init__(scope, id)
        network = FixedEgressNetwork(self, "Network")
        service = FargateService(self, "Service", network=network, image=IMAGE, port={"http": 80, "admin": 90})
        public = HttpEndpoint(self, "Public", network=network, domain_name="api.example.com", hosted_zone=zone_of(self))
        internal = HttpEndpoint(self, "Internal", network=network, internal=True, allow_cidrs=["10.0.0.0/16"])
        public.add_route("Http", service=service)
        public.add_route("Admin", service=service, port="admin", paths=["/a/b/c"])
        internal.add_route("InternalAdmin", service=service, port="admin")


class NetworkMultiple(Stack):
    """NetworkMultipleTargetGroupsFargateService."""

    def __init__(self, scope: Construct, id: str) -> None:
        """Two ports of a service behind a public and an internal network load balancer."""
        super().__init__(scope, id)
        network = FixedEgressNetwork(self, "Network")
        service = FargateService(self, "Service", network=network, image=IMAGE, port={"http": 80, "admin": 90})
        public = TcpEndpoint(self, "Public", network=network, domain_name="tcp.example.com", hosted_zone=zone_of(self))
        internal = TcpEndpoint(self, "Internal", network=network, internal=True, allow_cidrs=["10.0.0.0/16"])
        public.add_listener("Http", port=80, service=service)
        internal.add_listener("Admin", port=90, service=service, target_port="admin")


class QueueProcessing(Stack):
    """QueueProcessingFargateService."""

    def __init__(self, scope: Construct, id: str) -> None:
        """A queue with its dead-letter queue, and tasks that follow the wait."""
        super().__init__(scope, id)
        QueueWorker(
            self,
            "Service",
            network=FixedEgressNetwork(self, "Network"),
            image=IMAGE,
            command=["-c", "4", "amazon.com"],
            environment={"TEST_ENVIRONMENT_VARIABLE1": "test environment variable 1 value"},
            message_duration=Duration.seconds(10),
            max_tasks=5,
            max_receive_count=20,
        )


class Scheduled(Stack):
    """ScheduledFargateTask."""

    def __init__(self, scope: Construct, id: str) -> None:
        """A task at a scheduled time, with an alarm if it fails."""
        super().__init__(scope, id)
        ScheduledTask(
            self,
            "Task",
            network=FixedEgressNetwork(self, "Network"),
            image=IMAGE,
            cpu=512,
            memory_limit_mib=1024,
            schedule=scheduler.ScheduleExpression.cron(minute="0", hour="3", time_zone=TimeZone.EUROPE_BERLIN),
        )


def build(app: App) -> None:
    """Add the stacks to an app."""
    for stack in (Application, Network, ApplicationMultiple, NetworkMultiple, QueueProcessing, Scheduled):
        stack(app, stack.__name__)


if __name__ == "__main__":
    app = App()
    build(app)
    app.synth()
