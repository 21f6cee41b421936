"""A worker: its queues, how it scales on them, its alarms, and what its tasks may do."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from aws_cdk.assertions import Template

from fargate_constructs import QueueWorker, Scaling
from fargate_constructs.network.network import Network
from tests.audit import findings
from tests.modes.made_elsewhere import IMAGE, network_in
from tests.shared_stack import Part, Steps, in_shared_stack
from tests.templates import properties, properties_of

minutes, seconds, hours = Duration.minutes, Duration.seconds, Duration.hours
QUEUE_ARN = "arn:aws:sqs:eu-west-1:123456789012:orders"
KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012"

Worker = partial(QueueWorker, image=IMAGE, message_duration=seconds(10))


@pytest.fixture(scope="module")
def workers() -> dict[str, QueueWorker]:
    """Workers of all kinds, in one stack."""
    stack = Stack(App(), "Test")
    worker = partial(Worker, stack, network=network_in(stack))
    orders = worker("Orders")
    worker = partial(worker, cluster=orders.cluster)
    own = sqs.Queue(stack, "Own", visibility_timeout=minutes(2))
    with_key = sqs.Queue(stack, "WithKey", encryption_master_key=kms.Key(stack, "QueueKey"))
    dead_letters = sqs.DeadLetterQueue(queue=own, max_receive_count=3)
    return {
        "default": orders,
        "zero": worker("Zero", acceptable_wait=minutes(20), max_tasks=100, scale_in_protection=True),
        "soon": worker("Soon", acceptable_wait=seconds(60), min_tasks=0, max_tasks=1),
        "none": worker("None", max_tasks=0),
        "fifo": worker("Fifo", fifo=True, max_receive_count=3, visibility_timeout=hours(1)),
        "key": worker(
            "Sealed", encryption_key=kms.Key(stack, "Key"), message_duration=hours(3), acceptable_wait=hours(3)
        ),
        "given": worker("Given", queue=sqs.Queue(stack, "Given2", dead_letter_queue=dead_letters)),
        "given_key": worker("GivenKey", queue=with_key),
        "imported": worker("Imported", queue=sqs.Queue.from_queue_arn(stack, "Imported2", QUEUE_ARN)),
        "imported_key": worker(
            "ImportedKey",
            queue=sqs.Queue.from_queue_attributes(stack, "Sealed2", queue_arn=QUEUE_ARN, key_arn=KEY_ARN),
            task_role=iam.Role.from_role_name(stack, "Role", "orders"),
            scale_in_protection=True,
        ),
    }


@pytest.fixture(scope="module")
def template(workers: Mapping[str, QueueWorker]) -> Template:
    """Their template."""
    return Template.from_stack(Stack.of(workers["default"]))


def queue_of(worker: QueueWorker, template: Template) -> dict[str, Any]:
    """Return the properties of a worker's queue."""
    return properties_of(template, worker.queue)


def capacity_of(worker: QueueWorker, template: Template) -> tuple[int, int]:
    """Return the minimum and the maximum number of tasks."""
    target = worker.scalable_task_count.node.find_child("Target").node.default_child
    found = properties_of(template, target)  # type: ignore[arg-type]
    return found["MinCapacity"], found["MaxCapacity"]


def policies_of(worker: QueueWorker, template: Template) -> dict[str, dict[str, Any]]:
    """Return a worker's scaling policies by their ID."""
    target = worker.scalable_task_count.node.find_child("Target")
    found = {}
    for each in target.node.find_all():
        if (resource := getattr(each, "cfn_resource_type", "")) == "AWS::ApplicationAutoScaling::ScalingPolicy":
            assert resource
            found[each.node.path.removeprefix(f"{target.node.path}/")] = properties_of(template, each)
    return found


def statements_of(worker: QueueWorker, template: Template) -> dict[str, Any]:
    """Return what a worker's role may do: the resource of each action, of the policy that grants make."""
    role = Stack.of(worker).resolve(worker.task_definition.task_role.role_name)
    return {
        action: statement["Resource"]
        for policy in properties(template, "AWS::IAM::Policy")
        if role in policy["Roles"] and "Policy" in str(policy["PolicyName"])
        for statement in policy["PolicyDocument"]["Statement"]
        for action in [statement["Action"]] * isinstance(statement["Action"], str) or statement["Action"]
    }


def test_the_queues(workers: Mapping[str, QueueWorker], template: Template) -> None:
    """Encrypted, TLS only, kept; what fails five times is kept for two weeks."""
    worker = workers["default"]
    queue, stack = queue_of(worker, template), Stack.of(worker)
    assert worker.dead_letter_queue
    arn = stack.resolve(worker.dead_letter_queue.queue_arn)
    assert queue == {
        "SqsManagedSseEnabled": True,
        "VisibilityTimeout": 6 * 10 + 30,
        "RedrivePolicy": {"deadLetterTargetArn": arn, "maxReceiveCount": 5},
    }
    dead_letters = properties_of(template, worker.dead_letter_queue)
    assert dead_letters == {"SqsManagedSseEnabled": True, "MessageRetentionPeriod": 14 * 24 * 3600}
    for each in (worker.queue, worker.dead_letter_queue):
        url = stack.resolve(each.queue_url)
        (policy,) = (each for each in properties(template, "AWS::SQS::QueuePolicy") if each["Queues"] == [url])
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
        resource = template.to_json()["Resources"][url["Ref"]]
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_the_container_gets_the_url(workers: Mapping[str, QueueWorker], template: Template) -> None:
    """In `QUEUE_URL`; it has no port."""
    for worker in (workers["default"], workers["given"]):
        (container,) = properties_of(template, worker.task_definition)["ContainerDefinitions"]
        url = Stack.of(worker).resolve(worker.queue.queue_url)
        assert container["Environment"] == [{"Name": "QUEUE_URL", "Value": url}]
        assert "PortMappings" not in container


def test_a_task_may_work_off_its_queue_only(workers: Mapping[str, QueueWorker], template: Template) -> None:
    """It may not send, and not see the dead-letter queue."""
    worker = workers["default"]
    actions = ("ReceiveMessage", "ChangeMessageVisibility", "GetQueueUrl", "DeleteMessage", "GetQueueAttributes")

    arn = Stack.of(worker).resolve(worker.queue.queue_arn)
    assert statements_of(worker, template) == {f"sqs:{action}": arn for action in actions}


def test_a_key_of_yours(workers: Mapping[str, QueueWorker], template: Template) -> None:
    """Both queues are under it, and a task may decrypt, also with the key of a given queue."""
    worker = workers["key"]
    assert isinstance(worker.queue, sqs.Queue)
    assert worker.queue.encryption_master_key
    assert worker.dead_letter_queue
    arn = Stack.of(worker).resolve(worker.queue.encryption_master_key.key_arn)
    for queue in (worker.queue, worker.dead_letter_queue):
        assert properties_of(template, queue)["KmsMasterKeyId"] == arn

    assert statements_of(worker, template)["kms:Decrypt"] == arn
    assert "kms:Decrypt" in statements_of(workers["given_key"], template)
    assert statements_of(workers["imported_key"], template)["kms:Decrypt"] == KEY_ARN


def test_protection(workers: Mapping[str, QueueWorker], template: Template) -> None:
    """Only if asked for, a task may protect tasks of its cluster; with a given role too."""
    worker = workers["zero"]
    cluster = Stack.of(worker).resolve(worker.cluster.cluster_name)
    for each in (worker, workers["imported_key"]):
        allowed = {name: arn for name, arn in statements_of(each, template).items() if name.startswith("ecs:")}
        assert allowed.keys() == {"ecs:GetTaskProtection", "ecs:UpdateTaskProtection"}
        for arn in allowed.values():
            assert arn["Fn::Join"][1][-3:] == [":task/", cluster, "/*"]
    assert not any(name.startswith("ecs:") for name in statements_of(workers["default"], template))


def test_fifo(workers: Mapping[str, QueueWorker], template: Template) -> None:
    """Both queues are, as SQS asks for."""
    queue = queue_of(workers["fifo"], template)
    assert workers["fifo"].dead_letter_queue

    assert queue["FifoQueue"] is True
    assert properties_of(template, workers["fifo"].dead_letter_queue)["FifoQueue"] is True
    assert (queue["VisibilityTimeout"], queue["RedrivePolicy"]["maxReceiveCount"]) == (3600, 3)


def test_the_visibility_timeout_has_a_maximum(workers: Mapping[str, QueueWorker], template: Template) -> None:
    """Six times three hours is more than SQS's twelve hours."""
    assert queue_of(workers["key"], template)["VisibilityTimeout"] == 12 * 3600


def test_a_wait_that_zero_tasks_can_keep(workers: Mapping[str, QueueWorker], template: Template) -> None:
    """SQS may report the first message 15 minutes late; so fewer than 20 minutes keep one task, or what you say."""
    names = ("default", "zero", "soon", "none")

    assert [capacity_of(workers[name], template) for name in names] == [(1, 10), (0, 100), (0, 1), (0, 0)]


def test_target_tracking_keeps_the_backlog_per_task(workers: Mapping[str, QueueWorker], template: Template) -> None:
    """The accepted wait by the time per message; messages in process count, too."""
    (policy,) = policies_of(workers["default"], template).values()
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    metrics = {each["Id"]: each for each in tracking["CustomizedMetricSpecification"]["Metrics"]}

    assert tracking["TargetValue"] == 5 * 60 / 10
    assert metrics["result"]["Expression"] == "SUM([waiting, in_flight]) / tasks"
    stats = {name: (each["Metric"]["MetricName"], each["Stat"]) for name, each in _stats(metrics).items()}
    assert stats == {
        "waiting": ("ApproximateNumberOfMessagesVisible", "Maximum"),
        "in_flight": ("ApproximateNumberOfMessagesNotVisible", "Maximum"),
        "tasks": ("CPUUtilization", "SampleCount"),
    }


def _stats(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each["MetricStat"] for name, each in metrics.items() if "MetricStat" in each}


def test_steps_to_zero_and_back(workers: Mapping[str, QueueWorker], template: Template) -> None:
    """One task for a message, powers of two for many; all stop when nothing happened for 15 minutes."""
    policies = policies_of(workers["zero"], template)
    assert policies.keys() == {"Queue", "QueueStart/UpperPolicy/Resource", "QueueStop/LowerPolicy/Resource"}
    start, stop = (
        policies[f"Queue{name}/Resource"]["StepScalingPolicyConfiguration"]
        for name in ("Start/UpperPolicy", "Stop/LowerPolicy")
    )
    per_task = 20 * 60 / 10
    steps = [(1 + each["MetricIntervalLowerBound"], each["ScalingAdjustment"]) for each in start["StepAdjustments"]]

    assert start["AdjustmentType"] == "ChangeInCapacity"
    assert steps == [(1, 1), *((size * per_task, size) for size in (2, 4, 8, 16, 32, 64))]
    assert stop["AdjustmentType"] == "PercentChangeInCapacity"
    assert stop["StepAdjustments"] == [{"MetricIntervalUpperBound": 0, "ScalingAdjustment": -100}]
    assert "0.01) / tasks" in str(policies["Queue"])


def test_alarms_of_the_steps(template: Template) -> None:
    """One minute starts tasks, fifteen stop them; the description says which worker's they are."""
    alarms = {
        each["AlarmDescription"].removeprefix("Test/Zero: "): each
        for each in properties(template, "AWS::CloudWatch::Alarm")
        if each["AlarmDescription"].startswith("Test/Zero: ") and "Metrics" in each
    }
    found = [(text, each["Threshold"], each["EvaluationPeriods"]) for text, each in sorted(alarms.items())]

    assert found == [
        ("messages wait, and no task takes them", 1, 1),
        ("no message for 15 minutes", 0, 15),
    ]
    for each in alarms.values():
        assert {part["MetricStat"]["Period"] for part in each["Metrics"][1:]} == {60}


def test_one_task_needs_one_step(workers: Mapping[str, QueueWorker], template: Template) -> None:
    """With a maximum of 1 there is nothing to compute."""
    start = policies_of(workers["soon"], template)["QueueStart/UpperPolicy/Resource"]

    assert start["StepScalingPolicyConfiguration"]["StepAdjustments"] == [
        {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}
    ]


def test_alarms(workers: Mapping[str, QueueWorker], template: Template) -> None:
    """A message in the dead-letter queue; messages that wait twice as long as accepted, for three minutes."""
    worker = workers["default"]
    age, dead_letters = (properties_of(template, each) for each in worker.alarms)

    assert (worker.age_alarm, worker.dead_letter_alarm) == tuple(worker.alarms)
    assert (age["MetricName"], age["Threshold"]) == ("ApproximateAgeOfOldestMessage", 2 * 5 * 60 + 10)
    assert (age["EvaluationPeriods"], age["Period"], age["TreatMissingData"]) == (3, 60, "notBreaching")
    assert (dead_letters["MetricName"], dead_letters["Threshold"]) == ("ApproximateNumberOfMessagesVisible", 1)
    assert (dead_letters["EvaluationPeriods"], dead_letters["TreatMissingData"]) == (1, "ignore")
    assert not any("AlarmActions" in each for each in (age, dead_letters))


def test_a_given_queue(workers: Mapping[str, QueueWorker], template: Template) -> None:
    """Its dead-letter queue is watched if it is known; no queue is made."""
    names = ("given", "given_key", "imported", "imported_key")
    assert [len(workers[name].alarms) for name in names] == [2, 1, 1, 1]
    assert [workers[name].dead_letter_queue is None for name in names] == [False, True, True, True]
    assert [workers[name].node.try_find_child("Queue") for name in names] == [None] * 4
    alarm = properties_of(template, workers["given"].alarms[1])
    watched = workers["given"].dead_letter_queue
    assert watched
    assert alarm["Dimensions"][0]["Value"] == Stack.of(workers["given"]).resolve(watched.queue_name)
    assert statements_of(workers["imported"], template)["sqs:DeleteMessage"] == QUEUE_ARN


@in_shared_stack
def test_a_queue_of_another_stack(part: Part) -> Steps:
    """The worker's stack depends on the queue's, with its key and its topic, and not the other way round."""
    workers = part.other_stack("Workers")
    dead_letters = sqs.DeadLetterQueue(queue=sqs.Queue(part, "DeadLetters", enforce_ssl=True), max_receive_count=5)
    key = kms.Key(part, "Key", enable_key_rotation=True)
    queue = sqs.Queue(part, "Queue", encryption_master_key=key, enforce_ssl=True, dead_letter_queue=dead_letters)
    in_stack: dict[str, Any] = {"scope": workers, "cluster": None, "message_duration": seconds(10)}
    part.make(QueueWorker, "Orders", **in_stack, queue=queue)
    made_here = part.make(QueueWorker, "Returns", **in_stack)
    topic = sns.Topic(part, "Topic", enforce_ssl=True)
    topic.add_subscription(subscriptions.SqsSubscription(made_here.queue))
    yield
    part.template()
    assert part.stack in workers.dependencies
    assert workers not in part.stack.dependencies
    assert findings(workers) == []


@in_shared_stack
def test_a_service_that_scales_to_zero_by_a_queue(part: Part) -> Steps:
    """`scale_on_backlog` has the same steps; a minimum that only the deployment knows may be 0."""
    token = CfnParameter(part, "Number", type="Number").value_as_number
    queue = sqs.Queue(part, "Queue")
    service = part.service("Worker", port=None, scaling=Scaling(min=0, cpu_percent=None))
    scaling = Scaling(min=token, max=token)  # type: ignore[arg-type]
    for each in (service, part.service("Other", port=None, scaling=scaling)):
        each.scale_on_backlog("Orders", queue=queue, messages_per_task=7)
    with pytest.raises(ValueError, match="a service that scales to zero has one queue, got a second one: 'Returns'"):
        service.scale_on_backlog("Returns", queue=queue, messages_per_task=1)
    yield
    policies = part.resources("AWS::ApplicationAutoScaling::ScalingPolicy").items()
    steps = [(name, each["Properties"].get("StepScalingPolicyConfiguration")) for name, each in policies]
    numbers = {
        owner: sorted(len(each["StepAdjustments"]) for name, each in steps if each and f"{owner}Service" in name)
        for owner in ("Worker", "Other")
    }
    assert numbers == {"Worker": [1, 4], "Other": [1, 10]}


@in_shared_stack
def test_tokens_that_pass(part: Part) -> Steps:
    """Timeouts and numbers of tasks that only the deployment knows."""
    token = CfnParameter(part, "Number", type="Number").value_as_number
    queue = sqs.Queue(part, "Queue", visibility_timeout=seconds(token))
    make: Any = partial(part.make, QueueWorker, message_duration=seconds(10))
    orders = make("Orders", queue=queue, min_tasks=token, max_tasks=token)
    returns = make("Returns", visibility_timeout=seconds(token))
    yield
    number = part.resolve(token)
    assert capacity_of(orders, part.template()) == (number, number)
    assert queue_of(returns, part.template())["VisibilityTimeout"] == number


SECRET = ecs.Secret.from_ssm_parameter(
    ssm.StringParameter.from_secure_string_parameter_attributes(Stack(), "Url", parameter_name="/url")
)
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"message_duration": seconds(0)}, "message_duration must be 0.001 to 43200 seconds, got: 0"),
    ({"message_duration": hours(13)}, "message_duration must be 0.001 to 43200 seconds, got: 46800"),
    ({"message_duration": 10}, "message_duration must be aws_cdk.Duration, got: 10; write Duration.seconds"),
    ({"acceptable_wait": seconds(59)}, "acceptable_wait must be 60 to 86400 seconds, got: 59"),
    ({"acceptable_wait": Duration.days(2)}, "acceptable_wait must be 60 to 86400 seconds, got: 172800"),
    ({"message_duration": minutes(6)}, "acceptable_wait must be at least message_duration (360 seconds), got: 300"),
    ({"min_tasks": -1}, "min_tasks must be at least 0, got: -1"),
    ({"max_tasks": -1}, "max_tasks must be at least 0, got: -1"),
    ({"min_tasks": 3, "max_tasks": 2}, "max_tasks must be at least min_tasks (3), got: 2"),
    ({"max_receive_count": 0}, "max_receive_count must be 1 to 1000, got: 0"),
    ({"max_receive_count": 1001}, "max_receive_count must be 1 to 1000, got: 1001"),
    ({"visibility_timeout": hours(13)}, "visibility_timeout must be 0 to 43200 seconds, got: 46800"),
    ({"visibility_timeout": Duration.millis(90_500)}, "visibility_timeout must be whole seconds, got: 1 minute 30 sec"),
    (
        {"visibility_timeout": seconds(29)},
        "visibility_timeout must be at least message_duration (10 seconds) and stop_",
    ),
    (
        {"visibility_timeout": seconds(59), "message_duration": seconds(60)},
        "message_duration (60 seconds) and stop_timeout (30 seconds), got: 59 seconds; otherwise two tasks work on one",
    ),
    ({"visibility_timeout": seconds(60), "stop_timeout": seconds(61)}, "stop_timeout (61 seconds), got: 60 seconds"),
    ({"environment": {"QUEUE_URL": "x"}}, "environment must not have QUEUE_URL, which holds the URL of the worker's"),
    ({"secrets": {"QUEUE_URL": SECRET}}, "secrets must not have QUEUE_URL, which holds the URL of the worker's queue"),
    ({"port": 80}, "QueueWorker has no argument 'port'"),
    (
        {"queue": QUEUE_ARN},
        "queue must be aws_sqs.IQueue or None, got: 'arn:aws:sqs:eu-west-1:123456789012:orders'; import it",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=range(len(REFUSED)))
def test_refusals(untouched: Stack, refusing_network: Network, arguments: dict[str, Any], message: str) -> None:
    """The message has the value and what is allowed; the tree stays as it was."""
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        Worker(untouched, "Refused", network=refusing_network, **arguments)
    assert untouched.node.try_find_child("Refused") is None


def test_refused_queues(untouched: Stack, refusing_network: Network) -> None:
    """A timeout that is too short, also the default of 30 s; settings of a queue beside a queue; tokens."""
    queue, short = (
        sqs.Queue(untouched, name, visibility_timeout=timeout)
        for name, timeout in (("Default", None), ("Short", seconds(20)))
    )
    token = CfnParameter(untouched, "Seconds", type="Number").value_as_number
    calls: list[tuple[dict[str, Any], str]] = [
        (
            {"queue": queue, "message_duration": seconds(31)},
            "the visibility timeout of Test/Default must be at least message_duration (31 seconds) and stop_timeout",
        ),
        ({"queue": short}, "(30 seconds), got: 20 seconds; otherw"),
        ({"queue": queue, "stop_timeout": seconds(token)}, "stop_timeout (120 seconds), got: 30 seconds"),
        ({"message_duration": seconds(token)}, "message_duration must be known at synthesis, got a token; write Durat"),
        *(
            (
                {"queue": queue, name: value},
                f"{name} is of a queue made here, got a queue as well: Test/Default; set",
            )
            for name, value in {
                "fifo": True,
                "encryption_key": kms.Key.from_key_arn(untouched, "Key", KEY_ARN),
                "visibility_timeout": minutes(1),
                "max_receive_count": 3,
            }.items()
        ),
    ]
    for arguments, message in calls:
        with pytest.raises(ValueError, match=re.escape(message)):
            Worker(untouched, "Refused", network=refusing_network, **arguments)
