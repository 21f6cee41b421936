"""For whom AWS's services may act here: for this account alone.

```
somebody's request ──> service ──> [trust] ──> role
```

A service acts for many accounts. Without a condition, somebody else's request could make it use a role of this one
(https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html).
"""

from functools import cache
from typing import cast

from aws_cdk import Aws
from aws_cdk import aws_iam as iam


@cache
def service_principal(service: str) -> iam.ServicePrincipal:
    """Return a service, such as `lambda.amazonaws.com`, as far as it acts for this account."""
    return iam.ServicePrincipal(service, conditions=_for_this_account())


def restrict(role: iam.IRole) -> None:
    """Let the service of a role that CDK made assume it for this account alone, as `service_principal` says of others.

    Whoever adds a principal to such a role's trust with the flag `@aws-cdk/aws-iam:minimizePolicies` on gets one
    statement for both, and the condition counts for both.
    """
    resource = cast("iam.CfnRole | None", role.node.default_child)
    if resource is None:
        return  # made elsewhere: iam.Role.customize_roles
    resource.add_property_override("AssumeRolePolicyDocument.Statement.0.Condition", _for_this_account())


@cache
def _for_this_account() -> dict[str, dict[str, str]]:
    return {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
