"""Everything the pack asks, why, and what to change.

```
app ──> tasks, addresses, endpoint, logs, deployments ──> [rules] ──> findings
```
"""

from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple

from aws_cdk import PolicyViolatingResource, PolicyViolation
from cdk_nag import NagMessageLevel

from fargate_constructs.synthesized.intrinsics import unresolved_in
from fargate_constructs.synthesized.templates import Place

ERROR, WARNING, NOTE = NagMessageLevel.ERROR, NagMessageLevel.WARN, NagMessageLevel.INFO
SEVERITIES = {ERROR: "error", WARNING: "warning", NOTE: "info"}


class Rule(Enum):
    """A rule: how grave it is, why it is one, and how a plain CDK app follows it.

    An error fails the synthesis, a warning and a note do not. A value that only the deployment knows, such as a
    parameter or the outcome of an `Fn::If`, breaks no rule: a note says which rules hang on it.
    """

    PublicAddress = (
        ERROR,
        "A public address changes with each start, is on nobody's allow-list, and puts the task on the internet.",
        "Set assign_public_ip=False and run the tasks in subnets of ec2.SubnetType.PRIVATE_WITH_EGRESS.",
    )
    PublicSubnet = (
        WARNING,
        "An internet gateway serves public addresses only, so without one a task reaches nothing but VPC endpoints.",
        "Set vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS).",
    )
    UnknownEgress = (
        ERROR,
        "Nobody can keep an allow-list of addresses that AWS picks, or that go with the stack or a renamed subnet.",
        "Make each ec2.CfnEIP with RemovalPolicy.RETAIN, for ec2.NatProvider.gateway(eip_allocation_ids=[...]).",
    )
    Ipv6Egress = (
        WARNING,
        "To IPv6 hosts tasks leave from addresses of their own, past the NAT gateway and every allow-list of IPv4.",
        "Leave ip_protocol of the ec2.Vpc at ec2.IpProtocol.IPV4_ONLY, or give partners the VPC's IPv6 range as well.",
    )
    NoFixedEndpoint = (
        WARNING,
        "Each task has an address of its own, which ends with it, so callers have no address that stays.",
        "Add the service to a load balancer's target group, or set service_connect_configuration or cloud_map_options.",
    )
    NoLogs = (
        ERROR,
        "Fargate has no `docker logs`: what a container without a log driver writes is lost.",
        "Set logging=ecs.LogDrivers.aws_logs(...) in add_container.",
    )
    LogsStayInCloudWatch = (
        WARNING,
        "What is only in CloudWatch Logs ends with its retention, and no other tool can read it.",
        "Add a logs.SubscriptionFilter to the logs.LogGroup, or route the log by ecs.LogDrivers.firelens(...).",
    )
    LogsNeverExpire = (
        WARNING,
        "A log group without a retention keeps and bills each line for ever.",
        "Pass ecs.LogDrivers.aws_logs(log_group=logs.LogGroup(..., retention=logs.RetentionDays.ONE_MONTH)).",
    )
    LogsMayDrop = (
        WARNING,
        "Since June 2025 ECS drops lines by default, and tells nobody, when a buffer of 10 MiB is full.",
        "Choose: ecs.LogDrivers.aws_logs(mode=ecs.AwsLogDriverMode.BLOCKING), or NON_BLOCKING with a max_buffer_size.",
    )
    NoExec = (
        WARNING,
        "There is no host to log in to: without ECS Exec nobody can look into a running task.",
        "Set enable_execute_command=True of the ecs.FargateService.",
    )
    NoInitProcess = (
        WARNING,
        "Without an init process nobody reaps what a shell leaves behind, and it stays until the task ends.",
        "Set linux_parameters=ecs.LinuxParameters(..., init_process_enabled=True) in add_container.",
    )
    ExecCannotWrite = (
        WARNING,
        "ECS Exec's agent has to write, so it cannot open a shell where the root file system is read-only.",
        "Mount volumes at /var/lib/amazon and /var/log/amazon (add_volume, add_mount_points).",
    )
    NoIngress = (
        ERROR,
        "A load balancer finds no healthy target unless a security group of the tasks lets its checks and traffic in.",
        "Call service.connections.allow_from(load_balancer, ec2.Port.tcp(port)), for the health check's port, too.",
    )
    SlowHealthCheck = (
        WARNING,
        "A deployment waits until a new task has passed its first check, behind a Network Load Balancer its first few.",
        "Set interval=Duration.seconds(10) in elbv2.HealthCheck, and for a TCP group healthy_threshold_count=2.",
    )
    SlowDrain = (
        WARNING,
        "No deployment is faster than the target group lets old tasks go, which is 5 minutes by default.",
        "Set deregistration_delay=Duration.seconds(30) of the target group.",
    )
    NoCircuitBreaker = (
        ERROR,
        "Without a circuit breaker ECS starts tasks that fail again and again, for hours.",
        "Set circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True) of the ecs.FargateService.",
    )
    NoRollback = (
        WARNING,
        "A failed deployment that is not rolled back stays half done until somebody deploys again.",
        "Set circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True) of the ecs.FargateService.",
    )
    TooFewTasks = (
        WARNING,
        "Below 100 % healthy, of which CDK's default is 50, a deployment stops tasks before the new ones serve.",
        "Set min_healthy_percent=100 of the ecs.FargateService.",
    )
    LongBake = (
        WARNING,
        "Unless told, ECS keeps the old tasks of a deployment that shifts traffic for 36 hours, and the stack waits.",
        "Set bake_time=Duration.minutes(5) of the ecs.FargateService.",
    )
    CountReset = (
        ERROR,
        "Each deployment sets the count of tasks back to DesiredCount, whatever autoscaling has made of it.",
        "Leave desired_count out, and set min_capacity in auto_scale_task_count.",
    )
    ContainerLinks = (
        ERROR,
        "Fargate has no container links.",
        "Remove add_link: the containers of a task reach each other at localhost, and services by Service Connect.",
    )
    HostPorts = (
        ERROR,
        "On Fargate each task has a network interface of its own, so a host port cannot differ from the container's.",
        "Leave host_port out of ecs.PortMapping.",
    )
    NoSuchSize = (
        ERROR,
        "Fargate has certain pairs of CPU and memory only, and the deployment fails with any other.",
        "Set cpu and memory_limit_mib of the ecs.FargateTaskDefinition to a pair that it has.",
    )
    SecretInEnvironment = (
        ERROR,
        "Whoever may describe the task definition reads its environment, and each revision of it stays.",
        "Pass it by secrets={...: ecs.Secret.from_secrets_manager(...)} in add_container.",
    )
    Undecided = (
        NOTE,
        "Only the deployment, or another app, knows the value on which these rules hang.",
        "Write the value into the template, or check it yourself and acknowledge this note.",
    )

    @property
    def level(self) -> NagMessageLevel:
        """How grave it is."""
        return self.value[0]

    @property
    def why(self) -> str:
        """Why it is a rule."""
        return self.value[1]

    @property
    def fix(self) -> str:
        """How a plain CDK app follows it."""
        return self.value[2]


# All that a resource can break.
RULES = tuple(each for each in Rule if each is not Rule.Undecided)


class Finding(NamedTuple):
    """A resource that breaks a rule."""

    rule: Rule
    place: Place
    got: str
    part: str = ""
    """What of the resource, if one can be accepted without the others."""
    is_undecided: bool = False
    """Whether it could not be decided; *got* is then what it hangs on."""

    @property
    def id(self) -> str:
        """What it is acknowledged by, after the pack's name."""
        return f"{self.rule.name}[{self.part}]" if self.part else self.rule.name

    def violation(self, rule_name: str, path: str) -> PolicyViolation:
        """Return it as CDK reports it, at a construct's path."""
        return PolicyViolation(
            rule_name=rule_name,
            severity=SEVERITIES[self.rule.level],
            description=f"{self.rule.why} Got: {self.got}",
            fix=self.rule.fix,
            violating_resources=[PolicyViolatingResource(construct_path=path, locations=[])],
        )


def judge(
    rule: Rule,
    place: Place,
    got: str,
    *,
    broken: bool,
    **values: Any,  # noqa: ANN401 - pieces of a template
) -> Iterator[Finding]:
    """Yield a finding if a rule is broken, or a note if that cannot be decided.

    Args:
        rule: The rule.
        place: The resource.
        got: What breaks the rule.
        broken: Whether the rule is broken as far as the values are known.
        values: By property, the values of which an unresolved one could break the rule.
    """
    if broken:
        yield Finding(rule, place, got)
    else:
        yield from undecided(place, rule, **values)


def undecided(place: Place, /, *rules: Rule, **values: Any) -> Iterator[Finding]:  # noqa: ANN401 - pieces of a template
    """Yield a note for each rule if one of the values, by property, is unresolved."""
    unknown = [f"{name} {each}" for name, value in values.items() for each in unresolved_in(value)]
    if unknown:
        yield from (Finding(rule, place, ", ".join(unknown), is_undecided=True) for rule in rules)
