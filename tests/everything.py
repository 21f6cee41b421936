"""An app with every part in other modes. Its template must be the same in each process and in each order.

Run as a program, it prints its template.
"""

import json
import sys
from collections.abc import Callable

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_efs as efs
from aws_cdk import aws_scheduler as scheduler

from fargate_constructs import (
    AuditedCluster,
    Delivery,
    Deployment,
    Egress,
    FargateService,
    FixedEgressNetwork,
    HttpEndpoint,
    LogArchive,
    OneOffTask,
    QueueWorker,
    ScheduledTask,
    TcpEndpoint,
    WebAcl,
)
from tests.modes.made_elsewhere import network_in

IMAGE = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
NIGHTLY = scheduler.ScheduleExpression.cron(hour="3", minute="0")


class Everything(Stack):
    """Buffered delivery, fixed addresses, a file system, jobs, a worker, links, and a service of each way to deploy.

    What does not need each other is made in one order, or in its reverse.
    """

    def __init__(self, scope: App, name: str, *, is_reversed: bool = False) -> None:
        """Make what others need first, then what uses it, then connect."""
        super().__init__(scope, name)

        def each(*steps: Callable[[], object]) -> None:
            for step in reversed(steps) if is_reversed else steps:
                step()

        each(self._make_network, self._make_archive)
        each(self._make_cluster, self._make_endpoint, self._make_files)
        each(
            lambda: self._make_service("Web", Deployment.blue_green(), cpu=512),
            lambda: self._make_service("Api", Deployment.canary()),
            lambda: self._make_service("Shop", Deployment.rolling()),
            self._make_job,
            self._make_worker,
            self._make_migration,
        )
        each(
            lambda: self.endpoint.add_route("Web", service=self.service("Web")),
            lambda: self.endpoint.add_route("Api", service=self.service("Api"), paths=["/api/*", "/v1/*"]),
            lambda: self.endpoint.add_route("Shop", service=self.service("Shop"), hosts=["shop.example.com"]),
            lambda: self.service("Web").link_to(self.service("Api")),
            lambda: self.service("Web").link_to(self.service("Shop")),
            lambda: self.service("Shop").mount_file_system("/data", file_system=self.files),
            lambda: self.migration.run_before(self.service("Shop")),
            *(
                lambda name=name: self.archive.add_log_group(self.service(name).log_group)
                for name in ("Web", "Api", "Shop")
            ),
        )

    def service(self, name: str) -> FargateService:
        """Return one of the services."""
        service = self.node.find_child(name)
        assert isinstance(service, FargateService)
        return service

    def _make_network(self) -> None:
        self.network = FixedEgressNetwork(self, "Network", cidr="10.8.0.0/16")

    def _make_archive(self) -> None:
        self.archive = LogArchive(self, "LogArchive", delivery=Delivery.buffered())

    def _make_cluster(self) -> None:
        self.cluster = AuditedCluster(self, "Cluster", vpc=self.network.vpc)

    def _make_endpoint(self) -> None:
        self.endpoint = HttpEndpoint(
            self, "Endpoint", network=self.network, static_ips=True, web_acl=WebAcl.managed(rate_limit=1000)
        )

    def _make_files(self) -> None:
        group = ec2.SecurityGroup.from_security_group_id(self, "FilesSecurityGroup", "sg-0123456789abcdef0")
        self.files = efs.FileSystem.from_file_system_attributes(
            self, "Files", file_system_id="fs-0123456789abcdef0", security_group=group
        )

    def _make_service(self, name: str, deployment: Deployment, cpu: int = 256) -> None:
        FargateService(
            self,
            name,
            network=self.network,
            cluster=self.cluster,
            image=IMAGE,
            deployment=deployment,
            cpu=cpu,
            memory_limit_mib=1024,
            environment={"B": "2", "A": "1"},
        )

    def _make_job(self) -> None:
        ScheduledTask(self, "Report", network=self.network, cluster=self.cluster, image=IMAGE, schedule=NIGHTLY)

    def _make_worker(self) -> None:
        ten_seconds = Duration.seconds(10)
        QueueWorker(
            self, "Orders", network=self.network, cluster=self.cluster, image=IMAGE, message_duration=ten_seconds
        )

    def _make_migration(self) -> None:
        self.migration = OneOffTask(self, "Migration", network=self.network, cluster=self.cluster, image=IMAGE)


class WayOut(Stack):
    """A network whose tasks leave by one way."""

    def __init__(
        self, scope: App, name: str, egress: Egress, ip_protocol: ec2.IpProtocol = ec2.IpProtocol.IPV4_ONLY
    ) -> None:
        super().__init__(scope, name)
        FixedEgressNetwork(self, "Network", egress=egress, ip_protocol=ip_protocol)


class Mail(Stack):
    """A service at fixed addresses."""

    def __init__(self, scope: App, name: str) -> None:
        super().__init__(scope, name)
        network = network_in(self)
        endpoint = TcpEndpoint(self, "Endpoint", network=network)
        service = FargateService(self, "Smtp", network=network, image=IMAGE, port=2525)
        endpoint.add_listener("Smtp", port=25, service=service)


if __name__ == "__main__":
    app = App()
    Everything(app, "Everything")
    sys.stdout.write(json.dumps(app.synth().get_stack_by_name("Everything").template))
