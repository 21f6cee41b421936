"""For whom AWS's services may act here: for this account alone.

```
somebody's request ──> service ──> [trust] ──> role
```

A service acts for many accounts. Without a condition, somebody else's request could make it use a role of this one
(https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html).
"""

from functools import cache

from aws_cdk import Aws
from aws_cdk import aws_iam as iam


@cache
def service_principal(service: str) -> iam.ServicePrincipal:
    """Return a service, such as `lambda.amazonaws.com`, as far as it acts for this account."""
    return iam.ServicePrincipal(service, conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}})
