"""An endpoint of one app, and routes of two other apps, deployed one after another."""

from contextlib import ExitStack
from dataclasses import replace
from http import HTTPStatus

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from botocore.exceptions import ClientError

from fargate_constructs import FargateService, FixedEgressNetwork, HttpEndpoint, Team
from tests.emulator.emulator import Emulator
from tests.emulator.load_balancer import LoadBalancer, answering
from tests.emulator.updates import DeployedStack

NAME = "/platform/endpoint"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/1"
PAY = Team(name="payments", owns=["pay.test", "shop.test/pay/*"], priorities=(4000, 5999))
WEB = Team(name="web", owns=["shop.test"], priorities=(6000, 7999))
URLS = ("shop.test/", "pay.test/", "shop.test/pay/card.png", "other.test/")


def platform_app(*teams: Team) -> App:
    """Return the platform's app."""
    app = App()
    stack = Stack(app, "Platform")
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE)
    network = FixedEgressNetwork(stack, "Network")
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, certificate=certificate, deletion_protection=False)
    endpoint.share(parameter_name=NAME, teams=teams)
    return app


def team_app(platform: DeployedStack, team: Team, **routes: dict[str, list[str]]) -> App:
    """Return the app of a team, with a service for each route, in the platform's network."""
    app = App()
    stack = Stack(app, team.name)
    [vpc_id] = platform.physical_ids("AWS::EC2::VPC").values()
    subnets = [*platform.physical_ids("AWS::EC2::Subnet").values()]
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id=vpc_id, availability_zones=["a", "b"], private_subnet_ids=subnets[:2]
    )
    network = FixedEgressNetwork.from_vpc(stack, "Network", vpc, egress_ips=["203.0.113.7"])
    endpoint = HttpEndpoint.from_shared(stack, "Endpoint", parameter_name=NAME, team=team)
    for name, conditions in routes.items():
        image = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
        service = FargateService(stack, name, network=network, image=image)
        endpoint.add_route(name, service=service, **conditions)  # type: ignore[arg-type]  # hosts and paths
    return app


def serve(running: ExitStack, stack: DeployedStack) -> None:
    """Let a web server answer for each service of a stack."""
    for logical_id, arn in stack.physical_ids("AWS::ElasticLoadBalancingV2::TargetGroup").items():
        running.enter_context(answering(stack.aws, logical_id.partition("Routes")[0], arn))


def test_two_teams(aws: Emulator) -> None:
    """Requests reach the team that owns them. A team that leaves, or agrees on more, leaves the others as they are."""
    platform = DeployedStack(aws, platform_app(PAY, WEB))
    web_app = team_app(platform, WEB, Web={"hosts": ["shop.test"]})
    pay_app = team_app(platform, PAY, Pay={"hosts": ["pay.test"]}, Card={"hosts": ["shop.test"], "paths": ["/pay/c*"]})
    web, pay = DeployedStack(aws, web_app), DeployedStack(aws, pay_app)  # the team that owns less comes later
    [arn] = platform.physical_ids("AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    balancer = LoadBalancer(aws, arn)

    def answering_to(url: str) -> str:
        host, _, path = url.partition("/")
        answer = balancer.send(f"/{path}", host=f"{host}:443")
        return answer.name if answer.status == HTTPStatus.OK else str(answer.status)

    with ExitStack() as running:
        serve(running, pay)
        with ExitStack() as of_web:
            serve(of_web, web)
            assert [*map(answering_to, URLS)] == ["Web", "Pay", "Card", "404"]

        before = platform.physical_ids(), pay.physical_ids()
        assert web.destroy() == "DELETE_COMPLETE"
        assert [*map(answering_to, URLS)] == ["404", "Pay", "Card", "404"]
        assert web.update(web_app) == "CREATE_COMPLETE", web.why()
        serve(running, web)
        assert (platform.physical_ids(), pay.physical_ids()) == before
        assert [*map(answering_to, URLS)] == ["Web", "Pay", "Card", "404"]

        wider = replace(PAY, owns=[*PAY.owns, "cards.test"])
        app = team_app(
            platform, wider, Pay={"hosts": ["cards.test"]}, Card={"hosts": ["shop.test"], "paths": ["/pay/c*"]}
        )
        with pytest.raises(ClientError, match=f"{NAME}/teams/payments/"):
            pay.update(app)
        assert platform.update(platform_app(wider, WEB)) == "UPDATE_COMPLETE", platform.why()
        assert [*map(answering_to, URLS)] == ["Web", "Pay", "Card", "404"]
        assert pay.update(app) == "UPDATE_COMPLETE", pay.why()
        assert [*map(answering_to, ("pay.test/", "cards.test/"))] == ["404", "Pay"]
