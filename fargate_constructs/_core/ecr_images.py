"""Images of private ECR registries, written as text: the execution role may pull them.

CDK grants a pull only to an image from an `ecr.IRepository` or a folder. Of an image by name it only warns.
"""

import re
from collections.abc import Sequence
from weakref import WeakKeyDictionary

from aws_cdk import Annotations, Aws
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam

from fargate_constructs._core.nag_suppressions import ECR_LOGIN, acknowledge_wildcards
from fargate_constructs._core.unresolved import TOKEN

# The names of private registries (https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html). Each part
# may be a token, such as `Aws.ACCOUNT_ID`.
PRIVATE_IMAGE = re.compile(
    rf"(?P<account>\d{{12}}|{TOKEN.pattern})\.(?:dkr\.ecr|dkr-ecr)(?:-fips)?\.(?P<region>[a-z0-9-]+|{TOKEN.pattern})"
    rf"\.[^/]+/(?P<repository>[^:@]+)(?:[:@].*)?"
)
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policy-examples.html
PULL = ("ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage")
# CDK's warning of an ECR image by name.
NO_POLICY = "@aws-cdk/aws-ecs:ecrImageRequiresPolicy"

_NAMES: WeakKeyDictionary[ecs.ContainerImage, str] = WeakKeyDictionary()


def allow_image(container: ecs.ContainerDefinition, image: ecs.ContainerImage) -> None:
    """Let a task's execution role pull a container's image from ECR, if CDK has not, and no other image."""
    if not isinstance(image, ecs.RepositoryImage):  # CDK has
        _acknowledge_login(container)
    elif allow_pull(container, _name_of(container, image)):
        reason = "the execution role may pull the image"
        Annotations.of(container).acknowledge_warning(NO_POLICY, reason)
        _acknowledge_login(container)


def _name_of(container: ecs.ContainerDefinition, image: ecs.RepositoryImage) -> str:
    """Return an image's name. A subclass may give each container another one."""
    if type(image) is not ecs.RepositoryImage:
        return container.image_name
    return _NAMES.get(image) or _NAMES.setdefault(image, container.image_name)


def allow_pull(container: ecs.ContainerDefinition, image: str, also: Sequence[str] = ()) -> bool:
    """Let a task's execution role pull an image by its name, and more; return whether its registry is ECR's."""
    name = PRIVATE_IMAGE.fullmatch(image)
    if name is None:
        return False
    role = container.task_definition.obtain_execution_role()
    repository = f"arn:{Aws.PARTITION}:ecr:{name['region']}:{name['account']}:repository/{name['repository']}"
    role.add_to_principal_policy(iam.PolicyStatement(actions=[*PULL, *also], resources=[repository]))
    role.add_to_principal_policy(iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"]))
    return True


def _acknowledge_login(container: ecs.ContainerDefinition) -> None:
    acknowledge_wildcards(container.task_definition.obtain_execution_role(), ["*"], reason=ECR_LOGIN)
