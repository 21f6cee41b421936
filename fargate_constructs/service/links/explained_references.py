"""References that say why one stack depends on another.

CDK's message for a cycle between two stacks names the resources that refer to each other, and not what to write. It
also has the reasons of dependencies that exist already. So a reference here adds the same dependency, with a reason.
"""

from collections.abc import Callable
from typing import cast

import jsii
from aws_cdk import IResolveContext, IStringProducer, Lazy
from constructs import IConstruct

from fargate_constructs._core.construct_paths import Placed, node_of, top_stack_of


def explained(value: str, owner: Placed, reason: Callable[[IConstruct], str]) -> str:
    """Return the same value, a reference to the owner's resource. The reason is for the construct that refers to it."""
    return Lazy.uncached_string(cast(IStringProducer, _Explained(value, owner, reason)))


@jsii.implements(IStringProducer)
class _Explained:
    """Adds the dependency when CDK looks for references, before it adds its own."""

    def __init__(self, value: str, owner: Placed, reason: Callable[[IConstruct], str]) -> None:
        self._value = value
        self._owner = owner
        self._reason = reason

    def produce(self, context: IResolveContext) -> str:
        """Return the value."""
        ours, theirs = top_stack_of(self._owner), top_stack_of(context.scope)
        if ours is not theirs:
            theirs.add_stack_dependency(ours, self._reason(cast(IConstruct, node_of(context.scope).scope)))
        return self._value
