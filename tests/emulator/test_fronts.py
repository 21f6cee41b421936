"""Turning the fronts of a deployed endpoint on and off.

HTTP client ──> the emulator's load balancer ──> maintenance page, or 404
"""

from http import HTTPStatus

import pytest
from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ecs as ecs

from fargate_constructs import FargateService, FixedEgressNetwork, HttpEndpoint
from fargate_constructs.endpoint.web_acl import WebAcl
from tests.emulator.emulator import Emulator
from tests.emulator.load_balancer import Answer, LoadBalancer
from tests.emulator.updates import DeployedStack

LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/1"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
KEPT = ("AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule", "AWS::EC2::EIP")


def front_app(
    *,
    maintenance: bool = False,
    static_ips: bool = False,
    web_acl: WebAcl | None = None,
    office: bool = False,
    has_tls: bool = False,
) -> App:
    """Return an app of one service on an endpoint."""
    app = App()
    stack = Stack(app, "Fronts")
    network = FixedEgressNetwork(stack, "Network")
    endpoint = HttpEndpoint(
        stack,
        "Endpoint",
        network=network,
        certificate=acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE) if has_tls else None,
        static_ips=static_ips,
        web_acl=web_acl,
        allow_cidrs=["203.0.113.0/24"] if office else None,
        deletion_protection=False,
    )
    image = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
    endpoint.add_route("Web", service=FargateService(stack, "Web", network=network, image=image), paths=["/web"])
    endpoint.maintenance(on=maintenance, html="<h1>Back at noon</h1>")
    CfnOutput(stack, "LoadBalancer", value=endpoint.load_balancer.load_balancer_arn)
    return app


@pytest.fixture(scope="module")
def stack(aws: Emulator) -> DeployedStack:
    """The endpoint as it is by default."""
    return DeployedStack(aws, front_app())


def ask(stack: DeployedStack, path: str, *, port: int = 80) -> Answer:
    """Ask the load balancer, which sees the port in the `Host` header."""
    return LoadBalancer(stack.aws, stack.output("LoadBalancer")).send(path, host=f"a.test:{port}")


def addresses_of(stack: DeployedStack) -> set[str]:
    """Return the account's Elastic IPs."""
    return {each["PublicIp"] for each in stack.aws.client("ec2").describe_addresses()["Addresses"]}


def test_a_page_for_every_request_and_back(stack: DeployedStack) -> None:
    """While it is on, routed and unrouted requests get it; the route's rule is the same one before and after."""
    rules = stack.physical_ids(*KEPT)
    answer = ask(stack, "/other")
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (404, "no route\n", "text/plain")

    assert stack.update(front_app(maintenance=True)) == "UPDATE_COMPLETE", stack.why()
    for path in ("/web", "/other"):
        answer = ask(stack, path)
        assert (answer.status, answer.body) == (503, "<h1>Back at noon</h1>")
        assert answer.headers["Content-Type"] == "text/html"
    assert rules.items() < stack.physical_ids(*KEPT).items()

    assert stack.update(front_app()) == "UPDATE_COMPLETE", stack.why()
    assert ask(stack, "/other").status == 404
    assert stack.physical_ids(*KEPT) == rules


def test_fixed_addresses_come_and_stay(stack: DeployedStack) -> None:
    """Turning them on keeps the load balancer, its listener and routes; given up, they stay the account's."""
    load_balancer, before = stack.physical_ids(LOAD_BALANCER), addresses_of(stack)
    kept = stack.physical_ids(*KEPT)

    assert stack.update(front_app(static_ips=True)) == "UPDATE_COMPLETE", stack.why()
    assert load_balancer.items() < stack.physical_ids(LOAD_BALANCER).items()
    assert kept.items() < stack.physical_ids(*KEPT).items()
    new = addresses_of(stack) - before
    assert len(new) == 2

    assert stack.update(front_app()) == "UPDATE_COMPLETE", stack.why()
    assert stack.physical_ids(LOAD_BALANCER) == load_balancer
    assert new <= addresses_of(stack)


def test_tls_can_be_added_and_removed(stack: DeployedStack) -> None:
    """Port 80's listener stays, AWS takes one on a port, and redirects; routes move to port 443 and back."""
    assert stack.update(front_app(static_ips=True)) == "UPDATE_COMPLETE", stack.why()
    http_only = stack.physical_ids(LISTENER)
    (rule,) = stack.physical_ids("AWS::ElasticLoadBalancingV2::ListenerRule").values()

    assert stack.update(front_app(static_ips=True, has_tls=True)) == "UPDATE_COMPLETE", stack.why()
    assert http_only.items() < stack.physical_ids(LISTENER).items()
    (moved,) = stack.physical_ids("AWS::ElasticLoadBalancingV2::ListenerRule").values()
    rules = stack.aws.client("elbv2").describe_rules(RuleArns=[moved])["Rules"]
    assert moved != rule
    assert [each["Conditions"][0]["Values"] for each in rules] == [["/web"]]
    assert ask(stack, "/web").status == HTTPStatus.MOVED_PERMANENTLY
    assert ask(stack, "/other", port=443).status == HTTPStatus.NOT_FOUND

    assert stack.update(front_app()) == "UPDATE_COMPLETE", stack.why()
    assert stack.physical_ids(LISTENER).items() <= http_only.items()
    assert ask(stack, "/other").status == HTTPStatus.NOT_FOUND


def test_callers_change_in_place(stack: DeployedStack) -> None:
    """The security group is the same, with the office's rule instead of the rule for all addresses."""
    groups = stack.physical_ids("AWS::EC2::SecurityGroup")
    group_id = next(value for key, value in groups.items() if key.startswith("EndpointLoadBalancer"))

    assert stack.update(front_app(office=True)) == "UPDATE_COMPLETE", stack.why()

    assert stack.physical_ids("AWS::EC2::SecurityGroup") == groups
    (group,) = stack.aws.client("ec2").describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    ranges = [(rule["FromPort"], each["CidrIp"]) for rule in group["IpPermissions"] for each in rule["IpRanges"]]
    assert ranges == [(80, "203.0.113.0/24")]


def test_a_web_acl_can_be_added_and_removed(stack: DeployedStack) -> None:
    """It is put before the load balancer that is there, and taken away again."""
    (load_balancer,) = stack.physical_ids(LOAD_BALANCER).values()
    waf = stack.aws.client("wafv2")

    assert stack.update(front_app(web_acl=WebAcl.managed())) == "UPDATE_COMPLETE", stack.why()
    web_acl = waf.get_web_acl_for_resource(ResourceArn=load_balancer)["WebACL"]
    assert [rule["Name"] for rule in web_acl["Rules"]] == list(WebAcl.managed().rule_groups)

    assert stack.update(front_app()) == "UPDATE_COMPLETE", stack.why()
    with pytest.raises(waf.exceptions.WAFNonexistentItemException):
        waf.get_web_acl_for_resource(ResourceArn=load_balancer)
