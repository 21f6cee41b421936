"""A task by the clock: when it runs, who may start it, and what tells of a run that failed."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Stack, TimeZone
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk.assertions import Match, Template

from fargate_constructs import Capacity, FixedEgressNetwork, ScheduledTask
from fargate_constructs._core.schedule_expressions import validate_schedule
from fargate_constructs.network.network import Network
from tests.audit import findings

NIGHTLY = scheduler.ScheduleExpression.cron(minute="15", hour="3", time_zone=TimeZone.EUROPE_BERLIN)
IMAGE = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")


def app_with(context: Mapping[str, object], **parameters: Any) -> App:  # noqa: ANN401 - whatever the construct takes
    """Return an app with a scheduled task."""
    app = App(context=dict(context))
    stack = Stack(app, "Test")
    network = FixedEgressNetwork(stack, "Network")
    ScheduledTask(stack, "Report", network=network, image=IMAGE, schedule=NIGHTLY, **parameters)
    return app


def template_with(**parameters: Any) -> Template:  # noqa: ANN401 - whatever the construct takes
    """Return the template of a stack with a scheduled task."""
    (stack,) = (each for each in app_with({}, **parameters).node.children if isinstance(each, Stack))
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def template() -> Template:
    """A scheduled task as it is by default."""
    return template_with()


def of_partition(*parts: object) -> dict[str, Any]:
    """Return an ARN of this account and region as a template writes it."""
    service, rest = parts
    return {
        "Fn::Join": [
            "",
            [
                *("arn:", {"Ref": "AWS::Partition"}, f":{service}:"),
                *({"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}, f":{rest}"),
            ],
        ]
    }


def test_the_clock_starts_a_private_task(template: Template) -> None:
    """At the hour in its time zone, in private subnets, on demand, tagged like its task definition."""
    template.has_resource_properties(
        "AWS::Scheduler::Schedule",
        {
            "ScheduleExpression": "cron(15 3 * * ? *)",
            "ScheduleExpressionTimezone": "Europe/Berlin",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": "ENABLED",
            "Target": {
                "Arn": {"Fn::GetAtt": [Match.string_like_regexp("ReportCluster"), "Arn"]},
                "EcsParameters": {
                    "TaskDefinitionArn": {"Ref": Match.string_like_regexp("ReportTaskDefinition")},
                    "CapacityProviderStrategy": [{"CapacityProvider": "FARGATE", "Base": 0, "Weight": 100}],
                    "LaunchType": Match.absent(),
                    "EnableECSManagedTags": True,
                    "PropagateTags": "TASK_DEFINITION",
                    "NetworkConfiguration": {
                        "AwsvpcConfiguration": {
                            "AssignPublicIp": "DISABLED",
                            "Subnets": [
                                {"Ref": Match.string_like_regexp(f"NetworkVpcTasksSubnet{zone}")} for zone in (1, 2)
                            ],
                            "SecurityGroups": [{"Fn::GetAtt": [Match.any_value(), "GroupId"]}],
                        }
                    },
                },
                "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 185},
                "DeadLetterConfig": Match.any_value(),
                "RoleArn": Match.any_value(),
                "Input": Match.absent(),
            },
        },
    )


def test_the_scheduler_may_run_this_task_and_nothing_else(template: Template) -> None:
    """Any revision of it, in its cluster, with its two roles; and tell the queue when it cannot."""
    (policy,) = (
        each["Properties"]
        for each in template.find_resources("AWS::IAM::Policy").values()
        if "SchedulerRole" in each["Properties"]["PolicyName"]
    )
    run, tag, pass_role, send = policy["PolicyDocument"]["Statement"]
    (family,) = (each["Properties"]["Family"] for each in template.find_resources("AWS::ECS::TaskDefinition").values())

    assert run["Action"] == "ecs:RunTask"
    assert run["Resource"] == of_partition("ecs", f"task-definition/{family}:*")
    assert list(run["Condition"]) == ["ArnEquals"]
    assert list(run["Condition"]["ArnEquals"]) == ["ecs:cluster"]
    assert tag["Action"] == "ecs:TagResource"
    assert tag["Condition"] == {"StringEquals": {"ecs:CreateAction": "RunTask"}}
    assert pass_role["Action"] == "iam:PassRole"
    assert len(pass_role["Resource"]) == 2
    assert pass_role["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    assert send["Action"] == "sqs:SendMessage"


def test_only_this_accounts_schedules_take_the_role(template: Template) -> None:
    """The scheduler acts for other accounts too."""
    template.has_resource_properties(
        "AWS::IAM::Role",
        {
            "AssumeRolePolicyDocument": Match.object_like(
                {
                    "Statement": [
                        {
                            "Action": "sts:AssumeRole",
                            "Effect": "Allow",
                            "Principal": {"Service": "scheduler.amazonaws.com"},
                            "Condition": {
                                "StringEquals": {
                                    "aws:SourceAccount": {"Ref": "AWS::AccountId"},
                                    "aws:SourceArn": of_partition("scheduler", "schedule-group/default"),
                                }
                            },
                        }
                    ]
                }
            )
        },
    )


def test_the_first_run_finds_what_it_needs(template: Template) -> None:
    """A rate begins with the deployment: roles and the way out come before the schedule."""
    (schedule,) = template.find_resources("AWS::Scheduler::Schedule").values()

    for needed in ("SchedulerRoleDefaultPolicy", "ExecutionRole", "TaskRole", "TasksSubnet1DefaultRoute"):
        assert any(needed in each for each in schedule["DependsOn"]), needed


def test_a_failed_run_leaves_a_message(template: Template) -> None:
    """A task that stopped otherwise than by its main container's exit code 0; the rule alone may write."""
    template.has_resource_properties(
        "AWS::Events::Rule",
        {
            "EventPattern": {
                "source": ["aws.ecs"],
                "detail-type": ["ECS Task State Change"],
                "detail": {
                    "clusterArn": Match.any_value(),
                    "taskDefinitionArn": [{"prefix": Match.any_value()}],
                    "lastStatus": ["STOPPED"],
                    "$or": [
                        {"stopCode": [{"anything-but": ["EssentialContainerExited"]}]},
                        {"containers": {"name": ["report"], "exitCode": [{"anything-but": [0]}]}},
                    ],
                },
            },
            "Targets": [Match.object_like({"Arn": {"Fn::GetAtt": [Match.any_value(), "Arn"]}})],
        },
    )
    (rule,) = template.find_resources("AWS::Events::Rule")
    (policy,) = template.find_resources("AWS::SQS::QueuePolicy").values()
    no_http, write = policy["Properties"]["PolicyDocument"]["Statement"]
    assert no_http["Effect"] == "Deny"
    assert no_http["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert write["Principal"] == {"Service": "events.amazonaws.com"}
    assert write["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule, "Arn"]}}}


def test_the_alarm_rings_until_the_queue_is_empty(template: Template) -> None:
    """One message is enough; when SQS falls silent about the queue, the alarm stays as it was."""
    (queue,) = template.find_resources("AWS::SQS::Queue")
    template.has_resource(
        "AWS::SQS::Queue",
        {"Properties": {"SqsManagedSseEnabled": True, "MessageRetentionPeriod": 1_209_600}, "DeletionPolicy": "Delete"},
    )
    template.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "Namespace": "AWS/SQS",
            "MetricName": "ApproximateNumberOfMessagesVisible",
            "Dimensions": [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}],
            "Statistic": "Maximum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "ignore",
        },
    )


def test_spot_rates_and_retries() -> None:
    """Whatever may be said otherwise is."""
    template_with(
        capacity=Capacity.spot(on_demand_base=0), retry_attempts=0, max_event_age=Duration.minutes(5)
    ).has_resource_properties(
        "AWS::Scheduler::Schedule",
        {
            "Target": Match.object_like(
                {
                    "EcsParameters": Match.object_like(
                        {
                            "CapacityProviderStrategy": [
                                {"CapacityProvider": "FARGATE", "Base": 0, "Weight": 0},
                                {"CapacityProvider": "FARGATE_SPOT", "Weight": 100},
                            ]
                        }
                    ),
                    "RetryPolicy": {"MaximumEventAgeInSeconds": 300, "MaximumRetryAttempts": 0},
                }
            )
        },
    )


def test_imported_cluster_roles_and_group(stack: Stack, network: Network) -> None:
    """A cluster that may have no capacity providers is run in by launch type, with the roles that are given."""
    cluster = ecs.Cluster.from_cluster_attributes(stack, "Cluster", cluster_name="shared", vpc=network.vpc)
    role = iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::123456789012:role/job")
    group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-0123456789abcdef0")

    ScheduledTask(
        stack,
        "Report",
        network=network,
        image=IMAGE,
        schedule=NIGHTLY,
        cluster=cluster,
        task_role=role,
        execution_role=role,
        security_groups=[group],
    )

    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::Scheduler::Schedule",
        {
            "Target": Match.object_like(
                {
                    "EcsParameters": Match.object_like(
                        {
                            "LaunchType": "FARGATE",
                            "CapacityProviderStrategy": Match.absent(),
                            "NetworkConfiguration": {
                                "AwsvpcConfiguration": Match.object_like({"SecurityGroups": ["sg-0123456789abcdef0"]})
                            },
                        }
                    )
                }
            )
        },
    )
    template.has_resource_properties(
        "AWS::IAM::Policy",
        {
            "PolicyDocument": Match.object_like(
                {
                    "Statement": Match.array_with(
                        [
                            Match.object_like(
                                {"Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/job"}
                            )
                        ]
                    )
                }
            )
        },
    )


def test_tasks_of_one_cluster_share_no_role(stack: Stack, network: Network) -> None:
    """Each schedule may start its own task alone."""
    cluster = ecs.Cluster(stack, "Cluster", vpc=network.vpc)
    for name in ("First", "Second"):
        ScheduledTask(stack, name, network=network, image=IMAGE, schedule=NIGHTLY, cluster=cluster)

    roles = [
        each["Properties"]["Target"]["RoleArn"]["Fn::GetAtt"][0]
        for each in Template.from_stack(stack).find_resources("AWS::Scheduler::Schedule").values()
    ]
    assert len(set(roles)) == 2


def test_expressions_that_aws_takes() -> None:
    """Whatever CDK itself writes, what AWS's own examples are, and what is known only when deployed."""
    write = scheduler.ScheduleExpression
    token = CfnParameter(Stack(), "Expression").value_as_string

    for schedule in (
        write.cron(),
        write.cron(minute="0", hour="3", day="L"),
        write.cron(week_day="MON-FRI"),
        *(write.rate(each) for each in (Duration.minutes(1), Duration.minutes(90), Duration.hours(24))),
        write.at(datetime(2030, 1, 31, 4, 5, tzinfo=UTC)),
        *map(write.expression, ("cron(15 10 ? * 6L 2022-2023)", "rate(5 minutes)", "at(2022-11-20T13:00:00)", token)),
    ):
        validate_schedule("schedule", schedule)


def test_a_job_in_a_public_subnet_fails_synthesis() -> None:
    """Jobs are proven to leave from known addresses as services are."""
    app = App()
    stack = Stack(app, "Test")
    vpc = ec2.Vpc(stack, "Vpc")
    network = FixedEgressNetwork.from_vpc(stack, "Network", vpc, egress_ips=["203.0.113.7"])
    network.task_subnets = vpc.public_subnets
    ScheduledTask(stack, "Report", network=network, image=IMAGE, schedule=NIGHTLY)

    with pytest.raises(RuntimeError, match="validation-report"):
        app.synth()
    report = (Path(app.outdir) / "validation-report.json").read_text()
    assert "tasks of Test/Report must not run in a public subnet, got: Test/Vpc/PublicSubnet1/Subnet" in report


def test_a_cluster_and_a_network_in_another_stack() -> None:
    """The job's stack depends on theirs, and not the other way round; the audit finds nothing there either."""
    app = App()
    base, jobs = Stack(app, "Base"), Stack(app, "Jobs")
    network = FixedEgressNetwork(base, "Network")
    cluster = ecs.Cluster(base, "Cluster", vpc=network.vpc, container_insights_v2=ecs.ContainerInsights.ENABLED)
    ScheduledTask(jobs, "Report", network=network, image=IMAGE, schedule=NIGHTLY, cluster=cluster)

    app.synth()
    assert findings(app) == []
    assert base.dependencies == []
