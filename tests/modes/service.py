"""Services."""

from aws_cdk import CfnParameter, Duration, Stack, Stage
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_efs as efs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm

from fargate_constructs import (
    AdoptedService,
    ArchiveFormat,
    AuditedCluster,
    Capacity,
    Deployment,
    FargateService,
    FireLens,
    Health,
    HttpEndpoint,
    LogArchive,
    PullThroughCache,
    QueueWorker,
    RestartPolicy,
    Rollback,
    Scaling,
    ServiceConnect,
)
from tests.modes.made_elsewhere import DOMAIN, IMAGE, answer_for, certificate_in, log_group_in, network_in, zone_in

ACCOUNT = "arn:aws:{}:eu-west-1:123456789012:{}"
IMPORTED_KEY = ACCOUNT.format("kms", "key/12345678-1234-1234-1234-123456789012")
# What is under that key.
KEYED_SECRETS = ("password-ABCDEF", "agent-ABCDEF")
KEYED_BUCKET = "sealed-files"
REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


def worker(stage: Stage) -> None:
    """No port; scaled by a queue, a schedule and memory, on Spot; with an alarm that rolls back."""
    stack = Stack(stage, "Test")
    queue = sqs.Queue.from_queue_arn(stack, "Queue", ACCOUNT.format("sqs", "orders"))
    worker = FargateService(
        stack,
        "Worker",
        network=network_in(stack),
        image=IMAGE,
        port=None,
        capacity=Capacity.spot(on_demand_base=1),
        scaling=Scaling(min=1, max=20, cpu_percent=None, memory_percent=70, scale_in_cooldown=Duration.minutes(10)),
        health=Health(command=["CMD", "true"]),
        log_driver_mode=ecs.AwsLogDriverMode.BLOCKING,
        multiline_pattern=r"^\d{4}-",
    )
    worker.scale_on_backlog("Orders", queue=queue, messages_per_task=100)
    worker.rollback_on(cloudwatch.Alarm.from_alarm_arn(stack, "Alarm", ACCOUNT.format("cloudwatch", "alarm:orders")))


def queues(stage: Stage) -> None:
    """Workers with a queue made here, with a FIFO queue under a key, and with one made elsewhere, to zero and not."""
    stack = Stack(stage, "Test")
    network = network_in(stack)
    ten_seconds, half_an_hour = Duration.seconds(10), Duration.minutes(30)
    orders = QueueWorker(
        stack,
        "Orders",
        network=network,
        image=IMAGE,
        message_duration=ten_seconds,
        acceptable_wait=half_an_hour,
        capacity=Capacity.spot(on_demand_base=0),
        scale_in_protection=True,
    )
    QueueWorker(
        stack,
        "Payments",
        network=network,
        image=IMAGE,
        cluster=orders.cluster,
        message_duration=ten_seconds,
        fifo=True,
        encryption_key=kms.Key(stack, "Key", enable_key_rotation=True),
    )
    QueueWorker(
        stack,
        "Returns",
        network=network,
        image=IMAGE,
        cluster=orders.cluster,
        message_duration=ten_seconds,
        queue=sqs.Queue.from_queue_attributes(
            stack, "Queue", queue_arn=ACCOUNT.format("sqs", "returns"), key_arn=IMPORTED_KEY
        ),
    )


def deployments(stage: Stage) -> None:
    """A service for each way of deploying, in a stack of its own, with a hook, and one that speaks gRPC."""
    stack, services = Stack(stage, "Test"), Stack(stage, "Services")
    network = network_in(stack)
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, domain_name=DOMAIN, hosted_zone=zone_in(stack))
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc)
    hook = lambda_.Function.from_function_arn(services, "Hook", ACCOUNT.format("lambda", "function:check"))
    for name, way in {
        "Rolling": Deployment.rolling(bake_time=Duration.minutes(5)),
        "BlueGreen": Deployment.blue_green(test_header=("x-version", "next")),
        "Canary": Deployment.canary(),
        "Linear": Deployment.linear(),
    }.items():
        service = FargateService(services, name, network=network, cluster=cluster, image=IMAGE, deployment=way)
        endpoint.add_route("Route", service=service, paths=[f"/{name}/*"])
        if way.test_header:
            service.add_lifecycle_hook("Check", handler=hook)
    workers = {
        "Recreated": (Scaling(min=1, max=1), Deployment.recreate()),
        "Off": (Scaling(min=0, max=0), Deployment.rolling(max_healthy_percent=150)),
    }
    for name, (scaling, way) in workers.items():
        FargateService(
            services,
            name,
            network=network,
            cluster=cluster,
            image=IMAGE,
            port=None,
            scaling=scaling,
            deployment=way,
        )
    rpc = FargateService(
        services,
        "Rpc",
        network=network,
        cluster=cluster,
        image=IMAGE,
        protocol=elbv2.ApplicationProtocol.HTTPS,
        protocol_version=elbv2.ApplicationProtocolVersion.GRPC,
        rollback=Rollback(error_percent=None),
    )
    endpoint.add_route("Route", service=rpc, paths=["/shop.Shop/*"])


def linked(stage: Stage) -> None:
    """Services that reach each other by name, encrypted, with sidecars, read-only, with secrets, of a private image."""
    stack = Stack(stage, "Test")
    network = network_in(stack)
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc)
    token = ssm.StringParameter.from_secure_string_parameter_attributes(stack, "Token", parameter_name="/token")
    password = secretsmanager.Secret.from_secret_complete_arn(
        stack, "Password", ACCOUNT.format("secretsmanager", "secret:password-abcdef")
    )
    web = FargateService(
        stack,
        "Web",
        network=network,
        cluster=cluster,
        image=ecs.ContainerImage.from_ecr_repository(ecr.Repository.from_repository_name(stack, "Images", "web")),
        cpu_architecture=ecs.CpuArchitecture.ARM64,
        environment={"STAGE": "prod"},
        secrets={
            "TOKEN": ecs.Secret.from_ssm_parameter(token),
            "PASSWORD": ecs.Secret.from_secrets_manager(password, "password"),
        },
        read_only=True,
        writable_paths=["/tmp"],  # noqa: S108 - in the container
        ephemeral_storage_gib=30,
    )
    web.add_sidecar("cache", image=IMAGE, health_check=ecs.HealthCheck(command=["CMD", "true"]))
    web.add_sidecar("settings", image=IMAGE, condition=ecs.ContainerDependencyCondition.SUCCESS)
    authority = acmpca.CertificateAuthority.from_certificate_authority_arn(
        stack, "Authority", ACCOUNT.format("acm-pca", "certificate-authority/12345678-1234-1234-1234-123456789012")
    )
    api = FargateService(
        stack,
        "Api",
        network=network,
        cluster=cluster,
        image=IMAGE,
        port={"http": 8080, "admin": 9000},
        service_connect=ServiceConnect.http(per_request_timeout=Duration.seconds(30), certificate_authority=authority),
    )
    web.container.add_environment("API_URL", web.link_to(api))


def sealed(stage: Stage) -> None:
    """All that a task reads before it starts, under keys: owned, imported and of another stack, by two roles."""
    base, stack = Stack(stage, "Base"), Stack(stage, "Test")
    network = network_in(stack)
    imported = kms.Key.from_key_arn(stack, "Key", IMPORTED_KEY)
    keys = [kms.Key(each, "OwnKey", enable_key_rotation=True) for each in (stack, base)]
    secrets = [secretsmanager.Secret(key.stack, "Secret", encryption_key=key) for key in keys]
    bucket = s3.Bucket(
        base,
        "Files",
        encryption_key=keys[1],
        enforce_ssl=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
    )
    answer_for(bucket, "AwsSolutions-S1", "S3BucketLoggingEnabled", "S3BucketReplicationEnabled")
    answer_for(bucket, "S3BucketVersioningEnabled")
    registry = secretsmanager.Secret(base, "Registry", encryption_key=keys[1])
    for secret in (*secrets, registry):
        answer_for(secret, "AwsSolutions-SMG4", "SecretsManagerRotationEnabled")
    password, other = (
        secretsmanager.Secret.from_secret_attributes(
            stack, name, secret_complete_arn=ACCOUNT.format("secretsmanager", f"secret:{name}"), encryption_key=imported
        )
        for name in KEYED_SECRETS
    )
    token = ssm.StringParameter.from_secure_string_parameter_attributes(
        stack, "Token", parameter_name="/sealed/token", encryption_key=imported
    )
    role = iam.Role.from_role_name(stack, "ExecutionRole", "SealedExecutionRole")
    answer_for(role, "IAMNoInlinePolicy")
    for name, execution_role in (("Made", None), ("Given", role)):
        web = FargateService(
            stack,
            name,
            network=network,
            image=ecs.ContainerImage.from_registry("registry.example.com/web:1", credentials=registry),
            execution_role=execution_role,
            log_group=logs.LogGroup(stack, f"{name}Lines", encryption_key=keys[0]),
            environment_files=[
                ecs.EnvironmentFile.from_bucket(bucket, "web.env"),
                ecs.EnvironmentFile.from_bucket(
                    s3.Bucket.from_bucket_attributes(
                        stack, f"{name}Files", bucket_name=KEYED_BUCKET, encryption_key=imported
                    ),
                    "settings/web.env",
                ),
            ],
            secrets={
                "PASSWORD": ecs.Secret.from_secrets_manager(password, "password"),
                "TOKEN": ecs.Secret.from_ssm_parameter(token),
                **{f"SECRET{number}": ecs.Secret.from_secrets_manager(each) for number, each in enumerate(secrets)},
            },
        )
        web.add_sidecar("agent", image=IMAGE, secrets={"KEY": ecs.Secret.from_secrets_manager(other)})


def files(stage: Stage) -> None:
    """File systems made elsewhere, for writing and for reading."""
    stack = Stack(stage, "Test")
    network = network_in(stack)
    web = FargateService(stack, "Web", network=network, image=IMAGE)
    for path in ("/data", "/settings"):
        name = path.removeprefix("/").title()
        shared = efs.FileSystem.from_file_system_attributes(
            stack, name, file_system_id="fs-0123456789abcdef0", security_group=group_in(stack, name)
        )
        web.mount_file_system(path, file_system=shared, read_only=path == "/settings")
    web.mount_s3_files("/objects", file_system_arn=ACCOUNT.format("s3files", "file-system/fs-0123456789abcdef0"))


def stores(stage: Stage) -> None:
    """Data stores of another stack and made elsewhere, from a group that lets nothing out by itself."""
    data, stack = Stack(stage, "Data"), Stack(stage, "Test")
    network = network_in(data)
    closed = ec2.SecurityGroup(data, "Closed", vpc=network.vpc, allow_all_outbound=False)
    store = ec2.SecurityGroup(data, "Store", vpc=network.vpc)
    database = rds.DatabaseInstance.from_database_instance_attributes(
        stack,
        "Database",
        instance_identifier="shop",
        instance_endpoint_address="shop.example.com",
        port=5432,
        security_groups=[group_in(stack, "Database")],
    )
    proxy_port = CfnParameter(stack, "Port", type="Number", default=5432).value_as_number
    for name, groups in (("Web", []), ("Api", [closed])):
        service = FargateService(stack, name, network=network, image=IMAGE, security_groups=groups)
        service.connect_to(store, port=ec2.Port.tcp_range(6379, 6380))
        service.connect_to(database)
        service.connect_to(group_in(stack, f"{name}Proxy"), port=int(proxy_port))


def own_key(stage: Stage) -> None:
    """Shells, their transcripts and the log encrypted with a key of the caller's."""
    stack = Stack(stage, "Test")
    network = network_in(stack)
    key = kms.Key(stack, "Key", enable_key_rotation=True)
    FargateService(
        stack,
        "Web",
        network=network,
        image=IMAGE,
        cluster=AuditedCluster(stack, "Cluster", vpc=network.vpc, encryption_key=key),
        log_group=logs.LogGroup(stack, "Lines", encryption_key=key),
    )


def given(stage: Stage) -> None:
    """A cluster that keeps transcripts in a bucket, a log group, roles and a security group made elsewhere."""
    stack = Stack(stage, "Test")
    network = network_in(stack)
    cluster = ecs.Cluster.from_cluster_attributes(
        stack,
        "Cluster",
        cluster_name="shared",
        vpc=network.vpc,
        execute_command_configuration=ecs.ExecuteCommandConfiguration(
            logging=ecs.ExecuteCommandLogging.OVERRIDE,
            log_configuration=ecs.ExecuteCommandLogConfiguration(
                s3_bucket=s3.Bucket.from_bucket_name(stack, "Transcripts", "transcripts"), s3_key_prefix="exec"
            ),
        ),
    )
    roles = [iam.Role.from_role_name(stack, name, name) for name in ("TaskRole", "ExecutionRole")]
    FargateService(
        stack,
        "Web",
        network=network,
        image=IMAGE,
        cluster=cluster,
        task_role=roles[0],
        execution_role=roles[1],
        log_group=logs.LogGroup.from_log_group_name(stack, "Lines", "/ecs/web"),
        security_groups=[group_in(stack, "Group")],
    )
    for role in roles:
        answer_for(role, "IAMNoInlinePolicy")


def clusters(stage: Stage) -> None:
    """Tasks on Spot by default, in a cluster with keys and more metrics, and in one of CDK's."""
    stack = Stack(stage, "Test")
    network = network_in(stack)
    spot = ecs.CapacityProviderStrategy(capacity_provider="FARGATE_SPOT", weight=1)
    plain = ecs.Cluster(
        stack,
        "Plain",
        vpc=network.vpc,
        enable_fargate_capacity_providers=True,
        container_insights_v2=ecs.ContainerInsights.ENABLED,
    )
    plain.add_default_capacity_provider_strategy([spot])
    audited = AuditedCluster(
        stack,
        "Cluster",
        vpc=network.vpc,
        capacity=Capacity.spot(),
        container_insights=ecs.ContainerInsights.ENHANCED,
        ephemeral_storage_key=kms.Key(stack, "Disks", enable_key_rotation=True),
        log_retention=logs.RetentionDays.TEN_YEARS,
    )
    for name, cluster in {"Web": audited, "Api": plain}.items():
        FargateService(stack, name, network=network, image=IMAGE, cluster=cluster)


def windows(stage: Stage) -> None:
    """On Windows."""
    stack = Stack(stage, "Test")
    FargateService(
        stack,
        "Web",
        network=network_in(stack),
        image=IMAGE,
        cpu=1024,
        memory_limit_mib=2048,
        operating_system_family=ecs.OperatingSystemFamily.WINDOWS_SERVER_2022_CORE,
    )


def routed_logs(stage: Stage) -> None:
    """Lines that go to an archive past CloudWatch."""
    stack = Stack(stage, "Test")
    lines = log_group_in(stack)
    archive = LogArchive(stack, "LogArchive", archive_format=ArchiveFormat.raw)
    router = archive.log_router(lines)
    FargateService(stack, "Web", network=network_in(stack), image=IMAGE, log_router=router)


def containers(stage: Stage) -> None:
    """Containers with all that Fargate lets them set."""
    stack = Stack(stage, "Test")
    web = FargateService(
        stack,
        "Web",
        network=network_in(stack),
        image=IMAGE,
        docker_labels={"team": "shop"},
        ulimits=[ecs.Ulimit(name=ecs.UlimitName.NOFILE, soft_limit=200_000, hard_limit=200_000)],
        restart_policy=RestartPolicy(ignored_exit_codes=[0]),
        start_timeout=Duration.seconds(60),
        add_capabilities=[ecs.Capability.SYS_PTRACE],
        drop_capabilities=[ecs.Capability.ALL],
        system_controls=[ecs.SystemControl(namespace="net.ipv4.tcp_keepalive_time", value="60")],
        pseudo_terminal=True,
        interactive=True,
        version_consistency=ecs.VersionConsistency.DISABLED,
        credential_specs=[
            ecs.DomainlessCredentialSpec.from_s3_bucket(
                s3.Bucket.from_bucket_name(stack, "Files", "files"), "shop.json"
            )
        ],
        memory_limit_mib=1024,
        log_router=FireLens.to(
            "splunk", options={"host": "splunk.example.com"}, secret_options={"splunk_token": token_in(stack)}
        ),
        pid_mode=ecs.PidMode.TASK,
        enable_fault_injection=True,
    )
    web.add_sidecar("proxy", image=PullThroughCache("hub").image("library/nginx:1"), restart_policy=RestartPolicy())
    web.add_opentelemetry()
    web.add_sidecar("agent", image=ecs.ContainerImage.from_registry(f"{REGISTRY}/agent:1"))


def token_in(stack: Stack) -> ecs.Secret:
    """Return a secret made elsewhere."""
    parameter = ssm.StringParameter.from_secure_string_parameter_attributes(stack, "Token", parameter_name="/token")
    return ecs.Secret.from_ssm_parameter(parameter)


def group_in(stack: Stack, name: str) -> ec2.ISecurityGroup:
    """Return a security group made elsewhere."""
    return ec2.SecurityGroup.from_security_group_id(stack, f"{name}Group", "sg-0123456789abcdef0")


def adopted(stage: Stage) -> None:
    """A service and an endpoint that were deployed by other code, in a cluster with capacity providers."""
    stack = Stack(stage, "Test")
    network = network_in(stack)
    endpoint = HttpEndpoint(
        stack,
        "Endpoint",
        network=network,
        certificate=certificate_in(stack),
        ssl_policy=elbv2.SslPolicy.RECOMMENDED_TLS,
        load_balancer_name="LB",
        security_group_description="Automatically created Security Group for ELB ShopWebLBB82B9142",
    )
    web = FargateService(
        stack,
        "Web",
        network=network,
        image=IMAGE,
        cluster=AuditedCluster(stack, "Cluster", vpc=network.vpc),
        capacity=Capacity.launch_type(),
        adopted=AdoptedService(
            deployment_controller=None,
            security_group_description="Shop/Web/Service/SecurityGroup",
            target_group_port=8080,
        ),
    )
    endpoint.add_route("Web", service=web)


MODES = {
    "worker": worker,
    "queues": queues,
    "deployments": deployments,
    "linked": linked,
    "sealed": sealed,
    "files": files,
    "stores": stores,
    "own-key": own_key,
    "given": given,
    "clusters": clusters,
    "windows": windows,
    "routed-logs": routed_logs,
    "containers": containers,
    "adopted": adopted,
}
