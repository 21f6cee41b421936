"""SST's example `aws-shared-alb`: two services share a load balancer, by path and by header.

SST's original (https://github.com/anomalyco/sst/tree/dev/examples/aws-shared-alb) puts tasks into public subnets with
public addresses, and numbers its rules by hand.
"""

from aws_cdk import App, CfnOutput, Duration, Stack
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from fargate_constructs import AuditedCluster, FargateService, FixedEgressNetwork, Health, HttpEndpoint

# In a project with a Dockerfile: ecs.ContainerImage.from_asset("api", platform=ecr_assets.Platform.LINUX_AMD64)
IMAGE = ecs.ContainerImage.from_registry("public.ecr.aws/docker/library/httpd:2.4-alpine")


class SharedLoadBalancer(Stack):
    """A network, a cluster, a load balancer, and two services behind it."""

    def __init__(self, scope: Construct, id: str) -> None:
        """Make them."""
        super().__init__(scope, id)
        network = FixedEgressNetwork(self, "Network")
        cluster = AuditedCluster(self, "Cluster", vpc=network.vpc)
        endpoint = HttpEndpoint(self, "SharedAlb", network=network)

        api = FargateService(
            self,
            "Api",
            network=network,
            cluster=cluster,
            image=IMAGE,
            health=Health(
                path="/api/health",
                interval=Duration.seconds(10),
                timeout=Duration.seconds(5),
                healthy_threshold_count=2,
                unhealthy_threshold_count=3,
            ),
        )
        web = FargateService(
            self, "Web", network=network, cluster=cluster, image=IMAGE, health=Health(path="/app/health")
        )
        internal = FargateService(self, "InternalApi", network=network, cluster=cluster, image=IMAGE)

        # No priorities: the route with a header is tried first, because it is the more specific one.
        endpoint.add_route("Api", service=api, paths=["/api/*"])
        endpoint.add_route("Web", service=web, paths=["/app/*"])
        endpoint.add_route("InternalApi", service=internal, paths=["/api/*"], headers={"x-internal": ["true"]})
        CfnOutput(self, "Url", value=endpoint.url)


def build(app: App) -> None:
    """Add the stacks to an app."""
    SharedLoadBalancer(app, "SharedAlb")


if __name__ == "__main__":
    app = App()
    build(app)
    app.synth()
