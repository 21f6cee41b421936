"""Elastic IPs and the NAT gateways that hold them; in MiniStack itself neither knows of the other.

AWS::EC2::EIP <── AllocationId ── AWS::EC2::NatGateway <── NatGatewayId ── AWS::EC2::Route (MiniStack's)
"""

import re
from collections.abc import Callable

from ministack.services.cloudformation.provisioners import _ec2_apply_tags
from ministack.services.ec2 import _addresses, _nat_gateways

from tests.emulator.api import ApiError, Attributes, Created, Props, Response, ec2, element


def allocate_address(props: Props) -> Created:
    """AWS::EC2::EIP: its Ref is the public address, as in AWS."""
    body = ec2("AllocateAddress", Domain=props.get("Domain", "vpc"))
    public_ip = element("publicIp", body)
    return public_ip, tag_address(public_ip, {}, props)


def _address(public_ip: str) -> Props:
    """The Elastic IP with this public address."""
    for address in _addresses.values():
        if address["PublicIp"] == public_ip:
            return address
    raise ApiError("InvalidAddress.NotFound", f"address '{public_ip}' not found")


def tag_address(public_ip: str, old: Props, new: Props) -> Attributes:
    """Change an Elastic IP's tags in place."""
    allocation_id = _address(public_ip)["AllocationId"]
    _ec2_apply_tags(allocation_id, new, old)
    return {"AllocationId": allocation_id, "PublicIp": public_ip}


def adopt_address(identifier: Props) -> Created:
    """Import an Elastic IP that is there into a stack."""
    address = _address(identifier["PublicIp"])
    if address["AllocationId"] != identifier["AllocationId"]:
        raise ApiError("InvalidAllocationID.NotFound", f"{identifier} is not one address")
    return address["PublicIp"], {"AllocationId": address["AllocationId"], "PublicIp": address["PublicIp"]}


def release_address(public_ip: str, _props: Props) -> None:
    """Release an Elastic IP, unless something holds it."""
    address = _address(public_ip)
    if address["AssociationId"]:
        raise ApiError("InvalidIPAddress.InUse", f"address '{public_ip}' is in use")
    ec2("ReleaseAddress", AllocationId=address["AllocationId"])


def _wanted(props: Props) -> set[str]:
    """The allocation IDs that a NAT gateway's template names."""
    zonal = {*filter(None, [props.get("AllocationId")]), *props.get("SecondaryAllocationIds", [])}
    zones = props.get("AvailabilityZoneAddresses", [])
    return zonal.union(*(zone["AllocationIds"] for zone in zones))


def _check_free(allocation_ids: set[str]) -> None:
    """Refuse what EC2 refuses: an Elastic IP that does not exist, or that something holds already."""
    for allocation_id in allocation_ids:
        if allocation_id not in _addresses:
            raise ApiError("InvalidAllocationID.NotFound", f"the allocation ID '{allocation_id}' does not exist")
        if _addresses[allocation_id]["AssociationId"]:
            raise ApiError("Resource.AlreadyAssociated", f"Elastic IP address [{allocation_id}] is already associated")


def _hand(allocation_ids: set[str], nat_id: str | None) -> None:
    """Let a NAT gateway, or nothing, hold these Elastic IPs."""
    for allocation_id in allocation_ids:
        association = f"eipassoc-{allocation_id.removeprefix('eipalloc-')}" if nat_id else None
        _addresses[allocation_id] |= {"NatGatewayId": nat_id, "AssociationId": association}


def _held_by(nat_id: str) -> list[Props]:
    """The Elastic IPs of a NAT gateway."""
    return [address for address in _addresses.values() if address.get("NatGatewayId") == nat_id]


def create_nat_gateway(props: Props) -> Created:
    """AWS::EC2::NatGateway: public with Elastic IPs of its own, regional with those of its zones, private with none."""
    if props.get("AvailabilityMode") == "regional":
        return _create_regional(props)
    primary, connectivity = props.get("AllocationId", ""), props.get("ConnectivityType", "public")
    if bool(primary) != (connectivity == "public"):
        raise ApiError("InvalidParameter", f"a {connectivity} NAT gateway with the AllocationId '{primary}'")
    _check_free(_wanted(props))
    made = ec2("CreateNatGateway", SubnetId=props["SubnetId"], AllocationId=primary, ConnectivityType=connectivity)
    nat_id = element("natGatewayId", made)
    return nat_id, update_nat_gateway(nat_id, {}, props)


def _create_regional(props: Props) -> Created:
    """A regional NAT gateway in manual mode, which MiniStack's API does not have. It is in no subnet."""
    if not props.get("AvailabilityZoneAddresses"):
        raise ApiError("NotEmulated", "a regional NAT gateway in automatic mode")
    _check_free(_wanted(props))
    nat_id = element("natGatewayId", ec2("CreateNatGateway", SubnetId="none", ConnectivityType="public"))
    _nat_gateways[nat_id] |= {"SubnetId": "", "VpcId": props["VpcId"]}
    return nat_id, update_nat_gateway(nat_id, {}, props)


def update_nat_gateway(nat_id: str, old: Props, new: Props) -> Attributes:
    """Change a NAT gateway's secondary Elastic IPs and tags in place."""
    before, after = _wanted(old), _wanted(new)
    _check_free(after - before)
    _hand(before - after, None)
    _hand(after - before, nat_id)
    _ec2_apply_tags(nat_id, new, old)
    return {"NatGatewayId": nat_id}


def delete_nat_gateway(nat_id: str, _props: Props) -> None:
    """Delete a NAT gateway; its Elastic IPs are free again."""
    ec2("DeleteNatGateway", NatGatewayId=nat_id)
    _hand({address["AllocationId"] for address in _held_by(nat_id)}, None)


def describe_nat_gateways(params: Props, *, describe: Callable[[Props], Response]) -> Response:
    """MiniStack's answer with the address sets filled that it leaves empty."""

    def fill(match: re.Match[str]) -> str:
        primary = _nat_gateways[match[2]]["AllocationId"]
        items = "".join(
            f"<item><allocationId>{address['AllocationId']}</allocationId><publicIp>{address['PublicIp']}</publicIp>"
            f"<associationId>{address['AssociationId']}</associationId><status>succeeded</status>"
            f"<isPrimary>{str(address['AllocationId'] == primary).lower()}</isPrimary></item>"
            for address in _held_by(match[2])
        )
        return f"{match[1]}<natGatewayAddressSet>{items}</natGatewayAddressSet>"

    status, headers, body = describe(params)
    pattern = re.compile(r"(<natGatewayId>(nat-\w+)</natGatewayId>.*?)<natGatewayAddressSet/>", re.DOTALL)
    return status, headers, pattern.sub(fill, body.decode()).encode()
