"""A web service of ours, with 1 also watched by `FargateMonitoring`, and with 0 not.

```
FargateWebService ──> [FargateMonitoring]
```
"""

from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from benchmarks.apps import synthesize
from fargate_constructs import FargateMonitoring, FargateWebService


class Services(Stack):
    """One web service."""

    def __init__(self, scope: Construct, construct_id: str, services: int) -> None:
        super().__init__(scope, construct_id)
        image = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
        shop = FargateWebService(self, "Shop", image=image)
        if services:
            FargateMonitoring(self, "Monitoring").watch(shop)


if __name__ == "__main__":
    synthesize(Services)
