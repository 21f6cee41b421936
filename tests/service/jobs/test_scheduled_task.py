"""A scheduled task: when it runs, what may start it, and what reports a failed run."""

from datetime import UTC, datetime
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
from tests.audit import findings
from tests.modes.made_elsewhere import IMAGE
from tests.shared_stack import Part, Steps, in_shared_stack
from tests.templates import properties

NIGHTLY = scheduler.ScheduleExpression.cron(minute="15", hour="3", time_zone=TimeZone.EUROPE_BERLIN)
SCHEDULE = "AWS::Scheduler::Schedule"


@pytest.fixture(scope="module")
def template() -> Template:
    """A scheduled task as it is by default."""
    stack = Stack(App(), "Test")
    network = FixedEgressNetwork(stack, "Network")
    ScheduledTask(stack, "Report", network=network, image=IMAGE, schedule=NIGHTLY)
    return Template.from_stack(stack)


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


@in_shared_stack
def test_spot_and_retries(part: Part) -> Steps:
    """The schedule has the capacity and the retries that were given."""
    part.make(
        ScheduledTask,
        "Report",
        schedule=NIGHTLY,
        cluster=None,
        capacity=Capacity.spot(on_demand_base=0),
        retry_attempts=0,
        max_event_age=Duration.minutes(5),
    )
    yield
    (target,) = (each["Target"] for each in part.properties(SCHEDULE))
    assert target["EcsParameters"]["CapacityProviderStrategy"] == [
        {"CapacityProvider": "FARGATE", "Base": 0, "Weight": 0},
        {"CapacityProvider": "FARGATE_SPOT", "Weight": 100},
    ]
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 300, "MaximumRetryAttempts": 0}


@in_shared_stack
def test_imported_cluster_roles_and_group(part: Part) -> Steps:
    """A cluster that may have no capacity providers gets a launch type, and the given roles are used."""
    role = iam.Role.from_role_arn(part, "Role", "arn:aws:iam::123456789012:role/job")
    cluster = ecs.Cluster.from_cluster_attributes(part, "Cluster", cluster_name="shared", vpc=part.network.vpc)
    group = ec2.SecurityGroup.from_security_group_id(part, "Group", "sg-0123456789abcdef0")
    part.make(
        ScheduledTask,
        "Report",
        schedule=NIGHTLY,
        cluster=cluster,
        task_role=role,
        execution_role=role,
        security_groups=[group],
    )
    yield
    (parameters,) = (each["Target"]["EcsParameters"] for each in part.properties(SCHEDULE))
    assert parameters["LaunchType"] == "FARGATE"
    assert "CapacityProviderStrategy" not in parameters
    in_vpc = parameters["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert in_vpc["SecurityGroups"] == ["sg-0123456789abcdef0"]
    passed = [
        statement["Resource"]
        for policy in part.properties("AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "iam:PassRole"
    ]
    assert passed == [role.role_arn]


@in_shared_stack
def test_tasks_of_one_cluster_share_no_role(part: Part) -> Steps:
    """Each schedule may start only its own task."""
    for name in ("First", "Second"):
        part.make(ScheduledTask, name, schedule=NIGHTLY)
    yield
    first, second = (each["Target"]["RoleArn"] for each in part.properties(SCHEDULE))
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
    stack = Stack(App(), "Test")
    vpc = ec2.Vpc(stack, "Vpc")
    network = FixedEgressNetwork.from_vpc(stack, "Network", vpc, egress_ips=["203.0.113.7"])
    network.task_subnets = vpc.public_subnets
    ScheduledTask(stack, "Report", network=network, image=IMAGE, schedule=NIGHTLY)

    message = "tasks of Test/Report must not run in a public subnet, got: Test/Vpc/PublicSubnet1/Subnet"
    with pytest.raises(RuntimeError, match=message):
        Template.from_stack(stack)


@in_shared_stack
def test_a_cluster_and_a_network_in_another_stack(part: Part) -> Steps:
    """The job's stack depends on theirs, and not the other way round; the audit finds nothing there either."""
    jobs = part.other_stack("Jobs")
    cluster = ecs.Cluster(part, "Cluster", vpc=part.network.vpc, container_insights_v2=ecs.ContainerInsights.ENABLED)
    part.make(ScheduledTask, "Report", scope=jobs, schedule=NIGHTLY, cluster=cluster)
    yield
    part.template()
    assert part.stack in jobs.dependencies
    assert jobs not in part.stack.dependencies
    assert [*findings(part), *findings(jobs)] == []
