"""What only AWS would refuse: too many containers, shared ports, clusters without capacity, unknown time zones."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from aws_cdk import App, Stack, TimeZone, Token
from aws_cdk import aws_applicationautoscaling as applicationautoscaling
from aws_cdk import aws_ecs as ecs

from fargate_constructs import Capacity, FargateService, FireLens, Job
from fargate_constructs._core import time_zones
from fargate_constructs._core.time_zones import wrong_time_zone
from fargate_constructs.network.network import Network
from tests.modes.made_elsewhere import IMAGE, network_in

Change = Callable[[FargateService], object]


def port(service: FargateService, name: str, **mapping: Any) -> None:  # noqa: ANN401 - of the L2
    """Add a sidecar with a port mapping."""
    sidecar = service.add_sidecar(name, image=IMAGE)
    sidecar.add_port_mappings(ecs.PortMapping(**{"container_port": 8080, **mapping}))


def ports_in_a_range(service: FargateService) -> None:
    """Add two sidecars, one with a range that has the other's port."""
    port(service, "many", container_port=0, container_port_range="8000-8100")
    port(service, "one")


def collector(service: FargateService) -> None:
    """Run a collector, which listens on 4317, beside a container that does."""
    service.add_opentelemetry()
    port(service, "one", container_port=4317)


def mapped_twice(service: FargateService) -> None:
    """Map one port twice in one container, by the L2 construct."""
    definition = cast(ecs.CfnTaskDefinition, service.task_definition.node.default_child)
    definition.add_property_override("ContainerDefinitions.0.PortMappings.1", {"ContainerPort": 80, "Name": "web"})


def a_reachable_collector(service: FargateService) -> None:
    """Map a port of the collector, so that other tasks reach it."""
    service.add_opentelemetry().add_port_mappings(ecs.PortMapping(name="otlp", container_port=4318))


def known_when_deployed(service: FargateService) -> None:
    """Let only the deployment know a port, and a list of containers."""
    port(service, "one", container_port=int(Token.as_number({"Ref": "Port"})))
    port(service, "two", container_port=int(Token.as_number({"Ref": "Port"})))


def no_range(service: FargateService) -> None:
    """Give a container what is no range of ports."""
    definition = cast(ecs.CfnTaskDefinition, service.task_definition.node.default_child)
    definition.add_property_override("ContainerDefinitions.0.PortMappings.0.ContainerPortRange", "many")


def sidecars(service: FargateService, number: int = 9) -> None:
    """Add sidecars by the L2 construct."""
    for each in range(number):
        service.task_definition.add_container(f"more{each}", image=IMAGE)


def at_night(service: FargateService, zone: str) -> None:
    """Run fewer tasks at night."""
    service.scalable_task_count.scale_on_schedule(
        "Night",
        schedule=applicationautoscaling.Schedule.cron(hour="22", minute="0"),
        time_zone=TimeZone.of(zone),
        min_capacity=1,
        max_capacity=1,
    )


def associate(service: FargateService, providers: object) -> None:
    """Associate the service's cluster with capacity providers, as the L1 construct does."""
    association = ecs.CfnClusterCapacityProviderAssociations(
        service,
        "Providers",
        cluster=service.cluster.cluster_name,
        capacity_providers=[],
        default_capacity_provider_strategy=[],
    )
    association.add_property_override("CapacityProviders", providers)


# By the service's name: what is done to it, and what is found.
SERVICES: dict[str, tuple[Change, str]] = {
    "Ten": (sidecars, ""),
    "Eleven": (partial(sidecars, number=10), "at most 10 containers, got 11: eleven, more0, more1"),
    "TwoPorts": (partial(port, name="admin"), ""),
    "SamePort": (partial(port, name="proxy", container_port=80), "got: 80 for 'same-port' and 'proxy', which share"),
    "OtherProtocol": (partial(port, name="dns", container_port=80, protocol=ecs.Protocol.UDP), "got: 80 for 'other"),
    "Range": (ports_in_a_range, "got: 8080 for 'many' and 'one'"),
    "Collector": (collector, "got: 4317 for 'opentelemetry' and 'one'"),
    "Reachable": (a_reachable_collector, ""),
    "Twice": (mapped_twice, "got: 80 twice for 'twice'; ECS takes a port once"),
    "Unknown": (known_when_deployed, ""),
    "NoRange": (no_range, ""),
    "Berlin": (partial(at_night, zone="Europe/Berlin"), ""),
    "Belin": (partial(at_night, zone="Europe/Belin"), "got: 'Europe/Belin'; write TimeZone.of('Europe/Berlin')"),
    "AnyZone": (partial(at_night, zone=Token.as_string({"Ref": "Zone"})), ""),
}
PLAIN: dict[str, tuple[Change, str]] = {
    "NoProvider": (lambda _: None, "NoProvider must run on capacity providers of its cluster, got: FARGATE, FARGATE_S"),
    "OneProvider": (partial(associate, providers=["FARGATE"]), "got: FARGATE_SPOT, which Test/OneProviderCluster does"),
    "Associated": (partial(associate, providers=["FARGATE", "FARGATE_SPOT"]), ""),
    "KnownWhenDeployed": (partial(associate, providers={"Ref": "Providers"}), ""),
}


@pytest.fixture(scope="module")
def found() -> dict[str, list[str]]:
    """What synthesis finds, by the ID of the service."""
    app = App()
    stack = Stack(app, "Test")
    network = network_in(stack)
    shared = ecs.Cluster(stack, "Shared", vpc=network.vpc)
    for name, (change, _) in SERVICES.items():
        change(FargateService(stack, name, network=network, cluster=shared, image=IMAGE, memory_limit_mib=1024))
    for name, (change, _) in PLAIN.items():
        cluster = ecs.Cluster(stack, f"{name}Cluster", vpc=network.vpc)
        change(FargateService(stack, name, network=network, cluster=cluster, image=IMAGE, capacity=Capacity.spot()))
    enabled = ecs.Cluster(stack, "Enabled", vpc=network.vpc, enable_fargate_capacity_providers=True)
    Job(stack, "Fine", network=network, cluster=enabled, image=IMAGE, capacity=Capacity.spot(on_demand_base=0))
    Job(stack, "Alone", network=network, cluster=shared, image=IMAGE, capacity=Capacity.on_demand())
    ecs.FargateTaskDefinition(stack, "Other").add_container("other", image=IMAGE)
    router = FireLens.to("loki", options={"host": "loki.example.com"})
    FargateService(stack, "Router", network=network, cluster=shared, image=IMAGE, log_router=router, port=24224)

    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    (report,) = json.loads(Path(app.outdir, "validation-report.json").read_text())["pluginReports"]
    violations: dict[str, list[str]] = {}
    for each in report["violations"]:
        name = each["violatingConstructs"][0]["constructPath"].removeprefix("Test/")
        violations.setdefault(name, []).append(each["description"])
    return violations


@pytest.mark.parametrize(
    ("name", "message"),
    [
        *((name, message) for name, (_, message) in (SERVICES | PLAIN).items()),
        ("Fine", ""),
        ("Alone", "Alone must run on capacity providers of its cluster, got: FARGATE, which Test/Shared"),
        ("Router", "got: 24224 for 'LogRouter' and 'router'"),
    ],
)
def test_synthesis_refuses_what_aws_refuses(found: dict[str, list[str]], name: str, message: str) -> None:
    """Ten containers, a port each, capacity that the cluster has, and time zones that exist are accepted."""
    messages = found.get(name, [])

    assert len(messages) == bool(message)
    assert message in "".join(messages)


def test_an_eleventh_container_is_refused_at_once(stack: Stack, network: Network) -> None:
    """Containers that the L2 construct added count, too."""
    web = FargateService(stack, "Web", network=network, image=IMAGE)
    sidecars(web, 8)
    web.add_sidecar("tenth", image=IMAGE)

    with pytest.raises(ValueError, match=r"at most 10 containers, got 11: web, more0, .*, tenth, last; run some of"):
        web.add_sidecar("last", image=IMAGE)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Asia/Calcutta", ""),
        ("UTC", ""),
        (Token.as_string({"Ref": "Zone"}), ""),
        ("europe/berlin", "write TimeZone.of('Europe/Berlin')"),
        ("utc", "write TimeZone.of('UTC')"),
        ("PST", "got: 'PST'; write one such as TimeZone.EUROPE_BERLIN"),
        ("GMT+1", "got: 'GMT+1'; write one such as TimeZone.EUROPE_BERLIN"),
        ("Mars", "got: 'Mars'; write one such as TimeZone.EUROPE_BERLIN"),
        ("", "got: ''; write one such as TimeZone.EUROPE_BERLIN"),
    ],
)
def test_names_of_time_zones(name: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old names are accepted, another time is never proposed, and a machine without the database accepts all."""
    monkeypatch.setattr(time_zones, "_zones", lambda: {"Asia/Calcutta", "Etc/GMT+1", "Europe/Berlin", "MST", "UTC"})
    assert message in wrong_time_zone(name)
    assert bool(wrong_time_zone(name)) == bool(message)

    monkeypatch.setattr(time_zones, "_zones", set)
    assert wrong_time_zone(name) == ""
