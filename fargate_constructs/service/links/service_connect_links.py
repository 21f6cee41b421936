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
from fargate_constructs._core.construct_paths import node_of, path_of, stack_of
from fargate_constructs._core.lazy_cdk import aws_servicediscovery as servicediscovery
from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs._core.rule_ports import tcp_port
from fargate_constructs._core.unresolved import is_unresolved
from fargate_constructs.service.ecs_service import resource_of
from fargate_constructs.service.links.security_group_rules import allow
from fargate_constructs.service.links.service_connect import ServiceConnect, default_service_connect
from fargate_constructs.service.links.service_connect_names import port_mapping_name
from fargate_constructs.service.targets.port_options import OptionsByPort
from fargate_constructs.service.targets.ports import Port, TaskPorts


class _StackDependencies(dict[Stack, set[Stack]]):
    """The stacks that each stack of an app depends on by links."""


class ServiceLinks:
    """The links of one service, to others and from others. Without a link the service runs no proxy.

    By default the proxies have the protocol of each port, and the VPC has one namespace. The log driver of the proxy is
    made with the first link.
    """

    def __init__(
        self,
        service: ecs.FargateService,
        *,
        name: str,
        ports: TaskPorts,
        options: OptionsByPort,
        service_connect: ServiceConnect | None,
        vpc: ec2.IVpc,
        log_driver: Callable[[], ecs.LogDriver],
    ) -> None:
        self.service = service
        self.name = name
        self.ports = ports
        self._options = options
        self._service_connect = service_connect
        self._vpc = vpc
        self._log_driver = log_driver
        self._targets: list[ServiceLinks] = []
        self.http_links: list[str] = []
        """The names, in metrics, of the ports that the service reaches by HTTP, in the order of its links."""
        self._joined_sidecar_ports: Mapping[str, Port] = {}
        self.udp_ports: Collection[int] = ()
        """The ports that are mapped as UDP. Service Connect has TCP only, so they have no name."""
        self.has_joined = False
        """Whether the service is in the namespace, by a link in either direction."""

    def link_to(self, other: ServiceLinks, port: str) -> str:
        """Let the service reach another service's port, by default its first, and return the URL."""
        if other is self:
            raise ValueError(f"a service cannot link to itself, got: {self.name!r}; use localhost")
        target = other.port(port)
        if path_of(other._vpc) != path_of(self._vpc):
            raise ValueError(
                f"linked services must be in the same network, got: {self.name!r} and {other.name!r} in two; "
                "pass the same network to both",
            )
        if other._given_namespace is not self._given_namespace:
            raise ValueError(
                f"linked services must be in the same namespace, got: {self.name!r} and {other.name!r} in two; pass "
                "the same service_connect=ServiceConnect.http(namespace=...) to both, or to none",
            )
        for side in (self, other):
            side.validate_ports()
        for side in (self, other):
            side.join()
        is_dependent = self._depend_on_stack_of(other)
        self._allow_ingress(other, target.number, scope=self if is_dependent else other)
        # A task knows the names that exist when it starts. Of two services that link to each other, one is deployed
        # first.
        if is_dependent and not other._reaches(self):
            resource_of(self.service).node.add_dependency(resource_of(other.service))
        self._targets.append(other)
        if other.connect_of(target)._app_protocol:  # a proxy of TCP reads no responses
            # ECS takes the name of the port mapping
            # (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceConnectService.html).
            self.http_links.append(port_mapping_name(other.name, target.name) if target.is_main else target.name)
        scheme = other._options.of(target.name).protocol.value.lower()
        return f"{scheme}://{other.name}:{target.number}"

    def port(self, name: str) -> Port:
        """Return a port by its name, also of a sidecar's; the first port for an empty name."""
        port = self.ports.find(name, "a link")
        if self.has_joined and not port.is_main and name not in self._joined_sidecar_ports:
            raise ValueError(f"port of a sidecar must be added before its service's first link, got: {name!r} after")
        if port.number in self.udp_ports:
            raise ValueError(
                f"a link needs a TCP port, got port {port.number} of {self.name!r}, at which a listener expects UDP; "
                "name another port of it",
            )
        return port

    def connect_of(self, port: Port) -> ServiceConnect:
        """Return how the proxies handle a port."""
        if not port.has_app_protocol:  # they take it for TCP, so it has no time-out for a request
            return ServiceConnect.tcp(
                idle_timeout=self._service_connect.idle_timeout if self._service_connect else None
            )
        options = self._options.of(port.name)
        return self._service_connect or default_service_connect(options.protocol, options.protocol_version)

    def validate_ports(self) -> None:
        """Refuse ports that Service Connect does not accept."""
        if not self.has_joined and any(map(is_unresolved, self.ports.main.values())):
            raise ValueError(f"a link needs ports that are known at synthesis, got a token as port of {self.name!r}")

    def _depend_on_stack_of(self, other: ServiceLinks) -> bool:
        """Let this service's stack depend on the other's, and return whether it can: of two stacks, the first does."""
        ours, theirs = stack_of(self.service), stack_of(other.service)
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
            services = f"{path_of(self.service)} {path_of(other.service)}"
            rule_id = f"Link {services} {node_of(theirs).id} {node_of(ours).id} {port}"
            allow(
                scope.service,
                rule_id.replace("/", " "),
                ours=ours,
                theirs=theirs,
                port=tcp_port(port),
                description=f"link from {self.name}",
            )

    @property
    def namespace(self) -> servicediscovery.INamespace:
        """The namespace that was given, or the VPC's, which is made at the first use.

        A service is in one namespace only, and linked services must have the same. So a VPC has one, not a service.
        """
        if given := self._given_namespace:
            return given
        node = node_of(self._vpc)
        scope = cast(Construct, node.scope)  # not the VPC: an imported one takes no children
        name = f"{node.id}ServiceNames"
        existing = node_of(scope).try_find_child(name)
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
        self._joined_sidecar_ports = {name: each for name, each in self.ports.of_sidecars().items() if not each.is_udp}
        ports = {
            port_mapping_name(self.name, name): self.ports.find(name, "a link")
            for name, number in self.ports.main.items()
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
                    port=port.number,
                    per_request_timeout=self.connect_of(port).per_request_timeout,
                    idle_timeout=self.connect_of(port).idle_timeout,
                    tls=tls,
                )
                for name, port in ports.items()
            ],
            log_driver=self._log_driver(),
        )

    @property
    def _given_namespace(self) -> servicediscovery.INamespace | None:
        return self._service_connect.namespace if self._service_connect else None

    def _tls(self) -> ecs.ServiceConnectTlsConfiguration | None:
        """Return the private CA, and the role by which ECS gets its certificates.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-tls.html
        """
        authority = self._service_connect.certificate_authority if self._service_connect else None
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
            path = path_of(self.service)
            owner = owners.setdefault(name, path)
            if owner != path:
                raise ValueError(
                    f"name must differ from those of the other linked services in the network, got: {name!r} for "
                    f"{path} and {owner}; give one of them another name",
                )

    def _reaches(self, other: ServiceLinks) -> bool:
        """Whether links lead from this service to the other, directly or through others."""
        reached = [self]
        for here in reached:
            reached.extend(target for target in here._targets if target not in reached)
        return other in reached


# The path of the service that has each name, by namespace.
_NAMES: WeakKeyDictionary[IConstruct, dict[str, str]] = WeakKeyDictionary()
