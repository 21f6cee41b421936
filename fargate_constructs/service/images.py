"""Where images come from, for tasks that have no way out to fetch them.

```
private ECR repository ──> interface endpoints ──> [image] ──> task in an isolated network
```
"""

import re

import jsii
from aws_cdk import Annotations
from aws_cdk import aws_ecs as ecs
from constructs import IConstruct, IValidation

from fargate_constructs.known import is_dummy, is_known

# The ID by which the warning of it can be acknowledged.
UNREACHABLE_IMAGE = "fargate-constructs:unreachableImage"

# https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
PRIVATE_REGISTRY = re.compile(r"\d{12}\.dkr[.-]ecr[.-].+")


@jsii.implements(IValidation)
class PrivateImages:
    """Warns of each image that tasks without a way out cannot pull.

    Interface endpoints lead to private ECR repositories alone, not even to `public.ecr.aws`; and a pull-through cache
    needs a way out when it gets an image for the first time
    (https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html). Registries that are known only when
    deployed pass.

    Args:
        task: Where the warnings stand.
        task_definition: The tasks, with all containers that they have at synthesis, sidecars and log routers included.
    """

    def __init__(self, task: IConstruct, task_definition: ecs.TaskDefinition) -> None:
        self._task = task
        self._task_definition = task_definition

    def validate(self) -> list[str]:
        """Warn, now that all containers are known; nothing is ever wrong."""
        for container in self._task_definition.node.children:
            if isinstance(container, ecs.ContainerDefinition) and _is_elsewhere(container.image_name):
                Annotations.of(self._task).add_warning_v2(
                    UNREACHABLE_IMAGE,
                    f"tasks in an isolated network can pull {container.image_name}, the image of container "
                    f"{container.container_name!r}, only if its registry is within reach of the VPC; if not, mirror "
                    "it to a private ECR repository, or pull it once from elsewhere through a pull-through cache, and "
                    "name it by that",
                )
        return []


def _is_elsewhere(image: str) -> bool:
    registry = re.split("[/:]", image, maxsplit=1)[0]
    return is_known(registry) and not is_dummy(image) and not PRIVATE_REGISTRY.fullmatch(registry)
