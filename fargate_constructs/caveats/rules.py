"""The rules of the pack: level, reason and fix of each; and the findings that resources break them."""

from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple

from fargate_constructs.synthesized.intrinsics import unresolved_in
from fargate_constructs.synthesized.templates import Place

ERROR, WARNING, NOTE = "error", "warning", "note"


class Rule(Enum):
    """A rule: its level, its reason, and how a plain CDK app follows it.

    An error fails the synthesis, a warning and a note do not. A value that only the deployment knows, such as a
    parameter or the result of an `Fn::If`, breaks no rule: a note names the rules that depend on it.
    """

    PublicAddress = (
        ERROR,
        "A task's public address changes at each start, is on no allow-list, and opens the task to the internet.",
        "Set assign_public_ip=False and run the tasks in subnets of ec2.SubnetType.PRIVATE_WITH_EGRESS.",
    )
    PublicSubnet = (
        WARNING,
        "An internet gateway serves public addresses only, so a task without one reaches VPC endpoints only.",
        "Set vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS).",
    )
    UnknownEgress = (
        ERROR,
        "Partners cannot allow-list addresses that AWS picks, or that are released with the stack or a renamed subnet.",
        "Make each ec2.CfnEIP with RemovalPolicy.RETAIN, for ec2.NatProvider.gateway(eip_allocation_ids=[...]).",
    )
    Ipv6Egress = (
        WARNING,
        "Tasks reach IPv6 hosts from their own IPv6 addresses, so a NAT gateway and IPv4 allow-lists do not apply.",
        "Set ip_protocol=ec2.IpProtocol.IPV4_ONLY in the ec2.Vpc, or give partners the VPC's IPv6 range, too.",
    )
    NoFixedEndpoint = (
        WARNING,
        "A task's address ends with the task, so callers have no address that stays.",
        "Add the service to a load balancer's target group, or set service_connect_configuration or cloud_map_options.",
    )
    NoLogs = (
        ERROR,
        "Fargate has no `docker logs`: the output of a container without a log driver is lost.",
        "Set logging=ecs.LogDrivers.aws_logs(...) in add_container.",
    )
    LogsStayInCloudWatch = (
        WARNING,
        "CloudWatch Logs deletes lines at the end of their retention, and other tools cannot read them there.",
        "Add a logs.SubscriptionFilter to the logs.LogGroup, or route the log by ecs.LogDrivers.firelens(...).",
    )
    LogsNeverExpire = (
        WARNING,
        "A log group without a retention keeps and bills each line forever.",
        "Pass ecs.LogDrivers.aws_logs(log_group=logs.LogGroup(..., retention=logs.RetentionDays.ONE_MONTH)).",
    )
    LogsMayDrop = (
        WARNING,
        "Since June 2025 ECS by default drops lines without a message when a buffer of 10 MiB is full.",
        "Pass ecs.LogDrivers.aws_logs(mode=ecs.AwsLogDriverMode.BLOCKING), or NON_BLOCKING with a max_buffer_size.",
    )
    NoExec = (
        WARNING,
        "Fargate has no host to log in to, so ECS Exec is the only way to open a shell in a running task.",
        "Set enable_execute_command=True in the ecs.FargateService.",
    )
    NoInitProcess = (
        WARNING,
        "Without an init process the processes that a shell leaves behind stay until the task ends.",
        "Set linux_parameters=ecs.LinuxParameters(..., init_process_enabled=True) in add_container.",
    )
    ExecCannotWrite = (
        WARNING,
        "ECS Exec's agent must write files, so it cannot open a shell if the root file system is read-only.",
        "Mount volumes at /var/lib/amazon and /var/log/amazon (add_volume, add_mount_points).",
    )
    NoIngress = (
        ERROR,
        "A load balancer finds no healthy target unless a security group of the tasks allows its checks and traffic.",
        "Call service.connections.allow_from(load_balancer, ec2.Port.tcp(port)), for the health check's port, too.",
    )
    SlowHealthCheck = (
        WARNING,
        "A deployment waits until a new task has passed its first check (the first few, with a Network Load Balancer).",
        "Set interval=Duration.seconds(10) in elbv2.HealthCheck, and for a TCP group healthy_threshold_count=2.",
    )
    SlowDrain = (
        WARNING,
        "Old tasks run until the target group has drained them, which takes up to 5 minutes by default.",
        "Set deregistration_delay=Duration.seconds(30) in the target group (120 with a Network Load Balancer).",
    )
    NoCircuitBreaker = (
        ERROR,
        "Without a circuit breaker ECS starts failing tasks again and again for hours.",
        "Set circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True) in the ecs.FargateService.",
    )
    NoRollback = (
        WARNING,
        "A failed deployment without a rollback stays half done until the next deployment.",
        "Set circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True) in the ecs.FargateService.",
    )
    TooFewTasks = (
        WARNING,
        "Below 100 % (CDK's default is 50 %) a deployment stops old tasks before the new ones are healthy.",
        "Set min_healthy_percent=100 in the ecs.FargateService.",
    )
    LongBake = (
        WARNING,
        "By default ECS keeps the old tasks of a deployment that shifts traffic for 36 hours, and the stack waits.",
        "Set bake_time=Duration.minutes(5) in the ecs.FargateService.",
    )
    CountReset = (
        ERROR,
        "Each deployment sets the number of tasks back to DesiredCount and so undoes what autoscaling has done.",
        "Leave desired_count out, and set min_capacity in auto_scale_task_count.",
    )
    ContainerLinks = (
        ERROR,
        "Fargate has no container links.",
        "Remove add_link: the containers of a task reach each other at localhost, and services by Service Connect.",
    )
    HostPorts = (
        ERROR,
        "On Fargate each task has its own network interface, so the host port must equal the container port.",
        "Leave host_port out of ecs.PortMapping.",
    )
    NoSuchSize = (
        ERROR,
        "Fargate has certain pairs of CPU and memory only, and the deployment fails with other pairs.",
        "Set cpu and memory_limit_mib of the ecs.FargateTaskDefinition to a pair that Fargate has.",
    )
    SecretInEnvironment = (
        ERROR,
        "Everyone who may describe the task definition can read its environment, and each revision stays.",
        "Pass it by secrets={...: ecs.Secret.from_secrets_manager(...)} in add_container.",
    )
    Undecided = (
        NOTE,
        "These rules depend on a value that only the deployment or another app knows.",
        "Write the value into the template, or check it yourself and acknowledge this note.",
    )

    @property
    def level(self) -> str:
        """`error`, `warning` or `note`."""
        return self.value[0]

    @property
    def why(self) -> str:
        """The reason."""
        return self.value[1]

    @property
    def fix(self) -> str:
        """How a plain CDK app follows it."""
        return self.value[2]


# The rules that a resource can break.
RULES = tuple(each for each in Rule if each is not Rule.Undecided)


class Finding(NamedTuple):
    """A resource that breaks a rule."""

    rule: Rule
    place: Place
    got: str
    part: str = ""
    """The part of the resource, if it can be acknowledged alone."""
    is_undecided: bool = False
    """Whether it could not be decided; *got* then has the unresolved values."""

    @property
    def id(self) -> str:
        """Its ID for an acknowledgment, after the pack's name."""
        return f"{self.rule.name}[{self.part}]" if self.part else self.rule.name


def judge(
    rule: Rule,
    place: Place,
    got: str,
    *,
    broken: bool,
    **values: Any,  # noqa: ANN401 - pieces of a template
) -> Iterator[Finding]:
    """Yield a finding if a rule is broken, or a note if one of the values, by property, is unresolved."""
    if broken:
        yield Finding(rule, place, got)
    else:
        yield from undecided(place, rule, **values)


def undecided(place: Place, /, *rules: Rule, **values: Any) -> Iterator[Finding]:  # noqa: ANN401 - pieces of a template
    """Yield a note for each rule if one of the values, by property, is unresolved."""
    unknown = [f"{name} {each}" for name, value in values.items() for each in unresolved_in(value)]
    if unknown:
        yield from (Finding(rule, place, ", ".join(unknown), is_undecided=True) for rule in rules)
