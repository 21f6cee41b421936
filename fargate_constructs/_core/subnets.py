"""What the parts ask of a VPC and its subnets. It stays as it was made or imported, so Node.js is asked once."""

from collections.abc import Sequence

from aws_cdk import aws_ec2 as ec2
from constructs import IDependable

from fargate_constructs._core.asked_once import asked_once


@asked_once
def public_subnets_of(vpc: ec2.IVpc) -> Sequence[ec2.ISubnet]:
    """Return the public subnets of a VPC."""
    return vpc.public_subnets


@asked_once
def private_subnets_of(vpc: ec2.IVpc) -> Sequence[ec2.ISubnet]:
    """Return the private subnets of a VPC that have egress."""
    return vpc.private_subnets


@asked_once
def subnet_id_of(subnet: ec2.ISubnet) -> str:
    """Return the ID of a subnet."""
    return subnet.subnet_id


@asked_once
def internet_access_of(subnet: ec2.ISubnet) -> IDependable:
    """Return what a resource in a subnet must be made after to reach the internet."""
    return subnet.internet_connectivity_established
