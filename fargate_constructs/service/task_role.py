"""The role of the application in a task."""

from collections.abc import Mapping
from typing import cast

import jsii
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

from fargate_constructs._core.account_trust import service_principal
from fargate_constructs._core.construct_paths import keep_place, node_of, path_of
from fargate_constructs._core.nag_suppressions import INLINE_POLICY, acknowledge
from fargate_constructs.service.links.explained_references import explained


class TaskRole(iam.Role):
    """A role that tasks of this account alone may have.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html

    If a policy of another stack names it in a cycle, such as that of a secret's key, the message says what to write.

    Args:
        scope: The task.
        id: The role's ID.
        inline_policies: What it may do from the start, by name.
    """

    _fragment: iam.PrincipalPolicyFragment | None = None

    def __init__(self, scope: Construct, id: str, *, inline_policies: Mapping[str, iam.PolicyDocument]) -> None:
        super().__init__(
            scope, id, assumed_by=service_principal("ecs-tasks.amazonaws.com"), inline_policies=inline_policies or None
        )
        keep_place(self, scope, id)
        acknowledge(self, INLINE_POLICY)

    @property
    @jsii.member(jsii_name="policyFragment")
    def policy_fragment(self) -> iam.PrincipalPolicyFragment:
        """The role in the policy of a resource: one text, so that statements which are the same are one."""
        if self._fragment is None:
            self._fragment = iam.ArnPrincipal(explained(self.role_arn, self, self._reason)).policy_fragment
        return self._fragment

    def _reason(self, resource: IConstruct) -> str:
        task = cast(IConstruct, node_of(self).scope)
        return (
            f"the policy of {path_of(resource)} names the role of {path_of(task)}; to read a secret under a key of "
            f"yours, import the secret without its key, and write key.grant_decrypt({task.node.id})"
        )
