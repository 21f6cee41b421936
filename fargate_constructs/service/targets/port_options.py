"""What the target groups of each port of a service have: protocol, checks, and how requests are shared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs._core.validation import seconds_of
from fargate_constructs.service.targets.health import Health, default_health
from fargate_constructs.service.targets.load_balancing import LoadBalancing

HTTP = elbv2.ApplicationProtocol.HTTP
HTTP1 = elbv2.ApplicationProtocolVersion.HTTP1
# The name of a port that has no value of its own.
OTHERS = None


@dataclass(frozen=True, kw_only=True)
class PortOptions:
    """What the target groups of one port have."""

    protocol: elbv2.ApplicationProtocol
    protocol_version: elbv2.ApplicationProtocolVersion
    health: Health
    load_balancing: LoadBalancing | None


class OptionsByPort:
    """What the target groups of each port have: one value for all, or a value by name. The first port is first.

    A protocol that is not by name is that of the main container's ports; sidecars have HTTP/1.1 by default.
    """

    def __init__(
        self,
        ports: Iterable[str],
        *,
        protocol: elbv2.ApplicationProtocol | Mapping[str, elbv2.ApplicationProtocol],
        protocol_version: elbv2.ApplicationProtocolVersion | Mapping[str, elbv2.ApplicationProtocolVersion],
        health: Health | Mapping[str, Health] | None,
        load_balancing: LoadBalancing | Mapping[str, LoadBalancing] | None,
    ) -> None:
        main = list(ports) or [""]
        self._first = main[0]
        self._values: dict[str, dict[str | None, Any]] = {
            "protocol": self._by_name(protocol, HTTP, main),
            "protocol_version": self._by_name(protocol_version, HTTP1, main),
            "health": self._by_name(health or default_health(), default_health()),
            "load_balancing": self._by_name(load_balancing, None),
        }
        self.named = {
            name: argument
            for argument, given in {**locals()}.items()
            if argument in self._values and isinstance(given, Mapping)
            for name in given
            if name and name not in main
        }
        """The names that the main container did not give, so sidecars must, and the argument that has each."""
        for name, each in self._values["health"].items():
            if name is not OTHERS and name != self._first and each.command is not None:
                raise ValueError(
                    f"command must be in the health of the first port ({self._first!r}), got it for {name!r}: the main "
                    "container has one check of its own; give a sidecar health_check=..."
                )

    def of(self, port: str = "") -> PortOptions:
        """Return those of a port, by default the first one."""
        name = port or self._first
        return PortOptions(**{argument: each.get(name, each[OTHERS]) for argument, each in self._values.items()})

    @property
    def all_load_balancing(self) -> list[LoadBalancing]:
        """Each way in which requests are shared."""
        return [each for each in self._values["load_balancing"].values() if each]

    @property
    def protocols(self) -> list[elbv2.ApplicationProtocol]:
        """The protocols of the ports that have one."""
        return list(self._values["protocol"].values())

    @property
    def grace_period(self) -> Duration:
        """The longest grace period of all ports, or one that is a token: ECS has one for the service."""
        named = [each for name, each in self._values["health"].items() if name is not OTHERS]
        periods: list[Duration] = [each.grace_period for each in (self.of().health, *named)]
        unknown = [each for each in periods if seconds_of(each) is None]
        return unknown[0] if unknown else max(periods, key=lambda each: seconds_of(each) or 0)

    def _by_name(self, given: Any, default: Any, only: Iterable[str] = ()) -> dict[str | None, Any]:  # noqa: ANN401
        """Return values by name. A value that is not by name is for some ports, or for all."""
        if isinstance(given, Mapping):
            return {OTHERS: default, **{name or self._first: each for name, each in given.items()}}
        return {OTHERS: default if only else given, **dict.fromkeys(only, given)}
