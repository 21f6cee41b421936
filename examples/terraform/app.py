"""The example `complete` of terraform-aws-modules/terraform-aws-ecs, and the task of its example `fargate`.

The original (https://github.com/terraform-aws-modules/terraform-aws-ecs/tree/master/examples/complete) also makes an
Auto Scaling group of EC2 instances, on which none of its tasks runs. This library runs tasks on Fargate only.
"""

from aws_cdk import App, Duration, Stack, Tags
from aws_cdk import aws_applicationautoscaling as applicationautoscaling
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

from fargate_constructs import (
    AuditedCluster,
    Capacity,
    Deployment,
    Egress,
    FargateService,
    FireLens,
    FixedEgressNetwork,
    Health,
    HttpEndpoint,
    OneOffTask,
    RestartPolicy,
    ServiceConnect,
)

PORT = 3000
FRONTEND = ecs.ContainerImage.from_registry("public.ecr.aws/aws-containers/ecsdemo-frontend:776fd50")
AMAZON_LINUX = ecs.ContainerImage.from_registry("public.ecr.aws/amazonlinux/amazonlinux:2023-minimal")


class Complete(Stack):
    """A cluster half on Spot, and a service with log router, service discovery and linear deployments."""

    def __init__(self, scope: Construct, id: str) -> None:
        """Make the network, the cluster, the service and its load balancer."""
        super().__init__(scope, id)
        network = FixedEgressNetwork(self, "Network", max_azs=3, egress=Egress.single(keep_addresses=False))
        cluster = AuditedCluster(
            self, "Cluster", vpc=network.vpc, capacity=Capacity.spot(on_demand_base=20, on_demand_percent=50)
        )
        endpoint = HttpEndpoint(self, "Endpoint", network=network)

        frontend = FargateService(
            self,
            "Frontend",
            name="ecsdemo-frontend",
            network=network,
            cluster=cluster,
            image=FRONTEND,
            port={"ecsdemo-frontend": PORT},
            cpu=1024,
            memory_limit_mib=4096,
            health=Health(
                command=["CMD-SHELL", f"curl -f http://localhost:{PORT}/health || exit 1"],
                deregistration_delay=Duration.seconds(5),
            ),
            log_router=FireLens.to("stdout", options={"log-driver-buffer-limit": "2097152"}),
            restart_policy=RestartPolicy(ignored_exit_codes=[1], attempt_period=Duration.minutes(1)),
            deployment=Deployment.linear(step=20, interval=Duration.minutes(1)),
            service_connect=ServiceConnect.http(
                namespace=servicediscovery.HttpNamespace(self, "Namespace", name="ex-complete")
            ),
            # The original's role may read the whole account. Grant what a task needs: bucket.grant_read(frontend)
            task_role=iam.Role(
                self,
                "Tasks",
                assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"),
                description="Example tasks IAM role",
                max_session_duration=Duration.hours(2),
            ),
        )
        frontend.join_namespace()
        endpoint.add_route("Frontend", service=frontend)
        self._forecast(frontend)

        task = OneOffTask(
            self,
            "Standalone",
            network=network,
            cluster=cluster,
            image=AMAZON_LINUX,
            cpu_architecture=ecs.CpuArchitecture.ARM64,
            entry_point=["/usr/bin/sh", "-c"],
            command=["echo hello world"],
            writable_paths=["/var/www/ex-vol"],
        )
        Tags.of(task).add("TaskTag", "Tag on task level")
        Tags.of(self).add("Example", "ex-complete")

    def _forecast(self, service: FargateService) -> None:
        """Let Application Auto Scaling forecast the CPU that the service needs, and change nothing."""
        scaling = applicationautoscaling.CfnScalingPolicy
        policy = scaling(
            self,
            "Forecast",
            policy_name="forecast",
            policy_type="PredictiveScaling",
            service_namespace="ecs",
            scalable_dimension="ecs:service:DesiredCount",
            resource_id=f"service/{service.cluster.cluster_name}/{service.service.service_name}",
            predictive_scaling_policy_configuration=scaling.PredictiveScalingPolicyConfigurationProperty(
                mode="ForecastOnly",
                metric_specifications=[
                    scaling.PredictiveScalingMetricSpecificationProperty(
                        target_value=60,
                        predefined_metric_pair_specification=scaling.PredictiveScalingPredefinedMetricPairProperty(
                            predefined_metric_type="ECSServiceCPUUtilization"
                        ),
                    )
                ],
            ),
        )
        policy.node.add_dependency(service.scalable_task_count)


def build(app: App) -> None:
    """Add the stacks to an app."""
    Complete(app, "Complete")


if __name__ == "__main__":
    app = App()
    build(app)
    app.synth()
