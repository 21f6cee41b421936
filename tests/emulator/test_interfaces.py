"""Network interfaces and the Elastic IPs on them: one emulator for the module, one small stack for a test."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.emulator import Emulator
from tests.emulator.test_resources import Resources, Stack


@pytest.fixture
def ec2(aws: Emulator) -> Any:  # noqa: ANN401  # boto3 makes its client classes at run time
    """A client of EC2."""
    return aws.client("ec2")


@pytest.fixture
def new_stack(aws: Emulator, request: pytest.FixtureRequest) -> Callable[[str], Stack]:
    """A maker of stacks named after the test."""
    return lambda name: Stack(aws, re.sub(r"[^a-zA-Z0-9]+", "-", f"{request.node.name}-{name}"))


@pytest.fixture
def stack(new_stack: Callable[[str], Stack]) -> Stack:
    """The one stack of a test."""
    return new_stack("stack")


def _get(resource: str, attribute: str) -> dict[str, list[str]]:
    """A template's reference to an attribute."""
    return {"Fn::GetAtt": [resource, attribute]}


def _resource(kind: str, **properties: object) -> dict[str, Any]:
    """An EC2 resource of a template."""
    return {"Type": f"AWS::EC2::{kind}", "Properties": properties}


def _associate(interface: str, **more: object) -> dict[str, Any]:
    """The association of the template's Elastic IP with one of its interfaces."""
    properties = {"AllocationId": _get("Eip", "AllocationId"), "NetworkInterfaceId": _get(interface, "Id")}
    return _resource("EIPAssociation", **properties, **more)


def _with_interface(**properties: object) -> Resources:
    """A VPC with two subnets, a security group, an Elastic IP, and an interface in the first subnet."""
    return {
        "Vpc": _resource("VPC", CidrBlock="10.9.0.0/16"),
        "Subnet1": _resource("Subnet", VpcId={"Ref": "Vpc"}, CidrBlock="10.9.1.0/24"),
        "Subnet2": _resource("Subnet", VpcId={"Ref": "Vpc"}, CidrBlock="10.9.2.0/24"),
        "Group": _resource("SecurityGroup", GroupDescription="of the interface", VpcId={"Ref": "Vpc"}),
        "Eip": _resource("EIP", Domain="vpc"),
        "Eni": _resource("NetworkInterface", **({"SubnetId": {"Ref": "Subnet1"}} | properties)),
    }


def _address(ec2: Any, public_ip: str) -> dict[str, Any]:  # noqa: ANN401
    """What EC2 says of an Elastic IP."""
    addresses: list[dict[str, Any]] = ec2.describe_addresses()["Addresses"]
    return next(address for address in addresses if address["PublicIp"] == public_ip)


def _interface(ec2: Any, interface_id: str) -> dict[str, Any]:  # noqa: ANN401
    """What EC2 says of an interface."""
    [interface] = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface_id])["NetworkInterfaces"]
    assert isinstance(interface, dict)
    return interface


# --- Interfaces ---


def test_interface_carries_the_address_and_the_default_route(ec2: Any, stack: Stack) -> None:  # noqa: ANN401
    """What a NAT instance stands on can be read back: interface, group, Elastic IP and route."""
    resources = {
        **_with_interface(SourceDestCheck=False, GroupSet=[_get("Group", "GroupId")], Description="of a NAT"),
        "Association": _associate("Eni", PrivateIpAddress=_get("Eni", "PrimaryPrivateIpAddress")),
        "Table": _resource("RouteTable", VpcId={"Ref": "Vpc"}),
        "Route": _resource(
            "Route",
            RouteTableId={"Ref": "Table"},
            DestinationCidrBlock="0.0.0.0/0",
            NetworkInterfaceId=_get("Eni", "Id"),
        ),
    }
    assert stack.create(resources) == "CREATE_COMPLETE"
    ids = stack.ids()

    interface, address = _interface(ec2, ids["Eni"]), _address(ec2, ids["Eip"])
    table = ec2.describe_route_tables(RouteTableIds=[ids["Table"]])["RouteTables"][0]
    assert (interface["SourceDestCheck"], interface["Description"], interface["VpcId"]) == (
        False,
        "of a NAT",
        ids["Vpc"],
    )
    assert [group["GroupId"] for group in interface["Groups"]] == [ids["Group"]]
    assert [
        (each["PrivateIpAddress"], each["Association"]["PublicIp"]) for each in interface["PrivateIpAddresses"]
    ] == [("10.9.1.4", ids["Eip"])]
    assert (address["NetworkInterfaceId"], address["PrivateIpAddress"]) == (ids["Eni"], "10.9.1.4")
    assert address["AssociationId"] == ids["Association"]
    assert ids["Eni"] in {route.get("NetworkInterfaceId") for route in table["Routes"]}

    assert stack.delete() == "DELETE_COMPLETE"
    assert not ec2.describe_network_interfaces(NetworkInterfaceIds=[ids["Eni"]])["NetworkInterfaces"]


def test_interface_changes_in_place(ec2: Any, stack: Stack) -> None:  # noqa: ANN401
    """Secondary addresses come and go with their Elastic IPs, and the interface stays."""
    second = {"Fn::Select": [0, _get("Eni", "SecondaryPrivateIpAddresses")]}
    both = {
        **_with_interface(SecondaryPrivateIpAddressCount=1, Tags=[{"Key": "Name", "Value": "nat"}]),
        "Association": _associate("Eni", PrivateIpAddress=second),
    }
    assert stack.create(_with_interface()) == "CREATE_COMPLETE"
    ids = stack.ids()
    assert _interface(ec2, ids["Eni"])["SourceDestCheck"]

    assert stack.update(both) == "UPDATE_COMPLETE"
    grown = _interface(ec2, ids["Eni"])
    assert [(each["PrivateIpAddress"], each["Primary"]) for each in grown["PrivateIpAddresses"]] == [
        ("10.9.1.4", True),
        ("10.9.1.5", False),
    ]
    assert _address(ec2, ids["Eip"])["PrivateIpAddress"] == "10.9.1.5"
    assert {"Key": "Name", "Value": "nat"} in grown["TagSet"]

    assert stack.update(_with_interface()) == "UPDATE_COMPLETE"
    assert stack.ids() == ids
    assert len(_interface(ec2, ids["Eni"])["PrivateIpAddresses"]) == 1
    assert "AssociationId" not in _address(ec2, ids["Eip"])


@pytest.mark.parametrize(
    ("properties", "code"),
    [({"SubnetId": "subnet-0"}, "InvalidSubnetID.NotFound"), ({"GroupSet": ["sg-0"]}, "InvalidGroup.NotFound")],
)
def test_interface_of_nothing_is_refused(properties: dict[str, Any], code: str, stack: Stack) -> None:
    """An interface needs its subnet and its groups."""
    assert stack.create(_with_interface(**properties)) == "ROLLBACK_COMPLETE"
    assert code in stack.reasons()


def test_interface_of_a_machine_is_not_deleted(ec2: Any, stack: Stack) -> None:  # noqa: ANN401
    """A stack cannot delete the interface that an instance still has."""
    stack.create(_with_interface())
    interface_id = stack.ids()["Eni"]
    attachment = ec2.attach_network_interface(NetworkInterfaceId=interface_id, InstanceId="i-1", DeviceIndex=1)

    assert stack.delete() == "DELETE_FAILED"
    assert "InvalidNetworkInterface.InUse" in stack.reasons()
    ec2.detach_network_interface(AttachmentId=attachment["AttachmentId"])
    assert stack.delete() == "DELETE_COMPLETE"


# --- Elastic IPs on interfaces ---


def test_address_follows_to_another_interface(ec2: Any, stack: Stack) -> None:  # noqa: ANN401
    """An interface that is replaced hands its Elastic IP to the new one, which is made before the old one goes."""
    stack.create({**_with_interface(), "Association": _associate("Eni")})
    before = stack.ids()

    moved = {**_with_interface(SubnetId={"Ref": "Subnet2"}), "Association": _associate("Eni")}
    assert stack.update(moved) == "UPDATE_COMPLETE"
    after = stack.ids()
    assert after["Eni"] != before["Eni"]
    address = _address(ec2, after["Eip"])
    assert (address["NetworkInterfaceId"], address["PrivateIpAddress"]) == (after["Eni"], "10.9.2.4")
    assert address["AssociationId"] == after["Association"] != before["Association"]


def test_address_of_a_nat_gateway_is_refused_with_rollback(ec2: Any, new_stack: Callable[[str], Stack]) -> None:  # noqa: ANN401
    """A NAT gateway gives its Elastic IP to no interface, nor an interface to a NAT gateway."""
    gateway, instance = new_stack("gateway"), new_stack("instance")
    nat = _resource("NatGateway", SubnetId={"Ref": "Subnet1"}, AllocationId=_get("Eip", "AllocationId"))
    gateway.create({**_with_interface(), "Nat": nat})
    address = _address(ec2, gateway.ids()["Eip"])
    taken = _associate("Eni")
    taken["Properties"]["AllocationId"] = address["AllocationId"]

    assert instance.create({**_with_interface(), "Association": taken}) == "ROLLBACK_COMPLETE"
    assert "AuthFailure" in instance.reasons()
    with pytest.raises(ClientError, match="AuthFailure"):
        ec2.disassociate_address(AssociationId=address["AssociationId"])
    assert _address(ec2, gateway.ids()["Eip"]) == address

    other = new_stack("other")
    other.create({**_with_interface(), "Association": _associate("Eni")})
    nat["Properties"]["AllocationId"] = _address(ec2, other.ids()["Eip"])["AllocationId"]
    with_gateway = {**_with_interface(), "Nat": nat, "Association": _associate("Eni")}
    assert other.update(with_gateway) == "UPDATE_ROLLBACK_COMPLETE"
    assert "Resource.AlreadyAssociated" in other.reasons()


def test_held_address_is_not_released(ec2: Any, new_stack: Callable[[str], Stack]) -> None:  # noqa: ANN401
    """Neither a stack nor a call releases the Elastic IP of an interface."""
    owner, user = new_stack("owner"), new_stack("user")
    owner.create({"Eip": _resource("EIP", Domain="vpc")})
    public_ip = owner.ids()["Eip"]
    allocation_id = _address(ec2, public_ip)["AllocationId"]
    association = _associate("Eni")
    association["Properties"]["AllocationId"] = allocation_id
    assert user.create({**_with_interface(), "Association": association}) == "CREATE_COMPLETE"

    assert owner.delete() == "DELETE_FAILED"
    assert "InvalidIPAddress.InUse" in owner.reasons()
    with pytest.raises(ClientError, match=r"InvalidIPAddress\.InUse"):
        ec2.release_address(AllocationId=allocation_id)
    assert user.delete() == "DELETE_COMPLETE"
    assert owner.delete() == "DELETE_COMPLETE"


def test_association_is_the_apis(ec2: Any, stack: Stack) -> None:  # noqa: ANN401
    """The call moves an Elastic IP unless told not to, answers the same twice, and takes the place of another."""
    stack.create({**_with_interface(), "Other": _with_interface()["Eni"], "Association": _associate("Eni")})
    ids = stack.ids()
    allocation_id = _address(ec2, ids["Eip"])["AllocationId"]
    there = {"AllocationId": allocation_id, "NetworkInterfaceId": ids["Other"]}

    with pytest.raises(ClientError, match=r"Resource\.AlreadyAssociated"):
        ec2.associate_address(**there, AllowReassociation=False)
    moved = ec2.associate_address(**there)["AssociationId"]
    assert moved == ec2.associate_address(**there, AllowReassociation=False)["AssociationId"] != ids["Association"]
    assert _address(ec2, ids["Eip"])["NetworkInterfaceId"] == ids["Other"]

    newcomer = ec2.allocate_address(Domain="vpc")
    ec2.associate_address(AllocationId=newcomer["AllocationId"], NetworkInterfaceId=ids["Other"])
    assert "AssociationId" not in _address(ec2, ids["Eip"])
    held = _address(ec2, newcomer["PublicIp"])
    ec2.disassociate_address(AssociationId=held["AssociationId"])
    assert "NetworkInterfaceId" not in _address(ec2, newcomer["PublicIp"])
    ec2.release_address(AllocationId=newcomer["AllocationId"])
    assert stack.delete() == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"NetworkInterfaceId": "eni-0"}, "InvalidNetworkInterfaceID.NotFound"),
        ({"AllocationId": "eipalloc-0"}, "InvalidAllocationID.NotFound"),
        ({"PrivateIpAddress": "10.9.1.200"}, "InvalidParameterValue"),
    ],
)
def test_association_with_nothing_is_refused(
    parameters: dict[str, str],
    code: str,
    ec2: Any,  # noqa: ANN401
    stack: Stack,
) -> None:
    """An association needs an Elastic IP, an interface, and one of the interface's own addresses."""
    stack.create(_with_interface())
    ids = stack.ids()
    right = {"AllocationId": _address(ec2, ids["Eip"])["AllocationId"], "NetworkInterfaceId": ids["Eni"]}

    with pytest.raises(ClientError, match=code):
        ec2.associate_address(**(right | parameters))
