"""IPv6 ranges of VPCs and subnets, and egress-only internet gateways, which MiniStack's CloudFormation lacks."""

from collections.abc import Callable
from functools import partial
from ipaddress import ip_network

from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS, _ec2_apply_tags
from ministack.services.ec2 import _subnets

from tests.emulator.api import ApiError, Attributes, Created, Props, ec2, element


class Ranges(list[str]):
    """The ranges of a VPC, an attribute that is read when it is used: it has what is associated later, as on AWS."""

    def __deepcopy__(self, _memo: dict[int, object]) -> "Ranges":
        """MiniStack updates a copy of a stack's resources."""
        return self


_ranges: dict[str, Ranges] = {}


def ranges_of(vpc_id: str) -> Ranges:
    """Return the IPv6 ranges of a VPC."""
    return _ranges.setdefault(vpc_id, Ranges())


def associate_range(props: Props) -> Created:
    """AWS::EC2::VPCCidrBlock, of a range that Amazon provides."""
    if not props.get("AmazonProvidedIpv6CidrBlock"):
        raise ApiError("NotEmulated", f"tests/emulator/ipv6.py associates no other range than Amazon's: {props}")
    number = sum(map(len, _ranges.values()))
    cidr = f"2600:1f14:{number:x}:100::/56"
    ranges_of(props["VpcId"]).append(cidr)
    return f"vpc-cidr-assoc-{number:017x}", {"Id": f"vpc-cidr-assoc-{number:017x}"}


def disassociate_range(_physical_id: str, props: Props) -> None:
    """Take the range away. A subnet may not have a part of it."""
    if any(each["VpcId"] == props["VpcId"] and each.get("Ipv6CidrBlock") for each in _subnets.values()):
        raise ApiError("InvalidCidrBlock.InUse", f"subnets of {props['VpcId']} have parts of its range")
    ranges_of(props["VpcId"]).clear()


def create_gateway(props: Props) -> Created:
    """AWS::EC2::EgressOnlyInternetGateway."""
    answer = ec2("CreateEgressOnlyInternetGateway", VpcId=props["VpcId"])
    gateway_id = element("egressOnlyInternetGatewayId", answer)
    return gateway_id, tag_gateway(gateway_id, {}, props)


def tag_gateway(gateway_id: str, old: Props, new: Props) -> Attributes:
    """Change a gateway's tags in place."""
    _ec2_apply_tags(gateway_id, new, old)
    return {"Id": gateway_id}


def delete_gateway(gateway_id: str, _props: Props) -> None:
    """Delete a gateway."""
    ec2("DeleteEgressOnlyInternetGateway", EgressOnlyInternetGatewayId=gateway_id)


def _subnet(*args: object, handler: Callable[..., Created], position: int) -> Created:
    """MiniStack's AWS::EC2::Subnet, with its IPv6 range, which must be a part of the VPC's that no other one has."""
    props = args[position]
    assert isinstance(props, dict)
    cidr = props.get("Ipv6CidrBlock")
    subnet_id, attributes = handler(*args)
    others = (each for key, each in _subnets.items() if key != subnet_id and each["VpcId"] == props["VpcId"])
    if cidr and cidr in (each.get("Ipv6CidrBlock") for each in others):
        raise ApiError("InvalidSubnet.Conflict", f"the CIDR '{cidr}' conflicts with another subnet")
    if cidr and not any(ip_network(cidr).subnet_of(ip_network(each)) for each in ranges_of(props["VpcId"])):  # type: ignore[arg-type]
        raise ApiError("InvalidSubnet.Range", f"the CIDR '{cidr}' is invalid")
    _subnets[subnet_id]["Ipv6CidrBlock"] = cidr
    return subnet_id, attributes | {"Ipv6CidrBlocks": [cidr] if cidr else []}


def register() -> None:
    """Give MiniStack's subnets ranges."""
    subnet = _RESOURCE_HANDLERS["AWS::EC2::Subnet"]
    for action, position in (("create", 1), ("update", 2)):
        subnet[action] = partial(_subnet, handler=subnet[action], position=position)
