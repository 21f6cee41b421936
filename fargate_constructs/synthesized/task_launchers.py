"""Reads an app's templates; returns what starts tasks: services, schedules, rules, pipes and state machines."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from fargate_constructs.synthesized.intrinsics import Unresolved, is_intrinsic, items, lookup, pieces, unresolved_in
from fargate_constructs.synthesized.templates import Place, Templates

FARGATE = ("FARGATE", "FARGATE_SPOT")
# https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html and
# https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
RUN_TASK = re.compile(r"arn:.+:states:.*:(aws-sdk:)?ecs:runTask(\..+)?")
# The keys of a state with other states in it: https://states-language.net/#parallel-state, #map-state
NESTED_MACHINES = ("Branches", "ItemProcessor", "Iterator")
# A text, or outside of texts a substitution, such as of a number, which is no JSON.
TEXT_OR_SUBSTITUTION = re.compile(r'"(?:[^"\\]|\\.)*"|\$\{\w+\}')


class TaskLauncher(NamedTuple):
    """A service, a task set, a target of a schedule, rule or pipe, or a state of a state machine that runs tasks."""

    place: Place
    settings: dict[str, Any]
    """The properties of the service or task set, the target's parameters for ECS, or the state's."""
    task_definition: Any
    """How the template refers to the task definition."""
    definition: Place | None
    """The task definition, if it is in the app."""
    is_service: bool
    """Whether it is a service, and not a task set or tasks that run to their end."""

    @property
    def network(self) -> Any:  # noqa: ANN401 - a piece of a template
        """The subnets, security groups and public address that tasks get."""
        configuration = lookup(self.settings, "NetworkConfiguration")
        # The property of EventBridge rules and task sets has another name.
        return lookup(configuration, "AwsVpcConfiguration") or lookup(configuration, "AwsvpcConfiguration")

    @property
    def subnets(self) -> list[Any]:
        """References to the subnets of the tasks; empty if only the deployment knows them."""
        subnets = lookup(self.network, "Subnets")
        return subnets if isinstance(subnets, list) else []

    @property
    def security_groups(self) -> list[Any]:
        """References to the security groups of the tasks; empty if only the deployment knows them."""
        groups = lookup(self.network, "SecurityGroups")
        return groups if isinstance(groups, list) else []

    @property
    def public_address(self) -> Any:  # noqa: ANN401 - a piece of a template
        """`ENABLED` or `DISABLED`; `None` means the latter."""
        return lookup(self.network, "AssignPublicIp")

    @property
    def launch_type(self) -> Any:  # noqa: ANN401 - a piece of a template
        """`FARGATE`, `EC2` or `EXTERNAL`; `None` if the cluster decides; `Unresolved` if only the deployment knows."""
        strategy = lookup(self.settings, "CapacityProviderStrategy")
        if not isinstance(strategy, list) or not strategy:
            return strategy or lookup(self.settings, "LaunchType")
        providers = [lookup(each, "CapacityProvider") for each in strategy]
        if any(each in FARGATE for each in providers):
            return "FARGATE"
        return next((each for each in providers if isinstance(each, Unresolved)), "EC2")


def find_task_launchers(templates: Templates) -> Iterator[TaskLauncher]:
    """Yield what starts tasks.

    A template does not show what a program starts, nor a state machine whose definition is a file in S3. AWS Batch has
    task definitions of its own.
    """
    families = {
        (templates.environment(place.stack), templates.text(place.stack, family)): place
        for place in templates.of_type["AWS::ECS::TaskDefinition"]
        if (family := templates.properties(place).get("Family"))
    }
    for place, settings, key in _candidates(templates):
        is_service = templates.resource(place)["Type"] == "AWS::ECS::Service"
        if not isinstance(settings, dict) or (key not in settings and not is_service):
            continue
        reference = settings.get(key)
        definition = templates.locate(place.stack, reference, "AWS::ECS::TaskDefinition")
        if definition is None and reference is not None:
            # A family, perhaps with a revision, perhaps at the end of an ARN.
            family = templates.text(place.stack, reference).rpartition("/")[2].partition(":")[0]
            definition = families.get((templates.environment(place.stack), family))
        yield TaskLauncher(place, settings, reference, definition, is_service)


def _candidates(templates: Templates) -> Iterator[tuple[Place, Any, str]]:
    """Yield what may start tasks, its settings, and the key of the task definition in them."""
    for type_ in ("AWS::ECS::Service", "AWS::ECS::TaskSet"):
        for place in templates.of_type[type_]:
            yield place, templates.properties(place), "TaskDefinition"
    for place in templates.of_type["AWS::Scheduler::Schedule"]:
        yield place, lookup(templates.properties(place), "Target", "EcsParameters"), "TaskDefinitionArn"
    for place in templates.of_type["AWS::Events::Rule"]:
        for target in items(templates.properties(place), "Targets"):
            yield place, lookup(target, "EcsParameters"), "TaskDefinitionArn"
    for place in templates.of_type["AWS::Pipes::Pipe"]:
        parameters = lookup(templates.properties(place), "TargetParameters", "EcsTaskParameters")
        yield place, parameters, "TaskDefinitionArn"
    for place in _machines(templates):
        for state in _states(_definition(templates, place)):
            arguments, resource = state.get("Arguments", state.get("Parameters")), state.get("Resource")
            is_unknown = isinstance(lookup(resource), Unresolved) and isinstance(arguments, dict)
            if is_unknown or RUN_TASK.fullmatch(templates.text(place.stack, resource)):
                yield place, arguments, "TaskDefinition"


def find_unreadable_launchers(templates: Templates) -> Iterator[tuple[Place, Unresolved]]:
    """Yield what may start tasks, and the unresolved value that it depends on."""
    yield from _unreadable_resources(templates)
    for type_, keys, key in (
        ("AWS::Scheduler::Schedule", ("Target",), "EcsParameters"),
        ("AWS::Events::Rule", ("Targets",), "EcsParameters"),
        ("AWS::Pipes::Pipe", ("TargetParameters",), "EcsTaskParameters"),
    ):
        for place in templates.of_type[type_]:
            found = lookup(templates.properties(place), *keys)
            targets = found if isinstance(found, list) else [found]
            yield from ((place, each) for target in targets for each in unresolved_in([target, lookup(target, key)]))
    for place in _machines(templates):
        definition = _definition(templates, place)
        if definition is None:  # such as a file in S3
            yield place, Unresolved("a definition that is not in the template")
        for state in _states(definition):
            value = state if is_intrinsic(state) else state.get("Arguments", state.get("Parameters"))
            if is_intrinsic(state) or RUN_TASK.fullmatch(templates.text(place.stack, state["Resource"])):
                yield from ((place, each) for each in unresolved_in(value))


def _unreadable_resources(templates: Templates) -> Iterator[tuple[Place, Unresolved]]:
    """Yield what adds resources that are in none of the app's templates: macros, modules, stacks from elsewhere."""
    yield from ((place, Unresolved("the output of a macro")) for place in templates.macros)
    for type_ in [each for each in templates.of_type if each.endswith("::MODULE")]:
        yield from ((place, Unresolved(type_)) for place in templates.of_type[type_])
    for place in templates.of_type["AWS::CloudFormation::Stack"]:
        if templates.resource(place):  # else it is a nested stack of the app
            yield place, Unresolved(templates.properties(place).get("TemplateURL"))


def _machines(templates: Templates) -> Iterator[Place]:
    """Yield the state machines; AWS SAM's transform makes some."""
    yield from templates.of_type["AWS::StepFunctions::StateMachine"]
    yield from templates.of_type["AWS::Serverless::StateMachine"]


def _definition(templates: Templates, machine: Place) -> Any:  # noqa: ANN401 - a piece of a template
    """Return a state machine's definition, with references to resources; `None` if it cannot be read."""
    properties = templates.properties(machine)
    substitutions = lookup(properties, "DefinitionSubstitutions")
    values = dict(substitutions) if isinstance(substitutions, dict) else {}
    definition = properties.get("Definition")
    if definition is None:
        text = ""
        for piece in pieces(properties.get("DefinitionString")):
            name = f"Piece{len(values)}"
            values |= {} if isinstance(piece, str) else {name: piece}
            text += piece if isinstance(piece, str) else f"${{{name}}}"
        try:
            definition = json.loads(TEXT_OR_SUBSTITUTION.sub(_quoted, text))
        except ValueError:
            return None
    return _with_references(definition, values)


def _quoted(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else json.dumps(found[0])


def _with_references(value: Any, values: dict[str, Any]) -> Any:  # noqa: ANN401 - a piece of a template
    """Return a definition with references in the place of substitutions and of the state's input."""
    match value:
        case dict() if not is_intrinsic(value):
            return {
                key.removesuffix(".$"): {"Ref": each} if key.endswith(".$") else _with_references(each, values)
                for key, each in value.items()
            }
        case list():
            return [_with_references(each, values) for each in value]
        case str() if value.startswith("{%"):
            return {"Ref": value}
        case str():
            put = pieces({"Fn::Sub": [value, values]})
            return put[0] if len(put) == 1 else {"Fn::Join": ["", put]}
    return value


def _states(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a piece of a template
    """Yield the states that call a resource, of a definition or a state, and what is unresolved in place of states."""
    match value:
        case dict() if is_intrinsic(value):
            yield value
        case dict():
            if "Resource" in value:
                yield value
            states = value.get("States")
            by_name = states if isinstance(states, dict) and not is_intrinsic(states) else {"": states}
            yield from _states(list(by_name.values()))
            yield from _states([value[key] for key in NESTED_MACHINES if key in value])
        case list():
            for each in value:
                yield from _states(each)
