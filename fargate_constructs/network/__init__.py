"""How tasks leave: from private subnets, by Elastic IPs that stay."""

from typing import TYPE_CHECKING

from fargate_constructs.on_demand import on_demand

if TYPE_CHECKING:
    from fargate_constructs.network.egress import Egress
    from fargate_constructs.network.elastic_ip_pool import ElasticIpPool
    from fargate_constructs.network.endpoints import Endpoints
    from fargate_constructs.network.fixed_egress_network import FixedEgressNetwork
    from fargate_constructs.network.imported_network import ImportedNetwork
    from fargate_constructs.network.network import Network
else:  # not for type checkers, to which any name would be right
    __getattr__, __dir__ = on_demand(
        __name__,
        {
            "Egress": "egress",
            "ElasticIpPool": "elastic_ip_pool",
            "Endpoints": "endpoints",
            "FixedEgressNetwork": "fixed_egress_network",
            "ImportedNetwork": "imported_network",
            "Network": "network",
        },
    )

__all__ = [
    "Egress",
    "ElasticIpPool",
    "Endpoints",
    "FixedEgressNetwork",
    "ImportedNetwork",
    "Network",
]
