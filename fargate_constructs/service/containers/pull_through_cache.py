"""Images of public registries, through a cache in ECR."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aws_cdk import Aws
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.ecr_images import allow_pull
from fargate_constructs._core.unresolved import may_match

# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreatePullThroughCacheRule.html
PREFIX = re.compile(r"ROOT|(?=.{2,30}$)[a-z0-9]+([._/-][a-z0-9]+)*/?")
IMAGE = re.compile(r"[a-z0-9][a-z0-9._/-]*(:[\w.-]+)?(@sha256:[0-9a-f]{64})?")
# The registries that a rule can have behind it begin so.
REGISTRY = re.compile(
    r"(?:[\w-]+\.)*(?:docker\.io|ghcr\.io|quay\.io|ecr\.aws|k8s\.io|gitlab\.com|azurecr\.io|cgr\.dev)/.*"
)
ACCOUNT = re.compile(r"\d{12}")
# The first pull of an image (https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-iam.html).
FIRST_PULL = ("ecr:BatchImportUpstreamImage", "ecr:CreateRepository")


@checked
@dataclass(frozen=True)
class PullThroughCache:
    """A pull-through cache of ECR: the account's copy of a registry such as Docker Hub, which limits pulls.

    The cache itself is a rule that is made once for each account and region:
    `ecr.CfnPullThroughCacheRule(stack, "Hub", ecr_repository_prefix="docker-hub", ...)`.

    ```python
    hub = PullThroughCache("docker-hub")
    FargateService(stack, "Web", network=network, image=hub.image("library/nginx:1.29"))
    ```

    Args:
        prefix: The prefix of the rule, such as `docker-hub`, or `rule.ref` of a rule in this app.
        account: The account of the cache. By default the stack's own. A registry policy of another account must allow
            this one to pull, to import images and to create repositories.

    Raises:
        ValueError: If *prefix* or *account* cannot be one.
    """

    prefix: str
    account: str = Aws.ACCOUNT_ID

    def __post_init__(self) -> None:
        """Refuse what no rule has."""
        if not may_match(PREFIX, self.prefix):
            raise ValueError(
                f"prefix must be that of a pull-through cache rule, such as 'docker-hub', got: {self.prefix!r}"
            )
        if not may_match(ACCOUNT, self.account):
            raise ValueError(f"account must have 12 digits, got: {self.account!r}")

    @checked
    def image(self, name: str) -> ecs.ContainerImage:
        """Return an image of the cache. The execution role may pull it, and import it at the first pull.

        Args:
            name: The image's name in the registry behind the cache, such as `library/nginx:1.29`. Docker Hub's official
                images are in `library/`.

        Raises:
            ValueError: If *name* has a registry, or cannot be an image's.
        """
        if not may_match(IMAGE, name) or REGISTRY.fullmatch(name):
            raise ValueError(
                f"name must be an image without its registry, such as 'library/nginx:1.29', got: {name!r}; "
                "the cache is the registry"
            )
        path = name if self.prefix == "ROOT" else f"{self.prefix.rstrip('/')}/{name}"
        return _CachedImage(f"{self.account}.dkr.ecr.{Aws.REGION}.{Aws.URL_SUFFIX}/{path}")


class _CachedImage(ecs.ContainerImage):
    """An image by its name in ECR, with the permissions of the first pull."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def bind(self, _scope: Construct, container_definition: ecs.ContainerDefinition) -> ecs.ContainerImageConfig:
        allow_pull(container_definition, self._name, FIRST_PULL)
        return ecs.ContainerImageConfig(image_name=self._name)
