"""Where a service's main container listens."""

import pytest
from aws_cdk import CfnParameter, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Match, Template

from fargate_constructs import FargateService, HttpEndpoint
from fargate_constructs.network.network import Network


def test_several_ports_have_names(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Routes lead to the first, links to any, and each link opens just one."""
    api = FargateService(stack, "Api", network=network, image=image, port={"http": 8080, "admin": 9000})
    web = FargateService(
        stack, "Web", network=network, image=image, port={"http": 8443}, protocol=elbv2.ApplicationProtocol.HTTPS
    )
    HttpEndpoint(stack, "Endpoint", network=network).add_route("Api", service=api)

    assert web.link_to(api) == "http://api:8080"
    assert web.link_to(api, port="admin") == "http://api:9000"
    assert api.link_to(web) == "https://web:8443"

    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {
            "ContainerDefinitions": [
                Match.object_like(
                    {
                        "PortMappings": [
                            {"AppProtocol": "http", "ContainerPort": 8080, "Name": "api-http", "Protocol": "tcp"},
                            {"AppProtocol": "http", "ContainerPort": 9000, "Name": "api-admin", "Protocol": "tcp"},
                        ]
                    }
                )
            ]
        },
    )
    template.has_resource_properties(
        "AWS::ECS::Service",
        {
            "LoadBalancers": [Match.object_like({"ContainerPort": 8080})],
            "ServiceConnectConfiguration": {
                "Services": [
                    {"PortName": "api-http", "ClientAliases": [{"DnsName": "api", "Port": 8080}]},
                    {"PortName": "api-admin", "ClientAliases": [{"DnsName": "api", "Port": 9000}]},
                ]
            },
        },
    )
    for port in (8080, 9000):
        template.has_resource_properties(
            "AWS::EC2::SecurityGroupIngress",
            {
                "FromPort": port,
                "ToPort": port,
                "SourceSecurityGroupId": stack.resolve(web.connections.security_groups[0].security_group_id),
            },
        )


def test_a_link_to_or_from_a_port_that_nobody_knows_is_refused(
    stack: Stack, network: Network, image: ecs.ContainerImage
) -> None:
    """Service Connect is told of every port of a service; a route takes it."""
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
