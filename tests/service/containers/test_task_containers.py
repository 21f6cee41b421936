"""The containers of one task: what each is, what they share, and in which order they start."""

import re
from types import MappingProxyType
from typing import Any

import pytest
from aws_cdk import CfnParameter, Fn, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ssm as ssm
from aws_cdk.assertions import Template

from fargate_constructs import FargateService, RestartPolicy
from fargate_constructs.network.network import Network
from fargate_constructs.service.fargate_task import FargateTask

REDIS = ecs.ContainerImage.from_registry("public.ecr.aws/docker/library/redis:7-alpine")
PING = ecs.HealthCheck(command=["CMD", "redis-cli", "ping"])
TOKEN = ecs.Secret.from_ssm_parameter(
    ssm.StringParameter.from_secure_string_parameter_attributes(Stack(), "Token", parameter_name="/token")
)
START, HEALTHY, COMPLETE, SUCCESS = (
    ecs.ContainerDependencyCondition[name] for name in ("START", "HEALTHY", "COMPLETE", "SUCCESS")
)


@pytest.fixture
def web(stack: Stack, network: Network, image: ecs.ContainerImage) -> FargateTask:
    """A task of 256 CPU units and 512 MiB whose main container is called web and logs events of many lines."""
    return FargateTask(
        stack,
        "Web",
        network=network,
        image=image,
        multiline_pattern=r"^\d{4}-",
        system_controls=[ecs.SystemControl(namespace="net.core.somaxconn", value="1")],
    )


def containers_of(stack: Stack) -> dict[str, dict[str, Any]]:
    """Return the containers of the stack's one task by name."""
    (definition,) = Template.from_stack(stack).find_resources("AWS::ECS::TaskDefinition").values()
    return {each["Name"]: each for each in definition["Properties"]["ContainerDefinitions"]}


def test_a_sidecar_starts_first(stack: Stack, web: FargateTask) -> None:
    """The main container waits until it is healthy, or has started if it has no check; each has a log of its own."""
    web.add_sidecar("cache", image=REDIS, health_check=PING)
    web.add_sidecar(
        "metrics", image=REDIS, essential=False, environment={"A": "b"}, command=["run"], multiline_pattern=r"^\S"
    )

    containers = containers_of(stack)
    assert containers["web"]["DependsOn"] == [
        {"Condition": "HEALTHY", "ContainerName": "cache"},
        {"Condition": "START", "ContainerName": "metrics"},
    ]
    assert (containers["cache"]["Essential"], containers["metrics"]["Essential"]) == (True, False)
    assert containers["cache"]["LogConfiguration"]["Options"]["awslogs-stream-prefix"] == "cache"
    assert containers["cache"]["LinuxParameters"]["InitProcessEnabled"] is True
    assert containers["metrics"]["Environment"] == [{"Name": "A", "Value": "b"}]
    patterns = {
        name: each["LogConfiguration"]["Options"].get("awslogs-multiline-pattern") for name, each in containers.items()
    }
    assert patterns == {"web": r"^\d{4}-", "cache": None, "metrics": r"^\S"}


@pytest.mark.parametrize("condition", [COMPLETE, SUCCESS])
def test_a_sidecar_may_have_to_end_first(
    stack: Stack, web: FargateTask, condition: ecs.ContainerDependencyCondition
) -> None:
    """One whose end is waited for is not essential: the task would stop with it."""
    web.add_sidecar("settings", image=REDIS, condition=condition)

    containers = containers_of(stack)
    assert containers["web"]["DependsOn"] == [{"Condition": condition.name, "ContainerName": "settings"}]
    assert containers["settings"]["Essential"] is False


def test_a_sidecar_may_wait_for_others(stack: Stack, web: FargateTask) -> None:
    """For the main container, too, which then does not wait for it; nor for one that waits for it through another."""
    web.add_sidecar("cache", image=REDIS, health_check=PING)
    web.add_sidecar("warmer", image=REDIS, depends_on={"cache": HEALTHY, "web": START}, essential=False)
    web.add_sidecar("reporter", image=REDIS, depends_on={"warmer": SUCCESS})

    containers = containers_of(stack)
    assert containers["web"]["DependsOn"] == [{"Condition": "HEALTHY", "ContainerName": "cache"}]
    assert containers["warmer"]["DependsOn"] == [
        {"Condition": "HEALTHY", "ContainerName": "cache"},
        {"Condition": "START", "ContainerName": "web"},
    ]
    assert containers["reporter"]["DependsOn"] == [{"Condition": "SUCCESS", "ContainerName": "warmer"}]


def test_a_sidecar_gets_its_share(stack: Stack, web: FargateTask) -> None:
    """Of CPU and memory, kept for it or as a limit."""
    web.add_sidecar("cache", image=REDIS, cpu=64, memory_limit_mib=256, memory_reservation_mib=128)
    web.add_sidecar("agent", image=REDIS, memory_limit_mib=383)

    containers = containers_of(stack)
    assert (containers["cache"]["Cpu"], containers["cache"]["Memory"], containers["cache"]["MemoryReservation"]) == (
        64,
        256,
        128,
    )
    assert containers["agent"]["Memory"] == 383


def test_a_sidecar_is_any_container(stack: Stack, web: FargateTask) -> None:
    """With the arguments of the main one."""
    web.add_sidecar(
        "proxy",
        image=REDIS,
        entry_point=["/bin/sh", "-c"],
        working_directory="/srv",
        user="1000:1000",
        init_process_enabled=False,
        read_only=True,
        writable_paths=["/tmp"],  # noqa: S108 - a path in a container
    )

    proxy = containers_of(stack)["proxy"]
    assert (proxy["EntryPoint"], proxy["WorkingDirectory"], proxy["User"]) == (["/bin/sh", "-c"], "/srv", "1000:1000")
    assert proxy["ReadonlyRootFilesystem"] is True
    assert proxy["LinuxParameters"]["InitProcessEnabled"] is False
    assert [mount["SourceVolume"] for mount in proxy["MountPoints"]] == [
        "proxy-var-lib-amazon",
        "proxy-var-log-amazon",
        "proxy-tmp",
    ]


def test_volumes_have_names_of_their_own(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Also where two paths read the same without their punctuation; one path written twice is one volume."""
    FargateTask(stack, "Web", network=network, image=image, writable_paths=["/a-b", "/a/b", "/srv", "/srv/"])

    (definition,) = Template.from_stack(stack).find_resources("AWS::ECS::TaskDefinition").values()
    first, second, third = (volume["Name"] for volume in definition["Properties"]["Volumes"])
    assert (first, third) == ("web-a-b", "web-srv")
    assert second.startswith("web-a-b-")


def test_the_volume_of_a_path_known_only_when_deployed(
    stack: Stack, network: Network, image: ecs.ContainerImage
) -> None:
    """It has the same name in each synthesis, however many tokens there are before it."""
    folder = CfnParameter(stack, "Folder")
    for number in (1, 2):
        path = Fn.join("", [folder.value_as_string])  # another token each time
        FargateTask(stack, f"Web{number}", network=network, image=image, name="web", writable_paths=[path])

    tasks = Template.from_stack(stack).find_resources("AWS::ECS::TaskDefinition").values()
    first, second = (task["Properties"]["Volumes"] for task in tasks)
    assert first == second


def test_sequences_and_mappings_of_other_types(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Tuples and read-only mappings are what lists and dicts are."""
    FargateTask(
        stack,
        "Web",
        network=network,
        image=image,
        command=("serve",),
        entry_point=("/entry",),
        environment=MappingProxyType({"A": "1"}),
        secrets=MappingProxyType({"TOKEN": TOKEN}),
        docker_labels=MappingProxyType({"team": "shop"}),
    )

    (task,) = Template.from_stack(stack).find_resources("AWS::ECS::TaskDefinition").values()
    (container,) = task["Properties"]["ContainerDefinitions"]
    assert (container["Command"], container["EntryPoint"]) == (["serve"], ["/entry"])
    assert (container["Environment"], container["DockerLabels"]) == ([{"Name": "A", "Value": "1"}], {"team": "shop"})
    assert [secret["Name"] for secret in container["Secrets"]] == ["TOKEN"]


def test_a_share_known_only_when_deployed_passes(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """A token cannot be added up."""
    memory = CfnParameter(stack, "Memory", type="Number").value_as_number
    task = FargateTask(stack, "Web", network=network, image=image)

    task.add_sidecar("cache", image=REDIS, memory_limit_mib=memory)  # type: ignore[arg-type]

    assert containers_of(stack)["cache"]["Memory"] == {"Ref": "Memory"}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": "web"}, "name must differ from the task's other containers, got: 'web'"),
    ({"name": "cache"}, "name must differ from the task's other containers, got: 'cache'"),
    ({"name": "LogRouter"}, "name must differ from the task's other containers, got: 'LogRouter'"),  # made by the L2
    ({"name": "my cache"}, "name holds at most 255 letters, digits, hyphens and underscores, got: 'my cache'"),
    ({"condition": HEALTHY}, "condition HEALTHY needs a health_check, got none"),
    ({"condition": SUCCESS, "essential": True}, "waits for its end (SUCCESS), got: True"),
    ({"depends_on": {"web": START}, "condition": START}, "in a circle, got: web -> new -> web; leave out a dependency"),
    ({"depends_on": {"other": START}}, "depends_on must name containers of the task (web, cache, agent), got: 'other'"),
    ({"depends_on": {"cache": COMPLETE}}, "not wait for the end of an essential container, got: 'cache' COMPLETE"),
    (
        {"depends_on": {"agent": COMPLETE}},
        "not wait for the end of a container that ECS restarts, got: 'agent' COMPLETE; write RestartPolicy(ignored",
    ),
    ({"depends_on": {"cache": HEALTHY}}, "depends_on HEALTHY needs a container with a health_check, got: 'cache'"),
    ({"memory_limit_mib": 256}, "task's memory_limit_mib=512 to the main container, got: cache 256 + new 256"),
    ({"cpu": 300}, "sidecars must leave some of the task's cpu=256 to the main container, got: new 300"),
    ({"cpu": -5}, "cpu must be at least 2, got: -5"),
    ({"memory_limit_mib": 5}, "memory_limit_mib must be 6 to 512, got: 5"),
    ({"memory_limit_mib": 513, "memory_reservation_mib": 64}, "memory_limit_mib must be 6 to 512, got: 513"),
    ({"memory_limit_mib": 64, "memory_reservation_mib": 65}, "memory_reservation_mib must be 6 to 64, got: 65"),
    ({"writable_paths": ["tmp"]}, "writable_paths must be absolute folders"),
    ({"environment": {"TOKEN": "a"}, "secrets": {"TOKEN": TOKEN}}, "must not share a name, got in both: TOKEN"),
    (
        {"condition": SUCCESS, "restart_policy": RestartPolicy()},
        "must ignore exit code 0 if another container waits for the end of this one (SUCCESS), got: RestartPolicy(",
    ),
    (
        {"system_controls": [ecs.SystemControl(namespace="net.core.somaxconn", value="2")]},
        "got net.core.somaxconn = '2' for 'new' and '1' for 'web'; write it for one of them",
    ),
    ({"environment": {"": "2"}}, "environment and secrets must have names without '=' and white space, got: ''"),
    ({"environment": {"A B": "2"}}, "must have names without '=' and white space, got: 'A B'"),
    ({"secrets": {"A=B": TOKEN}}, "environment and secrets must have names without '=' and white space, got: 'A=B'"),
]


def test_what_could_not_start_is_refused(stack: Stack, web: FargateTask) -> None:
    """The task stays as it was, and what was refused takes no share of it."""
    web.task_definition.add_container("LogRouter", image=REDIS)
    same = ecs.SystemControl(namespace="net.core.somaxconn", value="1")
    web.add_sidecar("cache", image=REDIS, memory_limit_mib=256, system_controls=[same])
    web.add_sidecar("agent", image=REDIS, essential=False, restart_policy=RestartPolicy())

    for arguments, message in REFUSED:
        with pytest.raises(ValueError, match=re.escape(message)):
            web.add_sidecar(**{"name": "new", "image": REDIS, **arguments})
    assert web.add_sidecar("last", image=REDIS, cpu=255, memory_limit_mib=255)
    assert containers_of(stack).keys() == {"web", "LogRouter", "cache", "agent", "last"}


def test_a_circle_made_with_the_l2_fails_synthesis(stack: Stack, web: FargateTask) -> None:
    """ECS would find it only when it starts the task."""
    cache = web.add_sidecar("cache", image=REDIS)
    cache.add_container_dependencies(ecs.ContainerDependency(container=web.container, condition=START))

    with pytest.raises(RuntimeError, match="containers wait for each other in a circle: web -> cache -> web"):
        Template.from_stack(stack)


def test_services_have_sidecars_too(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Of a service's containers, only the main one is reached from outside."""
    FargateService(stack, "Web", network=network, image=image).add_sidecar("cache", image=REDIS)

    containers = containers_of(stack)
    assert containers["web"]["PortMappings"]
    assert "PortMappings" not in containers["cache"]
