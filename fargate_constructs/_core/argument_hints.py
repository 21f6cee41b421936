"""Hints in messages: for a wrong or missing argument, for a name of CDK, and for an attribute.

A key is the name of a type or of an argument; `Health.command` is the argument of one class only.
"""

from collections.abc import Container

NAMED_PORT = "write the name that it has in FargateService(port={'smtp': 2525, 'http': 8080})"
OUR_SERVICE = "give one of this library's itself; CDK's own, such as its .service, are not taken"
# For a value of the wrong type. For other types, messages show members, constructors or fields.
VALUE_HINTS = {
    "Construct": "write the scope first, then the ID",
    "Health.command": "write command=['CMD-SHELL', '...']",
    "cpu": "1,024 are a vCPU",
    "memory_limit_mib": "1,024 are a GiB",
    "ContainerImage": "write ecs.ContainerImage.from_registry(...)",
    "Duration": "write Duration.seconds(...)",
    **dict.fromkeys(("expiration", "access_log_expiration", "result_expiration"), "write Duration.days(...)"),
    "FargateService": OUR_SERVICE,
    "FargateService.link_to.other": f"{OUR_SERVICE}; for a data store write connect_to(...)",
    "IAccessPoint": "import it by efs.AccessPoint.from_access_point_attributes(...)",
    "IAlarm": "import it by cloudwatch.Alarm.from_alarm_arn(...)",
    "IAlarmAction": "write cloudwatch_actions.SnsAction(topic)",
    "IApplicationListener": "import it by elbv2.ApplicationListener.from_lookup(...)",
    "INetworkLoadBalancer": "import it by elbv2.NetworkLoadBalancer.from_network_load_balancer_attributes(...)",
    **dict.fromkeys(("target_port", "health_check_port", "HttpEndpoint.add_route.port", "Health.port"), NAMED_PORT),
    "IBucket": "import it by s3.Bucket.from_bucket_name(...)",
    "IConnectable": "address ranges go to allow_cidrs",
    "ICertificate": "import it by acm.Certificate.from_certificate_arn(...)",
    "ICluster": "import it by ecs.Cluster.from_cluster_attributes(...)",
    "IFileSystem": "import it by efs.FileSystem.from_file_system_attributes(...)",
    "IHostedZone": "import it by route53.HostedZone.from_hosted_zone_attributes(...)",
    "other": "for a resource without `connections` write connect_to(security_group, port=6379) with its security group",
    "ScheduleExpression": 'write scheduler.ScheduleExpression.cron(minute="0", hour="3") or .rate(Duration.hours(1))',
    "ILogGroup": "import it by logs.LogGroup.from_log_group_name(...)",
    "IKey": "import it by kms.Key.from_key_arn(...)",
    "IQueue": "import it by sqs.Queue.from_queue_arn(...)",
    "IRole": "import it by iam.Role.from_role_arn(...)",
    "ISecurityGroup": "import it by ec2.SecurityGroup.from_security_group_id(...)",
    "ISubnet": "import it by ec2.Subnet.from_subnet_id(...)",
    "IVpc": "import it by ec2.Vpc.from_lookup(...)",
    "InstanceType": "write ec2.InstanceType('t4g.nano')",
    "LogRouter": "write archive.log_router(log_group) or FireLens.to(...)",
    "MutualAuthentication": "write elbv2.MutualAuthentication(mutual_authentication_mode=..., trust_store=...)",
    "Network": "make one of a VPC by FixedEgressNetwork.from_vpc(scope, id, vpc)",
    "Secret": "write ecs.Secret.from_secrets_manager(...) or ecs.Secret.from_ssm_parameter(...)",
    "SecretValue": "write SecretValue.secrets_manager(...)",
    "Stack": "of an app give each stack, and of a construct Stack.of(construct)",
}
# For an object of another class from which the expected type can be made: by that type, and by the object's class.
CONVERSION_HINTS = {
    "ContainerImage": {
        "RepositoryBase": "write ecs.ContainerImage.from_ecr_repository(repository, tag=...)",
        "DockerImageAsset": "write ecs.ContainerImage.from_docker_image_asset(asset)",
        "PullThroughCache": "write its image('library/nginx:1.29')",
    },
}
# For a secret in a mapping of texts: by the argument, the argument that takes secrets.
SECRET_ARGUMENTS = {"environment": "secrets", "options": "secret_options"}
# For a required argument that is missing.
MISSING_HINTS = {
    "network": "write network=FixedEgressNetwork(stack, 'Network'), or its from_vpc(stack, 'Network', vpc)",
    "image": "write image=ecs.ContainerImage.from_registry(...), .from_ecr_repository(...) or .from_asset(...)",
    "schedule": VALUE_HINTS["ScheduleExpression"].replace("write ", "write schedule="),
    "service": "write service=FargateService(...)",
    "AuditedCluster.vpc": "write vpc=network.vpc",
}
# For an attribute that another construct has.
OF_ENDPOINT = "callers reach a service through an endpoint; write endpoint."
OF_NETWORK = "tasks leave through their network; write network.egress_ips or network.vpc"
WAYS_TO_SCALE = ("scale_on_schedule", "scale_on_metric", "scale_to_track_custom_metric")
ATTRIBUTE_HINTS = {
    "FargateService": {
        **{name: f"{OF_ENDPOINT}{name}" for name in ("url", "load_balancer", "listener", "domain_name")},
        **dict.fromkeys(("dns_name", "load_balancer_dns_name"), f"{OF_ENDPOINT}load_balancer.load_balancer_dns_name"),
        **dict.fromkeys(("egress_ips", "vpc"), OF_NETWORK),
        **{name: f"write its .scalable_task_count.{name}" for name in WAYS_TO_SCALE},
    },
    "HttpEndpoint": {"dns_name": "write its .load_balancer.load_balancer_dns_name, or .url"},
}

# For a name of ecs_patterns or aws_ec2 that is not an argument here: by an argument of the class, and by CDK's name.
SCALE = "write scaling=Scaling(min=..., max=...)"
COOLDOWNS = "write scaling=Scaling(scale_in_cooldown=..., scale_out_cooldown=...)"
TASKS = "write min_tasks=... and max_tasks=..."
OWN_QUEUE = "write queue=sqs.Queue(...) for a queue of yours"
FAILURE = "a deployment that fails is always rolled back; write rollback=Rollback(...) to say when"
PERCENTAGES = "write deployment=Deployment.rolling({}=...)"
FRONT = "it faces the internet by default; write internal=True for one that is reached from within the VPC only"
DEPLOYMENT = "write deployment=Deployment.rolling(...), or another of its constructors"
OF_PORT = "the service says it for each port; write FargateService({}={{'admin': {}}})"
TASK_SUBNETS = "write network=FixedEgressNetwork.from_vpc(scope, id, vpc, task_subnets=[...])"
RESTART = "write restart_policy=RestartPolicy(...)"
# docs/containers.md has the sources.
NOT_ON_FARGATE = (
    *("privileged", "hostname", "extra_hosts", "gpu_count", "shared_memory_size", "dns_servers", "dns_search_domains"),
    *("disable_networking", "docker_security_options", "ipc_mode", "placement_constraints"),
)
CDK_HINTS = {
    "rewrite_path": {
        "target_port": "write port=... with the name of the port",
        **dict.fromkeys(("health", "health_check"), OF_PORT.format("health", "Health(path='/ready')")),
        "protocol_version": OF_PORT.format("protocol_version", "elbv2.ApplicationProtocolVersion.GRPC"),
    },
    "test_port": {"test_listener": "write test_port=... with a second port at the load balancer"},
    "scaling": {
        "desired_count": SCALE,
        "min_capacity": SCALE,
        "max_capacity": SCALE,
        "auto_scaling": SCALE,
        **dict.fromkeys(("cooldown", "scale_in_cooldown", "scale_out_cooldown"), COOLDOWNS),
    },
    "min_tasks": {
        **dict.fromkeys(("scaling", "desired_count", "desired_task_count", "min_capacity", "max_capacity"), TASKS),
        **dict.fromkeys(("min_scaling_capacity", "max_scaling_capacity"), TASKS),
        "scaling_steps": "it scales on message_duration=... and acceptable_wait=...; leave it out",
        "cooldown": "the times are fixed, so that the backlog does not swing; leave it out",
        **dict.fromkeys(("dead_letter_queue", "retention_period", "queue_name"), OWN_QUEUE),
        "port": "it takes messages, not requests; for both write FargateService(...) and its scale_on_backlog(...)",
    },
    "rollback": {
        "circuit_breaker": FAILURE,
        "deployment_alarms": "write rollback=Rollback(alarms=[...])",
        "enable_execute_command": "a shell can always be opened, by exec_command; leave it out",
    },
    "deployment": {
        "deployment_controller": f"ECS always deploys; {DEPLOYMENT}, or "
        "adopted=AdoptedService(deployment_controller=None) if the deployed template has none",
        "deployment_strategy": DEPLOYMENT,
        **{name: PERCENTAGES.format(name) for name in ("min_healthy_percent", "max_healthy_percent")},
        "lifecycle_hooks": "write service.add_lifecycle_hook(id, handler=...)",
        "availability_zone_rebalancing": "it is on, except with a max_healthy_percent of 100",
    },
    "health": {
        "health_check": "write health=Health(...), whose command is the container's check",
        "health_check_grace_period": "write health=Health(grace_period=...)",
        "deregistration_delay": "write health=Health(deregistration_delay=...)",
        "health_check_path": "write health=Health(path=...)",
        "health_check_port": "write health=Health(port=...) with the name of the port",
        "health_check_interval": "write health=Health(interval=...)",
        "health_check_timeout": "write health=Health(timeout=...)",
    },
    "image": {
        "task_definition": "the construct makes it from image=..., cpu=..., memory_limit_mib=... and others",
        "task_image_options": "write image=..., port=..., environment=... and others as arguments of the construct",
        "runtime_platform": "write cpu_architecture=... and operating_system_family=...",
        "logging": "write log_group=..., log_retention=... or log_router=...",
        "service_name": "CloudFormation names a service, and adopted=AdoptedService(service_name=...) keeps the "
        "name of a deployed one; name=... is that of its container, and of its links",
        "assign_public_ip": "tasks never have a public address; leave it out",
        "linux_parameters": "write init_process_enabled=..., add_capabilities=... or drop_capabilities=...",
        "tmpfs": "Fargate has none; write writable_paths=['/tmp']",
        "schedule": "write ScheduledTask(...), or for a service scalable_task_count.scale_on_schedule(...)",
        **dict.fromkeys(("enable_restart_policy", "restart_attempt_period", "restart_ignored_exit_codes"), RESTART),
        **dict.fromkeys(NOT_ON_FARGATE, "Fargate has no such thing; leave it out"),
    },
    "capacity": {
        "spot": "write capacity=Capacity.spot(...)",
        "capacity_provider_strategies": "write capacity=Capacity.spot(...) or capacity=Capacity.on_demand()",
        "launch_type": "it is always Fargate; write capacity=Capacity.spot(...) for Spot, or "
        "Capacity.launch_type() for a service that is deployed without capacity providers",
    },
    "container_insights": {
        "network": "write vpc=network.vpc",
        "container_insights_v2": "write container_insights=ecs.ContainerInsights.ENABLED",
        "enable_fargate_capacity_providers": "it has Fargate and Fargate Spot; leave it out",
        "cluster_name": "CloudFormation names it; leave it out",
        "execute_command_configuration": "it logs sessions; write encryption_key=... and log_retention=...",
        "managed_storage_configuration": "write ephemeral_storage_key=...",
    },
    "internal": {
        "vpc_subnets": "an endpoint is in the VPC's public subnets, and with internal=True in those of the tasks",
        "public_load_balancer": FRONT,
        "internet_facing": FRONT,
        "public": FRONT,
        "domain_zone": "write hosted_zone=...",
        "certificate_arn": "write certificate=acm.Certificate.from_certificate_arn(...)",
        "redirect_http": "HTTP is always redirected once there is a certificate; leave it out",
        "listener_port": "callers come to 443, or to 80 without a certificate; leave it out",
        "open_listener": "write allow_cidrs=[...] or allow_from=[...]",
    },
    "network": {
        "vpc": "write network=FixedEgressNetwork.from_vpc(scope, id, vpc)",
        "vpc_subnets": TASK_SUBNETS,
        "task_subnets": TASK_SUBNETS,
        "nat_gateways": "write network=FixedEgressNetwork(scope, id, egress=Egress.single()), or Egress.per_az()",
    },
    "egress": {
        "vpc": "for an existing VPC write FixedEgressNetwork.from_vpc(scope, id, vpc)",
        "nat_gateways": "write egress=Egress.single() for one, or Egress.per_az() for one in each zone",
        "nat_gateway_provider": "write egress=Egress.per_az(), or another of its constructors",
        "ip_addresses": "write cidr='10.0.0.0/16'",
    },
    "archive_format": {"catalog": "it makes one, its .catalog; leave it out"},
    "port": {
        "container_port": "write port=...",
        "port_mappings": "write port=..., or several by name: port={'http': 8080, 'admin': 9000}",
        "listener_port": "write port=... for that of the container; callers come to 443 or 80 of the endpoint",
    },
}


def hint_for_cdk_name(name: str, arguments: Container[str]) -> str | None:
    """Return the hint for a name of CDK, for a class with these arguments."""
    return next((hints[name] for key, hints in CDK_HINTS.items() if key in arguments and name in hints), None)
