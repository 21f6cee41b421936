"""A task that runs once: by hand, or before each deployment of a service."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from aws_cdk import CustomResource, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from fargate_constructs._core.arguments import checked, forward
from fargate_constructs._core.nag_suppressions import INLINE_POLICY, acknowledge
from fargate_constructs._core.python_function import ANSWERS_A_DEPLOYMENT, PythonFunction, code_in
from fargate_constructs._core.validation import validate_seconds
from fargate_constructs.network.network import Network
from fargate_constructs.service.capacity import Capacity
from fargate_constructs.service.containers.restart_policy import RestartPolicy
from fargate_constructs.service.containers.task_logs import LogRouter
from fargate_constructs.service.ecs_service import resource_of
from fargate_constructs.service.fargate_service import FargateService
from fargate_constructs.service.jobs.job import TIMEOUTS, Job
from fargate_constructs.service.jobs.run_retries import BY_DEPLOYMENT

HANDLER = Path(__file__).parent / "lambdas" / "run_before"

# CloudFormation waits an hour for a custom resource
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html).
# 10 of these minutes are for the start and stop of the task, and for retries of Lambda.
RESERVE_MINUTES = 10
MAX_TIMEOUT = 50 * 60  # seconds
DEFAULT_TIMEOUT_MINUTES = 30
# Lambda's maximum; then the function invokes itself again.
HANDLER_TIMEOUT_MINUTES = 15


class OneOffTask(Job):
    """A task that runs once: by hand, with `run_command`, or before each deployment of services, with `run_before`.

    ```python
    migrate = OneOffTask(stack, "Migrate", network=network, image=image, command=["./manage.py", "migrate"])
    migrate.run_before(web)
    ```
    """

    _always_reports = False
    _later_parts = (*Job._later_parts, "Run")

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
        retries: int = 0,
        task_count: int = 1,
        # Of this class:
        timeout: Duration | None = None,
    ) -> None:
        """A task that runs once: by hand, with `run_command`, or before each deployment of services, with `run_before`.

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
            retries: How often a failed run starts again, with the same overrides, 0 to 10: after 10 s, 20 s, 40 s, up
                to 6 minutes. A run that was stopped, by a person or after *timeout*, does not start again, nor one that
                a deployment or a state machine waits for. A run must then do no harm if an earlier one was cut off in
                the middle. By default none starts again.
            task_count: How many tasks each start makes, 1 to 10. They are the same, so they need a queue to share the
                work. By default one.
            timeout: How long a run may take, from 1 minute to 30 days, image pull included. Then ECS stops its task,
                and the run has failed. By default a run before a deployment may take 30 minutes, other runs have no
                limit. If a deployment waits, 50 minutes are the maximum.

        Raises:
            ValueError: As `Job`.
        """
        super().__init__(scope, id, **forward(Job.__init__, locals()))

        self.deployment_run: DeploymentRun | None = None
        """The resource that runs the task before deployments; the first `run_before` makes it."""

    @checked
    def run_before(self, service: FargateService) -> CustomResource:
        """Run the task before each deployment of a service, such as for migrations. Several services may use one run.

        The task runs with the first deployment, and with each that changes its task definition, such as the image, or
        *timeout*. It does not run if only the image behind a tag has changed. The service's new version is deployed
        after the main container has stopped with exit code 0. Otherwise the deployment fails with the reason and the
        command that shows the log, and CloudFormation goes back to the version before. The rollback runs nothing, so
        the version before must work with what the run has changed, as it must anyway while it still serves. A run can
        be repeated, so it must do no harm twice.

        Add what the task needs before it runs, such as the database, as a dependency:
        `migrate.run_before(web).node.add_dependency(database)`. `migrate.connections.allow_to_default_port(database)`
        opens the database to the task, in the task's stack; the run waits for that, too.

        Args:
            service: The service that waits, in the same stack or in one that is deployed after it.

        Returns:
            The resource that runs the task.

        Raises:
            TypeError: If *service* is no `FargateService`.
            ValueError: If *timeout* is longer than 50 minutes, or there is a *task_count*.
        """
        self._validate_single_task("run_before", "another OneOffTask for the run")
        validate_seconds("timeout of a run before deployments", self.timeout, TIMEOUTS[0], MAX_TIMEOUT)
        self.deployment_run = self.deployment_run or DeploymentRun(self, "Run", job=self)
        resource_of(service.service).node.add_dependency(self.deployment_run.resource)
        return self.deployment_run.resource


class DeploymentRun(Construct):
    """Runs a job with each deployment that changes it; the deployment fails if the job does."""

    def __init__(self, scope: Construct, id: str, *, job: OneOffTask) -> None:
        super().__init__(scope, id)

        timeout = job.timeout or Duration.minutes(DEFAULT_TIMEOUT_MINUTES)
        request = {**job._runs.request(), **({"startedBy": BY_DEPLOYMENT} if job.retries else {})}
        self.function = PythonFunction(
            self,
            "Function",
            code=code_in(HANDLER),
            handler="handler.handler",
            description="Runs a task before deployments",
            timeout=Duration.minutes(HANDLER_TIMEOUT_MINUTES),
            dlq_suppressions=ANSWERS_A_DEPLOYMENT,
            environment={
                "REQUEST": Stack.of(self).to_json_string(request),
                "CONTAINER": job.name,
                "LOG_GROUP": job.log_group.log_group_name,
                "TIMEOUT_SECONDS": f"{timeout.to_seconds():.0f}",
            },
        )
        """The function that runs the task and waits."""
        job._runs.grant(self.function.execution_role)
        self.function.allow(
            "ecs:DescribeTasks", "ecs:StopTask", on=job._runs.task_arns, conditions=job._runs.in_cluster
        )
        self.function.allow("cloudformation:DescribeStacks", on=Stack.of(self).stack_id)
        # Not in the role's own policy: the function depends on that one.
        hand_over = iam.Policy(
            self,
            "HandOver",
            roles=[self.function.execution_role],
            statements=[
                iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[self.function.function_arn]),
            ],
        )
        acknowledge(hand_over, INLINE_POLICY)
        self.resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::RunBeforeDeployment",
            service_token=self.function.function_arn,
            service_timeout=timeout.plus(Duration.minutes(RESERVE_MINUTES)),
            # A change here runs the task again. The function has everything else in its environment.
            properties={"TaskDefinition": job.task_definition.task_definition_arn},
        )
        """The custom resource; what depends on it waits for the run."""
        self.resource.node.add_dependency(hand_over, *job._runs.dependencies())
