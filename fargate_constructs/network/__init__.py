"""How tasks leave: from private subnets, by Elastic IPs that stay."""

from fargate_constructs.network.egress import Egress
from fargate_constructs.network.elastic_ip_pool import ElasticIpPool
from fargate_constructs.network.endpoints import Endpoints
from fargate_constructs.network.fixed_egress_network import FixedEgressNetwork
from fargate_constructs.network.imported_network import ImportedNetwork
from fargate_constructs.network.network import Network

__all__ = [
    "Egress",
    "ElasticIpPool",
    "Endpoints",
    "FixedEgressNetwork",
    "ImportedNetwork",
    "Network",
]
