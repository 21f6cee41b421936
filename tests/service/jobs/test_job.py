"""A job that something else starts: its state machines, what they may do, and what reports a failed run."""

import json
from typing import Any, cast

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk.assertions import Template

from fargate_constructs import Capacity, Job, OneOffTask, ScheduledTask
from fargate_constructs.network.network import Network
from fargate_constructs.service.jobs.failed_runs import FailedRuns
from fargate_constructs.synthesized.intrinsics import pieces
from tests.modes.made_elsewhere import IMAGE, network_in
from tests.service.jobs.test_scheduled_task import NIGHTLY
from tests.shared_stack import Part, Steps, in_shared_stack
from tests.templates import properties

ORDER = "$.detail.order"
QUEUE_ARN = "arn:aws:sqs:eu-west-1:123456789012:removed"


def states_of(machine: dict[str, Any]) -> dict[str, Any]:
    """Return the states of a state machine, with references as the logical IDs that they name."""
    text = "".join(
        piece if isinstance(piece, str) else next(iter(piece.get("Fn::GetAtt", [piece.get("Ref")])))
        for piece in pieces(machine["DefinitionString"])
    )
    states: dict[str, Any] = json.loads(text)["States"]
    return states


def definition(template: Template, name: str) -> dict[str, Any]:
    """Return the states of the state machine whose logical ID has a name in it."""
    machines = template.find_resources("AWS::StepFunctions::StateMachine").items()
    (found,) = (each["Properties"] for logical_id, each in machines if name in logical_id)
    return states_of(found)


def permissions(source: Template | Part, role: str) -> dict[str, dict[str, Any]]:
    """Return the statements of a role by their first action."""
    type_ = "AWS::IAM::Policy"
    policies = source.properties(type_) if isinstance(source, Part) else properties(source, type_)
    return {
        action if isinstance(action := statement["Action"], str) else action[0]: statement
        for policy in policies
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


@in_shared_stack
def test_a_job_reports_its_failed_runs(part: Part) -> Steps:
    """By default it has the queue, the rule and the alarm of a scheduled task, and no state machine."""
    job = part.make(Job, "Load")
    yield
    (queue,) = part.resources("AWS::SQS::Queue")
    (rule,) = part.properties("AWS::Events::Rule")
    assert [each["Arn"] for each in rule["Targets"]] == [{"Fn::GetAtt": [queue, "Arn"]}]
    assert part.of(job.alarm)["Namespace"] == "AWS/SQS"
    assert part.of(job.failure_rule) == rule
    assert part.resources("AWS::StepFunctions::StateMachine") == {}


@in_shared_stack
def test_a_one_off_task_reports_failed_runs_when_asked(part: Part) -> Steps:
    """Its queue, rule and alarm are made together, once."""
    part.make(OneOffTask, "Silent")
    asked = part.make(OneOffTask, "Asked")
    part.make(OneOffTask, "Slow", timeout=Duration.minutes(5))
    assert asked.alarm is asked.alarm
    yield
    counts = {"AWS::SQS::Queue": 2, "AWS::CloudWatch::Alarm": 2, "AWS::Events::Rule": 4}
    assert {type_: len(part.resources(type_)) for type_ in counts} == counts


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


@in_shared_stack
def test_a_state_without_overrides_in_a_cluster_without_providers(part: Part) -> Steps:
    """It has a launch type and no overrides."""
    state = part.one(Job).task_state("Run")
    flow = sfn.StateMachine(part, "Flow", definition_body=sfn.DefinitionBody.from_chainable(state))
    yield
    parameters = states_of(part.of(flow))["Run"]["Parameters"]
    assert parameters["LaunchType"] == "FARGATE"
    assert parameters.keys().isdisjoint({"CapacityProviderStrategy", "Overrides"})


@in_shared_stack
def test_a_state_with_jsonata_is_in_any_state_machine(part: Part) -> Steps:
    """It passes expressions, and names its language, also in a map of a machine with JSONata, where CDK forgets it."""
    load = part.one(Job)
    day = "{% $states.input.day %}"
    given: dict[str, Any] = {"environment": {"DAY": day}, "command": ["./load.py", day]}
    plain, other, each = (load.task_state(name, **given) for name in ("Plain", "Other", "Each"))
    days = sfn.Map.jsonata(part, "Days").item_processor(each)
    jsonata, json_path = sfn.QueryLanguage.JSONATA, sfn.QueryLanguage.JSON_PATH
    flows = [
        sfn.StateMachine(part, name, definition_body=sfn.DefinitionBody.from_chainable(body), query_language=language)
        for name, body, language in (("Flow", plain, jsonata), ("Old", other, json_path), ("Daily", days, jsonata))
    ]
    yield
    flow, old, daily = (states_of(part.of(each)) for each in flows)
    inner = daily["Days"]["ItemProcessor"]["States"]["Each"]
    for state in (flow["Plain"], old["Other"], inner):
        assert state["Arguments"]["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"
        assert state["Arguments"]["Overrides"]["ContainerOverrides"] == [
            {"Name": "job", "Environment": [{"Name": "DAY", "Value": day}], "Command": ["./load.py", day]}
        ]
    assert [state["QueryLanguage"] for state in (old["Other"], inner)] == ["JSONata"] * 2


@in_shared_stack
def test_a_list_of_the_input_is_the_whole_command(part: Part) -> Steps:
    """In a state machine with JSONPath."""
    state = part.one(Job).task_state("RunList", command=sfn.JsonPath.list_at("$.commands"))
    flow = sfn.StateMachine(part, "Flow", definition_body=sfn.DefinitionBody.from_chainable(state))
    yield
    overrides = states_of(part.of(flow))["RunList"]["Parameters"]["Overrides"]
    assert overrides["ContainerOverrides"] == [{"Name": "job", "Command.$": "$.commands"}]


def test_a_state_machine_with_jsonata_refuses_fields_of_jsonpath(untouched: Stack, refusing_network: Network) -> None:
    """AWS would refuse them when they are deployed."""
    load = Job(untouched, "WithJsonPath", network=refusing_network, image=IMAGE)
    body = sfn.DefinitionBody.from_chainable(load.task_state("Run", command=[sfn.JsonPath.string_at("$.day")]))

    with pytest.raises(RuntimeError, match=r"take no sfn.JsonPath; write '{% \$states.input.day %}' for a field"):
        sfn.StateMachine(untouched, "Flow", definition_body=body, query_language=sfn.QueryLanguage.JSONATA)


@in_shared_stack
def test_a_state_with_a_sidecar_warns(part: Part) -> Steps:
    """Step Functions counts the sidecar's exit code, too."""
    load = part.make(Job, "Load")
    state = load.task_state("Run")
    load.add_sidecar("cache", image=IMAGE)
    sfn.StateMachine(part, "Flow", definition_body=sfn.DefinitionBody.from_chainable(state))
    yield
    (warning,) = part.warnings(load)
    assert "its sidecars (cache) must end with exit code 0, too" in warning
    assert "fargate-constructs:sidecarsDecide" in warning


@in_shared_stack
def test_a_schedule_can_be_off_and_skip_runs(part: Part) -> Steps:
    """It starts a state machine with its time, which starts the tasks if ECS lists none."""
    part.make(ScheduledTask, "Lone", schedule=NIGHTLY, enabled=False, skip_if_running=True, task_count=3)
    yield
    (schedule,) = part.properties("AWS::Scheduler::Schedule")
    ((name, machine),) = part.resources("AWS::StepFunctions::StateMachine").items()
    states = states_of(machine["Properties"])
    assert schedule["State"] == "DISABLED"
    assert schedule["Target"]["Arn"]["Ref"] == name
    assert json.loads(schedule["Target"]["Input"]) == {"id": "<aws.scheduler.scheduled-time>"}
    assert [each["Next"] for each in states["Running"]["Choices"]] == ["Skipped"]
    assert states["Running"]["Default"] == "First"
    assert states["Run"]["Parameters"]["Count"] == 3
    assert "Overrides" not in states["Run"]["Parameters"]
    (family,) = (each["Family"] for each in part.properties("AWS::ECS::TaskDefinition"))
    assert states["List"]["Parameters"]["Family"] == family
    assert permissions(part, "LoneSchedulerRole").keys() == {"states:StartExecution", "sqs:SendMessage"}
    may_list = permissions(part, "LoneLauncherRole")["ecs:ListTasks"]
    assert (may_list["Resource"], [*may_list["Condition"]["ArnEquals"]]) == ("*", ["ecs:cluster"])


@in_shared_stack
def test_several_tasks_for_each_start(part: Part) -> Steps:
    """Of the schedule and of the line; a smaller base on demand is then accepted."""
    work = part.make(
        ScheduledTask,
        "Work",
        schedule=NIGHTLY,
        task_count=3,
        cluster=None,
        capacity=Capacity.spot(on_demand_base=1),
    )
    yield
    (schedule,) = part.properties("AWS::Scheduler::Schedule")
    assert schedule["Target"]["EcsParameters"]["TaskCount"] == 3
    assert " --count 3 --network-configuration " in work.run_command


@in_shared_stack
def test_a_principal_may_run_the_job(part: Part) -> Steps:
    """A role of another stack gets the permissions there; an imported one in the job's stack."""
    job = part.make(OneOffTask, "Load")
    pipeline = part.other_stack("Pipeline")
    role = iam.Role(pipeline, "Role", assumed_by=iam.AccountRootPrincipal())
    grant = job.grant_run(role)
    job.grant_run(iam.Role.from_role_name(part, "Deployer", "deployer"))
    actions = ["ecs:RunTask", "ecs:TagResource", "iam:PassRole"]
    assert grant.success
    assert [each.actions for each in grant.principal_statements] == [[each] for each in actions]
    yield
    assert [*permissions(part, "Deployer")] == [*permissions(part.template(pipeline), "Role")] == actions
    assert part.stack in pipeline.dependencies


@in_shared_stack
def test_rules_of_another_stack_start_the_job(part: Part) -> Steps:
    """Their stack depends on the job's, and the job's queue takes their events that cannot be delivered."""
    bill = part.one(Job)
    rules = part.other_stack("Rules")
    order = sfn.JsonPath.string_at(ORDER)
    rule = events.Rule(rules, "Paid", event_pattern=events.EventPattern(source=["shop"]))
    rule.add_target(bill.event_target("Paid", command=["./bill.py", order], environment={"ORDER": order}))
    other = events.Rule(rules, "Refunded", event_pattern=events.EventPattern(source=["refunds"]))
    other.add_target(bill.event_target("Refunded"))
    yield
    paid = part.of(bill.node.find_child("Paid").node.find_child("Machine"))
    (override,) = states_of(paid)["Run"]["Parameters"]["Overrides"]["ContainerOverrides"]
    assert override["Environment"] == [{"Name": "ORDER", "Value.$": ORDER}]
    assert override["Command.$"] == f"States.Array('./bill.py', {ORDER})"
    assert (part.stack in rules.dependencies, rules in part.stack.dependencies) == (True, False)
    policy = part.of(bill.dead_letter_queue.node.find_child("Policy"))["PolicyDocument"]
    arns = policy["Statement"][-1]["Condition"]["ArnLike"]["aws:SourceArn"]
    (others,) = (each for each in arns if "Fn::Join" in each)
    assert others["Fn::Join"][1][-1].endswith(":rule/*")


@in_shared_stack
def test_many_events_start_one_job(part: Part) -> Steps:
    """SQS limits the statements of a policy, and EventBridge the length of a pattern."""
    failed_runs, of_one = (FailedRuns(part.make(OneOffTask, name), retries=0) for name in ("Load", "One"))
    rules = [events.Rule(part, name, event_pattern=events.EventPattern(source=["shop"])) for name in ("Paid", "Sent")]
    for rule in (*rules, *rules):
        failed_runs.accept_events_of(rule)
    of_one.accept_events_of(rules[0])
    for number in range(11):
        machine = sfn.StateMachine.from_state_machine_name(part, f"Machine{number}", f"load-{number}")
        failed_runs.watch(cast(sfn.StateMachine, machine))
    yield
    policies = [each["PolicyDocument"]["Statement"] for each in part.properties("AWS::SQS::QueuePolicy")]
    conditions = [each["Condition"].get("ArnLike") for policy in policies for each in policy]
    arns = part.resolve([each.rule_arn for each in rules])
    assert [each["aws:SourceArn"] for each in conditions if each] == [arns, arns[:1]]
    patterns = [each["EventPattern"] for each in part.properties("AWS::Events::Rule")]
    machines = [each["detail"]["stateMachineArn"] for each in patterns if each["source"] == ["aws.states"]]
    assert [len(each) for each in machines] == [10, 1]


@in_shared_stack
def test_a_run_before_a_deployment_is_not_repeated_behind_its_back(part: Part) -> Steps:
    """Its tasks say what started them, if failed runs of the job start again."""
    migrate = part.make(OneOffTask, "Migrate", retries=1)
    migrate.run_before(part.service("Web"))
    yield
    (request,) = (
        each["Environment"]["Variables"]["REQUEST"]["Fn::Join"][1] for each in part.properties("AWS::Lambda::Function")
    )
    assert '"startedBy":"deployment"' in "".join(map(str, request))


@in_shared_stack
def test_the_keys_that_start_a_run(part: Part) -> Steps:
    """An imported bucket stays as it is."""
    load = part.one(Job)
    bucket = s3.Bucket.from_bucket_name(part, "Bucket", "uploads")
    rules = [
        load.run_on_upload("All", bucket=bucket),
        load.run_on_upload("Prefix", bucket=bucket, prefix="in/"),
        load.run_on_upload("Suffix", bucket=bucket, suffix=".csv"),
    ]
    yield
    details = [part.of(each)["EventPattern"]["detail"] for each in rules]
    assert [each["bucket"] for each in details] == [{"name": ["uploads"]}] * 3
    keys = [{"key": [{"prefix": "in/"}]}, {"key": [{"suffix": ".csv"}]}]
    assert [each.get("object") for each in details] == [None, *keys]
    assert part.resources("AWS::S3::Bucket") == {}


@in_shared_stack
def test_a_bucket_keeps_its_other_notifications(part: Part) -> Steps:
    """CDK's function writes all of them at once, with the events for the job."""
    bucket = s3.Bucket(part, "Bucket")
    bucket.add_event_notification(s3.EventType.OBJECT_REMOVED, notifications.SqsDestination(sqs.Queue(part, "Gone")))
    part.one(Job).run_on_upload("Notified", bucket=bucket)
    yield
    (written,) = part.properties("Custom::S3BucketNotifications")
    assert written["NotificationConfiguration"].keys() == {"EventBridgeConfiguration", "QueueConfigurations"}
    assert "Properties" not in part.resources("AWS::S3::Bucket").popitem()[1]


@in_shared_stack
def test_a_bucket_with_a_configuration_of_its_own_keeps_it(part: Part) -> Steps:
    """What was written to the L1 is the caller's."""
    bucket = s3.Bucket(part, "Bucket")
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)
    resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True),
        queue_configurations=[s3.CfnBucket.QueueConfigurationProperty(event="s3:ObjectRemoved:*", queue=QUEUE_ARN)],
    )
    part.one(Job).run_on_upload("Configured", bucket=bucket)
    yield
    assert part.of(bucket)["NotificationConfiguration"] == {
        "EventBridgeConfiguration": {"EventBridgeEnabled": True},
        "QueueConfigurations": [{"Event": "s3:ObjectRemoved:*", "Queue": QUEUE_ARN}],
    }
    assert part.resources("Custom::S3BucketNotifications") == {}


def test_a_notification_added_later_fails_synthesis(untouched: Stack, refusing_network: Network) -> None:
    """CDK's function would turn off the events that start the job."""
    bucket = s3.Bucket(untouched, "Bucket")
    Job(untouched, "Upload", network=refusing_network, image=IMAGE).run_on_upload("In", bucket=bucket)
    assert bucket.node.validate() == []
    gone = notifications.SqsDestination(sqs.Queue(untouched, "Gone"))
    bucket.add_event_notification(s3.EventType.OBJECT_REMOVED, gone)

    (error,) = bucket.node.validate()
    assert "if it gets other notifications, too, got: Test/Bucket without;" in error
