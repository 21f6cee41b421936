"""One stack in which tests make endpoints and services, and whose template is made once."""

from functools import cached_property
from typing import Any

from aws_cdk import App, Environment, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk.assertions import Annotations, Template
from constructs import IConstruct

from fargate_constructs import FargateService, HttpEndpoint, TcpEndpoint
from fargate_constructs.network.network import Network
from tests.modes.made_elsewhere import IMAGE, certificate_in, network_in, zone_in
from tests.templates import properties, properties_of

RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
LISTENER_ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop/0123456789abcdef/0123456789abcdef"


class Lab:
    """A stack with a network made elsewhere, whose template is a tenth of one that makes its own."""

    def __init__(self, name: str = "Test", app: App | None = None, env: Environment | None = None) -> None:
        self.app = app or App()
        self.stack = Stack(self.app, name, env=env)

    @cached_property
    def network(self) -> Network:
        """The network of most endpoints and services."""
        return network_in(self.stack)

    @cached_property
    def zone(self) -> route53.IHostedZone:
        """A zone imported with its name, example.com."""
        return zone_in(self.stack)

    @cached_property
    def certificate(self) -> acm.ICertificate:
        """A certificate made elsewhere, in the region of CloudFront's certificates."""
        return certificate_in(self.stack)

    def http(self, name: str = "Endpoint", **arguments: Any) -> HttpEndpoint:  # noqa: ANN401 - what an endpoint takes
        """Return an endpoint."""
        return HttpEndpoint(self.stack, name, **{"network": self.network, **arguments})

    def tcp(self, name: str = "Endpoint", **arguments: Any) -> TcpEndpoint:  # noqa: ANN401 - the same
        """Return an endpoint of network listeners."""
        return TcpEndpoint(self.stack, name, **{"network": self.network, **arguments})

    def service(self, name: str = "Web", **arguments: Any) -> FargateService:  # noqa: ANN401 - what a service takes
        """Return a service."""
        return FargateService(self.stack, name, **{"network": self.network, "image": IMAGE, **arguments})

    def listener(self, name: str = "Imported", arn: str = LISTENER_ARN) -> elbv2.IApplicationListener:
        """Return a listener made elsewhere, whose protocol is not known."""
        group = ec2.SecurityGroup.from_security_group_id(self.stack, f"{name}Group", "sg-123")
        return elbv2.ApplicationListener.from_application_listener_attributes(
            self.stack, f"{name}Listener", listener_arn=arn, security_group=group, default_port=443
        )

    @cached_property
    def template(self) -> Template:
        """The template, to be read when all is made."""
        return Template.from_stack(self.stack)

    @cached_property
    def annotations(self) -> Annotations:
        """The warnings of the same synthesis."""
        return Annotations.from_stack(self.stack)

    def of(self, construct: IConstruct) -> dict[str, Any]:
        """Return the properties of a construct's resource."""
        return properties_of(self.template, construct)

    def all(self, type_: str, **filters: object) -> list[dict[str, Any]]:
        """Return the properties of each resource of a type that has some properties."""
        return properties(self.template, type_, filters)

    def attributes(self, load_balancer: elbv2.BaseLoadBalancer) -> dict[str, Any]:
        """Return the attributes of a load balancer."""
        return {each["Key"]: each["Value"] for each in self.of(load_balancer)["LoadBalancerAttributes"]}

    def resolve(self, value: object) -> Any:  # noqa: ANN401 - a piece of a template
        """Return a value as the template has it."""
        return self.stack.resolve(value)
