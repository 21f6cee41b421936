"""Causes why an image cannot be pulled (CannotPullContainerError)."""

from fargate_constructs.cli.causes.cause import DENIED, ECS, NETWORK, REPOST, Cause, causes, unreachable

PULL = f"{ECS}task_cannot_pull_image.html"

IMAGE_CAUSES = causes(
    pullRateLimit=Cause(
        r"toomanyrequests|pull rate limit|429 Too Many Requests",
        "The registry limits how often images are pulled.",
        "Docker Hub counts pulls by address, and all tasks behind one NAT gateway have the same address.",
        "Copy the image to Amazon ECR, or use a pull through cache rule with credentials.",
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html",
    ),
    wrongPlatform=Cause(
        r"descriptor matching platform|find a descriptor for platform|no match for platform|image operating system",
        "The image is for another processor than the task.",
        "The image was built on another architecture, such as an Arm laptop, than runtimePlatform says.",
        "Build with `docker build --platform linux/amd64` (or linux/arm64), or set the task's cpu_architecture.",
        f"{ECS}ecs-arm64.html",
    ),
    diskFull=Cause(
        r"no space left on device",
        "The task has no disk space left for its image.",
        "The image is too large for the task's ephemeral storage, 20 GiB by default.",
        "Raise ephemeral_storage_gib (up to 200), or make the image smaller.",
        f"{ECS}fargate-task-storage.html",
    ),
    imageMissing=Cause(
        r"is not in Amazon ECR|manifest unknown|repository .* not found|API error \(404\)|"
        r"(?:failed to resolve ref|pull image manifest).*: not found|name unknown",
        "The image does not exist.",
        "The repository, the tag or the digest is wrong or was deleted, for example by a lifecycle rule of ECR.",
        "Push the image, or correct its name; keep images that are deployed out of lifecycle rules.",
        PULL,
    ),
    registryRefused=Cause(
        r"unexpected status code https?://(?!\d{12}\.dkr[.-]ecr)(?!.*\b(?:401|403|404)\b)",
        "The registry answered with an error.",
        "Docker Hub limits pulls by address, and all tasks behind one NAT gateway have the same; or the registry is "
        "down.",
        "Copy the image to Amazon ECR, or use a pull through cache rule with credentials.",
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html",
    ),
    layersUnreachable=Cause(
        rf"httpRead(?:er)?Seeker|failed to copy.*(?:{NETWORK}|unexpected status code)|nil pointer dereference",
        "The task reaches the registry, but not the layers of the image, which are in S3.",
        "There is no route to S3, or the policy of its VPC endpoint does not allow the bucket of ECR.",
        "Add the gateway endpoint of S3 to the route tables; allow arn:aws:s3:::prod-REGION-starport-layer-bucket/*.",
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html",
    ),
    registryTimeout=unreachable(
        "the registry of its image", rf"(?:CannotPull|pull).*(?:{NETWORK})|Check your (?:task )?network configuration"
    ),
    pullDenied=Cause(
        rf"(?:CannotPull|pull|registry).*(?:{DENIED}|access denied|no basic auth credentials|has the permissions|"
        r"unauthorized|denied: requested access|failed to authorize)",
        "The task may not pull its image.",
        "The execution role or the repository's policy does not allow it, the image is private, or it does not exist.",
        "Give the execution role ecr:BatchGetImage and ecr:GetDownloadUrlForLayer; for another account, the "
        "repository's policy, too; for a private registry, credentials.",
        f"{ECS}task_execution_IAM_role.html",
    ),
    certificateUnknown=Cause(
        r"x509: certificate|server gave HTTP response to HTTPS client",
        "The registry has no certificate that Fargate trusts.",
        "Fargate trusts only public certificate authorities.",
        "Copy the image to Amazon ECR, or give the registry a public certificate.",
        f"{REPOST}ecs-pull-container-error",
    ),
    pullFailed=Cause(
        r"CannotPullContainer|error pulling image conf|pull (?:image manifest|command)|ref pull has been retried|"
        r"CannotPullImageManifest",
        "The image cannot be pulled.",
        "The name of the image may be wrong, or the registry does not answer.",
        "Read the end of the text; try `docker pull` with the same name.",
        PULL,
    ),
)
