"""Functions that ECS calls during a deployment, and that may end it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from fargate_constructs._core.lazy_cdk import aws_lambda as lambda_
from fargate_constructs._core.nag_suppressions import INLINE_POLICY, acknowledge
from fargate_constructs.service.deployments.deployment import Deployment

Stage = ecs.DeploymentLifecycleStage


class LifecycleHooks(Construct):
    """The lifecycle hooks of a service, each with the role by which ECS calls its function.

    CDK would make the role too late for the service to wait for its policy, and allow all versions of the function.
    """

    def __init__(self, scope: Construct, id: str, *, service: ecs.FargateService) -> None:
        super().__init__(scope, id)

        self._service = service

    def add(self, id: str, handler: lambda_.IFunction, stages: Sequence[Stage], *, has_test_traffic: bool) -> iam.Role:
        """Let ECS call a function at some stages of each deployment."""
        stages = list(stages) or [Stage.POST_TEST_TRAFFIC_SHIFT if has_test_traffic else Stage.POST_SCALE_UP]
        statement = iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[handler.function_arn])
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-permissions.html
        role = iam.Role(
            self,
            f"{id}Role",
            assumed_by=cast(iam.IPrincipal, iam.ServicePrincipal("ecs.amazonaws.com")),
            inline_policies={"Invoke": iam.PolicyDocument(statements=[statement])},
        )
        acknowledge(role, INLINE_POLICY)
        self._service.add_lifecycle_hook(
            ecs.DeploymentLifecycleLambdaTarget(handler, id, role=role, lifecycle_stages=stages)
        )
        return role


def validate_hook(
    id: str, stages: Sequence[Stage], deployment: Deployment, hooks: LifecycleHooks | None, *, may_test: bool
) -> None:
    """Refuse a hook that no deployment calls, one whose ID is taken, and a stage without test requests."""
    if not deployment._shifts_traffic:
        raise ValueError(
            f"lifecycle hooks need a deployment that shifts requests, got {id!r} for a rolling one; write "
            "Deployment.blue_green(), canary() or linear(), or leave the hook out"
        )
    if hooks and hooks.node.try_find_child(f"{id}Role"):
        raise ValueError(f"id must differ from the service's other lifecycle hooks, got: {id!r}")
    test_stages = [each.value for each in stages if "TEST_TRAFFIC" in each.value]
    # Service Connect has a header for test requests of its own
    # (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-blue-green.html).
    if test_stages and not may_test:
        raise ValueError(
            f"stages of test requests need a test_header of the deployment, got: {test_stages} without; write "
            'Deployment.blue_green(test_header=("x-version", "next")), or call link_to, or add_listener with a '
            "test_port, before"
        )
