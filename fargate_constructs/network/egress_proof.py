"""The proof, at synth, that tasks leave only from known addresses.

```
task ──> subnet ──> route table ──> route ──> NAT gateway ──> [is its Elastic IP known?] ──> the world
```
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NamedTuple, cast
from weakref import WeakKeyDictionary

import jsii
from aws_cdk import (
    CfnElement,
    IPolicyValidationContext,
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
    Stack,
    Validations,
)
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import IConstruct

# By rule: how grave, what it asks of tasks, what to change.
RULES = {
    "publicAddress": ("error", "must have no public address", "remove what changes AssignPublicIp from DISABLED"),
    "publicSubnet": ("error", "must not run in a public subnet", "run them in subnets that a NAT gateway lets out"),
    "unknownEgress": (
        "error",
        "must leave from Elastic IPs that are known and stay",
        "give the way out Elastic IPs with RemovalPolicy.RETAIN, or name their allocation IDs as known",
    ),
    "unprovenEgress": (
        "warning",
        "should leave by ways that can be followed to an Elastic IP",
        "route to a NAT gateway of this app, or acknowledge this if you know the addresses at the far end",
    ),
    "ipv6Egress": (
        "warning",
        "should reach IPv6 hosts from known addresses, and a NAT gateway's are IPv4",
        "drop the IPv6 route, or give partners the VPC's IPv6 range",
    ),
}
RETAINED = ("Retain", "RetainExceptOnCreate")
# A route to anywhere else may lead to the internet.
PRIVATE = [
    ip_network(cidr)
    for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7")
]
DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")


class _Tasks(NamedTuple):
    path: str
    subnets: Sequence[ec2.ISubnet]
    known_allocation_ids: Sequence[str]
    is_vouched_for: bool


class _Place(NamedTuple):
    """Where a resource stands."""

    stack: Stack
    logical_id: str


def prove_egress(
    owner: IConstruct,
    *,
    subnets: Sequence[ec2.ISubnet],
    known_allocation_ids: Sequence[str] = (),
    is_vouched_for: bool = False,
) -> None:
    """Let synthesis fail unless tasks have no public address and leave from known Elastic IPs.

    The templates are read as they are written, so overrides and aspects count. Refused are public addresses, public
    subnets, and NAT gateways or instances on other addresses than the app's retained Elastic IPs and those named here.
    Ways that cannot be followed, such as a transit gateway, and IPv6, which passes NAT by, are warnings. Subnets that
    the app does not define are skipped. Accept a finding with
    `Validations.of(owner).acknowledge(Acknowledgment(id="fargate-constructs::unknownEgress", reason=...))`.

    Args:
        owner: What runs the tasks. The network configuration of each ECS service at or below it is what counts.
        subnets: Where the tasks run, if there is no such service.
        known_allocation_ids: The allocation IDs (`eipalloc-…`) of Elastic IPs kept elsewhere. By default none.
        is_vouched_for: Whether a person says which addresses tasks leave from. Then any address of a NAT gateway or
            instance will do; public addresses and subnets still do not. By default nobody does.
    """
    node = owner.node
    app = node.root
    if app not in _PROOFS:
        _PROOFS[app] = _EgressProof()
        Validations.of(app).add_plugins(cast(IPolicyValidationPlugin, _PROOFS[app]))
    _PROOFS[app].tasks.append(_Tasks(node.path, subnets, known_allocation_ids, is_vouched_for))


@jsii.implements(IPolicyValidationPlugin)
class _EgressProof:
    """Reads an app's templates once, for all of its tasks."""

    def __init__(self) -> None:
        self.tasks: list[_Tasks] = []

    @property
    def name(self) -> str:
        """The namespace of the rules."""
        return "fargate-constructs"

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        """Return what is wrong with the app as it was synthesized."""
        ways_out = _WaysOut(context)
        violations = [violation for tasks in self.tasks for violation in ways_out.judge(tasks)]
        succeeded = all(violation.severity != "error" for violation in violations)
        return PolicyValidationPluginReport(success=succeeded, violations=violations)


_PROOFS: WeakKeyDictionary[IConstruct, _EgressProof] = WeakKeyDictionary()


class _WaysOut:
    """The subnets, routes and gateways of an app, and how its templates refer to each other's."""

    def __init__(self, context: IPolicyValidationContext) -> None:
        constructs = context.app_construct.node.find_all()
        self._services = _services_among(constructs)
        self._environments = {each: each.environment for each in constructs if isinstance(each, Stack)}
        self._resources: dict[_Place, dict[str, Any]] = {}
        self._of_type: defaultdict[str, list[_Place]] = defaultdict(list)
        self._aliases: dict[tuple[Stack | str, str], tuple[Stack, Any]] = {}
        files = {each.stack_construct_path: Path(each.template_path) for each in context.stack_templates}
        for stack in self._environments:
            self._read(stack, files)
        self._elements = cache(self._list_elements)
        self._internet = self._of_type["AWS::EC2::InternetGateway"]
        self._routers = [
            place
            for name in ("NatGateway", "Instance", "NetworkInterface")
            for place in self._of_type[f"AWS::EC2::{name}"]
            if self._properties(place).get("ConnectivityType") != "private"
        ]
        self._tables = {
            self._target(place, "SubnetId"): self._target(place, "RouteTableId")
            for place in self._of_type["AWS::EC2::SubnetRouteTableAssociation"]
        }
        self._routes: defaultdict[_Place | None, list[_Place]] = defaultdict(list)
        for place in self._of_type["AWS::EC2::Route"]:
            self._routes[self._target(place, "RouteTableId")].append(place)

    def judge(self, tasks: _Tasks) -> Iterator[PolicyViolation]:
        """Yield a violation for each fault, and one for each kind of warning."""
        findings: defaultdict[str, list[str]] = defaultdict(list)
        for rule, got in self._find_faults(tasks):
            findings[rule].append(got)
        for rule, faults in findings.items():
            severity, demand, fix = RULES[rule]
            for got in faults if severity == "error" else ["; ".join(faults)]:
                yield PolicyViolation(
                    rule_name=rule,
                    severity=severity,
                    description=f"tasks of {tasks.path} {demand}, got: {got}",
                    fix=fix,
                    violating_resources=[PolicyViolatingResource(construct_path=tasks.path, locations=[])],
                )

    def _find_faults(self, tasks: _Tasks) -> Iterator[tuple[str, str]]:
        services = [each for each in self._services if f"{each}/".startswith(f"{tasks.path}/")]
        subnets = [(Stack.of(each), each.subnet_id) for each in tasks.subnets if not services]
        references = [(stack, stack.resolve(subnet_id)) for stack, subnet_id in subnets]
        for service in services:
            place = self._services[service]
            network = self._properties(place).get("NetworkConfiguration", {}).get("AwsvpcConfiguration", {})
            if network.get("AssignPublicIp", "DISABLED") != "DISABLED":
                yield "publicAddress", f"AssignPublicIp {network['AssignPublicIp']} on {service}"
            references += [(place.stack, subnet) for subnet in network.get("Subnets", [])]
        for subnet in filter(None, (self._locate(*each) for each in references)):
            # A subnet without a route table of its own has the VPC's, where no template can put a route.
            table = self._tables.get(subnet, subnet)
            if table is None:
                yield "unprovenEgress", f"{self._path(subnet)}, whose route table is not in this app"
                continue
            for route in self._routes[table]:
                for rule, way in self._judge_route(route, tasks):
                    yield rule, f"{self._path(subnet)}, where {self._path(route)} leads {way}"

    def _judge_route(self, route: _Place, tasks: _Tasks) -> Iterator[tuple[str, str]]:
        properties = self._properties(route)
        destination = next((properties[key] for key in DESTINATIONS if key in properties), None)
        if _is_private(destination):
            return
        match properties:
            case {"NatGatewayId": way} | {"InstanceId": way} | {"NetworkInterfaceId": way} if (
                router := self._locate(route.stack, way)
            ) in self._routers:
                for address in self._unknown_addresses(router, tasks):
                    yield "unknownEgress", f"{destination} to {self._path(router)} on {address}"
            case {"EgressOnlyInternetGatewayId": _}:
                yield "ipv6Egress", f"{destination} to an egress-only internet gateway"
            case {"GatewayId": way} if str(way).startswith("igw-") or self._locate(route.stack, way) in self._internet:
                rule = "ipv6Egress" if "DestinationIpv6CidrBlock" in properties else "publicSubnet"
                yield rule, f"{destination} to an internet gateway"
            case _ if properties.get("GatewayId") != "local":
                ways = (f"{key} {way}" for key, way in properties.items() if key not in ("RouteTableId", *DESTINATIONS))
                yield "unprovenEgress", f"{destination} to {', '.join(ways)}"

    def _unknown_addresses(self, router: _Place, tasks: _Tasks) -> Iterator[str]:
        """Yield the addresses of a NAT gateway or instance that nobody knows, or that may not stay."""
        if tasks.is_vouched_for:
            return
        addresses = list(self._addresses(router))
        if not addresses:
            yield "addresses that AWS picks"
        for stack, address in addresses:
            place = self._locate(stack, address)
            elastic_ip = place if place in self._of_type["AWS::EC2::EIP"] else None
            retained = elastic_ip and self._resources[elastic_ip].get("DeletionPolicy") in RETAINED
            if not retained and address not in stack.resolve(list(tasks.known_allocation_ids)):
                yield (
                    f"{self._path(elastic_ip)}, which is not retained"
                    if elastic_ip
                    else f"{address}, which is not known"
                )

    def _addresses(self, router: _Place) -> Iterator[tuple[Stack, Any]]:
        """Yield the Elastic IPs of a NAT gateway or instance, as a stack's template refers to each."""
        properties = self._properties(router)
        match properties:
            case {"AvailabilityMode": "regional"}:
                for zone in properties.get("AvailabilityZoneAddresses", []):
                    yield from ((router.stack, each) for each in zone.get("AllocationIds", []))
            case {"AllocationId": first}:
                yield from ((router.stack, each) for each in (first, *properties.get("SecondaryAllocationIds", [])))
            case _:
                interfaces = [each.get("NetworkInterfaceId") for each in properties.get("NetworkInterfaces", [])]
                holders = [router, *filter(None, (self._locate(router.stack, each) for each in interfaces))]
                for place in self._of_type["AWS::EC2::EIPAssociation"] + self._of_type["AWS::EC2::EIP"]:
                    if any(self._target(place, key) in holders for key in ("InstanceId", "NetworkInterfaceId")):
                        association, itself = self._properties(place), {"Ref": place.logical_id}
                        yield place.stack, association.get("AllocationId", association.get("EIP", itself))

    def _properties(self, place: _Place) -> dict[str, Any]:
        properties: dict[str, Any] = self._resources.get(place, {}).get("Properties", {})
        return properties

    def _target(self, place: _Place, name: str) -> _Place | None:
        return self._locate(place.stack, self._properties(place).get(name))

    def _locate(self, stack: Stack, reference: Any) -> _Place | None:  # noqa: ANN401 - a piece of a template
        """Return the resource that a stack's template refers to, in whichever stack it stands."""
        match reference:
            case {"Ref": name} | {"Fn::GetAtt": [name, _]} if _Place(stack, name) in self._resources:
                return _Place(stack, name)
        name = _name(reference)
        alias = self._aliases.get((stack, name)) or self._aliases.get((self._environments[stack], name))
        return self._locate(*alias) if alias else None

    def _path(self, place: _Place) -> str:
        return self._elements(place.stack)[place.logical_id].node.path

    def _list_elements(self, stack: Stack) -> dict[str, CfnElement]:
        elements = [each for each in stack.node.find_all() if isinstance(each, CfnElement) and each.stack is stack]
        return dict(zip(stack.resolve([each.logical_id for each in elements]), elements, strict=True))

    def _read(self, stack: Stack, files: dict[str, Path]) -> None:
        """Take in a template's resources, and the names by which other templates know what it hands on."""
        path, parent, nested = stack.node.path, stack.nested_stack_parent, stack.nested_stack_resource
        if parent:
            files[path] = files[parent.node.path].with_name(stack.template_file)
        if path not in files:  # a Service Catalog product, which is deployed from elsewhere
            return
        template = json.loads(files[path].read_text(encoding="utf-8"))
        for logical_id, resource in template.get("Resources", {}).items():
            self._resources[_Place(stack, logical_id)] = resource
            self._of_type[resource["Type"]].append(_Place(stack, logical_id))
        outputs = template.get("Outputs", {}).items()
        if parent and nested:
            nested_id = parent.resolve(nested.logical_id)
            # What the nested stack hands on is known by its alias, not as an attribute of the stack.
            resource = self._resources.pop(_Place(parent, nested_id))
            for name, value in resource["Properties"].get("Parameters", {}).items():
                self._aliases[stack, _name({"Ref": name})] = parent, value
            for name, output in outputs:
                self._aliases[parent, _name({"Fn::GetAtt": [nested_id, f"Outputs.{name}"]})] = stack, output["Value"]
        else:
            for name, output in outputs:
                exported = {"Fn::ImportValue": output.get("Export", {}).get("Name")}
                published = {"Fn::GetStackOutput": {"StackName": stack.stack_name, "OutputName": name}}
                for reference in (exported, published):
                    self._aliases[self._environments[stack], _name(reference)] = stack, output["Value"]


def _services_among(constructs: Sequence[IConstruct]) -> dict[str, _Place]:
    """Return where each ECS service stands, by path; asking stack by stack halves the time."""
    services: defaultdict[Stack, list[ecs.CfnService]] = defaultdict(list)
    for each in constructs:
        if isinstance(each, ecs.CfnService):
            services[each.stack].append(each)
    return {
        service.node.path: _Place(stack, logical_id)
        for stack, those in services.items()
        for service, logical_id in zip(those, stack.resolve([each.logical_id for each in those]), strict=True)
    }


def _name(reference: Any) -> str:  # noqa: ANN401 - a piece of a template
    match reference:
        case {"Fn::GetStackOutput": {"StackName": stack_name, "OutputName": output_name}}:
            return f"{stack_name}.{output_name}"
    return json.dumps(reference)


def _is_private(destination: Any) -> bool:  # noqa: ANN401 - a piece of a template
    try:
        network = ip_network(destination)
    except ValueError:  # a prefix list, or a range known only when deployed
        return False
    return any(network[0] in each and network[-1] in each for each in PRIVATE)
