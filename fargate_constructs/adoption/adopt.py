"""Gives constructs the logical IDs of resources that are deployed."""

import difflib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import jsii
from aws_cdk import AspectPriority, Aspects, CfnResource, IAspect, Stack
from constructs import Construct, IConstruct, IValidation

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.construct_paths import path_of, stack_of
from fargate_constructs.adoption.adoption_file import HOW_TO_WRITE, AdoptionFile, Place, read_adoption_file

ID = "Adoption"
SHOWN = 3


@checked
def adopt(stack: Stack, file: Path | str) -> None:
    """Give the constructs of a stack the logical IDs of resources that are deployed, so that CloudFormation keeps them.

    `fargate-constructs plan --write adoption.json` writes the file: docs/plan.md has the steps. The IDs are set when
    the app is synthesized, so the call may come before the constructs are made. Keep the file and the call as long as
    the stack is there: without them the constructs have other logical IDs, and CloudFormation replaces the resources.

    ```python
    adopt(stack, "adoption.json")
    ```

    Args:
        stack: The stack that is deployed. Its nested stacks belong to it.
        file: The file that the plan wrote.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is for a stack with another name, or the plan did not write it, or it is a folder; if
            the stack is nested, or has such a file already. Synthesis fails if the stack has no construct at a path of
            the file, or one of another type, or if another resource has the same logical ID.
    """
    if stack.nested_stack_parent:
        raise ValueError(f"stack must not be nested, got: {path_of(stack)}; name the stack that it is nested in")
    content = read_adoption_file(Path(file))
    name = stack.stack_name
    if name != content.stack:
        raise ValueError(f"file must be for the stack {name}, got {file} for {content.stack}; {HOW_TO_WRITE}")
    if stack.node.try_find_child(ID):
        raise ValueError(f"stack must have one file of logical IDs, got a second for {path_of(stack)}: {file}")
    # An aspect of one small construct is called once; one of the stack would be called for each of its constructs.
    adoption = Construct(stack, ID)
    overrides = _Overrides(stack, content)
    Aspects.of(adoption).add(cast(IAspect, overrides), priority=AspectPriority.READONLY)
    adoption.node.add_validation(cast(IValidation, overrides))


@jsii.implements(IAspect, IValidation)
class _Overrides:
    """Sets the logical IDs, and reports those that cannot be set."""

    def __init__(self, stack: Stack, content: AdoptionFile) -> None:
        self._stack = stack
        self._content = content
        self._faults: list[str] = []

    def visit(self, node: IConstruct) -> None:  # noqa: ARG002 - its signature in CDK
        """Set the logical IDs; an app that is synthesized again has them already."""
        resources = {path_of(each): each for each in _resources(self._stack)}
        faults = [self._override(key, place, resources) for key, place in self._content.resources.items()]
        self._faults = list(filter(None, faults)) or list(self._doubles(resources))

    def validate(self) -> list[str]:
        """Return what could not be set, and what has the same logical ID."""
        return self._faults

    def _path(self, place: Place) -> str:
        return f"{path_of(self._stack)}/{place.path}"

    def _override(self, logical_id: str, place: Place, resources: Mapping[str, CfnResource]) -> str:
        path = self._path(place)
        resource = resources.get(path)
        if resource is None:
            of_type = [each for each, found in resources.items() if found.cfn_resource_type == place.type]
            near = difflib.get_close_matches(path, of_type, SHOWN, 0) or ["none"]
            return (
                f"there must be a {place.type} at {path}, which has the logical ID {logical_id}, got none; "
                f"of this type are: {', '.join(near)}; {HOW_TO_WRITE} again"
            )
        if resource.cfn_resource_type != place.type:
            type_ = resource.cfn_resource_type
            return f"{path} must be a {place.type} to have the logical ID {logical_id}, got: {type_}"
        resource.override_logical_id(logical_id.rpartition("/")[2])
        return ""

    def _doubles(self, resources: Mapping[str, CfnResource]) -> Iterator[str]:
        """Yield each other resource that has a logical ID of the file."""
        chosen = {self._path(place): key.rpartition("/")[2] for key, place in self._content.resources.items()}
        by_stack: dict[Stack, dict[str, CfnResource]] = defaultdict(dict)
        for path, each in resources.items():
            by_stack[stack_of(each)][path] = each
        for stack, within in by_stack.items():
            taken = {chosen[path] for path in within if path in chosen}
            others = {path: each.logical_id for path, each in within.items() if taken and path not in chosen}
            for path, logical_id in stack.resolve(others).items():
                if logical_id in taken:
                    yield f"{path} has the logical ID {logical_id}, which the file gives to another resource"


def _resources(scope: IConstruct) -> Iterator[CfnResource]:
    for each in scope.node.find_all():
        if CfnResource in type(each).__mro__:
            yield cast(CfnResource, each)
