"""For whom AWS's services may act here: for this account alone.

```
somebody's request ──> service ──> [trust] ──> role
```

A service acts for many accounts. Without a condition, somebody else's request could make it use a role of this one
(https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html).
"""

from typing import cast

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

FOR_THIS_ACCOUNT = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}


def service_principal(service: str) -> iam.ServicePrincipal:
    """Return a service, such as `lambda.amazonaws.com`, as far as it acts for this account."""
    return iam.ServicePrincipal(service, conditions=FOR_THIS_ACCOUNT)


def restrict(role: iam.IRole) -> None:
    """Let the service of a role that CDK made assume it for this account alone; CDK has no argument for that.

    Whoever adds a principal to the role's trust with the flag `@aws-cdk/aws-iam:minimizePolicies` on gets one statement
    for both, and the condition counts for both: a role of one's own is the better place for it.
    """
    resource = cast("iam.CfnRole | None", role.node.default_child)
    if resource is None:
        return  # made elsewhere: iam.Role.customize_roles
    resource.add_property_override("AssumeRolePolicyDocument.Statement.0.Condition", FOR_THIS_ACCOUNT)
