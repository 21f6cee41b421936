"""Counts what AWS bills for the resources of templates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from fargate_constructs.costs.billed_types import BY_USE, FREE, FREE_PREFIXES, SINGLE
from fargate_constructs.costs.price_list import STANDING
from fargate_constructs.synthesized.intrinsics import Unresolved, is_true, items, lookup, number
from fargate_constructs.synthesized.task_launchers import TaskLauncher, find_task_launchers
from fargate_constructs.synthesized.templates import Place, Templates

# A target tracking policy has two alarms
# (https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking.html).
ALARMS_OF_A_POLICY = 2
# The size of Amazon Linux's image: https://docs.aws.amazon.com/linux/al2023/ug/AMI-minimal-and-standard-differences.html
IMAGE_GB = 8
FREE_TASK_GB = 20
MINUTE = 60


class Bill(NamedTuple):
    """What AWS bills."""

    counts: Counter[str]
    """How many of each thing there are as long as the stacks are deployed."""
    usage: dict[str, None]
    """What depends on use, in order."""
    notes: list[str]
    """What is counted in another way than AWS bills it."""
    unknown: list[tuple[str, str]]
    """What is not counted: the path, and what it is."""


def bill_of(templates: Templates) -> Bill:
    """Return what AWS bills for the resources of templates; of services, for the tasks that always run."""
    return _Reader(templates).bill


class _Reader:
    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self.bill = Bill(Counter(), {}, [], [])
        launchers = list(find_task_launchers(templates))
        for type_, places in list(templates.of_type.items()):
            for place in places:
                self._read(place, type_, templates.properties(place))
        for launcher in launchers:
            if launcher.is_service:
                self._service(launcher)
            elif launcher.launch_type != "EC2":
                self._run(templates.properties(launcher.definition))
        started = {launcher.definition for launcher in launchers}
        for place in templates.of_type["AWS::ECS::TaskDefinition"]:
            if place not in started and _may_be_on_fargate(templates.properties(place)):
                self._run(templates.properties(place))
        if launchers:
            self._use("data to the internet", "data between zones, in each direction")

    def _use(self, *names: str) -> None:
        self.bill.usage.update(dict.fromkeys(names))

    def _run(self, definition: Mapping[str, Any]) -> None:
        """Note that tasks run which are no service's."""
        platform = _platform(definition)
        self._use(f"tasks while they run: CPU{platform}", f"tasks while they run: memory{platform}")

    def _read(self, place: Place, type_: str, properties: Mapping[str, Any]) -> None:
        """Count what is billed for a resource; services come later."""
        self._use(*_usage(type_, properties))
        counts: Counter[str] = Counter()
        for name, count in self._parts(place, type_, properties):
            counts[name] += count
        if +counts and "Condition" in self._templates.resource(place):
            self.bill.notes.append(f"{self._templates.path(place)}: counted, and only there under a condition")
        self.bill.counts.update({name: count for name, count in counts.items() if name in STANDING})
        missing = [name for name in counts if name not in STANDING]
        if missing:
            self.bill.unknown.append((self._templates.path(place), f"{type_} {missing[0]}"))

    def _parts(self, place: Place, type_: str, properties: Mapping[str, Any]) -> Iterator[tuple[str, int]]:  # noqa: C901
        """Yield what is billed for a resource."""
        match type_:
            case "AWS::ECS::Service":
                pass
            case _ if type_ in SINGLE:
                yield SINGLE[type_], 1
            case "AWS::CloudWatch::Alarm":
                yield self._resolution(properties), self._metrics(properties)
            case "AWS::ApplicationAutoScaling::ScalingPolicy":
                yield "alarm", _alarms(properties)
            case "AWS::ElasticLoadBalancingV2::LoadBalancer":
                yield from self._balancer(properties)
            case "AWS::EC2::NatGateway":  # a regional one is billed in each zone
                yield "NAT gateway", len(items(properties, "AvailabilityZoneAddresses")) or 1
            case "AWS::EC2::VPCEndpoint":
                if lookup(properties, "VpcEndpointType") in ("Interface", "GatewayLoadBalancer"):
                    subnets = lookup(properties, "SubnetIds")
                    self._use("data through an interface endpoint")
                    yield "interface endpoint", len(subnets) if isinstance(subnets, list) else 1
            case "AWS::EC2::LaunchTemplate":
                number_of = self._instances(place)
                settings = lookup(properties, "LaunchTemplateData")
                yield from ((name, number_of * each) for name, each in _machine(settings) if number_of)
            case "AWS::EC2::Instance":
                yield from _machine(properties)
            case "AWS::WAFv2::WebACL":
                yield "web ACL", 1
                yield "web ACL rule", len(items(properties, "Rules"))
            case _ if type_ not in FREE and not _usage(type_, properties) and not type_.startswith(FREE_PREFIXES):
                self.bill.unknown.append((self._templates.path(place), type_))

    def _resolution(self, properties: Mapping[str, Any]) -> str:
        """Return how an alarm is billed: one that looks more than once a minute costs more."""
        stats = [lookup(each, "MetricStat", "Period") for each in items(properties, "Metrics")]
        periods = [number(each) for each in (*stats, lookup(properties, "Period"))]
        return "high-resolution alarm" if any(each and each < MINUTE for each in periods) else "alarm"

    def _metrics(self, properties: Mapping[str, Any]) -> int:
        """Return how many metrics an alarm reads."""
        metrics = items(properties, "Metrics") or [{"MetricStat": {}}]
        expressions = [str(each.get("Expression", "")) for each in metrics]
        # A query reads a metric for each subscription of a log group.
        is_query = any(each.startswith("SELECT ") for each in expressions)
        subscriptions = len(self._templates.of_type["AWS::Logs::SubscriptionFilter"]) if is_query else 0
        # A band of usual values is two more metrics.
        band = 2 * any(each.startswith("ANOMALY_") for each in expressions)
        return sum("MetricStat" in each for each in metrics) + subscriptions + band

    def _instances(self, template: Place) -> int:
        """Return how many instances auto scaling groups start from a launch template."""
        groups = [
            self._templates.properties(place)
            for place in self._templates.of_type["AWS::AutoScaling::AutoScalingGroup"]
            if template in self._templates.references(place.stack, self._templates.properties(place))
        ]
        sizes = [number(lookup(each, "DesiredCapacity")) or number(lookup(each, "MinSize")) for each in groups]
        return int(sum(size or 0 for size in sizes))

    def _balancer(self, properties: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
        is_network = lookup(properties, "Type") == "network"
        self._use("network load balancer capacity" if is_network else "load balancer capacity")
        yield "load balancer", 1
        if (
            lookup(properties, "Scheme") == "internet-facing"
            and lookup(properties, "IpAddressType") != "dualstack-without-public-ipv4"
        ):  # with an address in each zone, unless the template has them
            subnets = lookup(properties, "Subnets")
            others = [each for each in items(properties, "SubnetMappings") if "AllocationId" not in each]
            yield "public IPv4 address", len(others) + (len(subnets) if isinstance(subnets, list) else 0)

    def _service(self, service: TaskLauncher) -> None:
        """Count the tasks of a service that always run."""
        path = self._templates.path(service.place)
        definition = self._templates.properties(service.definition)
        if not self._is_on_fargate(service, definition):
            self.bill.unknown.append((path, "tasks that are not on Fargate"))
            return
        least = self._least(service)
        cpu, memory = (number(lookup(definition, key)) for key in ("Cpu", "Memory"))
        if least is None or cpu is None or memory is None:
            self.bill.unknown.append((path, "tasks whose count or size is known at deployment"))
            return
        suffix = _platform(definition)
        storage = number(lookup(definition, "EphemeralStorage", "SizeInGiB")) or FREE_TASK_GB
        self.bill.counts.update(
            {f"CPU unit{suffix}": int(least * cpu), f"MiB of memory{suffix}": int(least * memory)}
            | ({"GB of task storage": int(least * (storage - FREE_TASK_GB))} if storage > FREE_TASK_GB else {})
            | ({"public IPv4 address": int(least)} if service.public_address == "ENABLED" else {})
        )
        if any(lookup(each, "CapacityProvider") == "FARGATE_SPOT" for each in items(service.settings, SPOT)):
            self.bill.notes.append(
                f"{path}: tasks on Fargate Spot are counted at the full price; they cost up to 70 % less"
            )

    def _is_on_fargate(self, service: TaskLauncher, definition: Mapping[str, Any]) -> bool:
        """Whether tasks run on Fargate; without a launch type the cluster's strategy decides, or what they can."""
        if service.launch_type is not None:
            return bool(service.launch_type == "FARGATE")
        return _may_be_on_fargate(definition)

    def _least(self, service: TaskLauncher) -> float | None:
        """Return how many tasks of a service always run; `None` if only the deployment knows."""
        for place in self._templates.of_type["AWS::ApplicationAutoScaling::ScalableTarget"]:
            properties = self._templates.properties(place)
            if service.place in self._templates.references(place.stack, properties.get("ResourceId")):
                return number(lookup(properties, "MinCapacity"))
        count = lookup(service.settings, "DesiredCount")
        return None if isinstance(count, Unresolved) else number(1 if count is None else count)


SPOT = "CapacityProviderStrategy"


def _usage(type_: str, properties: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what of a resource depends on use."""
    if type_ == "AWS::SQS::Queue":
        return ("requests to FIFO queues" if is_true(lookup(properties, "FifoQueue")) else "requests to queues",)
    if type_ == "AWS::StepFunctions::StateMachine":
        is_express = lookup(properties, "StateMachineType") == "EXPRESS"
        return ("starts of express state machines" if is_express else "transitions of state machines",)
    return BY_USE.get(type_, ())


def _may_be_on_fargate(definition: Mapping[str, Any]) -> bool:
    compatible = lookup(definition, "RequiresCompatibilities")
    return isinstance(compatible, list) and "FARGATE" in compatible


def _platform(definition: Mapping[str, Any]) -> str:
    """Return how the price of a task's platform differs in its name."""
    if str(lookup(definition, "RuntimePlatform", "OperatingSystemFamily")).startswith("WINDOWS"):
        return " (Windows)"
    return " (Arm)" if lookup(definition, "RuntimePlatform", "CpuArchitecture") == "ARM64" else ""


def _machine(settings: Any) -> Iterator[tuple[str, int]]:  # noqa: ANN401 - a piece of a template
    """Yield what is billed for an instance."""
    yield str(lookup(settings, "InstanceType") or "of an unknown type"), 1
    disks = [lookup(each, "Ebs") for each in items(settings, "BlockDeviceMappings")] or [None]
    for disk in disks:
        yield f"GB of {lookup(disk, 'VolumeType') or 'gp3'}", int(number(lookup(disk, "VolumeSize")) or IMAGE_GB)
    for interface in items(settings, "NetworkInterfaces"):
        if is_true(lookup(interface, "AssociatePublicIpAddress")):
            yield "public IPv4 address", 1


def _alarms(policy: Mapping[str, Any]) -> int:
    """Return how many metrics the alarms read that a policy makes; a step has an alarm of the template."""
    tracking = lookup(policy, "TargetTrackingScalingPolicyConfiguration")
    if tracking is None:
        return 0
    metrics = items(tracking, "CustomizedMetricSpecification", "Metrics") or [{"MetricStat": {}}]
    return ALARMS_OF_A_POLICY * sum("MetricStat" in each for each in metrics)
