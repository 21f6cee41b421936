"""Callers who are let in, and whether they find the service at an address that stays."""

from collections.abc import Callable
from functools import partial
from typing import Any

from aws_cdk import aws_ec2 as ec2

from tests.caveats.changes import CONTAINER, PARAMETER, overriding
from tests.caveats.lab import Lab


def let_in(lab: Lab, **rule: Any) -> None:  # noqa: ANN401 - passed through
    """Take the load balancer away, and let callers in."""
    lab.override("Service", "LoadBalancers", None)
    door: dict[str, Any] = {"ip_protocol": "tcp", "from_port": 80, "to_port": 80, **rule}
    if "source_security_group_id" not in rule:
        door["cidr_ip"] = "0.0.0.0/0"
    ec2.CfnSecurityGroupIngress(lab.stack, "Ingress", group_id=lab.security_group.attr_group_id, **door)


def called(lab: Lab, path: str, value: Any) -> None:  # noqa: ANN401 - a piece of a template
    """Let callers in, and change the service."""
    let_in(lab)
    lab.override("Service", path, value)


def maps(lab: Lab, **mapping: Any) -> None:  # noqa: ANN401 - a piece of a template
    """Let callers in at a port mapped like this."""
    let_in(lab)
    lab.override("Definition", f"{CONTAINER}.PortMappings", [mapping])


def inline(lab: Lab, **rule: Any) -> None:  # noqa: ANN401 - a piece of a template
    """Let callers in by a rule of the security group itself."""
    lab.override("Service", "LoadBalancers", None)
    source = {} if "SourceSecurityGroupId" in rule else {"CidrIp": "0.0.0.0/0"}
    lab.override("SecurityGroup", "SecurityGroupIngress", [source | rule])


ENDPOINTS: dict[str, tuple[Callable[[Lab], None], list[str]]] = {
    "no endpoint, and a door": (let_in, ["NoFixedEndpoint"]),
    "no endpoint, and any door": (partial(let_in, ip_protocol="-1"), ["NoFixedEndpoint"]),
    "no endpoint, and a door by number": (partial(let_in, ip_protocol="6"), ["NoFixedEndpoint"]),
    "no endpoint, and a wide door": (partial(let_in, from_port=1, to_port=9999), ["NoFixedEndpoint"]),
    "no endpoint, and a door of the group": (partial(inline, IpProtocol="-1"), ["NoFixedEndpoint"]),
    "no endpoint, and another door": (partial(let_in, from_port=81, to_port=81), []),
    "no endpoint, and a door for datagrams": (partial(let_in, ip_protocol="udp"), []),
    "no endpoint, and an unknown door": (partial(inline, IpProtocol="tcp", FromPort=PARAMETER, ToPort=PARAMETER), []),
    "no endpoint, and no door": (overriding(("Service", "LoadBalancers", None)), []),
    "no endpoint, and a door for peers": (
        lambda lab: let_in(lab, source_security_group_id=lab.security_group.attr_group_id),
        [],
    ),
    "no endpoint, and a door of the group for peers": (
        partial(inline, IpProtocol="-1", SourceSecurityGroupId={"Fn::GetAtt": ["SecurityGroup", "GroupId"]}),
        [],
    ),
    "no endpoint, and a range": (partial(maps, ContainerPortRange="70-80"), ["NoFixedEndpoint"]),
    "no endpoint, and a range behind other doors": (partial(maps, ContainerPortRange="81-90"), []),
    "no endpoint, and a range below them": (partial(maps, ContainerPortRange="70-79"), []),
    "no endpoint, and an unknown range": (partial(maps, ContainerPortRange=PARAMETER), []),
    "no endpoint, and a door without a port": (partial(maps), []),
    "no endpoint, and datagrams": (partial(maps, ContainerPort=80, Protocol="udp"), []),
    "no endpoint, and an unknown port": (partial(maps, ContainerPort=PARAMETER), []),
    "no endpoint, and an unknown task": (partial(called, path="TaskDefinition", value="elsewhere:1"), []),
    "no endpoint but cloud map": (partial(called, path="ServiceRegistries", value=[{"RegistryArn": "arn"}]), []),
    "no endpoint but lattice": (partial(called, path="VpcLatticeConfigurations", value=[{"PortName": "web"}]), []),
    "no endpoint but a name in service connect": (
        partial(called, path="ServiceConnectConfiguration", value={"Enabled": True, "Services": [{"PortName": "web"}]}),
        [],
    ),
    "no endpoint but names of others": (
        partial(called, path="ServiceConnectConfiguration", value={"Enabled": True}),
        ["NoFixedEndpoint"],
    ),
    "no endpoint that is known": (partial(called, path="LoadBalancers", value=PARAMETER), []),
    "no endpoint but of task sets": (partial(called, path="DeploymentController.Type", value="EXTERNAL"), []),
}
