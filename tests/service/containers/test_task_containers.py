"""The containers of one task: what each is, what they share, and in which order they start."""

import re
from types import MappingProxyType
from typing import Any

import pytest
from aws_cdk import CfnParameter, Fn, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ssm as ssm
from aws_cdk.assertions import Template

from fargate_constructs import RestartPolicy
from fargate_constructs.network.network import Network
from fargate_constructs.service.fargate_task import FargateTask
from tests.modes.made_elsewhere import IMAGE
from tests.shared_stack import Part, Steps, in_shared_stack

REDIS = ecs.ContainerImage.from_registry("public.ecr.aws/docker/library/redis:7-alpine")
PING = ecs.HealthCheck(command=["CMD", "redis-cli", "ping"])
TOKEN = ecs.Secret.from_ssm_parameter(
    ssm.StringParameter.from_secure_string_parameter_attributes(Stack(), "Token", parameter_name="/token")
)
START, HEALTHY, COMPLETE, SUCCESS = (
    ecs.ContainerDependencyCondition[name] for name in ("START", "HEALTHY", "COMPLETE", "SUCCESS")
)


def web_in(part: Part, **options: Any) -> FargateTask:  # noqa: ANN401 - what the task takes
    """Return a task of 256 CPU units and 512 MiB whose main container is called web."""
    return part.make(FargateTask, "Web", **options)


def containers_of(part: Part, task: FargateTask) -> dict[str, dict[str, Any]]:
    """Return the containers of a task by name."""
    return {each["Name"]: each for each in part.of(task.task_definition)["ContainerDefinitions"]}


@in_shared_stack
def test_a_sidecar_starts_first(part: Part) -> Steps:
    """The main container waits until it is healthy, or has started if it has no check; each has a log of its own."""
    web = web_in(part, multiline_pattern=r"^\d{4}-")
    web.add_sidecar("cache", image=REDIS, health_check=PING)
    web.add_sidecar(
        "metrics", image=REDIS, essential=False, environment={"A": "b"}, command=["run"], multiline_pattern=r"^\S"
    )
    yield
    containers = containers_of(part, web)
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


@in_shared_stack
@pytest.mark.parametrize("condition", [COMPLETE, SUCCESS])
def test_a_sidecar_may_have_to_end_first(part: Part, condition: ecs.ContainerDependencyCondition) -> Steps:
    """One whose end is waited for is not essential: the task would stop with it."""
    web = web_in(part)
    web.add_sidecar("settings", image=REDIS, condition=condition)
    yield
    containers = containers_of(part, web)
    assert containers["web"]["DependsOn"] == [{"Condition": condition.name, "ContainerName": "settings"}]
    assert containers["settings"]["Essential"] is False


@in_shared_stack
def test_a_sidecar_may_wait_for_others(part: Part) -> Steps:
    """For the main container, too, which then does not wait for it; nor for one that waits for it through another."""
    web = web_in(part)
    web.add_sidecar("cache", image=REDIS, health_check=PING)
    web.add_sidecar("warmer", image=REDIS, depends_on={"cache": HEALTHY, "web": START}, essential=False)
    web.add_sidecar("reporter", image=REDIS, depends_on={"warmer": SUCCESS})
    yield
    containers = containers_of(part, web)
    assert containers["web"]["DependsOn"] == [{"Condition": "HEALTHY", "ContainerName": "cache"}]
    assert containers["warmer"]["DependsOn"] == [
        {"Condition": "HEALTHY", "ContainerName": "cache"},
        {"Condition": "START", "ContainerName": "web"},
    ]
    assert containers["reporter"]["DependsOn"] == [{"Condition": "SUCCESS", "ContainerName": "warmer"}]


@in_shared_stack
def test_a_sidecar_gets_its_share(part: Part) -> Steps:
    """Of CPU and memory, kept for it or as a limit."""
    web = web_in(part)
    web.add_sidecar("cache", image=REDIS, cpu=64, memory_limit_mib=256, memory_reservation_mib=128)
    web.add_sidecar("agent", image=REDIS, memory_limit_mib=383)
    yield
    containers = containers_of(part, web)
    assert (containers["cache"]["Cpu"], containers["cache"]["Memory"], containers["cache"]["MemoryReservation"]) == (
        64,
        256,
        128,
    )
    assert containers["agent"]["Memory"] == 383


@in_shared_stack
def test_a_sidecar_is_any_container(part: Part) -> Steps:
    """With the arguments of the main one."""
    web = web_in(part)
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
    yield
    proxy = containers_of(part, web)["proxy"]
    assert (proxy["EntryPoint"], proxy["WorkingDirectory"], proxy["User"]) == (["/bin/sh", "-c"], "/srv", "1000:1000")
    assert proxy["ReadonlyRootFilesystem"] is True
    assert proxy["LinuxParameters"]["InitProcessEnabled"] is False
    assert [mount["SourceVolume"] for mount in proxy["MountPoints"]] == [
        "proxy-var-lib-amazon",
        "proxy-var-log-amazon",
        "proxy-tmp",
    ]


@in_shared_stack
def test_volumes_have_names_of_their_own(part: Part) -> Steps:
    """Also where two paths read the same without their punctuation; one path written twice is one volume."""
    web = web_in(part, writable_paths=["/a-b", "/a/b", "/srv", "/srv/"])
    yield
    first, second, third = (volume["Name"] for volume in part.of(web.task_definition)["Volumes"])
    assert (first, third) == ("web-a-b", "web-srv")
    assert second.startswith("web-a-b-")


@in_shared_stack
def test_the_volume_of_a_path_known_only_when_deployed(part: Part) -> Steps:
    """It has the same name in each synthesis, however many tokens there are before it."""
    folder = CfnParameter(part, "Folder")
    tasks = [
        # Another token each time.
        part.make(FargateTask, id_, name="web", writable_paths=[Fn.join("", [folder.value_as_string])])
        for id_ in ("Web", "Again")
    ]
    yield
    first, second = (part.of(each.task_definition)["Volumes"] for each in tasks)
    assert first == second


@in_shared_stack
def test_sequences_and_mappings_of_other_types(part: Part) -> Steps:
    """Tuples and read-only mappings are what lists and dicts are."""
    web = web_in(
        part,
        command=("serve",),
        entry_point=("/entry",),
        environment=MappingProxyType({"A": "1"}),
        secrets=MappingProxyType({"TOKEN": TOKEN}),
        docker_labels=MappingProxyType({"team": "shop"}),
    )
    yield
    (container,) = part.of(web.task_definition)["ContainerDefinitions"]
    assert (container["Command"], container["EntryPoint"]) == (["serve"], ["/entry"])
    assert (container["Environment"], container["DockerLabels"]) == ([{"Name": "A", "Value": "1"}], {"team": "shop"})
    assert [secret["Name"] for secret in container["Secrets"]] == ["TOKEN"]


@in_shared_stack
def test_a_share_known_only_when_deployed_passes(part: Part) -> Steps:
    """A token cannot be added up."""
    memory = CfnParameter(part, "Memory", type="Number").value_as_number
    web = web_in(part)
    web.add_sidecar("cache", image=REDIS, memory_limit_mib=memory)  # type: ignore[arg-type]
    yield
    assert containers_of(part, web)["cache"]["Memory"] == part.resolve(memory)


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


@in_shared_stack
def test_what_could_not_start_is_refused(part: Part) -> Steps:
    """The task stays as it was, and what was refused takes no share of it."""
    same = ecs.SystemControl(namespace="net.core.somaxconn", value="1")
    web = web_in(part, system_controls=[same])
    web.task_definition.add_container("LogRouter", image=REDIS)
    web.add_sidecar("cache", image=REDIS, memory_limit_mib=256, system_controls=[same])
    web.add_sidecar("agent", image=REDIS, essential=False, restart_policy=RestartPolicy())

    for arguments, message in REFUSED:
        with pytest.raises(ValueError, match=re.escape(message)):
            web.add_sidecar(**{"name": "new", "image": REDIS, **arguments})
    assert web.add_sidecar("last", image=REDIS, cpu=255, memory_limit_mib=255)
    yield
    assert containers_of(part, web).keys() == {"web", "LogRouter", "cache", "agent", "last"}


def test_a_circle_made_with_the_l2_fails_synthesis(stack: Stack, network: Network) -> None:
    """ECS would find it only when it starts the task."""
    web = FargateTask(stack, "Web", network=network, image=IMAGE)
    cache = web.add_sidecar("cache", image=REDIS)
    cache.add_container_dependencies(ecs.ContainerDependency(container=web.container, condition=START))

    with pytest.raises(RuntimeError, match="containers wait for each other in a circle: web -> cache -> web"):
        Template.from_stack(stack)


@in_shared_stack
def test_services_have_sidecars_too(part: Part) -> Steps:
    """Of a service's containers, only the main one is reached from outside."""
    web = part.service("Web")
    web.add_sidecar("cache", image=REDIS)
    yield
    containers = containers_of(part, web)
    assert containers["web"]["PortMappings"]
    assert "PortMappings" not in containers["cache"]
