"""Roles whose AWS service may act for this account only.

A service acts for many accounts. Without a condition, a request of another account could make it use a role of this one
(https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html).
"""

from functools import cache
from typing import cast

import jsii
from aws_cdk import Aspects, Aws, IAspect, Names, Resource
from aws_cdk import aws_iam as iam
from constructs import IConstruct


@cache
def service_principal(service: str) -> iam.ServicePrincipal:
    """Return the principal of a service, such as `lambda.amazonaws.com`, limited to this account."""
    return iam.ServicePrincipal(service, conditions=_for_this_account())


def restrict_to_account(role: iam.IRole) -> None:
    """Let the service of a role that CDK made assume it for this account only, as `service_principal` does.

    With the flag `@aws-cdk/aws-iam:minimizePolicies` another principal of the role shares the statement, and so the
    condition.
    """
    resource = cast("iam.CfnRole | None", role.node.default_child)
    if resource is None:
        return  # made elsewhere: iam.Role.customize_roles
    resource.add_property_override("AssumeRolePolicyDocument.Statement.0.Condition", _for_this_account())


@cache
def _for_this_account() -> dict[str, dict[str, str]]:
    return {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}


def name_policies_by_region(grantee: iam.IGrantable | None) -> None:
    """Add the region to the names of the policies that CDK makes for grants to an imported role.

    A role is global and has one policy of each name. So a stack of another region would overwrite this stack's policy
    (https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html).
    """
    if hasattr(grantee, "role_arn") and not Resource.is_owned_resource(cast(iam.IRole, grantee)):
        Aspects.of(cast(iam.IRole, grantee)).add(cast(IAspect, _ByRegion()))


@jsii.implements(IAspect)
class _ByRegion:
    """Names a policy by its path and region."""

    def visit(self, node: IConstruct) -> None:
        """Name it."""
        if isinstance(node, iam.CfnPolicy):
            node.policy_name = f"{Names.unique_resource_name(node, separator='-', max_length=100)}-{Aws.REGION}"
