"""What needs the internet gateway of its VPC is made after the attachment, and deleted before it, in all modes."""

import json
import re
from collections.abc import Iterator

from aws_cdk import App, Stack

from fargate_constructs import Accelerator, CloudFrontDistribution, FixedEgressNetwork, HttpEndpoint
from tests import modes
from tests.audit import Template

# What CloudFormation does not find out by itself: resources with public addresses in a VPC of the same template
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-dependson.html), and what is
# said of each on its own page.
LISTED = {
    "AWS::AutoScaling::AutoScalingGroup",
    "AWS::EC2::EIP",
    "AWS::EC2::EIPAssociation",
    "AWS::EC2::Instance",
    "AWS::EC2::NatGateway",
    "AWS::EC2::Route",
    "AWS::EC2::VPNGatewayRoutePropagation",
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::RDS::DBInstance",
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html
    "AWS::CloudFront::VpcOrigin",
    # https://docs.aws.amazon.com/global-accelerator/latest/dg/secure-vpc-connections.html
    "AWS::GlobalAccelerator::EndpointGroup",
}
ATTACHMENT = "AWS::EC2::VPCGatewayAttachment"


def needed_before(template: Template, logical_id: str) -> set[str]:
    """Return the logical IDs of all that CloudFormation makes before a resource."""
    before, to_do = set[str](), [logical_id]
    while to_do:
        resource = template["Resources"][to_do.pop()]
        named = re.findall(r'"Ref": "(\w+)"|"Fn::GetAtt": \["(\w+)"', json.dumps(resource))
        depends_on = resource.get("DependsOn", [])
        direct = {*(a or b for a, b in named), *([depends_on] if isinstance(depends_on, str) else depends_on)}
        new = (direct & template["Resources"].keys()) - before
        before |= new
        to_do += new
    return before


def listed(template: Template) -> Iterator[tuple[str, str]]:
    """Yield the logical ID and the type of what needs the attachment."""
    for logical_id, resource in template["Resources"].items():
        type_, properties = resource["Type"], resource.get("Properties", {})
        is_private = properties.get("Scheme") == "internal" or (
            type_ == "AWS::EC2::Route" and "GatewayId" not in properties
        )
        if type_ in LISTED and not is_private:
            yield logical_id, type_


def fronts() -> Template:
    """Return the template of fronts in one stack with their network, which the modes have in another."""
    stack = Stack(App(), "Test")
    network = FixedEgressNetwork(stack, "Network", flow_log_retention=None)
    internal = [
        HttpEndpoint(stack, f"Endpoint{number}", network=network, internal=True, allow_cidrs=["0.0.0.0/0"])
        for number in range(2)
    ]
    CloudFrontDistribution(stack, "Distribution", endpoint=internal[0])
    Accelerator(stack, "Accelerator", endpoint=internal[1])
    template: Template = stack.node.root.synth().get_stack_by_name("Test").template  # type: ignore[attr-defined] # an app
    return template


def test_each_has_a_path_to_the_attachment() -> None:
    """By references or `DependsOn`; a VPC of another stack is whole before this one begins."""
    found, without = set(), []
    for name, template in {**modes.templates(), "fronts": fronts()}.items():
        attachments = {key for key, each in template["Resources"].items() if each["Type"] == ATTACHMENT}
        for logical_id, type_ in listed(template) if attachments else ():
            found.add(type_)
            if not attachments & needed_before(template, logical_id):
                without.append((name, logical_id))

    assert without == []
    assert found == LISTED - {"AWS::EC2::Instance", "AWS::EC2::VPNGatewayRoutePropagation", "AWS::RDS::DBInstance"}
