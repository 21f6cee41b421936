"""The collector of OpenTelemetry as a sidecar: AWS's distribution, which sends traces and metrics to AWS.

```
app ──OTLP──> collector in the same task ──> X-Ray, CloudWatch or Prometheus
```
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from aws_cdk import Arn, ArnFormat, Aws, Names, RemovalPolicy
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.construct_paths import keep_place
from fargate_constructs._core.nag_suppressions import INLINE_POLICY, acknowledge, acknowledge_wildcards
from fargate_constructs._core.named_constructors import NamedConstructors
from fargate_constructs._core.unresolved import is_dummy, may_match
from fargate_constructs.service.containers.container import Condition, Sidecar
from fargate_constructs.service.containers.restart_policy import RestartPolicy

CONTAINER = "opentelemetry"
# Each release is supported until the next one (https://github.com/aws-observability/aws-otel-collector/releases).
IMAGE = "public.ecr.aws/aws-observability/aws-otel-collector:v0.49.0"
MEMORY_LIMIT_MIB = 256
# The variable that holds the configuration (https://aws-otel.github.io/docs/setup/ecs/config-through-ssm).
CONFIG = "AOT_CONFIG_CONTENT"
# AWS accepts no resource for these
# (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html).
SEND_TRACES = (
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:GetSamplingStatisticSummaries",
)
# https://docs.aws.amazon.com/prometheus/latest/userguide/AMP-and-IAM.html
WORKSPACE_ARN = re.compile(r"arn:aws[\w-]*:aps:[\w-]+:\d{12}:workspace/[\w-]+")
# In place of an ARN that the CLI has yet to look up; then it synthesizes again.
LOOKED_UP_LATER = "arn:aws:aps:region:account:workspace/name"
# What the application gets (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). Its
# lines go to the log, not to the collector.
VARIABLES = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_LOGS_EXPORTER": "none",
}
NO_METRICS = {"OTEL_METRICS_EXPORTER": "none"}


@dataclass(frozen=True, init=False)
class Metrics(NamedConstructors):
    """Where OpenTelemetry's metrics go. Made by one of the named constructors.

    ```python
    web.add_opentelemetry(metrics=Metrics.prometheus(workspace.attr_arn))
    ```
    """

    namespace: str | None = None
    log_group: logs.ILogGroup | None = None
    workspace_arn: str | None = None
    are_sent: bool = True

    @classmethod
    @checked
    def cloudwatch(cls, *, namespace: str | None = None, log_group: logs.ILogGroup | None = None) -> Metrics:
        """Send them to CloudWatch, at 0.30 USD a month for each metric and set of dimensions.

        https://aws.amazon.com/cloudwatch/pricing/

        Args:
            namespace: Their namespace. By default the task's name.
            log_group: The log group that they pass through, in the embedded metric format. By default one is made that
                keeps lines for a week. CloudWatch keeps the metrics for 15 months.
        """
        return cls._make(namespace=namespace, log_group=log_group)

    @classmethod
    @checked
    def prometheus(cls, workspace_arn: str) -> Metrics:
        """Send them to Amazon Managed Service for Prometheus.

        Args:
            workspace_arn: The ARN of the workspace, such as `workspace.attr_arn`.

        Raises:
            ValueError: If it is not the ARN of a workspace.
        """
        if not may_match(WORKSPACE_ARN, workspace_arn):
            raise ValueError(
                "workspace_arn must be the ARN of a workspace, such as "
                f"'arn:aws:aps:eu-west-1:123456789012:workspace/ws-1234', got: {workspace_arn!r}"
            )
        return cls._make(workspace_arn=workspace_arn)

    @classmethod
    def none(cls) -> Metrics:
        """Send none: traces only."""
        return cls._make(are_sent=False)


def sidecar(image: ecs.ContainerImage | None, config: str | ecs.Secret | None) -> Sidecar:
    """Return a collector that the application does not depend on: it starts without it, and goes on if it ends."""
    return Sidecar(
        image=image or ecs.ContainerImage.from_registry(IMAGE),
        environment={CONFIG: config} if isinstance(config, str) else None,
        secrets={CONFIG: config} if isinstance(config, ecs.Secret) else None,
        memory_limit_mib=MEMORY_LIMIT_MIB,
        essential=False,
        condition=Condition.START,
        restart_policy=RestartPolicy(),
        health_check=ecs.HealthCheck(command=["CMD", "/healthcheck"]),
    )


def configure(
    scope: Construct, collector: ecs.ContainerDefinition, *, name: str, task_role: iam.IRole, metrics: Metrics
) -> None:
    """Write a collector's configuration, and let the task's role send what it sends."""
    config = _traces()
    statements = [iam.PolicyStatement(actions=list(SEND_TRACES), resources=["*"])]
    wildcards = ["*"]
    if metrics.workspace_arn:
        statements.append(_add_prometheus(config, metrics.workspace_arn))
    elif metrics.are_sent:
        group = metrics.log_group or _make_log_group(scope)
        statements.append(_add_cloudwatch(config, metrics.namespace or name, group))
        # The ARN of an imported group ends in a wildcard.
        wildcards += [] if isinstance(group, logs.LogGroup) else [group.log_group_arn]
    collector.add_environment(CONFIG, json.dumps(config))
    # Not in the role's default policy, in which an acknowledgement of the `*` would also accept that of callers. A role
    # may be given to tasks of several regions, and its policies need different names.
    policy_name = f"{Names.unique_resource_name(scope, separator='-', max_length=90)}-OpenTelemetry-{Aws.REGION}"
    policy = iam.Policy(scope, "OpenTelemetryPolicy", policy_name=policy_name, statements=statements)
    task_role.attach_inline_policy(policy)
    acknowledge(policy, INLINE_POLICY)
    acknowledge_wildcards(
        policy, wildcards, reason="X-Ray's actions accept no resource, and each task has its own log stream."
    )
    collector.task_definition.node.add_dependency(policy)  # so that no task starts before


def tell(container: ecs.ContainerDefinition, *, name: str, metrics: Metrics | None) -> None:
    """Tell the application where the collector is, except what it knows; *metrics* of an own config are `None`."""
    definition: Any = container.render_container_definition()  # with what the L2 construct's methods added
    known = {variable.name for variable in [*(definition.environment or ()), *(definition.secrets or ())]}
    variables = {**VARIABLES, "OTEL_SERVICE_NAME": name}
    if metrics and not metrics.are_sent:
        variables |= NO_METRICS
    for variable, value in variables.items():
        if variable not in known:
            container.add_environment(variable, value)


def _traces() -> dict[str, Any]:
    """Return the configuration of a collector that takes OTLP and X-Ray's own format, and sends traces to X-Ray.

    https://github.com/aws-observability/aws-otel-collector/blob/main/config/ecs/ecs-default-config.yaml
    """
    return {
        "extensions": {"health_check": {"endpoint": "127.0.0.1:13133"}},
        "receivers": {
            "otlp": {
                "protocols": {"grpc": {"endpoint": "127.0.0.1:4317"}, "http": {"endpoint": "127.0.0.1:4318"}},
            },
            "awsxray": {
                "endpoint": "127.0.0.1:2000",
                "transport": "udp",
                "proxy_server": {"endpoint": "127.0.0.1:2000"},
            },
        },
        "processors": {
            "memory_limiter": {"check_interval": "1s", "limit_percentage": 80, "spike_limit_percentage": 25},
            "resourcedetection": {"detectors": ["env", "ecs"]},
            "batch/traces": {"timeout": "1s", "send_batch_size": 50},
        },
        "exporters": {"awsxray": {}},
        "service": {
            "extensions": ["health_check"],
            "pipelines": {
                "traces": {
                    "receivers": ["otlp", "awsxray"],
                    "processors": ["memory_limiter", "resourcedetection", "batch/traces"],
                    "exporters": ["awsxray"],
                },
            },
        },
    }


def _add_metrics(config: dict[str, Any], exporter: str, settings: dict[str, Any]) -> None:
    config["processors"]["batch/metrics"] = {"timeout": "60s"}
    config["exporters"][exporter] = settings
    config["service"]["pipelines"]["metrics"] = {
        "receivers": ["otlp"],
        "processors": ["memory_limiter", "resourcedetection", "batch/metrics"],
        "exporters": [exporter],
    }


def _add_cloudwatch(config: dict[str, Any], namespace: str, group: logs.ILogGroup) -> iam.PolicyStatement:
    # By default the exporter also sends each metric without dimensions, and with each one of them: all are billed.
    settings = {
        "namespace": namespace,
        "log_group_name": group.log_group_name,
        "log_stream_name": "{TaskId}",
        "dimension_rollup_option": "NoDimensionRollup",
    }
    _add_metrics(config, "awsemf", settings)
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    return iam.PolicyStatement(actions=actions, resources=[group.log_group_arn])


def _add_prometheus(config: dict[str, Any], workspace_arn: str) -> iam.PolicyStatement:
    arn = LOOKED_UP_LATER if is_dummy(workspace_arn) else workspace_arn
    workspace = Arn.split(arn, ArnFormat.SLASH_RESOURCE_NAME)
    host = f"aps-workspaces.{workspace.region}.{Aws.URL_SUFFIX}"
    config["extensions"]["sigv4auth"] = {"region": workspace.region, "service": "aps"}
    config["service"]["extensions"].append("sigv4auth")
    settings = {
        "endpoint": f"https://{host}/workspaces/{workspace.resource_name}/api/v1/remote_write",
        "auth": {"authenticator": "sigv4auth"},
        "resource_to_telemetry_conversion": {"enabled": True},
    }
    _add_metrics(config, "prometheusremotewrite", settings)
    return iam.PolicyStatement(actions=["aps:RemoteWrite"], resources=[workspace_arn])


def _make_log_group(scope: Construct) -> logs.LogGroup:
    group = logs.LogGroup(scope, "Metrics", retention=logs.RetentionDays.ONE_WEEK, removal_policy=RemovalPolicy.DESTROY)
    keep_place(group, scope, "Metrics")
    reason = "CloudWatch Logs encrypts with its own key. For your key, pass a log_group to Metrics.cloudwatch()."
    acknowledge(group, {"CloudWatchLogGroupEncrypted": reason})
    return group
