"""A job that something else starts: its state machines, what they may do, and what reports a failed run."""

import json
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk.assertions import Annotations, Match, Template

from fargate_constructs import Capacity, FargateService, Job, OneOffTask, ScheduledTask
from fargate_constructs.network.network import Network
from fargate_constructs.synthesized.intrinsics import pieces
from tests.modes.made_elsewhere import IMAGE, network_in
from tests.service.jobs.test_scheduled_task import NIGHTLY
from tests.templates import properties, properties_of

ORDER = "$.detail.order"


def definition(template: Template, machine: sfn.StateMachine | str) -> dict[str, Any]:
    """Return a state machine's states, with references as the logical IDs that they name."""
    if isinstance(machine, str):
        (found,) = (
            each["Properties"]
            for name, each in template.find_resources("AWS::StepFunctions::StateMachine").items()
            if machine in name
        )
    else:
        found = properties_of(template, machine)
    text = "".join(
        piece if isinstance(piece, str) else next(iter(piece.get("Fn::GetAtt", [piece.get("Ref")])))
        for piece in pieces(found["DefinitionString"])
    )
    states: dict[str, Any] = json.loads(text)["States"]
    return states


def permissions(template: Template, role: str) -> dict[str, dict[str, Any]]:
    """Return the statements of a role by their first action."""
    return {
        action if isinstance(action := statement["Action"], str) else action[0]: statement
        for policy in properties(template, "AWS::IAM::Policy")
        if role in str(policy["PolicyName"])
        for statement in policy["PolicyDocument"]["Statement"]
    }


@pytest.fixture(scope="module")
def template() -> Template:
    """A job with all that it can have."""
    app = App()
    stack = Stack(app, "Test")
    load = Job(stack, "Load", network=network_in(stack), image=IMAGE, timeout=Duration.hours(1), retries=2)
    load.run_on_upload("Orders", bucket=s3.Bucket(stack, "Bucket"), prefix="in*/", suffix=".csv")
    day = sfn.JsonPath.string_at("$.day")
    state = load.task_state("RunLoad", environment={"DAY": day}, command=["./load.py", day])
    sfn.StateMachine(stack, "Flow", definition_body=sfn.DefinitionBody.from_chainable(state))
    return Template.from_stack(stack)


def test_a_job_reports_its_failed_runs(stack: Stack, network: Network) -> None:
    """By default it has the queue, the rule and the alarm of a scheduled task, and no state machine."""
    job = Job(stack, "Load", network=network, image=IMAGE)

    template = Template.from_stack(stack)
    (queue,) = template.find_resources("AWS::SQS::Queue")
    (rule,) = properties(template, "AWS::Events::Rule")
    assert [each["Arn"] for each in rule["Targets"]] == [{"Fn::GetAtt": [queue, "Arn"]}]
    assert properties_of(template, job.alarm)["Namespace"] == "AWS/SQS"
    assert properties_of(template, job.failure_rule) == rule
    template.resource_count_is("AWS::StepFunctions::StateMachine", 0)


def test_a_one_off_task_reports_failed_runs_when_asked(stack: Stack, network: Network) -> None:
    """Its queue, rule and alarm are made together, once."""
    silent = OneOffTask(stack, "Silent", network=network, image=IMAGE)
    asked = OneOffTask(stack, "Asked", network=network, image=IMAGE, cluster=silent.cluster)

    assert asked.alarm is asked.alarm
    OneOffTask(stack, "Slow", network=network, image=IMAGE, cluster=silent.cluster, timeout=Duration.minutes(5))

    template = Template.from_stack(stack)
    for type_ in ("AWS::SQS::Queue", "AWS::CloudWatch::Alarm"):
        template.resource_count_is(type_, 2)
    template.resource_count_is("AWS::Events::Rule", 4)


def test_a_run_is_stopped_after_its_time(template: Template) -> None:
    """From its creation; only if it is still there; what cannot be stopped is reported."""
    states = definition(template, "LoadTimeout")

    assert states["Wait"]["Timestamp"] == "{% $fromMillis($toMillis($states.input.detail.createdAt) + 3600000) %}"
    assert states["Look"]["Parameters"]["Tasks.$"] == "States.Array($.detail.taskArn)"
    (is_running,) = states["Running"]["Choices"]
    assert is_running["And"][1] == {"Variable": "$.now.Tasks[0].DesiredStatus", "StringEquals": "RUNNING"}
    assert (is_running["Next"], states["Running"]["Default"]) == ("Stop", "Done")
    assert states["Stop"]["Parameters"]["Reason"] == "not done after 3600 seconds"
    for name in ("Look", "Stop"):
        assert states[name]["Retry"][0]["ErrorEquals"] == ["States.ALL"]
        assert [each["Next"] for each in states[name]["Catch"]] == ["Report"]


def test_each_run_starts_the_clock(template: Template) -> None:
    """Also one that does not come up; the job's queue gets events that do not arrive."""
    ((rule_id, rule),) = (
        (name, each["Properties"])
        for name, each in template.find_resources("AWS::Events::Rule").items()
        if "Timeout" in name
    )
    detail = rule["EventPattern"]["detail"]
    (target,) = rule["Targets"]
    (policy,) = properties(template, "AWS::SQS::QueuePolicy")
    writers = [
        each["Condition"]["ArnLike"]["aws:SourceArn"]
        for each in policy["PolicyDocument"]["Statement"]
        if "ArnLike" in each.get("Condition", {})
    ]

    assert (detail["lastStatus"], detail["desiredStatus"]) == (["PENDING", "RUNNING"], ["RUNNING"])
    assert list(detail["taskDefinitionArn"][0]) == ["prefix"]
    assert "DeadLetterQueue" in target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
    assert [len(each) for each in writers] == [3]
    assert {"Fn::GetAtt": [rule_id, "Arn"]} in writers[0]


def test_a_machine_that_fails_is_reported(template: Template) -> None:
    """One rule watches them all, because no state catches a field that is not in the event."""
    (rule,) = properties(template, "AWS::Events::Rule", {"EventPattern": {"source": ["aws.states"]}})
    machines = {each["Ref"] for each in rule["EventPattern"]["detail"]["stateMachineArn"]}

    assert {name.partition("Machine")[0] for name in machines} == {"LoadRetries", "LoadTimeout", "LoadOrders"}
    assert rule["EventPattern"]["detail"]["status"] == ["FAILED", "TIMED_OUT", "ABORTED"]
    assert "DeadLetterQueue" in rule["Targets"][0]["Arn"]["Fn::GetAtt"][0]
    for machine in ("LoadRetries", "LoadTimeout", "LoadOrders"):
        states = definition(template, machine)
        assert states["AfterReport"] == {"Type": "Succeed"}
        assert all(each["Type"] != "Fail" for each in states.values())


def test_the_machines_may_touch_this_job_only(template: Template) -> None:
    """Tasks of its cluster, runs of its task definition, and its queue."""
    in_cluster = ["ecs:cluster"]
    stop = permissions(template, "LoadTimeoutRole")
    assert stop.keys() == {"sqs:SendMessage", "ecs:DescribeTasks"}
    assert stop["ecs:DescribeTasks"]["Action"] == ["ecs:DescribeTasks", "ecs:StopTask"]
    assert [*stop["ecs:DescribeTasks"]["Condition"]["ArnEquals"]] == in_cluster

    run = {"sqs:SendMessage", "ecs:RunTask", "ecs:TagResource", "iam:PassRole"}
    assert permissions(template, "LoadRetriesRole").keys() == {*run, "ecs:DescribeTasks"}
    assert permissions(template, "LoadOrdersRole").keys() == run
    assert [*permissions(template, "LoadOrdersRole")["ecs:RunTask"]["Condition"]["ArnEquals"]] == in_cluster
    assert permissions(template, "LoadTimeoutEventsRole").keys() == {"states:StartExecution"}


def test_a_failed_run_starts_again_unless_a_caller_decides(template: Template) -> None:
    """With the overrides of the failed one, twice; not if it was stopped, or if a deployment or a state waits."""
    states = definition(template, "LoadRetries")
    (is_last,) = states["IsLast"]["Choices"]

    assert "stopCode = 'UserInitiated'" in is_last["Condition"]
    assert "startedBy in ['deployment', 'AWS Step Functions']" in is_last["Condition"]
    # Not "=": a deployment may lower *retries* while a run with a higher number waits.
    assert is_last["Condition"].endswith(") >= 2 %}")
    assert "$contains($by, /^retry-[0-9]+$/) ? " in is_last["Condition"]
    assert (is_last["Next"], states["IsLast"]["Default"]) == ("ReportRun", "Wait")
    assert "$min([360, 10 * $power(2, " in states["Wait"]["Seconds"]
    arguments = states["Run"]["Arguments"]
    assert arguments["Overrides"] == "{% $states.input.failed.Tasks[0].Overrides %}"
    assert arguments["ClientToken"].startswith("{% $split($states.input.detail.taskArn, '/')[-1] & '-' & ")
    assert arguments["Count"] == 1
    assert "MessageAttributes" not in states["ReportRun"]["Parameters"]


def test_an_upload_starts_a_run_with_its_key(template: Template) -> None:
    """The state machine writes the values; EventBridge would not escape them."""
    (rule,) = properties(template, "AWS::Events::Rule", {"EventPattern": {"source": ["aws.s3"]}})
    states = definition(template, "LoadOrders")
    parameters = states["Run"]["Parameters"]

    assert rule["EventPattern"]["detail-type"] == ["Object Created"]
    assert rule["EventPattern"]["detail"]["object"] == {"key": [{"wildcard": "in\\*/*.csv"}]}
    assert rule["Targets"][0].keys() == {"Arn", "DeadLetterConfig", "Id", "RoleArn"}
    assert parameters["Overrides"]["ContainerOverrides"] == [
        {
            "Name": "load",
            "Environment": [
                {"Name": "S3_BUCKET", "Value.$": "$.detail.bucket.name"},
                {"Name": "S3_KEY", "Value.$": "$.detail.object.key"},
            ],
        }
    ]
    assert parameters["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"
    assert parameters["CapacityProviderStrategy"] == [{"CapacityProvider": "FARGATE", "Base": 0, "Weight": 100}]
    assert parameters["ClientToken.$"].endswith("$$.StateMachine.Id, $.id, $.attempt.number), 'SHA-256')")
    (bucket,) = properties(template, "AWS::S3::Bucket")
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


def test_a_start_waits_for_capacity(template: Template) -> None:
    """For an hour; then the event is reported with the reason."""
    states = definition(template, "LoadOrders")
    done, again = states["Started"]["Choices"]

    assert done == {"Condition": "{% $count($states.input.launch.Failures) = 0 %}", "Next": "Done"}
    assert "< 3600000 %}" in again["Condition"]
    assert (again["Next"], states["WaitForCapacity"]["Next"]) == ("WaitForCapacity", "Again")
    assert (states["First"]["Result"], states["First"]["Next"]) == ({"number": 1}, "Run")
    assert states["Again"]["Parameters"] == {"number.$": "States.MathAdd($.attempt.number, 1)"}
    assert states["Again"]["Next"] == "Run"
    assert (states["Started"]["Default"], states["NoCapacity"]["Next"]) == ("NoCapacity", "Report")
    assert states["Report"]["Parameters"]["MessageAttributes"].keys() == {"ERROR_CODE", "ERROR_MESSAGE"}


def test_a_state_runs_this_job_and_waits(template: Template) -> None:
    """Private, in the deployed revision; its role may do that and no more."""
    state = definition(template, "Flow")["RunLoad"]
    parameters = state["Parameters"]

    assert state["Resource"].endswith(":states:::ecs:runTask.sync")
    assert "LoadTaskDefinition" in parameters["TaskDefinition"]
    assert parameters["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"
    assert parameters["CapacityProviderStrategy"] == [{"CapacityProvider": "FARGATE", "Base": 0, "Weight": 100}]
    assert parameters["Overrides"]["ContainerOverrides"] == [
        {
            "Name": "load",
            "Environment": [{"Name": "DAY", "Value.$": "$.day"}],
            "Command.$": "States.Array('./load.py', $.day)",
        }
    ]
    allowed = permissions(template, "FlowRole")
    assert allowed.keys() == {
        *("ecs:RunTask", "ecs:TagResource", "iam:PassRole", "ecs:DescribeTasks", "events:DescribeRule")
    }
    assert allowed["iam:PassRole"]["Condition"]["StringEquals"] == {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    assert [*allowed["ecs:DescribeTasks"]["Condition"]["ArnEquals"]] == ["ecs:cluster"]


def test_a_state_without_overrides_in_a_cluster_without_providers(stack: Stack, network: Network) -> None:
    """It has a launch type and no overrides."""
    cluster = ecs.Cluster(stack, "Cluster", vpc=network.vpc)
    state = Job(stack, "Load", network=network, image=IMAGE, cluster=cluster).task_state("Run")
    flow = sfn.StateMachine(stack, "Flow", definition_body=sfn.DefinitionBody.from_chainable(state))

    parameters = definition(Template.from_stack(stack), flow)["Run"]["Parameters"]
    assert parameters["LaunchType"] == "FARGATE"
    assert parameters.keys().isdisjoint({"CapacityProviderStrategy", "Overrides"})


def test_a_state_of_a_machine_with_jsonata(stack: Stack, network: Network) -> None:
    """Its expressions and a list as the whole command are passed, too."""
    load = Job(stack, "Load", network=network, image=IMAGE)
    day = "{% $states.input.day %}"
    jsonata = load.task_state("Run", environment={"DAY": day}, command=["./load.py", day])
    listed = load.task_state("RunList", command=sfn.JsonPath.list_at("$.commands"))
    flows = [
        sfn.StateMachine(stack, name, definition_body=sfn.DefinitionBody.from_chainable(state), query_language=language)
        for name, state, language in (
            ("Flow", jsonata, sfn.QueryLanguage.JSONATA),
            ("Lists", listed, sfn.QueryLanguage.JSON_PATH),
        )
    ]

    template = Template.from_stack(stack)
    state, other = definition(template, flows[0])["Run"], definition(template, flows[1])["RunList"]
    assert state["Arguments"]["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"
    assert state["Arguments"]["Overrides"]["ContainerOverrides"] == [
        {"Name": "load", "Environment": [{"Name": "DAY", "Value": day}], "Command": ["./load.py", day]}
    ]
    assert other["Parameters"]["Overrides"]["ContainerOverrides"] == [{"Name": "load", "Command.$": "$.commands"}]


def test_a_state_with_jsonata_is_in_any_state_machine(stack: Stack, network: Network) -> None:
    """It names its language, also in a map of a state machine with JSONata, where CDK forgets it."""
    load = Job(stack, "Load", network=network, image=IMAGE)
    first, each = (load.task_state(name, command=["{% $states.input.day %}"]) for name in ("First", "Each"))
    days = sfn.Map.jsonata(stack, "Days").item_processor(each)
    flow, daily = (
        sfn.StateMachine(stack, name, definition_body=sfn.DefinitionBody.from_chainable(body), query_language=language)
        for name, body, language in (
            ("Flow", first, sfn.QueryLanguage.JSON_PATH),
            ("Daily", days, sfn.QueryLanguage.JSONATA),
        )
    )

    template = Template.from_stack(stack)
    inner = definition(template, daily)["Days"]["ItemProcessor"]["States"]["Each"]
    for state in (definition(template, flow)["First"], inner):
        assert state["QueryLanguage"] == "JSONata"
        assert state["Arguments"]["Overrides"]["ContainerOverrides"][0]["Command"] == ["{% $states.input.day %}"]


def test_a_state_machine_with_jsonata_refuses_fields_of_jsonpath(stack: Stack, network: Network) -> None:
    """AWS would refuse them when they are deployed."""
    load = Job(stack, "Load", network=network, image=IMAGE)
    body = sfn.DefinitionBody.from_chainable(load.task_state("Run", command=[sfn.JsonPath.string_at("$.day")]))

    with pytest.raises(RuntimeError, match=r"take no sfn.JsonPath; write '{% \$states.input.day %}' for a field"):
        sfn.StateMachine(stack, "Flow", definition_body=body, query_language=sfn.QueryLanguage.JSONATA)


def test_a_state_with_a_sidecar_warns(stack: Stack, network: Network) -> None:
    """Step Functions counts the sidecar's exit code, too."""
    load = Job(stack, "Load", network=network, image=IMAGE)
    state = load.task_state("Run")
    load.add_sidecar("cache", image=IMAGE)
    sfn.StateMachine(stack, "Flow", definition_body=sfn.DefinitionBody.from_chainable(state))

    (warning,) = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("sidecarsDecide"))
    assert "its sidecars (cache) must end with exit code 0, too" in str(warning.entry.data)


def test_a_schedule_can_be_off_and_skip_runs(stack: Stack, network: Network) -> None:
    """It starts a state machine with its time, which starts the tasks if ECS lists none."""
    ScheduledTask(
        stack,
        "Lone",
        network=network,
        image=IMAGE,
        schedule=NIGHTLY,
        enabled=False,
        skip_if_running=True,
        task_count=3,
    )

    template = Template.from_stack(stack)
    (schedule,) = properties(template, "AWS::Scheduler::Schedule")
    states = definition(template, "LoneLauncher")
    assert schedule["State"] == "DISABLED"
    assert "LoneLauncherMachine" in schedule["Target"]["Arn"]["Ref"]
    assert json.loads(schedule["Target"]["Input"]) == {"id": "<aws.scheduler.scheduled-time>"}
    assert [each["Next"] for each in states["Running"]["Choices"]] == ["Skipped"]
    assert states["Running"]["Default"] == "First"
    assert states["Run"]["Parameters"]["Count"] == 3
    assert "Overrides" not in states["Run"]["Parameters"]
    (family,) = (each["Family"] for each in properties(template, "AWS::ECS::TaskDefinition"))
    assert states["List"]["Parameters"]["Family"] == family
    assert permissions(template, "LoneSchedulerRole").keys() == {"states:StartExecution", "sqs:SendMessage"}
    may_list = permissions(template, "LoneLauncherRole")["ecs:ListTasks"]
    assert (may_list["Resource"], [*may_list["Condition"]["ArnEquals"]]) == ("*", ["ecs:cluster"])


def test_several_tasks_for_each_start(stack: Stack, network: Network) -> None:
    """Of the schedule and of the line; a smaller base on demand is then accepted."""
    work = ScheduledTask(
        stack,
        "Work",
        network=network,
        image=IMAGE,
        schedule=NIGHTLY,
        task_count=3,
        capacity=Capacity.spot(on_demand_base=1),
    )

    (schedule,) = properties(stack, "AWS::Scheduler::Schedule")
    assert schedule["Target"]["EcsParameters"]["TaskCount"] == 3
    assert " --count 3 --network-configuration " in work.run_command


def test_a_principal_may_run_the_job(stack: Stack, network: Network) -> None:
    """A role of another stack gets the permissions there; an imported one in the job's stack."""
    job = OneOffTask(stack, "Load", network=network, image=IMAGE)
    pipeline = Stack(App.of(stack), "Pipeline")
    role = iam.Role(pipeline, "Role", assumed_by=iam.AccountRootPrincipal())

    grant = job.grant_run(role)
    job.grant_run(iam.Role.from_role_name(stack, "Deployer", "deployer"))

    assert grant.success
    assert [each.actions for each in grant.principal_statements] == [
        *(["ecs:RunTask"], ["ecs:TagResource"], ["iam:PassRole"])
    ]
    for each, name in ((stack, "Deployer"), (pipeline, "Role")):
        assert permissions(Template.from_stack(each), name).keys() == {"ecs:RunTask", "ecs:TagResource", "iam:PassRole"}
    assert stack in pipeline.dependencies


def test_rules_of_another_stack_start_the_job(stack: Stack, network: Network) -> None:
    """Their stack depends on the job's, and the job's queue takes their events that cannot be delivered."""
    bill = Job(stack, "Bill", network=network, image=IMAGE)
    rules = Stack(App.of(stack), "Rules")
    order = sfn.JsonPath.string_at(ORDER)

    rule = events.Rule(rules, "Paid", event_pattern=events.EventPattern(source=["shop"]))
    rule.add_target(bill.event_target("Paid", command=["./bill.py", order], environment={"ORDER": order}))
    other = events.Rule(rules, "Refunded", event_pattern=events.EventPattern(source=["refunds"]))
    other.add_target(bill.event_target("Refunded"))

    (override,) = definition(Template.from_stack(stack), "BillPaid")["Run"]["Parameters"]["Overrides"][
        "ContainerOverrides"
    ]
    assert override["Environment"] == [{"Name": "ORDER", "Value.$": ORDER}]
    assert override["Command.$"] == f"States.Array('./bill.py', {ORDER})"
    assert (stack in rules.dependencies, stack.dependencies) == (True, [])
    (policy,) = properties(stack, "AWS::SQS::QueuePolicy")
    (source,) = (each["Condition"]["ArnLike"] for each in policy["PolicyDocument"]["Statement"][-1:])
    (arn,) = source["aws:SourceArn"]
    assert arn["Fn::Join"][1][-1].endswith(":rule/*")


def test_many_events_start_one_job(stack: Stack, network: Network) -> None:
    """SQS limits the statements of a policy, and EventBridge the length of a pattern."""
    load = Job(stack, "Load", network=network, image=IMAGE)
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "uploads")
    for number in range(11):
        load.run_on_upload(f"In{number}", bucket=bucket, prefix=f"{number}/")

    template = Template.from_stack(stack)
    (policy,) = properties(template, "AWS::SQS::QueuePolicy")
    patterns = [
        each["EventPattern"]["detail"]["stateMachineArn"]
        for each in properties(template, "AWS::Events::Rule", {"EventPattern": {"source": ["aws.states"]}})
    ]
    assert len(policy["PolicyDocument"]["Statement"]) == 5
    assert [len(each) for each in patterns] == [10, 1]


def test_a_run_before_a_deployment_is_not_repeated_behind_its_back(stack: Stack, network: Network) -> None:
    """Its tasks say what started them, if failed runs of the job start again."""
    migrate = OneOffTask(stack, "Migrate", network=network, image=IMAGE, retries=1)
    migrate.run_before(FargateService(stack, "Web", network=network, image=IMAGE, cluster=migrate.cluster))

    (function,) = properties(stack, "AWS::Lambda::Function", {"Description": "Runs a task before deployments"})
    assert '"startedBy":"deployment"' in "".join(
        map(str, function["Environment"]["Variables"]["REQUEST"]["Fn::Join"][1])
    )


@pytest.mark.parametrize(
    ("arguments", "detail"),
    [
        ({}, None),
        ({"prefix": "in/"}, {"key": [{"prefix": "in/"}]}),
        ({"suffix": ".csv"}, {"key": [{"suffix": ".csv"}]}),
    ],
)
def test_the_keys_that_start_a_run(
    stack: Stack, network: Network, arguments: dict[str, Any], detail: dict[str, Any] | None
) -> None:
    """An imported bucket stays as it is."""
    load = Job(stack, "Load", network=network, image=IMAGE)
    rule = load.run_on_upload("In", bucket=s3.Bucket.from_bucket_name(stack, "Bucket", "uploads"), **arguments)

    pattern = properties_of(Template.from_stack(stack), rule)["EventPattern"]
    assert pattern["detail"]["bucket"] == {"name": ["uploads"]}
    assert pattern["detail"].get("object") == detail
    Template.from_stack(stack).resource_count_is("AWS::S3::Bucket", 0)


def test_a_bucket_keeps_its_other_notifications(stack: Stack, network: Network) -> None:
    """CDK's function writes all of them at once, with the events for the job."""
    bucket = s3.Bucket(stack, "Bucket")
    bucket.add_event_notification(s3.EventType.OBJECT_REMOVED, notifications.SqsDestination(sqs.Queue(stack, "Gone")))
    Job(stack, "Load", network=network, image=IMAGE).run_on_upload("In", bucket=bucket)

    (written,) = properties(stack, "Custom::S3BucketNotifications")
    assert written["NotificationConfiguration"].keys() == {"EventBridgeConfiguration", "QueueConfigurations"}
    assert "NotificationConfiguration" not in properties(stack, "AWS::S3::Bucket")[0]


def test_a_bucket_with_a_configuration_of_its_own_keeps_it(stack: Stack, network: Network) -> None:
    """What was written to the L1 is the caller's."""
    bucket = s3.Bucket(stack, "Bucket")
    own = s3.CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
    )
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)
    resource.notification_configuration = own
    load = Job(stack, "Load", network=network, image=IMAGE)
    for name in ("First", "Second"):
        load.run_on_upload(name, bucket=bucket)

    (written,) = properties(stack, "AWS::S3::Bucket")
    assert written["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


def test_a_notification_added_later_fails_synthesis() -> None:
    """CDK's function would turn off the events that start the job."""
    app = App()
    stack = Stack(app, "Test")
    bucket = s3.Bucket(stack, "Bucket")
    Job(stack, "Load", network=network_in(stack), image=IMAGE).run_on_upload("In", bucket=bucket)
    bucket.add_event_notification(s3.EventType.OBJECT_REMOVED, notifications.SqsDestination(sqs.Queue(stack, "Gone")))

    with pytest.raises(RuntimeError, match="if it gets other notifications, too, got: Test/Bucket without;"):
        app.synth()
