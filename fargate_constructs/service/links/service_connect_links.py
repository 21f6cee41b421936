"""Links between services: ECS Service Connect over Cloud Map."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
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
from fargate_constructs.service.links.security_group_rules import allow
from fargate_constructs.service.links.service_connect import ServiceConnect
from fargate_constructs.service.links.service_connect_names import port_mapping_name


class _StackDependencies(dict[Stack, set[Stack]]):
    """The stacks that each stack of an app depends on by links."""


class ServiceLinks:
    """The links of one service, to others and from others. Without a link the service runs no proxy.

    Args:
        service: The service.
        name: The host name by which others reach it.
        ports: Its ports by name; a single port has the empty name, and a worker has no port.
        scheme: The scheme of its URL, `http` or `https`.
        service_connect: The protocol of the proxies, and the namespace.
        vpc: The VPC, which has one namespace by default.
        log_driver: Returns the log driver of the proxy; called with the first link.
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
        self._joined_sidecar_ports: Mapping[str, int] = {}
        self.udp_ports: Collection[int] = ()
        """The ports that are mapped as UDP. Service Connect has TCP only, so they have no name."""
        self.has_joined = False
        """Whether the service is in the namespace, by a link in either direction."""

    def link_to(self, other: ServiceLinks, port: str) -> str:
        """Let the service reach another service's port, by default its first, and return the URL."""
        if other is self:
            raise ValueError(f"a service cannot link to itself, got: {self.name!r}; use localhost")
        port_number = other.port(port)
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
        is_dependent = self._depend_on_stack_of(other)
        self._allow_ingress(other, port_number, scope=self if is_dependent else other)
        # A task knows the names that exist when it starts. Of two services that link to each other, one is deployed
        # first.
        if is_dependent and not other._reaches(self):
            resource_of(self.service).node.add_dependency(resource_of(other.service))
        self._targets.append(other)
        return f"{other.scheme}://{other.name}:{port_number}"

    def port(self, name: str) -> int:
        """Return the number of a port by its name, also of a sidecar's; the first port for an empty name."""
        ports = self.ports if name in self.ports else {**self.ports, **self._sidecar_ports()}
        if not ports:
            raise ValueError(f"a link needs a service with a port, got the worker {self.name!r}; give it a port")
        if name and name not in ports:
            named = ", ".join(filter(None, ports)) or "none"
            raise ValueError(
                f"port must be a name that {self.name!r} gave ({named}), got: {name!r}; write port={{{name!r}: ...}} "
                "there, or a name at the port mapping of its sidecar"
            )
        if self.has_joined and name not in {*self.ports, *self._joined_sidecar_ports, ""}:
            raise ValueError(f"port of a sidecar must be added before its service's first link, got: {name!r} after")
        number = ports[name] if name else next(iter(ports.values()))
        if number in self.udp_ports:
            raise ValueError(
                f"a link needs a TCP port, got port {number} of {self.name!r}, at which a listener expects UDP; name "
                "another port of it",
            )
        return number

    def _sidecar_ports(self) -> dict[str, int]:
        """Return the ports of the other containers, by the names of their port mappings."""
        return {
            mapping.name: int(mapping.container_port)
            for container in self.service.task_definition.node.children
            if isinstance(container, ecs.ContainerDefinition) and container.container_name != self.name
            for mapping in container.port_mappings
            if mapping.name
        }

    def validate_ports(self) -> None:
        """Refuse ports that Service Connect does not accept."""
        if not self.has_joined and any(map(is_unresolved, self.ports.values())):
            raise ValueError(f"a link needs ports that are known at synthesis, got a token as port of {self.name!r}")

    def _depend_on_stack_of(self, other: ServiceLinks) -> bool:
        """Let this service's stack depend on the other's, and return whether it can: of two stacks, the first does."""
        ours, theirs = Stack.of(self.service), Stack.of(other.service)
        stacks = app_singleton(self.service, _StackDependencies)
        needed = [theirs]
        for stack in needed:
            needed.extend(each for each in stacks.get(stack, ()) if each not in needed)
        if ours is not theirs and ours in needed:
            return False
        stacks.setdefault(ours, set()).add(theirs)
        return True

    def _allow_ingress(self, other: ServiceLinks, port: int, *, scope: ServiceLinks) -> None:
        """Allow this service's tasks to connect to the other's port, once.

        The rule is in the stack of the service that may depend on the other. The L2 would put it in the stack of one of
        the security groups, which may depend on neither service.
        """
        for theirs, ours in product(
            other.service.connections.security_groups, self.service.connections.security_groups
        ):
            rule_id = f"Link {self.service.node.path} {other.service.node.path} {theirs.node.id} {ours.node.id} {port}"
            allow(
                scope.service,
                rule_id.replace("/", " "),
                ours=ours,
                theirs=theirs,
                port=ec2.Port.tcp(port),
                description=f"link from {self.name}",
            )

    @property
    def namespace(self) -> servicediscovery.INamespace:
        """The namespace that was given, or the VPC's, which is made at the first use.

        A service is in one namespace only, and linked services must have the same. So a VPC has one, not a service.
        """
        if self._options.namespace:
            return self._options.namespace
        scope = cast(Construct, self._vpc.node.scope)  # not the VPC: an imported one takes no children
        name = f"{self._vpc.node.id}ServiceNames"
        existing = scope.node.try_find_child(name)
        if isinstance(existing, servicediscovery.HttpNamespace):
            return existing
        return servicediscovery.HttpNamespace(
            scope,
            name,
            name=Names.unique_resource_name(self._vpc, max_length=100, separator="-"),
            description="names of the services that link to each other",
        )

    def join(self) -> None:
        """Put the service in the namespace, once: with its own name, if it has a port, and for the others' names."""
        if self.has_joined:
            return
        self.has_joined = True
        self._joined_sidecar_ports = self._sidecar_ports()
        ports = {
            port_mapping_name(self.name, port): number
            for port, number in self.ports.items()
            if number not in self.udp_ports
        }
        ports |= self._joined_sidecar_ports
        if ports:
            self._validate_names(ports)
        tls = self._tls() if ports else None
        self.service.enable_service_connect(
            namespace=self.namespace.namespace_arn,
            services=[
                ecs.ServiceConnectService(
                    port_mapping_name=name,
                    dns_name=self.name,
                    port=number,
                    per_request_timeout=self._options.per_request_timeout,
                    idle_timeout=self._options.idle_timeout,
                    tls=tls,
                )
                for name, number in ports.items()
            ],
            log_driver=self._log_driver(),
        )

    def _tls(self) -> ecs.ServiceConnectTlsConfiguration | None:
        """Return the private CA, and the role by which ECS gets its certificates.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-tls.html
        """
        authority = self._options.certificate_authority
        if authority is None:
            return None
        policy = "service-role/AmazonECSInfrastructureRolePolicyForServiceConnectTransportLayerSecurity"
        role = iam.Role(
            self.service,
            "ServiceConnectTlsRole",
            assumed_by=iam.ServicePrincipal("ecs.amazonaws.com"),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(policy)],
        )
        reason = "AWS maintains this policy: what ECS needs to get certificates for the proxies."
        acknowledge(role, {f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{policy}]": reason})
        return ecs.ServiceConnectTlsConfiguration(aws_pca_authority_arn=authority.certificate_authority_arn, role=role)

    def _validate_names(self, ports: Iterable[str]) -> None:
        """Refuse a name that another service of the app has in the namespace."""
        owners = _NAMES.setdefault(cast(IConstruct, self.namespace), {})
        for name in (self.name, *ports):
            owner = owners.setdefault(name, self.service.node.path)
            if owner != self.service.node.path:
                raise ValueError(
                    f"name must differ from those of the other linked services in the network, got: {name!r} for "
                    f"{self.service.node.path} and {owner}; give one of them another name",
                )

    def _reaches(self, other: ServiceLinks) -> bool:
        """Whether links lead from this service to the other, directly or through others."""
        reached = [self]
        for here in reached:
            reached.extend(target for target in here._targets if target not in reached)
        return other in reached


# The path of the service that has each name, by namespace.
_NAMES: WeakKeyDictionary[IConstruct, dict[str, str]] = WeakKeyDictionary()
