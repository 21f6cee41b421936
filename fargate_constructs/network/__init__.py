"""How tasks leave: from private subnets, by Elastic IPs that stay."""

from fargate_constructs.network.elastic_ip_pool import ElasticIpPool
from fargate_constructs.network.fixed_egress_network import FixedEgressNetwork, ImportedNetwork
from fargate_constructs.network.network import Network

__all__ = ["ElasticIpPool", "FixedEgressNetwork", "ImportedNetwork", "Network"]
