"""A task that runs when someone says so, or before each deployment of a service.

```
deployment ──> [OneOffTask: a task, and its exit code] ──> FargateService
```
"""

from pathlib import Path
from typing import Unpack

from aws_cdk import CustomResource, Duration, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.nag_suppressions import INLINE_POLICY, acknowledge
from fargate_constructs._core.python_function import ANSWERS_A_DEPLOYMENT, PythonFunction, code_in
from fargate_constructs._core.validation import validate_seconds
from fargate_constructs.service.fargate_service import FargateService
from fargate_constructs.service.job import Job
from fargate_constructs.service.service_connect_links import resource_of
from fargate_constructs.service.task_arguments import TaskArguments

HANDLER = Path(__file__).parent / "lambdas" / "run_before"

# CloudFormation waits an hour for a custom resource and no longer
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html).
# Of it 10 minutes are kept: to start the task, to stop it, and for Lambda to try an invocation again.
RESERVE = Duration.minutes(10)
TIMEOUTS = (60, 50 * 60)  # seconds; what takes longer is run by hand, with run_command
# The most that Lambda gives; then the function hands over to itself.
HANDLER_TIMEOUT = Duration.minutes(15)


class OneOffTask(Job):
    """A task that runs once: by hand, with `run_command`, or before each deployment of services, with `run_before`.

    ```python
    migrate = OneOffTask(stack, "Migrate", network=network, image=image, command=["./manage.py", "migrate"])
    migrate.run_before(web)
    ```

    Args:
        scope: The construct that owns the task.
        id: The construct's ID.
        timeout: How long a run before a deployment may take, from 1 to 50 minutes, image pull included. Then it is
            stopped, and the deployment fails. By default 30 minutes. It does not concern runs by hand.
        task: What a task is made of: `network`, `image` and the other arguments of `FargateTask`.

    Raises:
        ValueError: If *timeout* is out of its range, or as `FargateTask` does.
    """

    @checked
    def __init__(
        self, scope: Construct, id: str, *, timeout: Duration | None = None, **task: Unpack[TaskArguments]
    ) -> None:
        timeout = timeout or Duration.minutes(30)
        if timeout.is_unresolved():
            raise ValueError("timeout must be known at synth, got a token: the function counts its seconds")
        validate_seconds("timeout", timeout, *TIMEOUTS)
        super().__init__(scope, id, **task)

        self.timeout = timeout
        self.deployment_run: DeploymentRun | None = None
        """What runs the task before deployments; made by the first `run_before`."""

    @checked
    def run_before(self, service: FargateService) -> CustomResource:
        """Run the task before each deployment of a service: for migrations. Several services may wait for the same run.

        The task runs with the first deployment and with each that changes its task definition, such as its image, or
        *timeout*; not if an image behind the same tag has changed. The service's new version is deployed once the
        main container has ended with exit code 0. Otherwise the deployment fails with the reason and the line that
        shows the log, and CloudFormation goes back to the version before. The way back runs nothing, so the version
        before must live with what the run has changed, as it must anyway while it still serves. A run can be
        repeated, by the next deployment at the latest; let it be one that does no harm twice.

        Whatever else the task needs to be there before it runs, such as the database, is added as a dependency:
        `migrate.run_before(web).node.add_dependency(database)`. `migrate.connections.allow_to_default_port(database)`
        lets the task in, from its own stack, whichever the database's is; the run waits for that, too.

        Args:
            service: The service that waits, in the same stack or in one that is deployed after this one.

        Returns:
            The resource that runs the task.

        Raises:
            TypeError: If *service* is no `FargateService`.
        """
        self.deployment_run = self.deployment_run or DeploymentRun(self, "Run", job=self)
        resource_of(service.service).node.add_dependency(self.deployment_run.resource)
        return self.deployment_run.resource


class DeploymentRun(Construct):
    """Runs a job with each deployment that changes it, and lets the deployment fail if the job does.

    Args:
        scope: The construct that owns it.
        id: The construct's ID.
        job: What is run.
    """

    def __init__(self, scope: Construct, id: str, *, job: OneOffTask) -> None:
        super().__init__(scope, id)

        self.function = PythonFunction(
            self,
            "Function",
            code=code_in(HANDLER),
            handler="handler.handler",
            description="Runs a task before deployments",
            timeout=HANDLER_TIMEOUT,
            dlq_suppressions=ANSWERS_A_DEPLOYMENT,
            environment={
                "REQUEST": Stack.of(self).to_json_string(job._run_request()),
                "CONTAINER": job.name,
                "LOG_GROUP": job.log_group.log_group_name,
                "TIMEOUT_SECONDS": f"{job.timeout.to_seconds():.0f}",
            },
        )
        job._grant_run(self.function.execution_role)
        self.function.allow("ecs:DescribeTasks", "ecs:StopTask", on=job._task_arns, conditions=job._in_cluster)
        self.function.allow("cloudformation:DescribeStacks", on=Stack.of(self).stack_id)
        # Apart from the role's own policy, for which the function waits.
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
            service_timeout=job.timeout.plus(RESERVE),
            # What changes it is what makes it run again. All else the function has in its environment.
            properties={"TaskDefinition": job.task_definition.task_definition_arn},
        )
        self.resource.node.add_dependency(hand_over, *job._needs())
