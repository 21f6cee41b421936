"""Listeners of a Network Load Balancer."""

from typing import NamedTuple

from fargate_constructs.adoption.copilot.code import Listed, call, listed, made, text
from fargate_constructs.adoption.copilot.container_ports import Ports, Target
from fargate_constructs.adoption.copilot.draft import Draft, durations, numbers
from fargate_constructs.adoption.copilot.sections import Section
from fargate_constructs.adoption.copilot.source import Block, Items
from fargate_constructs.adoption.copilot.values import port_and_protocol

TLS = "a TLS listener needs a certificate: call add_listener with protocol=elbv2.Protocol.TLS and certificate="
COUNTS = {"healthy_threshold": "HealthyThresholdCount", "unhealthy_threshold": "UnhealthyThresholdCount"}
TIMES = {"interval": "HealthCheckIntervalSeconds", "timeout": "HealthCheckTimeoutSeconds"}


class Listener(NamedTuple):
    """A listener: its port and protocol, the target's port, and the port of the check."""

    section: Section
    port: int
    protocol: str
    target: Target
    check: Target | None


class Listeners:
    """The listeners of `nlb`."""

    def __init__(self, draft: Draft, ports: Ports) -> None:
        self._draft = draft
        self._ports = ports
        sections: list[Section] = []
        if draft.kind == "L" and "nlb" in draft.root:
            nlb = draft.root.section("nlb")
            sections = [nlb, *nlb.sections("additional_listeners")]
        self._found = [found for section in sections if (found := self._read(section))]

    def _read(self, section: Section) -> Listener | None:
        port = section.text("port")
        parsed = port_and_protocol(port or "")
        if parsed is None:
            raise section.wrong("port", "a port such as 80, 80/udp or 443/tls", port)
        number, protocol = parsed
        _note_aliases(section)
        if protocol == "tls":
            section.lose("port", TLS)
            if "ssl_policy" in section:
                section.lose("ssl_policy")
            for key in set(section.keys) - {"alias", "additional_listeners"}:
                section.take(key)
            return None
        target = self._ports.target(section, number)  # Copilot's default is the listener's own port
        self._ports.use(target)
        if protocol == "udp":
            self._ports.udp.add(target)
        checked = section.section("healthcheck").number("port")
        check = None if checked is None else self._ports.at(checked)
        if check:
            self._ports.use(check)
        elif protocol == "udp":
            check = Target("", self._ports.numbers[0])
        return Listener(section, number, protocol, target, check)

    def write(self) -> None:
        """Add the endpoint, its listeners, and a security group that the load balancer may enter."""
        if not self._found:
            return
        draft = self._draft
        description = text(f"Tasks of {draft.name} behind the network load balancer")
        group = made("ec2.SecurityGroup", "NlbTasks", vpc="environment.vpc", description=description)
        tasks = draft.make("nlb_tasks", group, owns="nlb")
        groups = draft.arguments["security_groups"]
        draft.arguments["security_groups"] = listed([*groups.items, tasks]) if isinstance(groups, Listed) else groups
        tcp = made("TcpEndpoint", "Tcp", network=draft.arguments["network"])
        draft.do("tcp", tcp, target="tcp", owns="nlb")
        for index, each in enumerate(self._found):
            port = self._ports.route_port(each.target)
            value = call(
                "tcp.add_listener",
                text(f"Port{each.port}"),
                port=str(each.port),
                service=draft.variable,
                protocol="elbv2.Protocol.UDP" if each.protocol == "udp" else None,
                target_port=text(port) if port else None,
                health_check_port=text(self._ports.name(each.check)) if each.check else None,
                **durations(each.section, {"deregistration_delay": "deregistration_delay"}),
            )
            draft.do(f"listener {each.port}", value, owns=each.section.path)
            self._settings(each.section, index)

    def _settings(self, section: Section, index: int) -> None:
        """Add what the construct has no argument for."""
        draft = self._draft
        group = draft.of_service(f"network_target_groups[{index}]")
        if section.flag("stickiness"):
            value = call(f"{group}.set_attribute", text("stickiness.enabled"), text("true"))
            draft.do(f"sticky {index}", value, owns=f"{section.path}.stickiness")
        check = section.section("healthcheck")
        values = numbers(check, COUNTS)
        lengths = {name: check.milliseconds(key) for key, name in TIMES.items()}
        values |= {name: str(length // 1_000) for name, length in lengths.items() if length is not None}
        if values:
            draft.override(f"network_group_{index}", "elbv2.CfnTargetGroup", group, values, owns=check.path)


def _note_aliases(section: Section) -> None:
    value = section.raw("alias")
    if isinstance(value, Items) and any(isinstance(each, Block) for each in value):
        for each in section.sections("alias"):
            for key in each.keys:
                each.lose(key)
    elif value is not None:
        section.lose("alias")
