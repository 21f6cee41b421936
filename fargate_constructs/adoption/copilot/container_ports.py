"""The ports of the containers by name, and which one a route or listener leads to."""

from collections import defaultdict
from dataclasses import dataclass, field

from fargate_constructs.adoption.copilot.code import Expression, call, mapping, text
from fargate_constructs.adoption.copilot.draft import Draft
from fargate_constructs.adoption.copilot.sections import Section
from fargate_constructs.adoption.copilot.values import port_and_protocol

TLS_PORT = 443
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html
MAX_NAME = 32


@dataclass(frozen=True)
class Target:
    """A port of a container. That of the main container is ""."""

    sidecar: str
    port: int


@dataclass
class Ports:
    """The ports to which routes and listeners lead, those of the main container in order."""

    draft: Draft
    main: int | None
    numbers: list[int] = field(default_factory=list)
    of_sidecars: dict[Target, str] = field(default_factory=dict)
    udp: set[Target] = field(default_factory=set)
    options: dict[Target, dict[str, Expression]] = field(default_factory=dict)
    """What the target groups of a port have: arguments of the service."""
    health: defaultdict[Target, dict[str, Expression]] = field(default_factory=lambda: defaultdict(dict))
    """The arguments of `Health` for a port."""
    checked: dict[Target, Target] = field(default_factory=dict)
    """The port that the check of a port asks, if that is another one."""

    @classmethod
    def of(cls, draft: Draft) -> "Ports":
        """Read the port of the image."""
        main = draft.root.section("image").number("port") if draft.kind in "LB" else None
        return cls(draft, main, [] if main is None else [main])

    def target(self, section: Section, default: int | None = None) -> Target:
        """Return where a rule or listener leads, as Copilot finds it."""
        port = section.number("target_port") or default
        sidecars = self.draft.root.children("sidecars")
        container = section.text("target_container") or section.text("targetContainer")
        if container is None and port is not None:
            return self.at(port)
        if container in {None, self.draft.name}:
            if port is None and self.main is None:
                raise section.ledger.error(section.line("target_port"), "image.port is missing, to which requests go")
            return Target("", port or self.main or 0)
        if container not in sidecars:
            known = ", ".join((self.draft.name, *sidecars))
            raise section.wrong("target_container", f"a container of the task ({known})", container)
        own = port_and_protocol(sidecars[container].text("port") or "")
        if section.number("target_port") is None and own:
            port = own[0]
        if port is None:
            raise section.ledger.error(section.line("target_container"), f"sidecars.{container}.port is missing")
        return Target(container, port)

    def at(self, port: int) -> Target:
        """Return the container that has a port: the sidecar that names it, or the main one."""
        for name, section in self.draft.root.children("sidecars").items():
            own = port_and_protocol(section.text("port") or "")
            if own and own[0] == port != self.main:
                return Target(name, port)
        return Target("", port)

    def use(self, target: Target, *, first: bool = False) -> None:
        """Let a route, listener or check lead to a port."""
        if target.sidecar:
            suffix = f"-{target.port}"
            self.of_sidecars[target] = target.sidecar.lower().replace("_", "-")[: MAX_NAME - len(suffix)] + suffix
            return
        if first and target.port in self.numbers:
            self.numbers.remove(target.port)
        if target.port not in self.numbers:
            self.numbers.insert(0 if first else len(self.numbers), target.port)

    def argument(self) -> Expression:
        """Return the argument `port`."""
        if not self.numbers:
            return "None"
        if not self.has_names:
            return str(self.numbers[0])
        return mapping({f"port-{number}": str(number) for number in self.numbers})

    @property
    def has_names(self) -> bool:
        """Whether ports need names: there are several."""
        return len(self.numbers) > 1 or bool(self.of_sidecars)

    def name(self, target: Target) -> str:
        """Return the name of a port, or "" for the only one."""
        if target.sidecar:
            return self.of_sidecars[target]
        return f"port-{target.port}" if self.has_names else ""

    def route_port(self, target: Target) -> str:
        """Return the argument of a route: "" for the first port, to which routes lead."""
        is_first = not target.sidecar and self.numbers[:1] == [target.port]
        return "" if is_first else self.name(target)

    def write(self) -> None:
        """Add the arguments of the service that depend on its ports."""
        self.draft.arguments["port"] = self.argument()
        for target, health in self.health.items():
            if target in self.checked:
                health["port"] = text(self.name(self.checked[target]))
            if health:
                self.options.setdefault(target, {})["health"] = call("Health", **health)
        for argument in ("protocol", "protocol_version", "health", "load_balancing"):
            values = {self.name(target): each[argument] for target, each in self.options.items() if argument in each}
            if values:
                self.draft.arguments[argument] = mapping(values) if self.has_names else next(iter(values.values()))
