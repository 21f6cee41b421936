"""The names by which services reach each other.

```
FargateService ──> [link: Service Connect over Cloud Map] ──> FargateService
```
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import cast
from weakref import WeakKeyDictionary

from aws_cdk import Names, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

from fargate_constructs._core.app_singleton import app_singleton
from fargate_constructs._core.lazy_cdk import aws_servicediscovery as servicediscovery
from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs._core.unresolved import is_unresolved
from fargate_constructs.service.ecs_service import resource_of
from fargate_constructs.service.service_connect import ServiceConnect
from fargate_constructs.service.service_connect_names import port_mapping_name


class _Waiting(dict[Stack, set[Stack]]):
    """Which stacks of an app depend on which by links."""


class ServiceLinks:
    """One service's links, to others and from others.

    Args:
        service: The service. It joins the namespace with its first link, in either direction; without one it runs
            no proxy.
        name: The host name by which others reach it.
        ports: The ports at which they do, by name; none if they cannot. A single one has the empty name.
        scheme: What it speaks there, `http` or `https`.
        service_connect: How requests travel, and in which namespace its name is.
        vpc: Where the namespace belongs.
        log_driver: Returns where Service Connect's proxy logs to; asked for with the first link.
    """

    def __init__(
        self,
        service: ecs.FargateService,
        *,
        name: str,
        ports: Mapping[str, int],
        scheme: str,
        service_connect: ServiceConnect,
        vpc: ec2.IVpc,
        log_driver: Callable[[], ecs.LogDriver],
    ) -> None:
        self.service = service
        self.name = name
        self.ports = ports
        self.scheme = scheme
        self._options = service_connect
        self._vpc = vpc
        self._log_driver = log_driver
        self._targets: list[ServiceLinks] = []
        self.has_joined = False
        """Whether the service is in the namespace, by a link in either direction."""

    def link_to(self, other: ServiceLinks, port: str) -> str:
        """Open the way to another service's port, by default its first, and return its URL."""
        if other is self:
            raise ValueError(f"a service cannot link to itself, got: {self.name!r}; use localhost")
        number = other.port(port)
        if other._vpc.node.path != self._vpc.node.path:
            raise ValueError(
                f"linked services must be in the same network, got: {self.name!r} and {other.name!r} in two; "
                "pass the same network to both",
            )
        if other._options.namespace is not self._options.namespace:
            raise ValueError(
                f"linked services must be in the same namespace, got: {self.name!r} and {other.name!r} in two; pass "
                "the same service_connect=ServiceConnect.http(namespace=...) to both, or to none",
            )
        for side in (self, other):
            side.validate_ports()
        for side in (self, other):
            side.join()
        waits = self._waits_for(other)
        self._open(other, number, beside=self if waits else other)
        # Service Connect tells a task of the names that exist when it starts; of two that link to each other,
        # one must come first.
        if waits and not other.reaches(self):
            resource_of(self.service).node.add_dependency(resource_of(other.service))
        self._targets.append(other)
        return f"{other.scheme}://{other.name}:{number}"

    def port(self, name: str) -> int:
        """Return the number of a port by its name; of the first if the name is empty."""
        if not self.ports:
            raise ValueError(f"a link needs a service with a port, got the worker {self.name!r}; give it a port")
        if name and name not in self.ports:
            raise ValueError(f"port must be a name that {self.name!r} gave ({', '.join(self.ports)}), got: {name!r}")
        return self.ports[name] if name else next(iter(self.ports.values()))

    def validate_ports(self) -> None:
        """Refuse ports that Service Connect would not take."""
        if not self.has_joined and any(map(is_unresolved, self.ports.values())):
            raise ValueError(f"a link needs ports that are known at synth, got a token as port of {self.name!r}")

    def _waits_for(self, other: ServiceLinks) -> bool:
        """Whether this service's stack may depend on the other's; of two stacks, the first to link does."""
        ours, theirs = Stack.of(self.service), Stack.of(other.service)
        stacks = app_singleton(self.service, _Waiting)
        leads_back = [theirs]
        for stack in leads_back:
            leads_back.extend(each for each in stacks.get(stack, ()) if each not in leads_back)
        if ours is not theirs and ours in leads_back:
            return False
        stacks.setdefault(ours, set()).add(theirs)
        return True

    def _open(self, other: ServiceLinks, port: int, *, beside: ServiceLinks) -> None:
        """Let this service's tasks in at the other's port, once.

        The rule stands beside the service whose stack may depend on the other's. The L2 would put it beside one of
        the two security groups, which may be in a stack that depends on neither.
        """
        for theirs, ours in product(
            other.service.connections.security_groups, self.service.connections.security_groups
        ):
            rule = f"Link {self.service.node.path} {other.service.node.path} {theirs.node.id} {ours.node.id} {port}"
            if beside.service.node.try_find_child(rule.replace("/", " ")) or not _takes_rules(theirs):
                continue
            ec2.CfnSecurityGroupIngress(
                beside.service,
                rule.replace("/", " "),
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                group_id=theirs.security_group_id,
                source_security_group_id=ours.security_group_id,
                description=f"link from {self.name}",
            )

    @property
    def namespace(self) -> servicediscovery.INamespace:
        """The namespace that was given, or the VPC's, made when it is first asked for.

        A service can be in one namespace only, and those that link to each other must be in the same: so there is
        one for a VPC, not one for a service.
        """
        if self._options.namespace:
            return self._options.namespace
        beside = cast(Construct, self._vpc.node.scope)  # only an app has none; and an imported VPC is no scope
        name = f"{self._vpc.node.id}ServiceNames"
        existing = beside.node.try_find_child(name)
        if isinstance(existing, servicediscovery.HttpNamespace):
            return existing
        return servicediscovery.HttpNamespace(
            beside,
            name,
            name=Names.unique_resource_name(self._vpc, max_length=100, separator="-"),
            description="names of the services that link to each other",
        )

    def join(self) -> None:
        """Give the service its name, if it has a port, and the others' names; once."""
        if self.has_joined:
            return
        self.has_joined = True
        if self.ports:
            self._take_name()
        tls = self._tls()
        self.service.enable_service_connect(
            namespace=self.namespace.namespace_arn,
            services=[
                ecs.ServiceConnectService(
                    port_mapping_name=port_mapping_name(self.name, port),
                    dns_name=self.name,
                    port=number,
                    per_request_timeout=self._options.per_request_timeout,
                    idle_timeout=self._options.idle_timeout,
                    tls=tls,
                )
                for port, number in self.ports.items()
            ],
            log_driver=self._log_driver(),
        )

    def _tls(self) -> ecs.ServiceConnectTlsConfiguration | None:
        """Return what ECS encrypts with, and by which role it gets certificates.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-tls.html
        """
        authority = self._options.certificate_authority
        if authority is None or not self.ports:
            return None
        policy = "service-role/AmazonECSInfrastructureRolePolicyForServiceConnectTransportLayerSecurity"
        role = iam.Role(
            self.service,
            "ServiceConnectTlsRole",
            assumed_by=iam.ServicePrincipal("ecs.amazonaws.com"),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(policy)],
        )
        reason = "AWS keeps in this policy just what ECS needs to get certificates for the proxies."
        acknowledge(role, {f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{policy}]": reason})
        return ecs.ServiceConnectTlsConfiguration(aws_pca_authority_arn=authority.certificate_authority_arn, role=role)

    def _take_name(self) -> None:
        """Claim the names among those of the namespace, whichever stack a service is in."""
        owners = _NAMES.setdefault(cast(IConstruct, self.namespace), {})
        for name in (self.name, *(port_mapping_name(self.name, port) for port in self.ports)):
            owner = owners.setdefault(name, self.service.node.path)
            if owner != self.service.node.path:
                raise ValueError(
                    f"name must differ from those of the other linked services in the network, got: {name!r} for "
                    f"{self.service.node.path} and {owner}; give one of them another name",
                )

    def reaches(self, other: ServiceLinks) -> bool:
        """Whether links lead from this service to the other, directly or through others."""
        reached = [self]
        for here in reached:
            reached.extend(target for target in here._targets if target not in reached)
        return other in reached


# Who has which name, by namespace.
_NAMES: WeakKeyDictionary[IConstruct, dict[str, str]] = WeakKeyDictionary()


def _takes_rules(group: ec2.ISecurityGroup) -> bool:
    """Whether rules may be added to a group: not to one that was imported with `mutable=False`.

    Only where a rule goes tells: here beside a group of a stack that is not in the app.
    """
    if isinstance(group.node.default_child, ec2.CfnSecurityGroup):
        return True
    other = ec2.SecurityGroup.from_security_group_id(Stack(), "Other", "sg-0123456789abcdef0")
    group.add_ingress_rule(other, ec2.Port.tcp(1), remote_rule=True)
    return len(other.node.children) > 0
