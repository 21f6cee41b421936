"""Draws what runs: services, jobs, and task definitions that a person or a program starts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from fargate_constructs._core.fargate_limits import GIB, VCPU
from fargate_constructs.drawing.diagram import Kind, Node, unique
from fargate_constructs.drawing.drawn_triggers import Triggers, when
from fargate_constructs.drawing.names import KNOWN_LATER, Names, counted, plain
from fargate_constructs.synthesized.intrinsics import items, lookup, number
from fargate_constructs.synthesized.task_launchers import TaskLauncher, find_task_launchers
from fargate_constructs.synthesized.templates import Place, Templates

DEFINITION = "AWS::ECS::TaskDefinition"
SCALED = "AWS::ApplicationAutoScaling::ScalableTarget"
LABELS = {
    "AWS::ECS::Service": "ECS service",
    "AWS::ECS::TaskSet": "ECS task set",
    "AWS::Scheduler::Schedule": "Scheduled task",
    "AWS::Events::Rule": "Task on an event",
    "AWS::Pipes::Pipe": "Task on a pipe",
}
MACHINES = ("AWS::StepFunctions::StateMachine", "AWS::Serverless::StateMachine")
PROVIDERS = {"FARGATE": "Fargate", "FARGATE_SPOT": "Fargate Spot"}
STRATEGIES = {"BLUE_GREEN": "blue/green", "CANARY": "canary", "LINEAR": "linear"}


class Tasks(NamedTuple):
    """What runs tasks, and the task definition that they have."""

    node: Node
    definition: Place | None
    launchers: tuple[TaskLauncher, ...]


class DrawnTasks:
    """The cards of an app's tasks."""

    def __init__(self, templates: Templates, names: Names, triggers: Triggers) -> None:
        self._templates, self._names, self._triggers = templates, names, triggers
        cards: dict[Place, list[TaskLauncher]] = {}
        shown: dict[Place, Place] = {}
        for each in find_task_launchers(templates):  # state machines come last
            place = each.place
            if each.definition and not each.is_service:
                first = shown.setdefault(each.definition, place)
                place = first if self._is_machine(place) else place
            cards.setdefault(place, []).append(each)
        self.all = [self._launched(place, found) for place, found in cards.items()]
        started = {each.definition for found in cards.values() for each in found}
        self.all += [self._unlaunched(place) for place in templates.of_type[DEFINITION] if place not in started]

    def _launched(self, place: Place, launchers: list[TaskLauncher]) -> Tasks:
        first = launchers[0]
        is_timed = "ScheduleExpression" in self._templates.properties(place)
        type_ = "AWS::Scheduler::Schedule" if is_timed else self._templates.resource(place)["Type"]
        label = LABELS.get(type_, "Tasks of a state machine")
        if first.is_service:
            how = list(self._of_service(first))
        else:
            started = (each.place for each in launchers)
            how = [fact for each in started for fact in (*when(self._templates, each), *self._triggers.when(each))]
        facts = unique([*how, *(fact for each in launchers for fact in self._size(each.definition))])
        is_only = self._is_machine(place) and len({each.definition for each in launchers}) == 1
        name = self._names.of((is_only and first.definition) or place)
        node = Node(self._names.id(place), Kind.TASKS, label, name, tuple(facts))
        return Tasks(node, first.definition, tuple(launchers))

    def _is_machine(self, place: Place) -> bool:
        return self._templates.resource(place)["Type"] in MACHINES

    def _unlaunched(self, place: Place) -> Tasks:
        custom = [
            each
            for type_ in self._templates.of_type
            if type_.startswith(("Custom::", "AWS::CloudFormation::CustomResource"))
            for each in self._templates.of_type[type_]
            if place in self._templates.references(each.stack, self._templates.properties(each))
        ]
        when = "runs in each deployment of its stack" if custom else "a person or a program starts it"
        facts = (when, *self._size(place))
        return Tasks(Node(self._names.id(place), Kind.TASKS, "Task", self._names.of(place), facts), place, ())

    def _of_service(self, service: TaskLauncher) -> Iterator[str]:
        """Yield how many tasks a service has, where they run, and how it deploys."""
        yield self._count(service)
        providers = {
            plain(each.get("CapacityProvider")): number(each.get("Weight")) or number(each.get("Base")) or 0
            for each in items(service.settings, "CapacityProviderStrategy")
        }
        used = [name for name, weight in providers.items() if weight] or list(providers)
        if used and used != ["FARGATE"]:
            yield "on " + " and ".join(PROVIDERS.get(name, name) for name in used)
        elif lookup(service.settings, "LaunchType") not in (None, "FARGATE"):
            yield f"on {plain(service.settings['LaunchType'])}"
        strategy = plain(lookup(service.settings, "DeploymentConfiguration", "Strategy"))
        controller = lookup(service.settings, "DeploymentController", "Type")
        if strategy in STRATEGIES:
            yield f"{STRATEGIES[strategy]} deployments"
        elif controller == "CODE_DEPLOY":
            yield "deployments by CodeDeploy"

    def _count(self, service: TaskLauncher) -> str:
        for place in self._templates.of_type[SCALED]:
            properties = self._templates.properties(place)
            if service.place in self._templates.references(place.stack, properties.get("ResourceId")):
                low, high = (plain(properties.get(key), KNOWN_LATER) for key in ("MinCapacity", "MaxCapacity"))
                return f"{low} to {high} tasks" if low != high else counted(low, "task")
        return counted(plain(service.settings.get("DesiredCount"), "1"), "task")

    def _size(self, definition: Place | None) -> Iterator[str]:
        """Yield the size of a task and its containers."""
        if definition is None:
            yield "task definition outside of this app"
            return
        properties = self._templates.properties(definition)
        parts = [size_of(properties.get("Cpu"), properties.get("Memory"))]
        architecture = lookup(properties, "RuntimePlatform", "CpuArchitecture")
        parts.append({"ARM64": "Arm", "X86_64": "x86"}.get(str(architecture), ""))
        yield " · ".join(filter(None, parts))
        containers = [plain(each.get("Name")) for each in items(properties, "ContainerDefinitions")]
        if len(containers) > 1:
            yield f"containers: {', '.join(containers)}"


def size_of(cpu: Any, memory: Any) -> str:  # noqa: ANN401 - pieces of a template
    """Return the size of a task, as `0.5 vCPU, 1 GB`; empty if the template has none."""
    units, mib = (number(lookup(each)) for each in (cpu, memory))
    if cpu is None and memory is None:
        return ""
    if units is None or mib is None:
        return f"size {KNOWN_LATER}"
    return f"{units / VCPU:g} vCPU, {mib / GIB:g} GB"
