"""Images that tasks of an isolated network cannot pull."""

import re
from collections.abc import Sequence

from aws_cdk import Annotations, Stack
from aws_cdk import aws_ecs as ecs
from constructs import IConstruct

from fargate_constructs._core.unresolved import is_dummy, is_known, with_names

# The ID of the warning, for acknowledgements.
UNREACHABLE_IMAGE = "fargate-constructs:unreachableImage"

# Not the dual-stack names, `123456789012.dkr-ecr.eu-west-1.on.aws`, which no VPC endpoint serves
# (https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html).
PRIVATE_REGISTRY = re.compile(r"(\d{12})\.dkr\.ecr(?:-fips)?\..+")
MIRROR = (
    "its registry is within reach of the VPC; if not, mirror it to a private ECR repository, or pull it once from "
    "elsewhere through a pull-through cache, and name it by that"
)


class UnreachableImages:
    """Warns of each image that tasks without egress cannot pull.

    Interface endpoints lead to private ECR repositories only, not to `public.ecr.aws`. A pull-through cache needs
    egress when it gets an image for the first time
    (https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html). Registries that are
    tokens pass.

    Args:
        task: The construct that gets the warnings.
        task_definition: The task definition. Its containers are read at synthesis.
        resource_accounts: The accounts that the VPC endpoints let tasks reach, beside this account; `None` for all.
    """

    def __init__(
        self, task: IConstruct, task_definition: ecs.TaskDefinition, resource_accounts: Sequence[str] | None
    ) -> None:
        self._task = task
        self._task_definition = task_definition
        self._accounts = None if resource_accounts is None else [Stack.of(task).account, *resource_accounts]

    def warn(self) -> Sequence[str]:
        """Warn, now that all containers are known; return no error."""
        for container in self._task_definition.node.children:
            if isinstance(container, ecs.ContainerDefinition) and (condition := self._condition(container.image_name)):
                Annotations.of(self._task).add_warning_v2(
                    UNREACHABLE_IMAGE,
                    f"tasks in an isolated network can pull {with_names(container.image_name)}, the image of container "
                    f"{container.container_name!r}, only if {condition}",
                )
        return ()

    def _condition(self, image: str) -> str | None:
        """Return the condition under which an image can be pulled; None if there is none."""
        registry = re.split("[/:]", image, maxsplit=1)[0]
        if not is_known(registry) or is_dummy(image):
            return None
        private = PRIVATE_REGISTRY.fullmatch(registry)
        if private is None:
            return MIRROR
        if self._accounts is None or not is_known(self._accounts) or private[1] in self._accounts:
            return None
        return f"the VPC endpoints allow account {private[1]}: name it in resource_accounts of the network"
