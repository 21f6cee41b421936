"""Where images come from: what the execution role may pull, and for which processors an image is built."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Aws, CfnParameter, Environment, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm
from aws_cdk.assertions import Annotations, Match, Template

from fargate_constructs import PullThroughCache
from fargate_constructs._core.ecr_images import PULL
from fargate_constructs.service.containers.pull_through_cache import FIRST_PULL
from fargate_constructs.service.fargate_task import FargateTask
from fargate_constructs.synthesized.intrinsics import as_text
from tests.audit import findings
from tests.modes.made_elsewhere import network_in
from tests.templates import properties

HERE = "${AWS::Region}:${AWS::AccountId}"
REGISTRY = f"{Aws.ACCOUNT_ID}.dkr.ecr.{Aws.REGION}.{Aws.URL_SUFFIX}"
DIGEST = f"sha256:{'0' * 64}"
registry = ecs.ContainerImage.from_registry


def task_of(stack: Stack, image: ecs.ContainerImage, **options: Any) -> FargateTask:  # noqa: ANN401 - of any argument
    """Return a task of an image."""
    return FargateTask(stack, "Web", network=network_in(stack), image=image, **options)


def images_of(stack: Stack) -> list[str]:
    """Return the images of the stack's one task."""
    (task,) = properties(stack, "AWS::ECS::TaskDefinition")
    return [as_text(each["Image"]) for each in task["ContainerDefinitions"]]


def pulls(stack: Stack) -> list[tuple[list[str], str]]:
    """Return what roles may do in repositories, and the end of each repository's ARN."""
    return [
        (each["Action"], as_text(each["Resource"]).partition(":ecr:")[2])
        for policy in properties(stack, "AWS::IAM::Policy")
        for each in policy["PolicyDocument"]["Statement"]
        if ":ecr:" in as_text(each["Resource"])
    ]


@pytest.mark.parametrize(
    ("name", "repository"),
    [
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/web:1.2", "eu-west-1:123456789012:repository/team/web"),
        (f"123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/web@{DIGEST}", "us-east-1:123456789012:repository/web"),
        ("123456789012.dkr-ecr.eu-west-1.on.aws/web", "eu-west-1:123456789012:repository/web"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/web:1", "cn-north-1:123456789012:repository/web"),
        (f"{REGISTRY}/web:1", f"{HERE}:repository/web"),
    ],
)
def test_an_image_of_ecr_by_name(stack: Stack, name: str, repository: str) -> None:
    """The execution role may pull it, and nothing else; CDK's warning that it may not is gone."""
    task_of(stack, registry(name))

    assert pulls(stack) == [([*PULL], repository)]
    Annotations.from_stack(stack).has_no_warning("*", Match.any_value())
    assert findings(stack.node.root) == []


@pytest.mark.parametrize("name", ["nginx:1", "public.ecr.aws/nginx/nginx:1", "ghcr.io/team/web:1"])
def test_an_image_of_another_registry(stack: Stack, name: str) -> None:
    """ECR's permissions are not needed."""
    task_of(stack, registry(name))

    assert properties(stack, "AWS::IAM::Policy") == []


def test_an_image_by_tag_and_by_digest(stack: Stack) -> None:
    """The tag is a parameter of the stack that CloudFormation reads from SSM at each deployment."""
    images = ecr.Repository.from_repository_arn(stack, "Images", "arn:aws:ecr:eu-west-1:123456789012:repository/web")
    tag = ssm.StringParameter.value_for_string_parameter(stack, "/shop/tag")
    task = task_of(stack, ecs.ContainerImage.from_ecr_repository(images, tag))
    task.add_sidecar("proxy", image=ecs.ContainerImage.from_ecr_repository(images, DIGEST))

    template = Template.from_stack(stack)
    ((parameter, declared),) = template.find_parameters("*", {"Default": "/shop/tag"}).items()
    assert declared["Type"] == "AWS::SSM::Parameter::Value<String>"
    host = "123456789012.dkr.ecr.eu-west-1.${AWS::URLSuffix}/web"
    assert images_of(stack) == [f"{host}:${{{parameter}}}", f"{host}@{DIGEST}"]
    assert pulls(stack) == [([*PULL], "eu-west-1:123456789012:repository/web")]


def test_an_image_of_another_account_of_the_app() -> None:
    """The repository's policy lets that account's execution role in."""
    app = App()
    images, services = (
        Stack(app, name, env=Environment(account=account, region="eu-west-1"))
        for name, account in (("Images", "111111111111"), ("Services", "222222222222"))
    )
    repository = ecr.Repository(images, "Web", repository_name="web")
    task_of(services, ecs.ContainerImage.from_ecr_repository(repository, "1"))

    (policy,) = (each["RepositoryPolicyText"] for each in properties(images, "AWS::ECR::Repository"))
    (statement,) = policy["Statement"]
    assert as_text(statement["Principal"]["AWS"]).endswith(":iam::222222222222:root")
    assert pulls(services) == [([*PULL], "eu-west-1:111111111111:repository/web")]


@pytest.mark.parametrize(
    ("cache", "account", "path", "version"),
    [
        (PullThroughCache("docker-hub"), "${AWS::AccountId}", "docker-hub/library/nginx", ":1.29"),
        (PullThroughCache("team/hub/"), "${AWS::AccountId}", "team/hub/library/nginx", f"@{DIGEST}"),
        (PullThroughCache("ROOT"), "${AWS::AccountId}", "library/nginx", ""),
        (PullThroughCache("hub", "123456789012"), "123456789012", "hub/library/nginx", ":1"),
    ],
)
def test_an_image_through_a_cache(stack: Stack, cache: PullThroughCache, account: str, path: str, version: str) -> None:
    """The role may import it at the first pull, into its own repository only."""
    task_of(stack, cache.image(f"library/nginx{version}"))

    assert pulls(stack) == [([*PULL, *FIRST_PULL], f"${{AWS::Region}}:{account}:repository/{path}")]
    assert images_of(stack) == [f"{account}.dkr.ecr.${{AWS::Region}}.${{AWS::URLSuffix}}/{path}{version}"]
    assert findings(stack.node.root) == []


def test_the_rule_of_a_cache_is_made_first(stack: Stack) -> None:
    """The image refers to it, so that CloudFormation waits for it."""
    rule = ecr.CfnPullThroughCacheRule(stack, "Hub", ecr_repository_prefix="docker-hub")
    task_of(stack, PullThroughCache(rule.ref).image("library/nginx:1"))

    assert [each.partition("/")[2] for each in images_of(stack)] == ["${Hub}/library/nginx:1"]


def test_a_given_role_gets_the_permissions(stack: Stack) -> None:
    """Also an imported one, in a policy of its own."""
    role = iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::123456789012:role/starter")
    task_of(stack, registry(f"{REGISTRY}/web:1"), execution_role=role)

    assert pulls(stack) == [([*PULL], f"{HERE}:repository/web")]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: PullThroughCache("Docker Hub"),
            "prefix must be that of a pull-through cache rule, such as 'docker-hub'",
        ),
        (lambda: PullThroughCache("hub", "1234"), "account must have 12 digits, got: '1234'"),
        (
            lambda: PullThroughCache("hub").image("Nginx"),
            "such as 'library/nginx:1.29', got: 'Nginx'; the cache is the",
        ),
        (
            lambda: PullThroughCache("hub").image("ghcr.io:443/web"),
            "without its registry, such as 'library/nginx:1.29'",
        ),
        (
            lambda: PullThroughCache("hub").image("docker.io/library/nginx:1"),
            "without its registry, such as 'library/nginx:1.29', got: 'docker.io/library/nginx:1'",
        ),
        (lambda: PullThroughCache(8), "prefix must be str, got: 8"),  # type: ignore[arg-type]
    ],
)
def test_no_image_of_a_cache(make: Any, message: str) -> None:  # noqa: ANN401 - a parameter of the test
    """The message has the value and what is allowed."""
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        make()


def test_an_image_for_other_processors(tmp_path: Path) -> None:
    """It fails synthesis, and one that is built for those of the machine is a warning."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    platforms, processors = ecr_assets.Platform, ecs.CpuArchitecture
    stack = Stack(App(), "Test")
    network = network_in(stack)
    for name, platform, cpu_architecture in (
        ("arm-on-x86", platforms.LINUX_ARM64, None),
        ("x86-on-arm", platforms.LINUX_AMD64, processors.ARM64),
        ("machine-on-arm", None, processors.ARM64),
        ("machine-on-any", None, processors.of(CfnParameter(stack, "Processors").value_as_string)),
        ("arm-on-arm", platforms.custom("linux/arm64/v8"), processors.ARM64),
        ("x86-on-x86", platforms.LINUX_AMD64, None),
    ):
        image = ecs.ContainerImage.from_asset(str(tmp_path), platform=platform)
        task = FargateTask(stack, name, network=network, image=image, cpu_architecture=cpu_architecture)
        task.add_sidecar("registry", image=registry("nginx"))
        task.add_sidecar("folder", image=image)

    app = stack.node.root
    assert isinstance(app, App)
    with pytest.raises(RuntimeError, match="validation-report"):
        app.synth()
    (plugin,) = json.loads((Path(app.outdir) / "validation-report.json").read_text())["pluginReports"]
    found = [(each["severity"], each["ruleName"], each["description"]) for each in plugin["violations"]]
    wrong, machine = (
        "must be built for {}, as its task has, got: '{}'",
        "machine that builds it, and its task has ARM64",
    )
    expected = {
        ("arm-on-x86", "error", "imagePlatform", wrong.format("X86_64", "linux/arm64")),
        ("x86-on-arm", "error", "imagePlatform", wrong.format("ARM64", "linux/amd64")),
        ("machine-on-arm", "warning", "imagePlatformOfMachine", machine),
    }
    assert len(found) == 2 * len(expected)
    assert {
        (name, severity, rule, text)
        for name, severity, rule, text in expected
        for found_severity, found_rule, description in found
        if (severity, rule) == (found_severity, found_rule)
        and f"container '{name}'" in description
        and text in description
    } == expected
