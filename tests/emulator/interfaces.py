"""Network interfaces and the Elastic IPs on their private addresses; MiniStack puts Elastic IPs on instances alone.

AWS::EC2::EIP <── AllocationId ── AWS::EC2::EIPAssociation ── NetworkInterfaceId ──> AWS::EC2::NetworkInterface
"""

import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from itertools import islice

from ministack.core.responses import new_uuid
from ministack.services.cloudformation.provisioners import _ec2_apply_tags
from ministack.services.ec2 import (
    _addresses,
    _describe_addresses,
    _describe_network_interfaces,
    _network_interfaces,
    _security_groups,
    _subnets,
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
    """Delete an interface; its Elastic IPs are free again."""
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
    """AWS::EC2::EIPAssociation: its Ref is the association's ID.

    By default EC2 takes the address away from the interface that has it
    (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html).
    """
    interface_id, allocation_id = props["NetworkInterfaceId"], props["AllocationId"]
    private = props.get("PrivateIpAddress", _interface(interface_id)["PrivateIpAddress"])
    address = _addresses[allocation_id]
    if address.get("NatGatewayId"):
        raise ApiError("AuthFailure", f"{allocation_id} belongs to {address['NatGatewayId']}")
    _free(lambda other: other["PrivateIpAddress"] == private, of=interface_id)
    association_id = f"eipassoc-{new_uuid()[:8]}"
    address |= {"AssociationId": association_id, "NetworkInterfaceId": interface_id, "PrivateIpAddress": private}
    return association_id, {"Id": association_id}


def delete_association(association_id: str, props: Props) -> None:
    """Take an Elastic IP off its interface, unless it has moved to another by now."""
    _free(lambda address: address["AssociationId"] == association_id, of=props["NetworkInterfaceId"])


def _free(chosen: Callable[[Props], bool], *, of: str) -> None:
    """Take chosen Elastic IPs off an interface."""
    for address in _addresses.values():
        if address.get("NetworkInterfaceId") == of and chosen(address):
            address |= {"AssociationId": None, "NetworkInterfaceId": None, "PrivateIpAddress": None}


# --- The API's actions ---


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
    "DescribeAddresses": describe_addresses,
    "DescribeNetworkInterfaces": describe_interfaces,
}
