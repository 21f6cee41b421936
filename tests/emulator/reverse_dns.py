"""PTR records of Elastic IPs: made for a name that resolves to the address, and from then on the address is locked.

AWS::Route53::RecordSet (MiniStack's) ──> ModifyAddressAttribute ──> DescribeAddressesAttribute
"""

from collections.abc import Callable

from ministack.services.ec2 import _ACTION_MAP, _addresses, _error, _p, _parse_member_list, _xml
from ministack.services.route53 import _records

from tests.emulator.api import Props, Response

# As EC2 (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Elastic_Addressing_Reverse_DNS.html), but for the
# codes of the two refusals, which AWS does not document.
UNRESOLVED, LOCKED, UNKNOWN = "InvalidParameterValue", "InvalidAddress.Locked", "InvalidAllocationID.NotFound"


def _resolves(name: str, public_ip: str) -> bool:
    """Whether an A record of any hosted zone says so."""
    return any(
        (record["Name"], record["Type"]) == (f"{name}.", "A") and public_ip in record["ResourceRecords"]
        for records in _records.values()
        for record in records
    )


def _item(address: Props) -> str:
    """An address with its PTR record and the pending change."""
    update = address.get("PtrUpdate")
    pending = (
        f"<ptrRecordUpdate><value>{update}</value><status>PENDING</status></ptrRecordUpdate>"
        if update is not None
        else ""
    )
    return (
        f"<publicIp>{address['PublicIp']}</publicIp><allocationId>{address['AllocationId']}</allocationId>"
        f"<ptrRecord>{address.get('PtrRecord', '')}</ptrRecord>{pending}"
    )


def _update(action: str, params: Props, value: str) -> Response:
    """Accept a request for a PTR record (`""` for none). It is done after the next call that describes it."""
    address = _addresses[_p(params, "AllocationId")]
    address["PtrUpdate"] = value
    return _xml(200, f"{action}Response", f"<address>{_item(address)}</address>")


def modify_address_attribute(params: Props) -> Response:
    """Give an Elastic IP a PTR record, if the name resolves to it."""
    allocation_id, name = _p(params, "AllocationId"), _p(params, "DomainName")
    if allocation_id not in _addresses:
        return _error(UNKNOWN, f"The allocation ID '{allocation_id}' does not exist", 400)
    if not _resolves(name, _addresses[allocation_id]["PublicIp"]):
        return _error(UNRESOLVED, f"{name} does not resolve to the address of {allocation_id}", 400)
    return _update("ModifyAddressAttribute", params, f"{name}.")


def reset_address_attribute(params: Props) -> Response:
    """Take an Elastic IP's PTR record away."""
    allocation_id = _p(params, "AllocationId")
    if allocation_id not in _addresses:
        return _error(UNKNOWN, f"The allocation ID '{allocation_id}' does not exist", 400)
    return _update("ResetAddressAttribute", params, "")


def describe_addresses_attribute(params: Props) -> Response:
    """The PTR records of Elastic IPs; those that have none are left out."""
    allocation_ids = _parse_member_list(params, "AllocationId") or list(_addresses)
    if unknown := sorted(set(allocation_ids) - set(_addresses)):
        return _error(UNKNOWN, f"The allocation ID '{unknown[0]}' does not exist", 400)
    addresses = [_addresses[each] for each in allocation_ids]
    items = [_item(each) for each in addresses if each.get("PtrRecord") or "PtrUpdate" in each]
    for address in addresses:
        if "PtrUpdate" in address:
            address["PtrRecord"] = address.pop("PtrUpdate")
    body = "".join(f"<item>{item}</item>" for item in items)
    return _xml(200, "DescribeAddressesAttributeResponse", f"<addressSet>{body}</addressSet>")


def _release_address(params: Props, *, release: Callable[[Props], Response]) -> Response:
    """MiniStack's ReleaseAddress, which refuses a locked address."""
    address = _addresses.get(_p(params, "AllocationId"), {})
    if address.get("PtrRecord") or "PtrUpdate" in address:
        return _error(LOCKED, "The address cannot be released because it is locked to your account.", 400)
    return release(params)


def register() -> None:
    """Enter the actions in MiniStack's table."""
    release = _ACTION_MAP["ReleaseAddress"]
    _ACTION_MAP.update(
        DescribeAddressesAttribute=describe_addresses_attribute,
        ModifyAddressAttribute=modify_address_attribute,
        ReleaseAddress=lambda params: _release_address(params, release=release),
        ResetAddressAttribute=reset_address_attribute,
    )
