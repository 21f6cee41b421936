"""A service that works off a queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from fargate_constructs._core.arguments import checked, forward
from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.lazy_cdk import aws_cloudwatch as cloudwatch
from fargate_constructs._core.lazy_cdk import aws_sqs as sqs
from fargate_constructs._core.nag_suppressions import acknowledge_wildcards
from fargate_constructs._core.unresolved import is_unresolved
from fargate_constructs._core.validation import seconds_of, validate_range
from fargate_constructs.network.network import Network
from fargate_constructs.service.adopted_service import AdoptedService
from fargate_constructs.service.capacity import Capacity
from fargate_constructs.service.containers.restart_policy import RestartPolicy
from fargate_constructs.service.containers.task_logs import LogRouter
from fargate_constructs.service.deployments.deployment import Deployment
from fargate_constructs.service.deployments.rollback import Rollback
from fargate_constructs.service.fargate_service import FargateService
from fargate_constructs.service.queues.queue_alarms import age_alarm, dead_letter_alarm
from fargate_constructs.service.queues.work_queue import (
    MAX_VISIBILITY_TIMEOUT,
    VisibilityTimeout,
    make_queues,
    validate_queue,
)
from fargate_constructs.service.scaling import Scaling
from fargate_constructs.service.targets.health import Health

# The name of the variable that tells the container its queue.
QUEUE_URL = "QUEUE_URL"
# Minutes. SQS reports once a minute, so scaling cannot keep a shorter wait.
WAIT = 5
WAITS = (60, 24 * 60 * 60)  # seconds
# Seconds until a task runs that a message started. A queue that was not used for six hours may report 15 minutes late
# (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html);
# the alarm, the image and the task need the rest.
START = 20 * 60
MAX_TASKS = 10


class QueueWorker(FargateService):
    """A service that works off an SQS queue, with as many tasks as the accepted wait needs.

    The queue and its dead-letter queue are encrypted and accept TLS only. The container gets the queue's URL in
    `QUEUE_URL`, and its role may receive and delete messages. A task must delete a message when its work is done, and
    on SIGTERM finish it or give it back: then no message is lost (docs/workers.md has such a program).

    The number of tasks follows the messages in the queue. It goes down to *min_tasks*, also to 0, when there are none.
    `alarms` report messages that nothing can process and messages that wait too long; they have no action by default.

    ```python
    orders = QueueWorker(stack, "Orders", network=network, image=image, message_duration=Duration.seconds(10))
    topic.add_subscription(subscriptions.SqsSubscription(orders.queue))
    ```
    """

    @checked
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        # From FargateService without port, protocol, protocol_version, scaling, service_connect, load_balancing, by make signatures:  # noqa: E501
        network: Network,
        image: ecs.ContainerImage,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, ecs.Secret] | None = None,
        environment_files: Sequence[ecs.EnvironmentFile] = (),
        command: Sequence[str] | None = None,
        entry_point: Sequence[str] | None = None,
        working_directory: str | None = None,
        user: str | None = None,
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
        health: Health | Mapping[str, Health] | None = None,
        deployment: Deployment | None = None,
        rollback: Rollback | None = None,
        adopted: AdoptedService | None = None,
        # Of the queue:
        message_duration: Duration,
        acceptable_wait: Duration | None = None,
        min_tasks: int | None = None,
        max_tasks: int = 10,
        queue: sqs.IQueue | None = None,
        fifo: bool = False,
        encryption_key: kms.IKey | None = None,
        visibility_timeout: Duration | None = None,
        max_receive_count: int | None = None,
        scale_in_protection: bool = False,
    ) -> None:
        """A service that works off an SQS queue, with as many tasks as the accepted wait needs.

        Args:
            scope: The construct that owns the worker.
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
            health: The health checks of tasks, and how fast tasks start and stop to get requests. Or those of each port
                by its name: `{"http": Health(path="/healthz"), "admin": Health(path="/ready")}`. By default `Health()`:
                `/` answers 2xx.
            deployment: How a new version takes over. By default `Deployment.rolling()`.
            rollback: When a deployment fails. By default `Rollback()`: when tasks fail to start or to pass their
                checks, and during `bake_time` when a task stays unhealthy or too many responses are 5xx.
            adopted: Properties of a service that is deployed already and that CloudFormation would replace, such as
                `AdoptedService(deployment_controller=None)`. A new service needs none.
            message_duration: How long a task works on a message on average, up to 12 h. If a task works on several at
                once, divide it by their number, and write a *visibility_timeout*.
            acceptable_wait: How long a message may wait before a task takes it, 1 minute to 1 day. The worker scales on
                it: acceptable wait / message duration is the number of messages for each task
                (https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-using-sqs-queue.html). By default 5 minutes.
            min_tasks: The minimum number of tasks. With 0 the first message starts a task, which takes some 3 minutes,
                or up to 20 if the queue was not used for six hours: SQS reports late then. So by default it is 0 if
                *acceptable_wait* is at least 20 minutes, and 1 if not.
            max_tasks: The maximum number of tasks. By default 10. With 0 no task runs, such as before there is an
                image. Of a FIFO queue, no more tasks work than there are message groups.
            queue: The queue. By default one is made. Give one that has a dead-letter queue. Its visibility timeout is
                checked, except that of an imported queue. For a queue under your key, the key must allow this account's
                roles; pass the key to `sqs.Queue.from_queue_attributes(..., key_arn=...)`.
            fifo: Whether the queue made here is a FIFO queue. By default it is a standard queue. A change replaces it.
            encryption_key: The key that encrypts the queues made here. By default SQS's own, which costs nothing.
            visibility_timeout: How long a message is hidden after a task received it, up to 12 h: longer than any work
                on one takes. By default six times *message_duration* plus *stop_timeout*.
            max_receive_count: How often a message is received before it moves to the dead-letter queue, 1 to 1,000. By
                default 5: each task that is stopped while it works on the message counts.
            scale_in_protection: Whether a task may protect itself from scale-in and deployments while it works, by
                `$ECS_AGENT_URI/task-protection/v1/state`
                (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html). By
                default its role does not allow it.

        Raises:
            TypeError: If an argument has another type than its annotation.
            ValueError: If a time or number is out of its range or known only when deployed, *acceptable_wait* is
                shorter than *message_duration*, the visibility timeout shorter than *message_duration* or
                *stop_timeout*, a setting of the queue is given with a *queue*, *environment* or *secrets* has
                `QUEUE_URL`, or as `FargateService` does.
        """
        message = _seconds("message_duration", message_duration, 0.001, MAX_VISIBILITY_TIMEOUT)
        wait = _seconds("acceptable_wait", acceptable_wait or Duration.minutes(WAIT), *WAITS)
        if min_tasks is None:
            min_tasks = 0 if wait >= START or max_tasks == 0 else 1
        _validate_scaling(message, wait, min_tasks, max_tasks)
        settings: dict[str, Any] = {
            "fifo": fifo,
            "encryption_key": encryption_key,
            "visibility_timeout": visibility_timeout,
            "max_receive_count": max_receive_count,
        }
        timeout = VisibilityTimeout(message, stop_timeout)
        timeout.validate(visibility_timeout)
        validate_queue(queue, settings, timeout)
        for argument, variables in {"environment": environment, "secrets": secrets}.items():
            if QUEUE_URL in (variables or {}):
                raise ValueError(f"{argument} must not have {QUEUE_URL}, which holds the URL of the worker's queue")
        # The CPU of a busy worker says nothing about the wait.
        scaling = Scaling(min=min_tasks, max=max_tasks, cpu_percent=None, requests_per_target=None)
        port, service_connect, load_balancing = None, None, None
        protocol, protocol_version = elbv2.ApplicationProtocol.HTTP, elbv2.ApplicationProtocolVersion.HTTP1
        super().__init__(scope, id, **forward(FargateService.__init__, locals()))

        settings["visibility_timeout"] = visibility_timeout or timeout.default()
        self.queue: sqs.IQueue = queue or make_queues(self, **settings)
        self.queue.grant_consume_messages(self)
        self.container.add_environment(QUEUE_URL, self.queue.queue_url)
        if scale_in_protection:
            self._grant_protection(given_role=task_role)
        self._scaling.on_backlog("Queue", queue=self.queue, messages_per_task=wait / message)
        self.age_alarm: cloudwatch.Alarm = age_alarm(self, self.queue, acceptable_wait=wait, message_duration=message)
        """The alarm for messages that wait longer than twice *acceptable_wait*."""
        text = f"{path_of(self)}: messages could not be processed: see the dead-letter queue"
        self.dead_letter_alarm: cloudwatch.Alarm | None = (
            dead_letter_alarm(self, "DeadLetterAlarm", self.dead_letter_queue, text) if self.dead_letter_queue else None
        )
        """The alarm for messages in the dead-letter queue, if one is known."""

    @property
    def dead_letter_queue(self) -> sqs.IQueue | None:
        """The dead-letter queue; `None` if a given queue has none, or is imported, so that it is not known."""
        settings = self.queue.dead_letter_queue if isinstance(self.queue, sqs.Queue) else None
        return settings.queue if settings else None

    @property
    def alarms(self) -> Sequence[cloudwatch.Alarm]:
        """The alarms, for `for alarm in worker.alarms: alarm.add_alarm_action(...)`."""
        return [each for each in (self.age_alarm, self.dead_letter_alarm) if each]

    def _grant_protection(self, given_role: iam.IRole | None) -> None:
        """Let a task protect itself.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection.html
        """
        tasks = Stack.of(self).format_arn(
            service="ecs", resource="task", resource_name=f"{self.cluster.cluster_name}/*"
        )
        iam.Grant.add_to_principal(
            grantee=self,
            actions=["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"],
            resource_arns=[tasks],
        )
        if not given_role:
            acknowledge_wildcards(self._task_role, [tasks], reason="ECS chooses a task's ID when it starts the task.")


def _validate_scaling(message: float, wait: float, min_tasks: int, max_tasks: int) -> None:
    if wait < message:
        raise ValueError(
            f"acceptable_wait must be at least message_duration ({message:g} seconds), got: {wait:g} seconds"
        )
    validate_range("min_tasks", min_tasks, 0)
    validate_range("max_tasks", max_tasks, 0)
    if max_tasks < min_tasks and not any(map(is_unresolved, (min_tasks, max_tasks))):
        raise ValueError(f"max_tasks must be at least min_tasks ({min_tasks}), got: {max_tasks}")


def _seconds(name: str, time: Duration, low: float, high: float) -> float:
    """Return a time that must be known at synthesis: the messages for each task are computed from it."""
    seconds = seconds_of(time)
    if seconds is None:
        raise ValueError(f"{name} must be known at synthesis, got a token; write Duration.seconds(...)")
    validate_range(name, seconds, low, high, unit=" seconds")
    return seconds
