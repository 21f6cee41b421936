"""Which ranges a VPC route may have without leading to the internet."""

from ipaddress import ip_network
from typing import Any

# A route to anywhere else may lead to the internet.
PRIVATE = [
    ip_network(cidr)
    for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7")
]
# What NAT gateways translate to IPv4: https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-nat64-dns64.html
NAT64 = "64:ff9b::/96"


def is_private(destination: Any) -> bool:  # noqa: ANN401 - a piece of a template, or an answer of AWS
    """Whether a VPC route's destination is a range without the internet."""
    try:
        network = ip_network(destination)
    except ValueError:  # a prefix list, or a range known only when deployed
        return False
    return any(network[0] in each and network[-1] in each for each in PRIVATE)
