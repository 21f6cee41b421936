"""The construct paths of an app, for messages, descriptions and identities."""

from typing import Protocol, cast
from weakref import WeakKeyDictionary

from aws_cdk import Resource, Stack
from constructs import IConstruct, Node

from fargate_constructs._core.asked_once import asked_once


class Placed(Protocol):
    """Any construct."""

    @property
    def node(self) -> Node:
        """Its node in the construct tree."""


_SCOPES: WeakKeyDictionary[Placed, tuple[Placed, str]] = WeakKeyDictionary()


def keep_place(construct: Placed, scope: Placed, id: str) -> None:
    """Keep the place of a construct that is not a stack, so that Node.js is not asked for it."""
    _SCOPES[construct] = scope, id


def is_placed_resource(thing: object) -> bool:
    """Whether a thing is an L2 construct whose place is kept. So it is made in its stack, not imported."""
    return isinstance(thing, Resource) and thing in _SCOPES


@asked_once
def node_of(construct: Placed) -> Node:
    """Return a construct's node."""
    return construct.node


@asked_once
def path_of(construct: Placed) -> str:
    """Return a construct's path."""
    scope, own_id = _SCOPES.get(construct, (None, ""))
    # Versions of constructs differ in how they replace other characters, such as the end of a line.
    if scope and own_id.isprintable():
        return f"{path_of(scope)}/{own_id.replace('/', '--')}".removeprefix("/")
    return node_of(construct).path


@asked_once
def root_of(construct: Placed) -> IConstruct:
    """Return the construct at the top of a construct's tree: the app."""
    return root_of(_SCOPES[construct][0]) if construct in _SCOPES else node_of(construct).root


@asked_once
def stack_of(construct: Placed) -> Stack:
    """Return the stack that a construct is in."""
    if Stack in type(construct).__mro__:
        return cast(Stack, construct)
    return stack_of(_SCOPES[construct][0]) if construct in _SCOPES else Stack.of(cast(IConstruct, construct))


def top_stack_of(construct: Placed) -> Stack:
    """Return the stack that a construct is in, and of a nested stack the one that is not nested."""
    stack = stack_of(construct)
    while parent := parent_of(stack):
        stack = parent
    return stack


@asked_once
def parent_of(stack: Stack) -> Stack | None:
    """Return the stack that a stack is nested in."""
    return stack.nested_stack_parent
