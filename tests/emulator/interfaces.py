"""Network interfaces and the Elastic IPs on their private addresses; MiniStack puts Elastic IPs on instances alone.

AWS::EC2::EIP <── AllocationId ── AWS::EC2::EIPAssociation ── NetworkInterfaceId ──> AWS::EC2::NetworkInterface
"""

import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from itertools import islice

from ministack.services.cloudformation.provisioners import _ec2_apply_tags
from ministack.services.ec2 import (
    _addresses,
    _associate_address,
    _describe_addresses,
    _describe_network_interfaces,
    _disassociate_address,
    _error,
    _network_interfaces,
    _p,
    _release_address,
    _security_groups,
    _subnets,
    _xml,
)

from tests.emulator.api import ApiError, Attributes, Created, Props, Response, ec2, element

# The first four addresses of a subnet are AWS's own (docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html).
RESERVED_ADDRESSES = 4


# --- Interfaces ---


def create_interface(props: Props) -> Created:
    """AWS::EC2::NetworkInterface: its addresses are the first free ones of its subnet."""
    if props["SubnetId"] not in _subnets:
        raise ApiError("InvalidSubnetID.NotFound", f"the subnet ID '{props['SubnetId']}' does not exist")
    interface_id = element("networkInterfaceId", ec2("CreateNetworkInterface", SubnetId=props["SubnetId"]))
    interface = _network_interfaces[interface_id]
    interface |= {"PrivateIpAddress": None, "SecondaryPrivateIpAddresses": []}
    interface["PrivateIpAddress"] = next(_free_addresses(interface["SubnetId"]))
    return interface_id, update_interface(interface_id, {}, props)


def update_interface(interface_id: str, old: Props, new: Props) -> Attributes:
    """Change what can be changed in place: groups, secondary addresses, the source check, description and tags."""
    interface = _interface(interface_id)
    groups = new.get("GroupSet", [group["GroupId"] for group in interface["Groups"]])
    for group_id in groups:
        if group_id not in _security_groups:
            raise ApiError("InvalidGroup.NotFound", f"the security group '{group_id}' does not exist")
    kept = interface["SecondaryPrivateIpAddresses"][: int(new.get("SecondaryPrivateIpAddressCount", 0))]
    missing = int(new.get("SecondaryPrivateIpAddressCount", 0)) - len(kept)
    interface |= {
        "Groups": [{"GroupId": each, "GroupName": _security_groups[each]["GroupName"]} for each in groups],
        "SecondaryPrivateIpAddresses": [*kept, *islice(_free_addresses(interface["SubnetId"]), missing)],
        "SourceDestCheck": str(new.get("SourceDestCheck", True)).lower() == "true",
        "Description": new.get("Description", ""),
    }
    _free(lambda address: address["PrivateIpAddress"] not in _private(interface), of=interface_id)
    _ec2_apply_tags(interface_id, new, old)
    return {
        "Id": interface_id,
        "PrimaryPrivateIpAddress": interface["PrivateIpAddress"],
        "SecondaryPrivateIpAddresses": interface["SecondaryPrivateIpAddresses"],
        "VpcId": interface["VpcId"],
    }


def delete_interface(interface_id: str, _props: Props) -> None:
    """Delete an interface that no instance has; its Elastic IPs are free again."""
    if _interface(interface_id)["Attachment"]:
        raise ApiError("InvalidNetworkInterface.InUse", f"network interface '{interface_id}' is currently in use")
    ec2("DeleteNetworkInterface", NetworkInterfaceId=interface_id)
    _free(lambda _address: True, of=interface_id)


def _interface(interface_id: str) -> Props:
    """The interface with this ID."""
    if interface_id not in _network_interfaces:
        raise ApiError("InvalidNetworkInterfaceID.NotFound", f"the networkInterface ID '{interface_id}' does not exist")
    return _network_interfaces[interface_id]


def _private(interface: Props) -> list[str]:
    """The private addresses of an interface, the primary one first."""
    return [interface["PrivateIpAddress"], *interface.get("SecondaryPrivateIpAddresses", [])]


def _free_addresses(subnet_id: str) -> Iterator[str]:
    """The addresses of a subnet that no interface has, from the lowest."""
    taken = {address for interface in _network_interfaces.values() for address in _private(interface)}
    subnet = IPv4Network(_subnets[subnet_id]["CidrBlock"])
    return (
        str(subnet[number])
        for number in range(RESERVED_ADDRESSES, subnet.num_addresses - 1)
        if str(subnet[number]) not in taken
    )


# --- Elastic IPs on interfaces ---


def create_association(props: Props) -> Created:
    """AWS::EC2::EIPAssociation: its Ref is the association's ID."""
    association_id = element("associationId", ec2("AssociateAddress", **props))
    return association_id, {"Id": association_id}


def delete_association(association_id: str, _props: Props) -> None:
    """Take an Elastic IP off its interface, unless it has moved to another by now."""
    if all(address["AssociationId"] != association_id for address in _addresses.values()):
        raise ApiError("InvalidAssociationID.NotFound", f"the association ID '{association_id}' does not exist")
    ec2("DisassociateAddress", AssociationId=association_id)


def _free(chosen: Callable[[Props], bool], *, of: str) -> None:
    """Take chosen Elastic IPs off an interface."""
    for address in _addresses.values():
        if address.get("NetworkInterfaceId") == of and chosen(address):
            address |= {"AssociationId": None, "NetworkInterfaceId": None, "PrivateIpAddress": None}


def _associate(params: Props) -> str:
    """Put an Elastic IP on an interface's private address, and return the association's ID.

    By default EC2 takes it away from the interface that has it
    (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html).
    """
    allocation_id, interface_id = _p(params, "AllocationId"), _p(params, "NetworkInterfaceId")
    private = _private(_interface(interface_id))
    target = {"NetworkInterfaceId": interface_id, "PrivateIpAddress": _p(params, "PrivateIpAddress") or private[0]}
    if target["PrivateIpAddress"] not in private:
        raise ApiError("InvalidParameterValue", f"{interface_id} has no address {target['PrivateIpAddress']}")
    if allocation_id not in _addresses:
        raise ApiError("InvalidAllocationID.NotFound", f"the allocation ID '{allocation_id}' does not exist")
    address = _addresses[allocation_id]
    if address.get("NatGatewayId"):
        raise ApiError("AuthFailure", f"{allocation_id} is {address['NatGatewayId']}'s, which gives it to nobody")
    if target.items() <= address.items():
        return str(address["AssociationId"])
    if address["AssociationId"] and str(_p(params, "AllowReassociation", "true")).lower() == "false":
        raise ApiError("Resource.AlreadyAssociated", f"Elastic IP address [{allocation_id}] is already associated")
    _free(lambda other: other["PrivateIpAddress"] == target["PrivateIpAddress"], of=interface_id)
    associated = _associate_address({"AllocationId": allocation_id})[2].decode()
    address |= target | {"InstanceId": None}
    return element("associationId", associated)


# --- The API's actions ---


def associate_address(params: Props) -> Response:
    """EC2's AssociateAddress: MiniStack's for an instance, ours for an interface."""
    if not _p(params, "NetworkInterfaceId"):
        return _associate_address(params)
    try:
        association_id = _associate(params)
    except ApiError as error:
        return _error(error.code, str(error), 400)
    body = f"<return>true</return><associationId>{association_id}</associationId>"
    return _xml(200, "AssociateAddressResponse", body)


def disassociate_address(params: Props) -> Response:
    """EC2's DisassociateAddress, which leaves NAT gateways their addresses."""
    association_id = _p(params, "AssociationId")
    for address in _addresses.values():
        if address["AssociationId"] == association_id:
            if address.get("NatGatewayId"):
                return _error("AuthFailure", f"{association_id} is {address['NatGatewayId']}'s", 400)
            address |= {"NetworkInterfaceId": None, "PrivateIpAddress": None}
    return _disassociate_address(params)


def release_address(params: Props) -> Response:
    """EC2's ReleaseAddress, which refuses what is in use."""
    allocation_id = _p(params, "AllocationId")
    if _addresses.get(allocation_id, {}).get("AssociationId"):
        return _error("InvalidIPAddress.InUse", f"address '{allocation_id}' is in use", 400)
    return _release_address(params)


def describe_addresses(params: Props) -> Response:
    """MiniStack's answer with the interface that has each address."""

    def fill(match: re.Match[str]) -> str:
        address = _addresses[match[1]]
        names = {"networkInterfaceId": "NetworkInterfaceId", "privateIpAddress": "PrivateIpAddress"}
        held = "".join(f"<{tag}>{address[key]}</{tag}>" for tag, key in names.items() if address[key])
        return match[0] + held

    status, headers, body = _describe_addresses(params)
    return status, headers, re.sub(r"<allocationId>(.+?)</allocationId>", fill, body.decode()).encode()


def describe_interfaces(params: Props) -> Response:
    """MiniStack's answer with every private address and the Elastic IP on it."""

    def fill(match: re.Match[str]) -> str:
        interface = _network_interfaces[match[2]]
        public = {
            address["PrivateIpAddress"]: f"<association><publicIp>{address['PublicIp']}</publicIp></association>"
            for address in _addresses.values()
            if address.get("NetworkInterfaceId") == match[2]
        }
        items = "".join(
            f"<item><privateIpAddress>{private}</privateIpAddress>{public.get(private, '')}"
            f"<primary>{str(private == interface['PrivateIpAddress']).lower()}</primary></item>"
            for private in _private(interface)
        )
        return f"{match[1]}<privateIpAddressesSet>{items}</privateIpAddressesSet>"

    status, headers, body = _describe_network_interfaces(params)
    interface = r"(<networkInterfaceId>(eni-\w+)</networkInterfaceId>.*?)"
    addresses = r"<privateIpAddressesSet>.*?</privateIpAddressesSet>"
    return status, headers, re.sub(interface + addresses, fill, body.decode(), flags=re.DOTALL).encode()


ACTIONS: dict[str, Callable[[Props], Response]] = {
    "AssociateAddress": associate_address,
    "DescribeAddresses": describe_addresses,
    "DescribeNetworkInterfaces": describe_interfaces,
    "DisassociateAddress": disassociate_address,
    "ReleaseAddress": release_address,
}
