"""Callers who are let in, and whether they find the service at an address that stays."""

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.caveats.changes import CONTAINER, PARAMETER
from tests.caveats.lab import TemplateLab

GROUP = {"Fn::GetAtt": ["SecurityGroup", "GroupId"]}


def let_in(lab: TemplateLab, **rule: Any) -> None:  # noqa: ANN401 - passed through
    """Take the load balancer away, and let callers in."""
    lab.override("Service", "LoadBalancers", None)
    door: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, **rule}
    lab.add("Ingress", "AWS::EC2::SecurityGroupIngress", GroupId=GROUP, **door)


def called(lab: TemplateLab, path: str, value: Any) -> None:  # noqa: ANN401 - a piece of a template
    """Let callers in, and change the service."""
    let_in(lab)
    lab.override("Service", path, value)


def maps(lab: TemplateLab, **mapping: Any) -> None:  # noqa: ANN401 - a piece of a template
    """Let callers in at a port mapped like this."""
    let_in(lab)
    lab.override("Definition", f"{CONTAINER}.PortMappings", [mapping])


def inline(lab: TemplateLab, **rule: Any) -> None:  # noqa: ANN401 - a piece of a template
    """Let callers in by a rule of the security group itself."""
    lab.remove("Ingress")
    lab.override("Service", "LoadBalancers", None)
    source = {} if "SourceSecurityGroupId" in rule else {"CidrIp": "0.0.0.0/0"}
    lab.override("SecurityGroup", "SecurityGroupIngress", [source | rule])


def no_door(lab: TemplateLab) -> None:
    """Take the load balancer away, and let nobody in."""
    lab.override("Service", "LoadBalancers", None)
    lab.remove("Ingress")


def behind_closed_doors(lab: TemplateLab, check: str = "traffic-port", **rule: Any) -> None:  # noqa: ANN401 - likewise
    """Let a load balancer check a port, and nobody but one rule's source in."""
    lab.remove("Ingress")
    lab.override("TargetGroup", "HealthCheckPort", check)
    lab.override("SecurityGroup", "SecurityGroupIngress", [{"IpProtocol": "tcp", **rule}] if rule else [])


ENDPOINTS: dict[str, tuple[Callable[[TemplateLab], None], list[str]]] = {
    "no endpoint, and a door": (let_in, ["NoFixedEndpoint"]),
    "no endpoint, and any door": (partial(let_in, IpProtocol="-1"), ["NoFixedEndpoint"]),
    "no endpoint, and a door by number": (partial(let_in, IpProtocol="6"), ["NoFixedEndpoint"]),
    "no endpoint, and a wide door": (partial(let_in, FromPort=1, ToPort=9999), ["NoFixedEndpoint"]),
    "no endpoint, and a door of the group": (partial(inline, IpProtocol="-1"), ["NoFixedEndpoint"]),
    "no endpoint, and another door": (partial(let_in, FromPort=81, ToPort=81), []),
    "no endpoint, and a door for datagrams": (partial(let_in, IpProtocol="udp"), []),
    "no endpoint, and an unknown door": (partial(inline, IpProtocol="tcp", FromPort=PARAMETER, ToPort=PARAMETER), []),
    "no endpoint, and no door": (no_door, []),
    "a load balancer, and no door": (partial(behind_closed_doors), ["NoIngress"]),
    "a load balancer, and a door for its traffic": (partial(behind_closed_doors, FromPort=80, ToPort=80), []),
    "a load balancer, and a door for peers": (
        partial(behind_closed_doors, FromPort=80, ToPort=80, SourceSecurityGroupId=GROUP),
        [],
    ),
    "a load balancer, and no door for its checks": (
        partial(behind_closed_doors, check="81", FromPort=80, ToPort=80),
        ["NoIngress"],
    ),
    "a load balancer, and a door for both": (partial(behind_closed_doors, check="81", FromPort=80, ToPort=81), []),
    "a load balancer, and a door for datagrams": (
        partial(behind_closed_doors, IpProtocol="udp", FromPort=80, ToPort=80),
        [],
    ),
    "a load balancer, and an unknown door": (partial(behind_closed_doors, FromPort=PARAMETER, ToPort=80), []),
    "no endpoint, and a door for peers": (
        partial(let_in, SourceSecurityGroupId=GROUP),
        [],
    ),
    "no endpoint, and a door of the group for peers": (
        partial(inline, IpProtocol="-1", SourceSecurityGroupId=GROUP),
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
