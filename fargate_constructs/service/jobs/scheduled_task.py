"""A task that EventBridge Scheduler starts, with an alarm for failed runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as scheduler_targets
from constructs import Construct

from fargate_constructs._core.arguments import checked, forward
from fargate_constructs._core.nag_suppressions import INLINE_POLICY, acknowledge
from fargate_constructs._core.schedule_expressions import validate_schedule
from fargate_constructs._core.validation import validate_range, validate_seconds
from fargate_constructs.network.network import Network
from fargate_constructs.service.capacity import Capacity
from fargate_constructs.service.containers.restart_policy import RestartPolicy
from fargate_constructs.service.containers.task_logs import LogRouter
from fargate_constructs.service.jobs.job import Job
from fargate_constructs.service.jobs.run_launcher import RunLauncher

# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
MAX_RETRIES = 185
EVENT_AGES = (60, 86_400)  # seconds


class ScheduledTask(Job):
    """A task that EventBridge Scheduler starts, with an alarm for failed runs.

    A failed start is repeated for an hour. A run has failed if it never starts, cannot start its containers, stops with
    another exit code than 0, or is stopped. Then `dead_letter_queue` gets a message with the reason, and `alarm` is
    raised until the queue is empty. Give it an action: `alarm.add_alarm_action(...)`.

    By default a run starts also if the last one has not stopped, and in rare cases twice: the scheduler promises at
    least one start (https://docs.aws.amazon.com/scheduler/latest/UserGuide/what-is-scheduler.html).

    ```python
    report = ScheduledTask(
        stack,
        "Report",
        network=network,
        image=image,
        command=["./report.py"],
        schedule=scheduler.ScheduleExpression.cron(minute="15", hour="3", time_zone=TimeZone.EUROPE_BERLIN),
    )
    ```
    """

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        # From Job, by make signatures:
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
        timeout: Duration | None = None,
        retries: int = 0,
        task_count: int = 1,
        # Of the schedule:
        schedule: scheduler.ScheduleExpression,
        enabled: bool = True,
        skip_if_running: bool = False,
        retry_attempts: int = 185,
        max_event_age: Duration | None = None,
    ) -> None:
        """A task that EventBridge Scheduler starts, with an alarm for failed runs.

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
            schedule: When it runs: a `ScheduleExpression` of `aws_scheduler`, which carries its time zone, by default
                UTC. A `cron(...)` without `minute` runs in each minute; a `rate(...)` begins with the deployment.
            enabled: Whether the schedule runs the task. By default it does. If not, `run_command` still does.
            skip_if_running: Whether no run starts while ECS lists a task of this job that has not been asked to stop,
                also one that was started otherwise. Then a run is also started only once for each scheduled time. A run
                that a person starts in the same seconds is not seen, nor one that waits for a retry. By default runs
                may overlap.
            retry_attempts: How often a failed start is repeated, 0 to 185, at growing intervals. By default 185: until
                *max_event_age* is over.
            max_event_age: How late a run may start, 1 minute to 24 hours. By default 1 hour.

        Raises:
            TypeError: If an argument has another type than its annotation.
            ValueError: If *schedule* is none that the scheduler takes, *retry_attempts* or *max_event_age* is out of
                its range, or as `Job` does.
        """
        validate_schedule("schedule", schedule)
        max_event_age = max_event_age or Duration.hours(1)
        validate_range("retry_attempts", retry_attempts, 0, MAX_RETRIES)
        validate_seconds("max_event_age", max_event_age, *EVENT_AGES)
        super().__init__(scope, id, **forward(Job.__init__, locals()))

        launcher = (
            RunLauncher(self, "Launcher", job=self, overrides={}, skip_if_running=True) if skip_if_running else None
        )
        self.role = self._make_role(launcher)
        """The role by which the schedule starts the task."""
        policy: dict[str, Any] = {
            "retry_attempts": retry_attempts,
            "max_event_age": max_event_age,
            "dead_letter_queue": self.dead_letter_queue,
            # By default all tasks of a cluster share one role, which may run them in any cluster.
            "role": self.role.without_policy_updates(),
        }
        self.schedule = scheduler.Schedule(
            self,
            "Schedule",
            schedule=schedule,
            enabled=enabled,
            description=f"runs {self.node.path}",
            target=_launcher_target(launcher, policy) if launcher else self._task_target(policy),
        )
        # A rate begins at once.
        self.schedule.node.add_dependency(self.role, *self._runs.dependencies())

    def _task_target(self, policy: dict[str, Any]) -> scheduler.IScheduleTarget:
        return scheduler_targets.EcsRunFargateTask(
            self.cluster,
            task_definition=self.task_definition,
            task_count=self.task_count if self.task_count > 1 else None,
            vpc_subnets=ec2.SubnetSelection(subnets=self._runs.subnets),
            security_groups=self._runs.security_groups,
            assign_public_ip=False,
            capacity_provider_strategies=self._runs.strategies or None,
            enable_ecs_managed_tags=True,
            propagate_tags=True,
            **policy,
        )

    def _make_role(self, launcher: RunLauncher | None) -> iam.Role:
        stack = Stack.of(self)
        # AWS can limit a schedule's role to its group, not to the schedule
        # (https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html).
        group = stack.format_arn(service="scheduler", resource="schedule-group", resource_name="default")
        role = iam.Role(
            self,
            "SchedulerRole",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": stack.account, "aws:SourceArn": group}},
            ),
        )
        acknowledge(role, INLINE_POLICY)
        if launcher:
            launcher.state_machine.grant_start_execution(role)
        else:
            self._runs.grant(role)
        role.add_to_policy(
            iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[self.dead_letter_queue.queue_arn])
        )
        return role


def _launcher_target(launcher: RunLauncher, policy: dict[str, Any]) -> scheduler.IScheduleTarget:
    # The scheduler may start an execution twice: both have the same time
    # (https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html).
    time = scheduler.ScheduleTargetInput.from_object({"id": scheduler.ContextAttribute.scheduled_time})
    return scheduler_targets.StepFunctionsStartExecution(launcher.state_machine, input=time, **policy)
