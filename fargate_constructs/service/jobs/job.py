"""A task that runs to its end: the base of `ScheduledTask` and `OneOffTask`, and a job that something else starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, reduce
from typing import ClassVar

from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from fargate_constructs._core.account_trust import name_policies_by_region
from fargate_constructs._core.arguments import checked, forward
from fargate_constructs._core.construct_paths import node_of
from fargate_constructs._core.lazy_cdk import aws_cloudwatch as cloudwatch
from fargate_constructs._core.lazy_cdk import aws_s3 as s3
from fargate_constructs._core.lazy_cdk import aws_sqs as sqs
from fargate_constructs._core.lazy_cdk import aws_stepfunctions_tasks as sfn_tasks
from fargate_constructs._core.validation import validate_range, validate_seconds
from fargate_constructs.network.network import Network
from fargate_constructs.service.capacity import Capacity
from fargate_constructs.service.containers.container import Container
from fargate_constructs.service.containers.restart_policy import RestartPolicy
from fargate_constructs.service.containers.task_logs import LogRouter
from fargate_constructs.service.fargate_task import FargateTask
from fargate_constructs.service.jobs.failed_runs import FailedRuns
from fargate_constructs.service.jobs.run_launcher import RunLauncher
from fargate_constructs.service.jobs.run_overrides import is_jsonata, overrides_of
from fargate_constructs.service.jobs.run_timeout import RunTimeout
from fargate_constructs.service.jobs.runs import Runs
from fargate_constructs.service.jobs.uploads import FIELDS, send_to_event_bridge, upload_pattern, uploaded
from fargate_constructs.service.queues.queue_alarms import dead_letter_metric

# The minimum leaves time for the image pull. Longer runs meet Fargate's maintenance, which retires tasks
# (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-maintenance.html).
TIMEOUTS = (60, 30 * 24 * 60 * 60)  # seconds
# As AWS Batch (https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html).
MAX_RETRIES = 10
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
MAX_TASK_COUNT = 10


class Job(FargateTask):
    """A task that runs to its end, started by an event, an upload, a state machine, your code, or by hand.

    A run has failed if it never starts, cannot start its containers, stops with another exit code than 0, or is
    stopped. Then `dead_letter_queue` gets a message with the reason, and `alarm` is raised until the queue is empty.
    Give it an action: `alarm.add_alarm_action(...)`. `ScheduledTask` is for schedules, and `OneOffTask` for runs before
    deployments.

    ```python
    load = Job(stack, "Load", network=network, image=image, timeout=Duration.hours(1), retries=2)
    load.run_on_upload("Orders", bucket=bucket, prefix="orders/")
    ```
    """

    _always_reports: ClassVar[bool] = True
    # IDs of parts that may be made after a target or a state.
    _later_parts: ClassVar[Sequence[str]] = ("DeadLetterQueue", "FailureRule", "MachineRule", "Alarm")

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        # From FargateTask, by make signatures:
        network: Network,
        image: ecs.ContainerImage,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, ecs.Secret] | None = None,
        environment_files: Sequence[ecs.EnvironmentFile] = (),
        command: Sequence[str] | None = None,
        entry_point: Sequence[str] | None = None,
        working_directory: str | None = None,
        user: str | None = None,
        health_check: ecs.HealthCheck | None = None,
        read_only: bool = False,
        writable_paths: Sequence[str] = (),
        multiline_pattern: str | None = None,
        docker_labels: Mapping[str, str] | None = None,
        ulimits: Sequence[ecs.Ulimit] = (),
        restart_policy: RestartPolicy | None = None,
        start_timeout: Duration | None = None,
        init_process_enabled: bool = True,
        add_capabilities: Sequence[ecs.Capability] = (),
        drop_capabilities: Sequence[ecs.Capability] = (),
        system_controls: Sequence[ecs.SystemControl] = (),
        interactive: bool = False,
        pseudo_terminal: bool = False,
        credential_specs: Sequence[ecs.CredentialSpec] = (),
        version_consistency: ecs.VersionConsistency | None = None,
        cpu: int = 256,
        memory_limit_mib: int = 512,
        ephemeral_storage_gib: int | None = None,
        cpu_architecture: ecs.CpuArchitecture | None = None,
        operating_system_family: ecs.OperatingSystemFamily | None = None,
        pid_mode: ecs.PidMode | None = None,
        enable_fault_injection: bool = False,
        stop_timeout: Duration | None = None,
        cluster: ecs.ICluster | None = None,
        capacity: Capacity | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] = (),
        task_role: iam.IRole | None = None,
        execution_role: iam.IRole | None = None,
        log_group: logs.ILogGroup | None = None,
        log_driver_mode: ecs.AwsLogDriverMode = ecs.AwsLogDriverMode.NON_BLOCKING,
        log_router: LogRouter | None = None,
        log_retention: logs.RetentionDays | None = None,
        name: str | None = None,
        # Of the runs:
        timeout: Duration | None = None,
        retries: int = 0,
        task_count: int = 1,
    ) -> None:
        """A task that runs to its end, started by an event, an upload, a state machine, your code, or by hand.

        Args:
            scope: The construct that owns the task.
            id: The construct's ID.
            network: The network; tasks run in its private subnets.
            image: The container's image.
            environment: Plain configuration by name. All who may describe the task definition can read it. By default
                there is none.
            secrets: Secrets, by the name of the variable that gets each. The task's execution role may read these only,
                and decrypt them if they are under a key of yours. By default there are none.
            environment_files: Files in S3 with a variable in each line, such as
                `ecs.EnvironmentFile.from_bucket(bucket, "web.env")`. The task's execution role may read these only. By
                default there are none.
            command: The command to run. By default the image's own.
            entry_point: The program that the command is passed to. By default the image's own.
            working_directory: The folder in which the command runs. By default the image's own.
            user: The user who runs the command, such as `1000:1000`. By default the image's own.
            health_check: How ECS checks the container from inside. By default there is no such check.
            read_only: Whether the container's root file system is read-only. By default it is not. If it is, volumes
                are mounted where the agent of ECS Exec writes, so that a shell still opens.
            writable_paths: Further folders, such as `/tmp`, that get an empty volume each. A volume belongs to root,
                unless the image has a `VOLUME` of another user there. By default there are none.
            multiline_pattern: A regular expression that the first line of each log event matches, such as `^[0-9]{4}-`;
                the lines after it belong to the event. By default each line is an event.
            docker_labels: Labels of the container by name, which agents such as Datadog's read. By default there are
                none.
            ulimits: Limits of the container's processes. By default those of Fargate, such as 65,535 open files.
            restart_policy: When ECS restarts the container without replacing the task, such as `RestartPolicy()`. By
                default it does not.
            start_timeout: How long the containers that wait for this one wait, 2 to 120 s; then the task stops. By
                default 3 minutes.
            init_process_enabled: Whether process 1 is an init process, which ends what a shell leaves behind. By
                default it is, on Linux. Images with an init of their own that must be process 1, such as s6-overlay,
                need `False`.
            add_capabilities: `[ecs.Capability.SYS_PTRACE]`, the only capability that Fargate adds. By default none.
            drop_capabilities: The Linux capabilities that the container does not need, such as `[ecs.Capability.ALL]`.
                By default Docker's own set is kept.
            system_controls: Kernel parameters, such as `net.ipv4.tcp_keepalive_time`. They hold for all containers of
                the task. By default the kernel's own.
            interactive: Whether standard input stays open. By default it does not.
            pseudo_terminal: Whether the container has a terminal. By default it has none.
            credential_specs: The file by which the container signs in to Active Directory, at most one, such as
                `ecs.DomainlessCredentialSpec.from_s3_bucket(bucket, "shop.json")`. The task's execution role may read
                it. By default there is none.
            version_consistency: Whether all tasks of a deployment run the same image, also if its tag moves. By default
                they do, except images from a folder, whose tag never moves.
            cpu: The task's CPU units, 1,024 being one vCPU. By default 256.
            memory_limit_mib: The task's memory in MiB; with *cpu* a pair that Fargate has. By default 512.
            ephemeral_storage_gib: The task's disk in GiB, 21 to 200. By default the 20 that cost nothing.
            cpu_architecture: `ecs.CpuArchitecture.X86_64` or `ARM64`. By default x86-64, which most images are built
                for.
            operating_system_family: Linux or a Windows, such as `ecs.OperatingSystemFamily.WINDOWS_SERVER_2022_CORE`.
                By default Linux.
            pid_mode: `ecs.PidMode.TASK` lets the containers see each other's processes, as monitoring agents and
                debuggers need. By default each container sees its own only.
            enable_fault_injection: Whether AWS Fault Injection Service may inject faults from within the task. By
                default it may not.
            stop_timeout: How long containers may take to stop after SIGTERM, 2 to 120 s. By default 30 s; on Spot, 120
                s use all of AWS's warning.
            cluster: The cluster in which tasks run. By default an `AuditedCluster` is made. It costs nothing itself,
                but its Container Insights do (custom metrics).
            capacity: Which tasks run on demand, and which on Spot. By default as the cluster says, and in one that does
                not all on demand. In a cluster other than an `AuditedCluster` it needs the capacity providers `FARGATE`
                and `FARGATE_SPOT`, and replaces a service that had none.
            security_groups: The tasks' security groups. By default one is made that lets all traffic out and none in,
                except what routes and links allow.
            task_role: The role of the application. By default a role is made; grant it what the application needs.
            execution_role: The role by which ECS starts the task: it pulls the image, reads the secrets and writes the
                log. By default a role is made that may do only that. Pass a role of another stack as
                `iam.Role.from_role_arn(stack, "Role", role.role_arn)`, also as *task_role*: then its new permissions
                are in this stack.
            log_group: The log group of the containers. By default that of *log_router*, or one is made, which is kept
                when the stack is deleted.
            log_driver_mode: What happens when CloudWatch is slow. `NON_BLOCKING` (default): lines wait in a buffer of
                25 MiB for each container, and are lost without notice if it is full or the task stops.
                `ecs.AwsLogDriverMode.BLOCKING`: no line is lost, but the container waits in its `write`, and so may
                fail its health checks.
            log_router: Sends lines elsewhere than to CloudWatch: `FireLens.to("datadog", …)`, or
                `archive.log_router(log_group)`. By default there is none.
            log_retention: How long the log group made here keeps lines. By default one month.
            name: The name of the main container, and the host name by which linked services reach it. By default the ID
                in lower case with hyphens: `OrderApi` becomes `order-api`.
            timeout: How long a run may take, from 1 minute to 30 days, image pull included. Then ECS stops its task,
                and the run has failed: its message has the reason `not done after 3600 seconds`. This holds for each
                run, however it was started. By default a run has no limit.
            retries: How often a failed run starts again, with the same overrides, 0 to 10: after 10 s, 20 s, 40 s, up
                to 6 minutes. A run that was stopped, by a person or after *timeout*, does not start again, nor one that
                a deployment or a state machine waits for. A run must then do no harm if an earlier one was cut off in
                the middle. By default none starts again.
            task_count: How many tasks each start makes, 1 to 10. They are the same, so they need a queue to share the
                work. By default one.

        Raises:
            TypeError: If an argument has another type than its annotation.
            ValueError: If *timeout*, *retries* or *task_count* is out of its range, *timeout* is a token, *capacity*
                has a base that is not smaller than *task_count*, or as `FargateTask` does.
        """
        _validate_runs(timeout, retries, task_count, capacity)
        _validate_restart_policy(restart_policy)
        super().__init__(scope, id, **forward(FargateTask.__init__, locals()))
        self._network.prove_egress(self)

        self._main = Container(image=image, secrets=secrets)
        self._runs = Runs(self)
        self.timeout = timeout
        self.retries = retries
        self.task_count = task_count
        if self._always_reports or timeout or retries:
            _ = self._failed_runs
        if timeout:
            RunTimeout(self, "Timeout", job=self, timeout=timeout)

    @property
    def dead_letter_queue(self) -> sqs.Queue:
        """The queue with a message for each failed run. A `OneOffTask` makes it when it is first used."""
        return self._failed_runs.queue

    @property
    def failure_rule(self) -> events.Rule:
        """The rule that matches the failed runs."""
        return self._failed_runs.rule

    @property
    def alarm(self) -> cloudwatch.Alarm:
        """The alarm that is raised while `dead_letter_queue` has a message."""
        return self._failed_runs.alarm

    @property
    def run_command(self) -> str:
        """The command that runs the job now, with the revision that this stack deployed last.

        More options may follow, such as `--overrides` with another command
        (https://docs.aws.amazon.com/cli/latest/reference/ecs/run-task.html).
        """
        strategy = " ".join(
            f"capacityProvider={each['capacityProvider']},base={each['base']},weight={each['weight']}"
            for each in self._runs.strategy()
        )
        network = Stack.of(self).to_json_string(self._runs.network_configuration())
        return (
            f"aws ecs run-task --cluster {self.cluster.cluster_name} "
            f"--task-definition {self.task_definition.task_definition_arn} "
            f"{f'--capacity-provider-strategy {strategy}' if strategy else '--launch-type FARGATE'} "
            f"{f'--count {self.task_count} ' if self.task_count > 1 else ''}"
            f"--network-configuration '{network}' --enable-ecs-managed-tags --propagate-tags TASK_DEFINITION"
        )

    def metric_failed_runs(self) -> cloudwatch.Metric:
        """How many messages of failed runs are in `dead_letter_queue`, at most, in each minute."""
        return dead_letter_metric(self.dead_letter_queue)

    @checked
    def grant_run(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal run this job, each revision of it, and only in its cluster.

        `run_command` and the API's RunTask need the permission to run the task, to give it its two roles, and to copy
        the tags of the task definition to it
        (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/CWE_IAM_role.html).

        Args:
            grantee: The principal, such as a function or the role of a pipeline.

        Returns:
            The grant.
        """
        name_policies_by_region(grantee)
        grants = (
            iam.Grant.add_to_principal(grantee=grantee, actions=[action], resource_arns=arns, conditions=conditions)
            for action, arns, conditions in self._runs.permissions()
        )
        return reduce(iam.Grant.combine, grants)

    @checked
    def event_target(
        self, id: str, *, environment: Mapping[str, str] | None = None, command: Sequence[str] | None = None
    ) -> events.IRuleTarget:
        """Return a target for EventBridge rules: the job runs once for each event.

        ```python
        order = sfn.JsonPath.string_at("$.detail.order")
        rule.add_target(bill.event_target("Paid", environment={"ORDER": order}))
        ```

        A small state machine starts the task. It writes the values of the event as they are, also quotation marks,
        starts one run if EventBridge delivers the event twice, and waits up to an hour for capacity. An event that
        starts no run becomes a message in `dead_letter_queue`.

        Args:
            id: The ID of the state machine, below the job.
            environment: Variables of this run, beside those of the job. A field of the event is a
                `sfn.JsonPath.string_at("$.detail…")`; the field must be in each event, and be a text.
            command: The command of this run. By default the job's.

        Returns:
            The target. It may serve several rules, also rules of stacks that are deployed after the job's.

        Raises:
            ValueError: If *environment* has the value of a secret or a name of one of the job's secrets, a value is a
                field and no `sfn.JsonPath`, or the job has a part with this ID.
        """
        self._validate_id(id)
        overrides = overrides_of(self, self._main, environment, command)
        if is_jsonata(overrides):
            raise ValueError(
                "environment and command pass JSONata as it is written; "
                "write sfn.JsonPath.string_at('$.detail…') for a field of the event"
            )
        return RunLauncher(self, id, job=self, overrides=overrides).target()

    @checked
    def run_on_upload(
        self,
        id: str,
        *,
        bucket: s3.IBucket,
        prefix: str = "",
        suffix: str = "",
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] | None = None,
    ) -> events.Rule:
        """Run the job for each new object of a bucket, with its bucket and key in `S3_BUCKET` and `S3_KEY`.

        The key is as S3 stores it, not encoded for URLs. Two uploads of one key start two runs, in any order. The job
        gets no permission on the bucket: `bucket.grant_read(job)`.

        S3 must send the bucket's events to EventBridge. This is turned on here for a bucket of the app. For an imported
        one, turn it on where the bucket is made
        (https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-event-notifications-eventbridge.html).

        Args:
            id: The ID of the rule's part, below the job.
            bucket: The bucket, in the same region.
            prefix: What the keys begin with, such as `orders/`, without wildcards. By default any.
            suffix: What the keys end with, such as `.csv`, without wildcards. By default any.
            environment: Further variables of this run, as of `event_target`.
            command: The command of this run. By default the job's.

        Returns:
            The rule.

        Raises:
            ValueError: If *environment* is refused by `event_target`, or has one of the two names.
        """
        self._validate_id(id, suffix="Rule")
        environment = environment or {}
        if taken := environment.keys() & FIELDS.keys():
            raise ValueError(f"environment must not have names that the upload sets, got: {', '.join(sorted(taken))}")
        pattern = upload_pattern(bucket, prefix, suffix)
        target = self.event_target(id, environment={**uploaded(), **environment}, command=command)
        send_to_event_bridge(bucket)
        return events.Rule(
            self,
            f"{id}Rule",
            description=f"uploads that run {self.node.path}",
            event_pattern=pattern,
            targets=[target],
        )

    @checked
    def task_state(
        self, id: str, *, environment: Mapping[str, str] | None = None, command: Sequence[str] | None = None
    ) -> sfn_tasks.EcsRunTask:
        """Return a state for state machines of Step Functions: it runs the job, and waits for its end.

        ```python
        day = sfn.JsonPath.string_at("$.day")
        state = report.task_state("RunReport", environment={"DAY": day}, command=["./report.py", day])
        ```

        The state fails with `States.TaskFailed` if a container ends with another exit code than 0, also a sidecar
        (https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html), and the state machine decides what
        comes then: `state.add_retry(...)`, `state.add_catch(...)`. *retries* of the job has no effect here, *timeout*
        has; the job's alarm reports each failed run. The execution's role may run this job, and stop tasks of its
        cluster. Use each state once.

        Args:
            id: The name of the state, and its ID below the job.
            environment: Variables of this run, beside those of the job. `sfn.JsonPath.string_at("$.day")` is a field of
                the state's input, and so is `"{% $states.input.day %}"` in a state machine of either language.
            command: The command of this run. By default the job's.

        Returns:
            The state.

        Raises:
            ValueError: If *environment* is refused by `event_target`, the job has a *task_count*, or values are in two
                query languages. A state machine with JSONata refuses values with JSONPath.
        """
        self._validate_single_task("task_state", "several states in a sfn.Map or sfn.Parallel")
        self._validate_id(id)
        overrides = overrides_of(self, self._main, environment, command)
        from fargate_constructs.service.jobs.task_state import TaskState  # noqa: PLC0415 - it loads Step Functions

        return TaskState(self, id, overrides)

    @cached_property
    def _failed_runs(self) -> FailedRuns:
        return FailedRuns(self, retries=self.retries)

    def _validate_id(self, id: str, *, suffix: str = "") -> None:
        node = node_of(self)
        if any(each in self._later_parts or node.try_find_child(each) for each in {id, f"{id}{suffix}"}):
            raise ValueError(f"id must differ from the IDs of the job's other parts, got: {id!r}")

    def _validate_single_task(self, what: str, instead: str) -> None:
        if self.task_count > 1:
            raise ValueError(f"task_count must be 1 for {what}, got: {self.task_count}; write {instead}")


def _validate_runs(timeout: Duration | None, retries: int, task_count: int, capacity: Capacity | None) -> None:
    if timeout and timeout.is_unresolved():
        raise ValueError("timeout must be known at synthesis, got a token: it is part of a state machine or a function")
    validate_seconds("timeout", timeout, *TIMEOUTS)
    validate_range("retries", retries, 0, MAX_RETRIES)
    validate_range("task_count", task_count, 1, MAX_TASK_COUNT)
    if capacity and capacity.on_demand_base >= task_count and capacity.on_demand_percent < 100:  # noqa: PLR2004 - percent
        tasks = "its one task" if task_count == 1 else f"its {task_count} tasks"
        raise ValueError(
            f"capacity of a job must have no base, because {tasks} would always run on demand, "
            f"got: on_demand_base={capacity.on_demand_base}; write Capacity.spot(on_demand_base=0)"
        )


def _validate_restart_policy(policy: RestartPolicy | None) -> None:
    if policy and policy._restarts_success:
        raise ValueError(
            f"restart_policy of a job must ignore exit code 0, because the job would start again, got: {policy}; "
            "write RestartPolicy(ignored_exit_codes=[0])"
        )
