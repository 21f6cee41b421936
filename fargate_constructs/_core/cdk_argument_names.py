"""CDK's usual names of what has another shape here.

```
a team's code ── [a name of ecs_patterns or ec2] ──> what to write instead
```
"""

from collections.abc import Container

SCALE = "write scaling=Scaling(min=..., max=...)"
FAILURE = "a deployment that fails is always rolled back; write rollback=Rollback(...) to say when"
RANGE = "a deployment always runs 100 to 200 % of the tasks"
FRONT = "it faces the internet by default; write internal=True for one that is reached from within the VPC only"

# By an argument of whatever the name is used for: what the name stands for, and what to write.
CDK_NAMES = {
    "scaling": {
        "desired_count": SCALE,
        "min_capacity": SCALE,
        "max_capacity": SCALE,
        "auto_scaling": SCALE,
    },
    "rollback": {
        "circuit_breaker": FAILURE,
        "deployment_alarms": "write rollback=Rollback(alarms=[...])",
        "min_healthy_percent": RANGE,
        "max_healthy_percent": RANGE,
        "enable_execute_command": "a shell can always be opened, by exec_command; leave it out",
    },
    "deployment": {
        "deployment_controller": "ECS always deploys; write deployment=Deployment.rolling(...), or another of its ways",
        "deployment_strategy": "write deployment=Deployment.rolling(...), or another of its ways",
    },
    "health": {
        "health_check": "write health=Health(...), whose command is the container's check",
        "health_check_grace_period": "write health=Health(grace_period=...)",
        "deregistration_delay": "write health=Health(deregistration_delay=...)",
        "health_check_path": "write health=Health(path=...)",
        "health_check_interval": "write health=Health(interval=...)",
        "health_check_timeout": "write health=Health(timeout=...)",
    },
    "image": {
        "task_definition": "it is made here, of image=..., cpu=..., memory_limit_mib=... and the like",
        "task_image_options": "write image=..., port=..., environment=... and the like themselves",
        "runtime_platform": "write cpu_architecture=... and operating_system_family=...",
        "logging": "write log_group=..., log_retention=... or log_router=...",
        "service_name": "CloudFormation names a service; name=... is that of its container, and of its links",
        "assign_public_ip": "tasks never have a public address; leave it out",
    },
    "capacity": {
        "spot": "write capacity=Capacity.spot(...)",
        "capacity_provider_strategies": "write capacity=Capacity.spot(...) or capacity=Capacity.on_demand()",
        "launch_type": "it is always Fargate; write capacity=Capacity.spot(...) for Spot",
    },
    "internal": {
        "vpc_subnets": "an endpoint stands in the VPC's public subnets; with internal=True in those of the tasks",
        "public_load_balancer": FRONT,
        "internet_facing": FRONT,
        "public": FRONT,
        "domain_zone": "write hosted_zone=...",
        "certificate_arn": "write certificate=acm.Certificate.from_certificate_arn(...)",
        "redirect_http": "HTTP is always redirected once there is a certificate; leave it out",
        "ssl_policy": "it is always TLS 1.2 and 1.3; leave it out",
        "listener_port": "callers come to 443, or to 80 without a certificate; leave it out",
        "open_listener": "write allow_cidrs=[...] or allow_from=[...]",
    },
    "network": {
        "vpc": "write network=FixedEgressNetwork.from_vpc(scope, id, vpc)",
        "vpc_subnets": "write network=FixedEgressNetwork.from_vpc(scope, id, vpc, task_subnets=[...])",
        "task_subnets": "write network=FixedEgressNetwork.from_vpc(scope, id, vpc, task_subnets=[...])",
        "nat_gateways": "write network=FixedEgressNetwork(scope, id, egress=Egress.single()), or Egress.per_az()",
    },
    "egress": {
        "vpc": "for one that exists write FixedEgressNetwork.from_vpc(scope, id, vpc)",
        "nat_gateways": "write egress=Egress.single() for one, or Egress.per_az() for one in each zone",
        "nat_gateway_provider": "write egress=Egress.per_az(), or another of its ways",
        "ip_addresses": "write cidr='10.0.0.0/16'",
    },
    "port": {
        "container_port": "write port=...",
        "port_mappings": "write port=..., or several by name: port={'http': 8080, 'admin': 9000}",
        "listener_port": "write port=... for that of the container; callers come to 443 or 80 of the endpoint",
    },
}


def instead_of(name: str, arguments: Container[str]) -> str | None:
    """Return what to write where one of CDK's names was written, if it is one of what has these arguments."""
    return next((names[name] for argument, names in CDK_NAMES.items() if argument in arguments and name in names), None)
