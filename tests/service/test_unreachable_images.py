"""Where images come from, for tasks that have no way out to fetch them."""

import pytest
from aws_cdk import Annotations, App, Aws, CfnParameter, Environment, Fn, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Annotations as Told
from aws_cdk.assertions import Match

from fargate_constructs import Egress, FargateService, FixedEgressNetwork, LogArchive, OneOffTask
from fargate_constructs._core.fluent_bit import IMAGE
from fargate_constructs.service.unreachable_images import UNREACHABLE_IMAGE

WARNING = Match.string_like_regexp("isolated network can pull")
PRIVATE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


@pytest.fixture(scope="module")
def stack() -> Stack:
    """Tasks in a network without a way out, of images from everywhere."""
    stack = Stack(App(), "Test")
    network = FixedEgressNetwork(stack, "Network", egress=Egress.isolated())
    archive, log_group = LogArchive(stack, "LogArchive"), logs.LogGroup(stack, "Lines")
    repository = ecr.Repository.from_repository_name(stack, "Images", "web")
    tag = CfnParameter(stack, "Tag").value_as_string
    images = {
        "cached": f"{PRIVATE}/docker-hub/library/nginx:1",
        "fips": "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/nginx",
        "account": f"{Aws.ACCOUNT_ID}.dkr.ecr.{Aws.REGION}.{Aws.URL_SUFFIX}/nginx:1",
        "public": "public.ecr.aws/nginx/nginx:stable",
        "stacks": "123456789012.dkr-ecr.eu-west-1.on.aws/nginx",
        "hub": f"nginx:{tag}",
        "other": f"ghcr.io/{PRIVATE}/nginx",
        "port": "registry:5000/nginx",
    }
    mirror = ecs.ContainerImage.from_ecr_repository(repository, "fluent-bit")
    _, api = (
        FargateService(
            stack,
            name,
            network=network,
            image=ecs.ContainerImage.from_ecr_repository(repository),
            log_group=log_group,
            log_router=archive.log_router(log_group, image=image),
        )
        for name, image in (("Web", None), ("Api", mirror))
    )
    for name, image in images.items():
        api.add_sidecar(name, image=ecs.ContainerImage.from_registry(image))
    _, accepted = (
        OneOffTask(stack, name, network=network, image=ecs.ContainerImage.from_registry("busybox"))
        for name in ("Migrate", "Accepted")
    )
    Annotations.of(accepted).acknowledge_warning(UNREACHABLE_IMAGE, "a proxy in the VPC answers for Docker Hub")
    return stack


def test_images_that_cannot_be_pulled_are_warned_of(stack: Stack) -> None:
    """Those of public registries, whatever added the container; each by its name, with what to do."""
    warnings = Told.from_stack(stack).find_warning("*", WARNING)

    told = [str(each.entry.data) for each in warnings]
    assert sorted({each.id for each in warnings}) == ["/Test/Api", "/Test/Migrate", "/Test/Web"]
    assert {each.partition("of container ")[2].partition(",")[0] for each in told} == {
        *("'public'", "'stacks'", "'hub'", "'other'", "'port'"),
        *("'LogRouter'", "'migrate'"),
    }
    assert any("can pull nginx:${Tag}, the image of container 'hub'" in each for each in told)
    Told.from_stack(stack).has_warning(
        "/Test/Web",
        f"tasks in an isolated network can pull {IMAGE}, the image of container 'LogRouter', only if its "
        "registry is within reach of the VPC; if not, mirror it to a private ECR repository, or pull it once from "
        "elsewhere through a pull-through cache, and name it by that "
        f"[ack: {UNREACHABLE_IMAGE}]",
    )


@pytest.mark.parametrize(
    ("account", "resource_accounts", "reached"),
    [
        ("111111111111", None, ["111111111111"]),
        ("111111111111", ["222222222222"], ["111111111111", "222222222222"]),
        ("111111111111", [Fn.import_value("images")], ["111111111111", "222222222222"]),
        (None, None, ["111111111111", "222222222222"]),
    ],
    ids=["this account", "another one", "one that only the deployment knows", "an account that is not known"],
)
def test_repositories_that_vpc_endpoints_do_not_lead_to_are_warned_of(
    account: str | None, resource_accounts: list[str] | None, reached: list[str]
) -> None:
    """Those of accounts that are not named, as far as it is known whose the network is."""
    stack = Stack(App(), "Test", env=Environment(account=account, region="eu-west-1"))
    network = FixedEgressNetwork(
        stack, "Network", egress=Egress.isolated(), resource_accounts=resource_accounts, flow_log_retention=None
    )
    for each in ("111111111111", "222222222222"):
        image = ecs.ContainerImage.from_registry(f"{each}.dkr.ecr.eu-west-1.amazonaws.com/web:1")
        OneOffTask(stack, f"Task{each}", network=network, image=image)

    warnings = Told.from_stack(stack).find_warning("*", Match.string_like_regexp("name it in resource_accounts"))
    assert {each.id for each in warnings} == {f"/Test/Task{each}" for each in {"222222222222"} - {*reached}}
