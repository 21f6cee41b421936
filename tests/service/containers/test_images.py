"""Where images come from: what the execution role may pull, and for which processors an image is built."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Aws, CfnParameter, Environment, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from fargate_constructs import PullThroughCache
from fargate_constructs._core.ecr_images import PULL
from fargate_constructs.service.containers.pull_through_cache import FIRST_PULL
from fargate_constructs.service.fargate_task import FargateTask
from fargate_constructs.synthesized.intrinsics import as_text
from tests.audit import findings
from tests.modes.made_elsewhere import network_in
from tests.shared_stack import Part, Steps, in_shared_stack
from tests.templates import properties

HERE = "${AWS::Region}:${AWS::AccountId}"
REGISTRY = f"{Aws.ACCOUNT_ID}.dkr.ecr.{Aws.REGION}.{Aws.URL_SUFFIX}"
POLICY = "AWS::IAM::Policy"
DIGEST = f"sha256:{'0' * 64}"
registry = ecs.ContainerImage.from_registry


def images_of(part: Part) -> list[str]:
    """Return the images of the test's one task."""
    (task,) = part.properties("AWS::ECS::TaskDefinition")
    return [as_text(each["Image"]) for each in task["ContainerDefinitions"]]


def pulls(policies: Iterable[dict[str, Any]]) -> list[tuple[list[str], str]]:
    """Return what policies of roles allow in repositories, and the end of each repository's ARN."""
    return [
        (each["Action"], as_text(each["Resource"]).partition(":ecr:")[2])
        for policy in policies
        for each in policy["PolicyDocument"]["Statement"]
        if ":ecr:" in as_text(each["Resource"])
    ]


@in_shared_stack
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
def test_an_image_of_ecr_by_name(part: Part, name: str, repository: str) -> Steps:
    """The execution role may pull it, and nothing else; CDK's warning that it may not is gone."""
    web = part.make(FargateTask, "Web", image=registry(name))
    yield
    assert pulls(part.properties(POLICY)) == [([*PULL], repository)]
    assert part.warnings(web.container) == []
    assert findings(part) == []


@in_shared_stack
@pytest.mark.parametrize("name", ["nginx:1", "public.ecr.aws/nginx/nginx:1", "ghcr.io/team/web:1"])
def test_an_image_of_another_registry(part: Part, name: str) -> Steps:
    """ECR's permissions are not needed."""
    part.make(FargateTask, "Web", image=registry(name))
    yield
    assert part.properties(POLICY) == []


@in_shared_stack
def test_an_image_by_tag_and_by_digest(part: Part) -> Steps:
    """The tag is a parameter of the stack that CloudFormation reads from SSM at each deployment."""
    images = ecr.Repository.from_repository_arn(part, "Images", "arn:aws:ecr:eu-west-1:123456789012:repository/web")
    tag = ssm.StringParameter.value_for_string_parameter(part, "/shop/tag")
    task = part.make(FargateTask, "Web", image=ecs.ContainerImage.from_ecr_repository(images, tag))
    task.add_sidecar("proxy", image=ecs.ContainerImage.from_ecr_repository(images, DIGEST))
    yield
    ((parameter, declared),) = part.template().find_parameters("*", {"Default": "/shop/tag"}).items()
    assert declared["Type"] == "AWS::SSM::Parameter::Value<String>"
    host = "123456789012.dkr.ecr.eu-west-1.${AWS::URLSuffix}/web"
    assert images_of(part) == [f"{host}:${{{parameter}}}", f"{host}@{DIGEST}"]
    assert pulls(part.properties(POLICY)) == [([*PULL], "eu-west-1:123456789012:repository/web")]


class NamedByContainer(ecs.RepositoryImage):
    """An image whose repository has the name of its container."""

    def bind(self, _scope: Construct, container: ecs.ContainerDefinition) -> ecs.ContainerImageConfig:
        """Name the image."""
        return ecs.ContainerImageConfig(image_name=f"{REGISTRY}/{container.container_name}:1")


@in_shared_stack
def test_an_image_with_a_name_for_each_container(part: Part) -> Steps:
    """The role may pull both, though it is one object."""
    image = NamedByContainer("any")
    part.make(FargateTask, "Web", image=image).add_sidecar("proxy", image=image)
    yield
    main, _ = images_of(part)
    names = [main.rpartition("/")[2].removesuffix(":1"), "proxy"]
    assert [end for _, end in pulls(part.properties(POLICY))] == [f"{HERE}:repository/{name}" for name in names]


def test_an_image_of_another_account_of_the_app() -> None:
    """The repository's policy lets that account's execution role in."""
    app = App()
    images, services = (
        Stack(app, name, env=Environment(account=account, region="eu-west-1"))
        for name, account in (("Images", "111111111111"), ("Services", "222222222222"))
    )
    repository = ecr.Repository(images, "Web", repository_name="web")
    image = ecs.ContainerImage.from_ecr_repository(repository, "1")
    FargateTask(services, "Web", network=network_in(services), image=image)

    (policy,) = (each["RepositoryPolicyText"] for each in properties(images, "AWS::ECR::Repository"))
    (statement,) = policy["Statement"]
    assert as_text(statement["Principal"]["AWS"]).endswith(":iam::222222222222:root")
    assert pulls(properties(services, POLICY)) == [([*PULL], "eu-west-1:111111111111:repository/web")]


@in_shared_stack
@pytest.mark.parametrize(
    ("cache", "account", "path", "version"),
    [
        (PullThroughCache("docker-hub"), "${AWS::AccountId}", "docker-hub/library/nginx", ":1.29"),
        (PullThroughCache("team/hub/"), "${AWS::AccountId}", "team/hub/library/nginx", f"@{DIGEST}"),
        (PullThroughCache("ROOT"), "${AWS::AccountId}", "library/nginx", ""),
        (PullThroughCache("hub", "123456789012"), "123456789012", "hub/library/nginx", ":1"),
    ],
)
def test_an_image_through_a_cache(part: Part, cache: PullThroughCache, account: str, path: str, version: str) -> Steps:
    """The role may import it at the first pull, into its own repository only."""
    part.make(FargateTask, "Web", image=cache.image(f"library/nginx{version}"))
    yield
    allowed = [([*PULL, *FIRST_PULL], f"${{AWS::Region}}:{account}:repository/{path}")]
    assert pulls(part.properties(POLICY)) == allowed
    assert images_of(part) == [f"{account}.dkr.ecr.${{AWS::Region}}.${{AWS::URLSuffix}}/{path}{version}"]
    assert findings(part) == []


@in_shared_stack
def test_the_rule_of_a_cache_is_made_first(part: Part) -> Steps:
    """The image refers to it, so that CloudFormation waits for it."""
    rule = ecr.CfnPullThroughCacheRule(part, "Hub", ecr_repository_prefix="docker-hub")
    rule.override_logical_id("Hub")
    part.make(FargateTask, "Web", image=PullThroughCache(rule.ref).image("library/nginx:1"))
    yield
    assert [each.partition("/")[2] for each in images_of(part)] == ["${Hub}/library/nginx:1"]


@in_shared_stack
def test_a_given_role_gets_the_permissions(part: Part) -> Steps:
    """Also an imported one, in a policy of its own."""
    role = iam.Role.from_role_arn(part, "Role", "arn:aws:iam::123456789012:role/starter")
    part.make(FargateTask, "Web", image=registry(f"{REGISTRY}/web:1"), execution_role=role)
    yield
    assert pulls(part.properties(POLICY)) == [([*PULL], f"{HERE}:repository/web")]


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
    common: dict[str, Any] = {"network": network, "cluster": ecs.Cluster(stack, "Cluster", vpc=network.vpc)}
    for name, platform, cpu_architecture in (
        ("arm-on-x86", platforms.LINUX_ARM64, None),
        ("x86-on-arm", platforms.LINUX_AMD64, processors.ARM64),
        ("machine-on-arm", None, processors.ARM64),
        ("machine-on-any", None, processors.of(CfnParameter(stack, "Processors").value_as_string)),
        ("arm-on-arm", platforms.custom("linux/arm64/v8"), processors.ARM64),
        ("x86-on-x86", platforms.LINUX_AMD64, None),
    ):
        image = ecs.ContainerImage.from_asset(str(tmp_path), platform=platform)
        task = FargateTask(stack, name, **common, image=image, cpu_architecture=cpu_architecture)
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
