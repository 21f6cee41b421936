"""The app that `fargate-constructs prove` deploys: the parts of the example, disposable, in each state of a proof.

python -m fargate_constructs.proof_app FOLDER STACK BUCKET ──> FOLDER/first, FOLDER/second, FOLDER/broken
"""

import sys
from pathlib import Path

from aws_cdk import App, CfnOutput, DefaultStackSynthesizer, Duration, Stack
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from fargate_constructs.disposable import make_disposable
from fargate_constructs.endpoint.http_endpoint import HttpEndpoint
from fargate_constructs.logs.log_archive import LogArchive
from fargate_constructs.network.fixed_egress_network import FixedEgressNetwork
from fargate_constructs.service.fargate_service import FargateService
from fargate_constructs.service.scaling import Scaling

NGINX = "public.ecr.aws/nginx/nginx"
REDIS = "public.ecr.aws/docker/library/redis:7-alpine"
# The tag of the image of the service Web in each state. There is no image with the last one.
TAGS = {"first": "stable", "second": "stable", "broken": "no-such-tag-of-a-proof"}


class ProofStack(Stack):
    """The parts of the example. Its outputs are what the command asks AWS about.

    Args:
        scope: The app.
        id: The name of the stack.
        bucket: The name of the bucket with the code of functions. The account needs no bootstrap stack.
        state: A key of `TAGS`. Each has another task definition of the service Web.
    """

    def __init__(self, scope: Construct, id: str, *, bucket: str, state: str) -> None:
        synthesizer = DefaultStackSynthesizer(file_assets_bucket_name=bucket, generate_bootstrap_version_rule=False)
        super().__init__(scope, id, synthesizer=synthesizer)
        network = FixedEgressNetwork(self, "Network")
        archive = LogArchive(self, "LogArchive")
        endpoint = HttpEndpoint(self, "Endpoint", network=network, access_log_bucket=archive.access_log_bucket)
        image = f"{NGINX}:{TAGS[state]}"
        web = FargateService(
            self,
            "Web",
            network=network,
            image=ecs.ContainerImage.from_registry(image),
            environment={"PROOF_STATE": state},
        )
        api = FargateService(
            self,
            "Api",
            network=network,
            cluster=web.cluster,
            image=ecs.ContainerImage.from_registry(f"{NGINX}:stable"),
            cpu=512,
            memory_limit_mib=1024,
            scaling=Scaling(min=2, max=20),
        )
        api.add_sidecar(
            "cache",
            image=ecs.ContainerImage.from_registry(REDIS),
            health_check=ecs.HealthCheck(command=["CMD", "redis-cli", "ping"], interval=Duration.seconds(5)),
        )
        web.container.add_environment("API_URL", web.link_to(api))
        endpoint.add_route("Web", service=web)
        endpoint.add_route("Api", service=api, paths=["/api/*"])
        for service in (web, api):
            archive.add_log_group(service.log_group)
        assert archive.catalog is not None
        outputs = {
            "EndpointUrl": endpoint.url,
            "EgressIps": ",".join(network.egress_ips),
            "ArchiveBucket": archive.bucket.bucket_name,
            "Database": archive.catalog.database.database_name,
            "Workgroup": archive.catalog.workgroup.ref,
            "Cluster": web.cluster.cluster_name,
            "Service": web.service.service_name,
            "Container": web.container.container_name,
            "Image": image,
            "LogGroup": web.log_group.log_group_name,
            "TargetGroup": web.target_groups[0].target_group_arn,
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)
        make_disposable(self)


def write(folder: Path, stack: str, bucket: str) -> None:
    """Write the cloud assembly of each state into a folder of its own."""
    for state in TAGS:
        app = App(outdir=str(folder / state), context={"aws:cdk:enable-path-metadata": True})
        ProofStack(app, stack, bucket=bucket, state=state)
        app.synth()


if __name__ == "__main__":
    write(Path(sys.argv[1]), *sys.argv[2:])
