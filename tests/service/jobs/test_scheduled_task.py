"""A scheduled task: when it runs, what may start it, and what reports a failed run."""

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
from aws_cdk.assertions import Template

from fargate_constructs import Capacity, FixedEgressNetwork, ScheduledTask
from fargate_constructs._core.schedule_expressions import validate_schedule
from fargate_constructs.network.network import Network
from tests.audit import findings
from tests.templates import properties

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


def arn_of(service: str, resource: str) -> dict[str, Any]:
    """Return an ARN of this account and region as a template writes it."""
    here = ({"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"})
    return {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, f":{service}:", *here, f":{resource}"]]}


def test_a_schedule_starts_a_private_task(template: Template) -> None:
    """At the hour in its time zone, in private subnets, on demand, tagged like its task definition."""
    (schedule,) = properties(template, "AWS::Scheduler::Schedule")
    target, parameters = schedule["Target"], schedule["Target"]["EcsParameters"]
    in_vpc = parameters["NetworkConfiguration"]["AwsvpcConfiguration"]

    assert schedule["ScheduleExpression"] == "cron(15 3 * * ? *)"
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert (schedule["FlexibleTimeWindow"], schedule["State"]) == ({"Mode": "OFF"}, "ENABLED")
    assert "ReportCluster" in target["Arn"]["Fn::GetAtt"][0]
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 185}
    assert target.keys() >= {"DeadLetterConfig", "RoleArn"}
    assert "ReportTaskDefinition" in parameters["TaskDefinitionArn"]["Ref"]
    assert parameters["CapacityProviderStrategy"] == [{"CapacityProvider": "FARGATE", "Base": 0, "Weight": 100}]
    assert (parameters["EnableECSManagedTags"], parameters["PropagateTags"]) == (True, "TASK_DEFINITION")
    assert in_vpc["AssignPublicIp"] == "DISABLED"
    assert ["TasksSubnet1" in in_vpc["Subnets"][0]["Ref"], "TasksSubnet2" in in_vpc["Subnets"][1]["Ref"]] == [True] * 2
    assert len(in_vpc["SecurityGroups"]) == 1


def test_the_scheduler_may_run_only_this_task(template: Template) -> None:
    """Any revision of it, in its cluster, with its two roles; and send to the queue when it cannot."""
    (policy,) = (each for each in properties(template, "AWS::IAM::Policy") if "SchedulerRole" in each["PolicyName"])
    run, tag, pass_role, send = policy["PolicyDocument"]["Statement"]
    (definition,) = properties(template, "AWS::ECS::TaskDefinition")

    assert [each["Action"] for each in (run, tag, pass_role, send)] == [
        *("ecs:RunTask", "ecs:TagResource", "iam:PassRole", "sqs:SendMessage")
    ]
    assert run["Resource"] == arn_of("ecs", f"task-definition/{definition['Family']}:*")
    assert [(test, [*values]) for test, values in run["Condition"].items()] == [("ArnEquals", ["ecs:cluster"])]
    assert tag["Condition"] == {"StringEquals": {"ecs:CreateAction": "RunTask"}}
    assert len(pass_role["Resource"]) == 2
    assert pass_role["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}


def test_only_this_accounts_schedules_take_the_role(template: Template) -> None:
    """The scheduler acts for other accounts too."""
    (trust,) = (
        statement
        for role in properties(template, "AWS::IAM::Role")
        for statement in role["AssumeRolePolicyDocument"]["Statement"]
        if statement["Principal"].get("Service") == "scheduler.amazonaws.com"
    )

    group = arn_of("scheduler", "schedule-group/default")
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}, "aws:SourceArn": group}
    }


def test_the_first_run_finds_what_it_needs(template: Template) -> None:
    """A rate begins with the deployment: roles and the way out come before the schedule."""
    (schedule,) = template.find_resources("AWS::Scheduler::Schedule").values()

    for needed in ("SchedulerRoleDefaultPolicy", "ExecutionRole", "TaskRole", "TasksSubnet1DefaultRoute"):
        assert any(needed in each for each in schedule["DependsOn"]), needed


def test_a_failed_run_leaves_a_message(template: Template) -> None:
    """Of a task that stopped without exit code 0 of its main container; only the rule may write."""
    ((rule_id, rule),) = template.find_resources("AWS::Events::Rule").items()
    pattern = rule["Properties"]["EventPattern"]
    assert (pattern["source"], pattern["detail-type"]) == (["aws.ecs"], ["ECS Task State Change"])
    assert pattern["detail"].keys() == {"clusterArn", "taskDefinitionArn", "lastStatus", "$or"}
    assert list(pattern["detail"]["taskDefinitionArn"][0]) == ["prefix"]
    assert pattern["detail"]["lastStatus"] == ["STOPPED"]
    assert pattern["detail"]["$or"] == [
        {"stopCode": [{"anything-but": ["EssentialContainerExited"]}]},
        {"containers": {"name": ["report"], "exitCode": [{"anything-but": [0]}]}},
    ]

    (queue,) = template.find_resources("AWS::SQS::Queue")
    assert [each["Arn"] for each in rule["Properties"]["Targets"]] == [{"Fn::GetAtt": [queue, "Arn"]}]
    (policy,) = properties(template, "AWS::SQS::QueuePolicy")
    no_http, write = policy["PolicyDocument"]["Statement"]
    assert (no_http["Effect"], no_http["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert write["Principal"] == {"Service": "events.amazonaws.com"}
    assert write["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule_id, "Arn"]}}}


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


def test_spot_and_retries() -> None:
    """The schedule has the capacity and the retries that were given."""
    template = template_with(
        capacity=Capacity.spot(on_demand_base=0), retry_attempts=0, max_event_age=Duration.minutes(5)
    )

    (target,) = (each["Target"] for each in properties(template, "AWS::Scheduler::Schedule"))
    assert target["EcsParameters"]["CapacityProviderStrategy"] == [
        {"CapacityProvider": "FARGATE", "Base": 0, "Weight": 0},
        {"CapacityProvider": "FARGATE_SPOT", "Weight": 100},
    ]
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 300, "MaximumRetryAttempts": 0}


def test_imported_cluster_roles_and_group(stack: Stack, network: Network) -> None:
    """A cluster that may have no capacity providers gets a launch type, and the given roles are used."""
    role = iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::123456789012:role/job")
    ScheduledTask(
        stack,
        "Report",
        network=network,
        image=IMAGE,
        schedule=NIGHTLY,
        cluster=ecs.Cluster.from_cluster_attributes(stack, "Cluster", cluster_name="shared", vpc=network.vpc),
        task_role=role,
        execution_role=role,
        security_groups=[ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-0123456789abcdef0")],
    )

    template = Template.from_stack(stack)
    (parameters,) = (each["Target"]["EcsParameters"] for each in properties(template, "AWS::Scheduler::Schedule"))
    assert parameters["LaunchType"] == "FARGATE"
    assert "CapacityProviderStrategy" not in parameters
    in_vpc = parameters["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert in_vpc["SecurityGroups"] == ["sg-0123456789abcdef0"]
    passed = [
        statement["Resource"]
        for policy in properties(template, "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "iam:PassRole"
    ]
    assert passed == [role.role_arn]


def test_tasks_of_one_cluster_share_no_role(stack: Stack, network: Network) -> None:
    """Each schedule may start only its own task."""
    cluster = ecs.Cluster(stack, "Cluster", vpc=network.vpc)
    for name in ("First", "Second"):
        ScheduledTask(stack, name, network=network, image=IMAGE, schedule=NIGHTLY, cluster=cluster)

    first, second = (each["Target"]["RoleArn"] for each in properties(stack, "AWS::Scheduler::Schedule"))
    assert first != second


def test_expressions_that_aws_takes() -> None:
    """Whatever CDK itself writes, what AWS's own examples are, and what is known only when deployed."""
    write = scheduler.ScheduleExpression
    token = CfnParameter(Stack(), "Expression").value_as_string

    for schedule in (
        write.cron(),
        write.cron(minute="0", hour="3", day="L"),
        write.cron(week_day="MON-FRI"),
        write.cron(minute="0/59", hour="0,23", week_day="2#1"),
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
