"""The state machines that start and stop runs of a job. What they cannot do becomes a message in the job's queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import jsii
from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from fargate_constructs._core.account_trust import service_principal
from fargate_constructs._core.lazy_cdk import aws_stepfunctions as sfn
from fargate_constructs._core.lazy_cdk import aws_stepfunctions_tasks as sfn_tasks
from fargate_constructs._core.nag_suppressions import INLINE_POLICY, acknowledge

if TYPE_CHECKING:
    from fargate_constructs.service.jobs.failed_runs import FailedRuns
    from fargate_constructs.service.jobs.job import Job

# An error of AWS's may last for minutes, and a permission may be seconds old: 5 s, 10 s, … up to 5 minutes, in all half
# an hour.
RETRY: Mapping[str, Any] = {
    "errors": ["States.ALL"],
    "interval": Duration.seconds(5),
    "backoff_rate": 2,
    "max_delay": Duration.minutes(5),
    "max_attempts": 11,
}

MACHINE = {
    # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
    "AwsSolutions-SF1": "A standard workflow keeps the history of each execution for 90 days.",
    "AwsSolutions-SF2": "It makes a few calls of ECS; its history shows them, and traces cost 5 USD a million.",
}
MACHINE["StepFunctionStateMachineXray"] = MACHINE["AwsSolutions-SF2"]


class JobMachine(Construct):
    """A state machine that starts or stops runs of a job.

    It has no code of its own, so there is no runtime to keep up to date. An execution costs about 0.0001 USD
    (https://aws.amazon.com/step-functions/pricing/).
    """

    state_machine: sfn.StateMachine

    def __init__(self, scope: Construct, id: str, *, job: Job, failed_runs: FailedRuns) -> None:
        super().__init__(scope, id)
        self._job = job
        self._failed_runs = failed_runs
        self.role = iam.Role(self, "Role", assumed_by=service_principal("states.amazonaws.com"))
        acknowledge(self.role, INLINE_POLICY)
        self.allow(["sqs:SendMessage"], on=failed_runs.queue.queue_arn)
        self.report_error = self.report("Report", with_error=True)

    def allow(self, actions: Sequence[str], *, on: str, conditions: Mapping[str, Any] | None = None) -> None:
        """Allow the state machine actions on a resource."""
        self.role.add_to_policy(iam.PolicyStatement(actions=[*actions], resources=[on], conditions=conditions))

    def call(self, id: str, action: str, *, result_path: str, **parameters: object) -> sfn_tasks.CallAwsService:
        """Return a state that calls ECS, repeats a failed call, and reports the last failure."""
        state = sfn_tasks.CallAwsService(
            self,
            id,
            service="ecs",
            action=action,
            parameters=parameters,
            result_path=result_path,
            iam_resources=["*"],  # Not used: the role is closed to CDK.
        )
        return self.guard(state)

    def guard(self, state: sfn_tasks.CallAwsService) -> sfn_tasks.CallAwsService:
        """Let a state repeat a failed call, and report the last failure."""
        state.add_retry(**RETRY, jitter_strategy=sfn.JitterType.FULL)
        state.add_catch(self.report_error)
        return state

    def report(self, id: str, *, with_error: bool) -> sfn.Chain:
        """Return states that send the input of the execution to the queue, and end.

        The attributes are those of the messages that EventBridge itself sends to a dead-letter queue
        (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html).
        """
        error = {
            "ERROR_CODE": {"DataType": "String", "StringValue": sfn.JsonPath.string_at("$.Error")},
            "ERROR_MESSAGE": {
                "DataType": "String",
                # A value must not be empty.
                "StringValue": sfn.JsonPath.format("{}: {}", *map(sfn.JsonPath.string_at, ("$.Error", "$.Cause"))),
            },
        }
        send = sfn_tasks.CallAwsService(
            self,
            id,
            service="sqs",
            action="sendMessage",
            parameters={
                "QueueUrl": self._failed_runs.queue.queue_url,
                "MessageBody": sfn.JsonPath.json_to_string(sfn.JsonPath.object_at("$$.Execution.Input")),
                **({"MessageAttributes": error} if with_error else {}),
            },
            iam_resources=["*"],
        )
        send.add_retry(**RETRY)
        return send.next(sfn.Succeed(self, f"After{id}"))

    def make(self, first: sfn.IChainable) -> None:
        """Make the state machine that begins with a state."""
        self.state_machine = sfn.StateMachine(
            self,
            "Machine",
            definition_body=sfn.DefinitionBody.from_chainable(first),
            role=self.role.without_policy_updates(),
        )
        self.state_machine.node.add_dependency(self.role)
        acknowledge(self.state_machine, MACHINE)
        self._failed_runs.watch(self.state_machine)

    def target(self) -> events.IRuleTarget:
        """Return what lets rules start the state machine with their event as its input; call it once."""
        role = iam.Role(self, "EventsRole", assumed_by=service_principal("events.amazonaws.com"))
        acknowledge(role, INLINE_POLICY)
        self.state_machine.grant_start_execution(role)
        return cast(events.IRuleTarget, MachineTarget(self.state_machine, role, self._failed_runs))


@jsii.implements(events.IRuleTarget)
class MachineTarget:
    """Starts a state machine with an event, and sends the events to a queue that cannot be delivered.

    CDK's own target would make the queue's stack depend on the rule's.
    """

    def __init__(self, machine: sfn.StateMachine, role: iam.Role, failed_runs: FailedRuns) -> None:
        self._machine = machine
        self._role = role
        self._failed_runs = failed_runs

    def bind(self, rule: events.IRule, id: str | None = None) -> events.RuleTargetConfig:  # noqa: ARG002 - CDK's
        """Return the target for a rule."""
        self._failed_runs.accept_events_of(rule)
        return events.RuleTargetConfig(
            arn=self._machine.state_machine_arn,
            role=self._role,
            dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=self._failed_runs.queue.queue_arn),
            target_resource=self._machine,
        )
