"""The ports of a service's main container."""

import pytest
from aws_cdk import CfnParameter, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Template

from fargate_constructs import FargateService, HttpEndpoint
from fargate_constructs.network.network import Network
from tests.templates import properties, properties_of


def test_several_ports_have_names(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Routes lead to the first, links to any, and each link opens only one."""
    api = FargateService(stack, "Api", network=network, image=image, port={"http": 8080, "admin": 9000})
    web = FargateService(
        stack, "Web", network=network, image=image, port={"http": 8443}, protocol=elbv2.ApplicationProtocol.HTTPS
    )
    HttpEndpoint(stack, "Endpoint", network=network).add_route("Api", service=api)

    assert web.link_to(api) == "http://api:8080"
    assert web.link_to(api, port="admin") == "http://api:9000"
    assert api.link_to(web) == "https://web:8443"

    template = Template.from_stack(stack)
    names = [("api-http", 8080), ("api-admin", 9000)]
    (container,) = properties_of(template, api.task_definition)["ContainerDefinitions"]
    assert [(each["Name"], each["ContainerPort"]) for each in container["PortMappings"]] == names
    service = properties_of(template, api.service.node.find_child("Service"))
    assert [each["ContainerPort"] for each in service["LoadBalancers"]] == [8080]
    named = service["ServiceConnectConfiguration"]["Services"]
    assert [(each["PortName"], each["ClientAliases"][0]["Port"]) for each in named] == names
    assert {each["ClientAliases"][0]["DnsName"] for each in named} == {"api"}
    caller = stack.resolve(web.connections.security_groups[0].security_group_id)
    rules = properties(template, "AWS::EC2::SecurityGroupIngress", {"SourceSecurityGroupId": caller})
    assert sorted((each["FromPort"], each["ToPort"]) for each in rules) == [(8080, 8080), (9000, 9000)]


def test_links_need_ports_that_are_known(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Service Connect needs the number of each port of a service; a route takes a token."""
    port = CfnParameter(stack, "Port", type="Number").value_as_number
    api = FargateService(stack, "Api", network=network, image=image, port=port)  # type: ignore[arg-type]
    web = FargateService(stack, "Web", network=network, image=image)

    for one, other in ((api, web), (web, api)):
        with pytest.raises(
            ValueError, match="a link needs ports that are known at synthesis, got a token as port of 'api'"
        ):
            one.link_to(other)
    HttpEndpoint(stack, "Endpoint", network=network).add_route("Api", service=api)

    template = Template.from_stack(stack)
    template.resource_count_is("AWS::ServiceDiscovery::HttpNamespace", 0)
    template.has_resource_properties("AWS::ECS::Service", {"LoadBalancers": [{"ContainerPort": {"Ref": "Port"}}]})
