"""Whether tasks leave from addresses that are known and stay.

```
task ──> subnet ──> [way out] ──> the world
```
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from aws_cdk import Stack

from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.rules import Finding, Rule
from fargate_constructs.network.egress_routes import EgressRoutes, Fault
from fargate_constructs.templates import Place

# Where the way cannot be followed, as through a transit gateway, nothing is said.
RULES = {"unknownEgress": Rule.UnknownEgress, "ipv6Egress": Rule.Ipv6Egress}


def find_addresses(app: FargateApp) -> Iterator[Finding]:
    """Yield what has a public address, and, once each, what lets tasks out from addresses that nobody can rely on."""
    templates, routes = app.templates, EgressRoutes(app.templates)
    elastic_ips = set(templates.of_type["AWS::EC2::EIP"])

    def is_known(stack: Stack, address: Any) -> bool:  # noqa: ANN401 - a piece of a template
        # An Elastic IP from elsewhere does not go with this app.
        return templates.locate(stack, address) not in elastic_ips

    faults: dict[Place, list[Fault]] = {}
    for launch in app.launches:
        if launch.public_address == "ENABLED":
            yield Finding(Rule.PublicAddress, launch.place, "AssignPublicIp ENABLED")
        for subnet in filter(None, (templates.locate(launch.place.stack, each) for each in launch.subnets)):
            if subnet not in faults:
                faults[subnet] = list(routes.faults(subnet, is_known=is_known))
            is_public = any(fault.kind == "publicSubnet" for fault in faults[subnet])
            if is_public and launch.public_address in (None, "DISABLED"):
                yield Finding(Rule.PublicSubnet, launch.place, templates.path(subnet))
    for fault in chain(*faults.values()):
        if fault.kind in RULES:
            yield Finding(RULES[fault.kind], fault.cause, f"tasks in {fault.way}")
