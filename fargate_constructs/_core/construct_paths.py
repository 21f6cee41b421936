"""The construct paths of an app, for messages, descriptions and identities."""

from typing import Protocol, cast
from weakref import WeakKeyDictionary

from aws_cdk import Resource, Stack
from constructs import IConstruct, Node


class Placed(Protocol):
    """Any construct."""

    @property
    def node(self) -> Node:
        """Its node in the construct tree."""


# A construct's place never changes. Each question to Node.js takes 0.2 ms or more, so the answers are kept.
_SCOPES: WeakKeyDictionary[Placed, tuple[Placed, str]] = WeakKeyDictionary()
_NODES: WeakKeyDictionary[Placed, Node] = WeakKeyDictionary()
_PATHS: WeakKeyDictionary[Placed, str] = WeakKeyDictionary()
_ROOTS: WeakKeyDictionary[Placed, IConstruct] = WeakKeyDictionary()
_STACKS: WeakKeyDictionary[Placed, Stack] = WeakKeyDictionary()


def keep_place(construct: Placed, scope: Placed, id: str) -> None:
    """Keep the place of a construct that is not a stack, so that Node.js is not asked for it."""
    _SCOPES[construct] = scope, id


def is_placed_resource(thing: object) -> bool:
    """Whether a thing is an L2 construct whose place is kept. So it is made in its stack, not imported."""
    return isinstance(thing, Resource) and thing in _SCOPES


def node_of(construct: Placed) -> Node:
    """Return a construct's node."""
    if construct not in _NODES:
        _NODES[construct] = construct.node
    return _NODES[construct]


def path_of(construct: Placed) -> str:
    """Return a construct's path."""
    if construct not in _PATHS:
        scope, own_id = _SCOPES.get(construct, (None, ""))
        # Versions of constructs differ in how they replace other characters, such as the end of a line.
        if scope and own_id.isprintable():
            _PATHS[construct] = f"{path_of(scope)}/{own_id.replace('/', '--')}".removeprefix("/")
        else:
            _PATHS[construct] = node_of(construct).path
    return _PATHS[construct]


def root_of(construct: Placed) -> IConstruct:
    """Return the construct at the top of a construct's tree: the app."""
    if construct not in _ROOTS:
        _ROOTS[construct] = root_of(_SCOPES[construct][0]) if construct in _SCOPES else node_of(construct).root
    return _ROOTS[construct]


def stack_of(construct: Placed) -> Stack:
    """Return the stack that a construct is in."""
    if construct not in _STACKS:
        of_scope = stack_of(_SCOPES[construct][0]) if construct in _SCOPES else None
        _STACKS[construct] = of_scope or Stack.of(cast(IConstruct, construct))
    return _STACKS[construct]


def top_stack_of(construct: Placed) -> Stack:
    """Return the stack that a construct is in, and of a nested stack the one that is not nested."""
    stack = stack_of(construct)
    while parent := stack.nested_stack_parent:
        stack = parent
    return stack
