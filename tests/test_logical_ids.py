"""The logical IDs of what must never be replaced.

An ID in this file is a contract with everybody who has deployed the example: when one changes, CloudFormation makes a
new resource and forgets or deletes the old one, with its address or its data.
"""

from aws_cdk import App
from aws_cdk.assertions import Template

from app import Example

PINNED = {
    "AWS::EC2::EIP": {"NetworkEgressIps1FDD603AC", "NetworkEgressIps21BDBBC08"},
    "AWS::EC2::VPC": {"NetworkVpc7FB7348F"},
    "AWS::EC2::Subnet": {
        "NetworkVpcPublicSubnet1Subnet36933139",
        "NetworkVpcPublicSubnet2SubnetC427CCE0",
        "NetworkVpcTasksSubnet1Subnet669A2B3C",
        "NetworkVpcTasksSubnet2SubnetCFA749E1",
    },
    "AWS::ElasticLoadBalancingV2::LoadBalancer": {"EndpointLoadBalancer861A2FE2"},
    "AWS::ElasticLoadBalancingV2::TargetGroup": {"ApiRoutesTargetGroup63388482", "WebRoutesTargetGroup1B5B12D0"},
    "AWS::ECS::Service": {"ApiServiceD5B4A50A", "WebServiceD04B5F3E"},
    "AWS::S3::Bucket": {
        "LogArchiveBucket6951A440",
        "LogArchiveCatalogResults49AD8AD8",
        "LogArchiveFailuresFA7CDE51",
    },
}


def test_pinned_ids_stay() -> None:
    """Each type's logical IDs are the pinned ones, no more and no fewer."""
    app = App()
    template = Template.from_stack(Example(app, "Example"))

    assert {type_: set(template.find_resources(type_)) for type_ in PINNED} == PINNED
