"""Where images come from, for tasks that have no way out to fetch them.

```
private ECR repository ──> interface endpoints ──> [image] ──> task in an isolated network
```
"""

import re
from collections.abc import Sequence

import jsii
from aws_cdk import Annotations, Stack
from aws_cdk import aws_ecs as ecs
from constructs import IConstruct, IValidation

from fargate_constructs._core.unresolved import is_dummy, is_known

# The ID by which the warning of it can be acknowledged.
UNREACHABLE_IMAGE = "fargate-constructs:unreachableImage"

# Not the dual-stack names, `123456789012.dkr-ecr.eu-west-1.on.aws`, to which no VPC endpoint leads
# (https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html).
PRIVATE_REGISTRY = re.compile(r"(\d{12})\.dkr\.ecr(?:-fips)?\..+")
MIRROR = (
    "its registry is within reach of the VPC; if not, mirror it to a private ECR repository, or pull it once from "
    "elsewhere through a pull-through cache, and name it by that"
)


@jsii.implements(IValidation)
class UnreachableImages:
    """Warns of each image that tasks without a way out cannot pull.

    Interface endpoints lead to private ECR repositories alone, not even to `public.ecr.aws`; and a pull-through cache
    needs a way out when it gets an image for the first time
    (https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html). Registries that are known only when
    deployed pass.

    Args:
        task: Where the warnings stand.
        task_definition: The tasks, with all containers that they have at synthesis, sidecars and log routers included.
        resource_accounts: The accounts that the VPC endpoints let tasks reach, beside this account; `None` for all.
    """

    def __init__(
        self, task: IConstruct, task_definition: ecs.TaskDefinition, resource_accounts: Sequence[str] | None
    ) -> None:
        self._task = task
        self._task_definition = task_definition
        self._accounts = None if resource_accounts is None else [Stack.of(task).account, *resource_accounts]

    def validate(self) -> list[str]:
        """Warn, now that all containers are known; nothing is ever wrong."""
        for container in self._task_definition.node.children:
            if isinstance(container, ecs.ContainerDefinition) and (condition := self._condition(container.image_name)):
                Annotations.of(self._task).add_warning_v2(
                    UNREACHABLE_IMAGE,
                    f"tasks in an isolated network can pull {container.image_name}, the image of container "
                    f"{container.container_name!r}, only if {condition}",
                )
        return []

    def _condition(self, image: str) -> str | None:
        """Return on what it depends whether an image can be pulled, unless nothing is known against it."""
        registry = re.split("[/:]", image, maxsplit=1)[0]
        if not is_known(registry) or is_dummy(image):
            return None
        private = PRIVATE_REGISTRY.fullmatch(registry)
        if private is None:
            return MIRROR
        if self._accounts is None or not is_known(self._accounts) or private[1] in self._accounts:
            return None
        return f"the VPC endpoints lead to account {private[1]}: name it in resource_accounts of the network"
