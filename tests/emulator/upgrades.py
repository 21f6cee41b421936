"""The example and later changes of it, each with the resources that it may remove.

app.py's Example ──> arguments changed, parts added ──> App ──> DeployedStack.update
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate
from typing import Any, TypeAlias, cast

import pytest
from aws_cdk import App, Duration, RemovalPolicy
from aws_cdk import aws_efs as efs
from aws_cdk import aws_kms as kms
from constructs import Construct

import app as example
from fargate_constructs import (
    AuditedCluster,
    Delivery,
    Deployment,
    Egress,
    FargateService,
    FixedEgressNetwork,
    HttpEndpoint,
    LogArchive,
    Retention,
    Scaling,
    WebAcl,
)

NAME = "Upgrade"
# The names by which app.py makes its parts.
PARTS = ("FargateService", "FixedEgressNetwork", "HttpEndpoint", "LogArchive")

Arguments: TypeAlias = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Change:
    """A change of the deployed example.

    Args:
        deployment: Which deployment makes it, from 1.
        what: The change, as docs/upgrading.md names it.
        arguments: New arguments of the example's parts, by construct ID; a function makes its argument in a scope.
        parts: The parts of `Grown` that there are from now on. By default those before.
        context: The app's context from now on. By default as before.
        goes: Patterns of the construct paths that the change removes or replaces.
    """

    deployment: int
    what: str
    arguments: Arguments = field(default_factory=dict, kw_only=True)
    parts: frozenset[str] | None = field(default=None, kw_only=True)
    context: Mapping[str, str] | None = field(default=None, kw_only=True)
    goes: tuple[str, ...] = field(default=(), kw_only=True)

    def after(self, before: "Change") -> "Change":
        """Return this change on top of others. What it does not name stays as it was."""
        is_same = self.deployment == before.deployment
        names = {**before.arguments, **self.arguments}
        return Change(
            self.deployment,
            f"{before.what}; {self.what}" if is_same else self.what,
            arguments={name: {**before.arguments.get(name, {}), **self.arguments.get(name, {})} for name in names},
            parts=before.parts if self.parts is None else self.parts,
            context=before.context if self.context is None else self.context,
            goes=(*before.goes, *self.goes) if is_same else self.goes,
        )

    def app(self) -> App:
        """Return the example after the change."""
        app = App(context={"aws:cdk:enable-path-metadata": True, **(self.context or {})})
        with pytest.MonkeyPatch.context() as patch:
            for name in PARTS:
                patch.setattr(example, name, partial(_make, getattr(example, name), self.arguments))
            Grown(app, NAME, parts=self.parts or frozenset())
        return app


def _make(
    part: Callable[..., Construct], changed: Arguments, scope: Construct, construct_id: str, **arguments: object
) -> Construct:
    """Make a part of the example with changed arguments."""
    values = {name: value(scope) if callable(value) else value for name, value in changed.get(construct_id, {}).items()}
    return part(scope, construct_id, **arguments | values)


class Grown(example.Example):
    """The example with later additions: a third service with files, a route, keys."""

    def __init__(self, scope: Construct, construct_id: str, *, parts: frozenset[str]) -> None:
        super().__init__(scope, construct_id)
        network = cast(FixedEgressNetwork, self.node.find_child("Network"))
        endpoint = cast(HttpEndpoint, self.node.find_child("Endpoint"))
        archive = cast(LogArchive, self.node.find_child("LogArchive"))
        if "service" not in parts:
            return
        key = kms.Key(self, "Key", enable_key_rotation=True) if "key" in parts else None
        cluster = AuditedCluster(self, "Cluster", vpc=network.vpc, encryption_key=key)
        jobs = FargateService(self, "Jobs", network=network, image=example.NGINX, cluster=cluster)
        files = efs.FileSystem(self, "Files", vpc=network.vpc, encrypted=True, removal_policy=RemovalPolicy.DESTROY)
        jobs.mount_file_system("/data", file_system=files)
        archive.add_log_group(jobs.log_group)
        endpoint.add_route("Jobs", service=jobs, paths=["/jobs/*"])
        if "route" in parts:
            endpoint.add_route("Nested", service=jobs, paths=["/api/jobs/*"])


FIRST = Change(0, "the example as it is")
SERVICE = frozenset({"service"})
TLS = {"domain_name": "shop.example.com"}


def _key(scope: Construct) -> kms.Key:
    return kms.Key(scope, "ArchiveKey", enable_key_rotation=True)


# Each on top of those before it. Several are one deployment if they remove different resources.
CHANGES = [
    Change(
        1,
        "`scaling`, `cpu`, `memory_limit_mib`",
        arguments={"Api": {"scaling": Scaling(min=4, max=40), "cpu": 1024, "memory_limit_mib": 2048}},
    ),
    Change(
        2,
        "`port`",
        arguments={"Api": {"port": 8080}},
        goes=("*/SecurityGroup/* *:80", "Web/Service/Link *"),
    ),
    Change(1, "a further service, with its route", parts=SERVICE),
    Change(2, "a route that comes before others", parts=SERVICE | {"route"}),
    Change(3, "a route removed", parts=SERVICE, goes=("Jobs/Routes/Rules/Nested",)),
    Change(
        1,
        "`Deployment.rolling()` to `blue_green()`",
        arguments={"Web": {"deployment": Deployment.blue_green(test_header=("x-version", "next"))}},
        goes=("Web/Service/TaskCount/Target/Requests",),
    ),
    Change(
        2,
        "`blue_green()` to `canary()`",
        arguments={"Web": {"deployment": Deployment.canary()}},
        goes=("Web/Routes/Rules/WebTest",),
    ),
    Change(3, "`canary()` to `linear()`", arguments={"Web": {"deployment": Deployment.linear()}}),
    Change(
        4,
        "`linear()` to `rolling(both_target_groups=True)`",
        arguments={"Web": {"deployment": Deployment.rolling(both_target_groups=True)}},
        goes=("Web/Service/AlternateTargetRole",),
    ),
    Change(
        5,
        "`rolling(both_target_groups=True)` to `rolling()`",
        arguments={"Web": {"deployment": Deployment.rolling()}},
        goes=("Web/Routes/Alternate", "Web/Service/TaskCount/Target/Requests"),
    ),
    Change(
        1,
        "`Egress.per_az()` to `single()`",
        arguments={"Network": {"egress": Egress.single()}},
        goes=("Network/NatGateway2",),
    ),
    Change(2, "`single()` to `per_az()`", arguments={"Network": {"egress": Egress.per_az()}}),
    Change(3, "`max_azs=3`", arguments={"Network": {"max_azs": 3}}),
    Change(
        4,
        "`max_azs=2` again",
        arguments={"Network": {"max_azs": 2}},
        goes=("Network/EgressIps/3", "Network/NatGateway3", "Network/Vpc/*Subnet3/*", "Files/EfsMountTarget3"),
    ),
    Change(5, "`domain_name`, `hosted_zone`", context=TLS, goes=("*/Routes/Rules/*",)),
    Change(
        1,
        "`Delivery.direct()` to `buffered()`",
        arguments={"LogArchive": {"delivery": Delivery.buffered()}},
        goes=("LogArchive/Delivery",),
    ),
    Change(
        2,
        "`buffered()` to `draining()`",
        arguments={"LogArchive": {"delivery": Delivery.draining()}},
    ),
    Change(
        3,
        "`draining()` to `direct()`",
        arguments={"LogArchive": {"delivery": Delivery.direct()}},
        goes=(
            "LogArchive/Buffer/*",
            "LogArchive/PartitionsAlarm",
            "LogArchive/StreamAgeAlarm",
            "LogArchive/Transform*Alarm",
        ),
    ),
    Change(
        4,
        "`retention`, `encryption_key` of the archive",
        arguments={"LogArchive": {"retention": Retention(expiration=Duration.days(500)), "encryption_key": _key}},
    ),
    Change(4, "`encryption_key` of the `AuditedCluster`", parts=SERVICE | {"key"}),
    Change(1, "`static_ips=True`", arguments={"Endpoint": {"static_ips": True}}),
    Change(2, "`deletion_protection=False`", arguments={"Endpoint": {"deletion_protection": False}}),
    Change(
        3,
        "`static_ips=False`",
        arguments={"Endpoint": {"static_ips": False}},
        goes=("Endpoint/StaticIps/*", "Endpoint/LoadBalancer/SecurityGroup/from *"),
    ),
    Change(
        4,
        "`web_acl`, `static_ips=True` again",
        arguments={"Endpoint": {"static_ips": True, "web_acl": WebAcl.managed()}},
    ),
]


def states(zone_id: str) -> list[Change]:
    """Return what the example is after each deployment.

    Args:
        zone_id: The ID of the hosted zone of its domain name.
    """
    context = [{**change.context, "hosted_zone_id": zone_id} if change.context else None for change in CHANGES]
    changes = [replace(change, context=each) for change, each in zip(CHANGES, context, strict=True)]
    in_order = sorted(changes, key=lambda change: change.deployment)
    after = accumulate(in_order, lambda before, change: change.after(before))
    return [*{change.deployment: change for change in after}.values()]
