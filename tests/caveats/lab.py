"""A service that has no caveat, in plain CDK, for tests that give it one."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import cache
from typing import Any

from aws_cdk import App, CfnResource, Stack
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk.assertions import Template
from constructs import IConstruct

from fargate_constructs.caveats import FargateCaveats
from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.pack import findings_of
from fargate_constructs.caveats.rules import Finding
from fargate_constructs.synthesized.template_files import Source
from fargate_constructs.synthesized.templates import Templates

IMAGE = "public.ecr.aws/nginx/nginx:stable"


class Lab:
    """A service behind a target group, a schedule, and all they use, in L1s and without a caveat."""

    def __init__(self, stack: Stack) -> None:
        """Make them."""
        self.stack = stack
        self.log_group = logs.CfnLogGroup(stack, "LogGroup", retention_in_days=30)
        self.subscription = logs.CfnSubscriptionFilter(
            stack,
            "Subscription",
            log_group_name=self.log_group.ref,
            filter_pattern="",
            destination_arn="arn:aws:firehose:eu-west-1:123456789012:deliverystream/logs",
        )
        self.definition = self.task_definition("Definition")
        self.security_group = ec2.CfnSecurityGroup(stack, "SecurityGroup", group_description="tasks", vpc_id="vpc-1")
        ec2.CfnSecurityGroupIngress(
            stack,
            "Ingress",
            group_id=self.security_group.attr_group_id,
            source_security_group_id="sg-1",
            ip_protocol="tcp",
            from_port=80,
            to_port=80,
        )
        self.target_group = elbv2.CfnTargetGroup(
            stack,
            "TargetGroup",
            target_type="ip",
            protocol="HTTP",
            port=80,
            vpc_id="vpc-1",
            health_check_interval_seconds=10,
            healthy_threshold_count=2,
            target_group_attributes=[
                {"key": "stickiness.enabled", "value": "false"},
                {"key": "deregistration_delay.timeout_seconds", "value": "30"},
            ],
        )
        self.service = ecs.CfnService(
            stack,
            "Service",
            cluster="cluster",
            launch_type="FARGATE",
            task_definition=self.definition.ref,
            enable_execute_command=True,
            network_configuration={
                "awsvpcConfiguration": {
                    "assignPublicIp": "DISABLED",
                    "subnets": ["subnet-1"],
                    "securityGroups": [self.security_group.attr_group_id],
                }
            },
            load_balancers=[
                {"containerName": "web", "containerPort": 80, "targetGroupArn": self.target_group.ref},
            ],
            deployment_configuration={
                "minimumHealthyPercent": 100,
                "maximumPercent": 200,
                "deploymentCircuitBreaker": {"enable": True, "rollback": True},
            },
        )
        self.scalable_target = autoscaling.CfnScalableTarget(
            stack,
            "ScalableTarget",
            service_namespace="ecs",
            scalable_dimension="ecs:service:DesiredCount",
            resource_id=f"service/cluster/{self.service.attr_name}",
            min_capacity=2,
            max_capacity=4,
        )
        self.schedule = scheduler.CfnSchedule(
            stack,
            "Schedule",
            flexible_time_window={"mode": "OFF"},
            schedule_expression="rate(1 hour)",
            target={
                "arn": "arn:aws:ecs:eu-west-1:123456789012:cluster/cluster",
                "roleArn": "arn:aws:iam::123456789012:role/scheduler",
                "ecsParameters": {
                    "launchType": "FARGATE",
                    "taskDefinitionArn": self.definition.ref,
                    "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
                },
            },
        )

    def task_definition(self, id: str) -> ecs.CfnTaskDefinition:  # noqa: A002 - as in CDK
        """Make a task definition that logs to the log group."""
        return ecs.CfnTaskDefinition(
            self.stack,
            id,
            cpu="256",
            memory="512",
            network_mode="awsvpc",
            requires_compatibilities=["FARGATE"],
            container_definitions=[
                {
                    "name": "web",
                    "image": IMAGE,
                    "portMappings": [{"containerPort": 80}],
                    "linuxParameters": {"initProcessEnabled": True},
                    "logConfiguration": {
                        "logDriver": "awslogs",
                        "options": {
                            "awslogs-group": self.log_group.ref,
                            "awslogs-region": "eu-west-1",
                            "awslogs-stream-prefix": "web",
                            "mode": "non-blocking",
                            "max-buffer-size": "25m",
                        },
                    },
                }
            ],
        )

    def override(self, resource: str, path: str, value: Any) -> None:  # noqa: ANN401 - a piece of a template
        """Write a property of a resource as the template shall have it; `None` removes it."""
        element = self.stack.node.find_child(resource)
        assert isinstance(element, CfnResource)
        if value is None:
            element.add_property_deletion_override(path)
        else:
            element.add_property_override(path, value)


def findings_in(scope: IConstruct) -> list[tuple[str, str, str]]:
    """Return what the pack finds at and below a construct: each rule without the pack's name, path and description.

    Notes of what could not be decided are left out.
    """
    return [
        (violation.rule_name.removeprefix("FargateCaveats-"), str(resource.construct_path), violation.description)
        for violation in FargateCaveats().validate_scope(scope).violations
        if violation.severity != "info"
        for resource in violation.violating_resources
    ]


class TemplateLab:
    """The same as a template alone, which takes no synthesis to change and to judge."""

    def __init__(self) -> None:
        """Copy it."""
        self.template = deepcopy(_template())

    def override(self, resource: str, path: str, value: Any) -> None:  # noqa: ANN401 - a piece of a template
        """Write a property of a resource; `None` removes it."""
        *parents, last = path.split(".")
        at: Any = self.template["Resources"][resource]["Properties"]
        for key in parents:
            at = at[int(key)] if isinstance(at, list) else at.setdefault(key, {})
        if isinstance(at, list):
            at[int(last) : int(last) + 1] = [value]
        elif value is None:
            at.pop(last, None)
        else:
            at[last] = value

    def add(self, logical_id: str, type_: str, **properties: Any) -> None:  # noqa: ANN401 - a piece of a template
        """Add a resource."""
        self.template["Resources"][logical_id] = {"Type": type_, "Properties": properties}

    def remove(self, logical_id: str) -> None:
        """Remove a resource."""
        del self.template["Resources"][logical_id]

    def findings(self) -> list[Finding]:
        """Return what is found, and what could not be decided."""
        return findings_in_templates({"Lab": self.template})


@cache
def _template() -> dict[str, Any]:
    stack = Stack(App(), "Lab")
    Lab(stack)
    return dict(Template.from_stack(stack).to_json())


@cache
def _stack(name: str) -> Stack:
    return Stack(App(), name)


def findings_in_templates(templates: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """Return what is found in templates by their stacks' names, and what could not be decided."""
    app = FargateApp(Templates(Source(_stack(name), template) for name, template in templates.items()))
    return [finding for findings in findings_of(app).values() for finding in findings]


def rules_of_each(cases: Mapping[str, Callable[[TemplateLab], None]]) -> dict[str, list[str]]:
    """Return which rules each case breaks, sorted; each is a change of the template."""
    broken = {}
    for name, change in cases.items():
        lab = TemplateLab()
        change(lab)
        broken[name] = sorted(finding.id for finding in lab.findings() if not finding.is_undecided)
    return broken
