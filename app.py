"""The example: two services on one endpoint, a link between them, fixed egress and archived logs.

It synthesizes without an account, credentials or a network. With `-c domain_name=… -c hosted_zone_id=…` it serves
HTTPS.
"""

from aws_cdk import App, CfnOutput, Duration, Stack, Validations
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_route53 as route53
from constructs import Construct

from fargate_constructs import Deployment, FargateService, FixedEgressNetwork, HttpEndpoint, LogArchive, Scaling

NGINX = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
REDIS = ecs.ContainerImage.from_registry("public.ecr.aws/docker/library/redis:7-alpine")


class Example(Stack):
    """Two services behind one endpoint; *deployment* is the strategy of the web's deployments."""

    def __init__(self, scope: Construct, id: str, *, deployment: Deployment | None = None) -> None:
        """Make network, archive and endpoint, and then the services that use them."""
        super().__init__(scope, id)
        domain_name = self.node.try_get_context("domain_name")
        zone_id = self.node.try_get_context("hosted_zone_id")

        network = FixedEgressNetwork(self, "Network")
        archive = LogArchive(self, "LogArchive")
        endpoint = HttpEndpoint(
            self,
            "Endpoint",
            network=network,
            access_log_bucket=archive.access_log_bucket,
            domain_name=domain_name,
            hosted_zone=route53.HostedZone.from_hosted_zone_id(self, "Zone", zone_id) if zone_id else None,
        )

        web = FargateService(self, "Web", network=network, image=NGINX, deployment=deployment)
        api = FargateService(
            self,
            "Api",
            network=network,
            cluster=web.cluster,
            image=NGINX,
            cpu=512,
            memory_limit_mib=1024,
            scaling=Scaling(min=2, max=20),
        )
        api.add_sidecar(
            "cache",
            image=REDIS,
            health_check=ecs.HealthCheck(command=["CMD", "redis-cli", "ping"], interval=Duration.seconds(5)),
        )
        web.container.add_environment("API_URL", web.link_to(api))

        endpoint.add_route("Web", service=web)
        endpoint.add_route("Api", service=api, paths=["/api/*"])

        for service in (web, api):
            archive.add_log_group(service.log_group)
            CfnOutput(self, f"{service.node.id}ExecCommand", value=service.exec_command)
            CfnOutput(self, f"{service.node.id}LogsCommand", value=service.logs_command)

        CfnOutput(self, "EndpointUrl", value=endpoint.url)
        CfnOutput(self, "EgressIps", value=",".join(network.egress_ips))
        CfnOutput(self, "ArchiveBucket", value=archive.bucket.bucket_name)


if __name__ == "__main__":
    # Audits are a matter of the app. They need cdk-nag 3, and a test that imports the stack may have version 2.
    from cdk_nag import AwsSolutionsChecks

    from fargate_constructs.caveats import FargateCaveats

    app = App()
    Example(app, "Example")
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), FargateCaveats(app))
    app.synth()
