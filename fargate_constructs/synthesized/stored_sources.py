"""Reads stacks as they are stored, without the app that made them; returns them as those of an app.

```
cdk.out ──> StoredStack ──> [Templates] ──> caveats, drawing
```
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, cast

from fargate_constructs.synthesized.comparable_template import TemplateTree
from fargate_constructs.synthesized.stored_templates import StoredStack
from fargate_constructs.synthesized.template_source import UNKNOWN, Source, StackFacts
from fargate_constructs.synthesized.templates import Templates

if TYPE_CHECKING:
    from aws_cdk import Stack

# The end of the path of the resource that a nested stack is in its parent.
NESTED = re.compile(r"\.NestedStack/[^/]+$")


def read_stored(stacks: Iterable[StoredStack]) -> Templates:
    """Return the resources of stored stacks, with the references between them."""
    return Templates(source for each in stacks for source in _sources(each))


def _sources(stored: StoredStack) -> Iterator[Source]:
    account, region = stored.account or f"{UNKNOWN}account", stored.region or f"{UNKNOWN}region"
    path = stored.path or stored.name
    facts = StackFacts(path, stored.name, f"aws://{account}/{region}", stored.stage)
    for index, each in enumerate(_with_nested(stored.tree, facts)):
        yield each._replace(metadata=stored.metadata) if index == 0 else each


def _with_nested(tree: TemplateTree, facts: StackFacts) -> Iterator[Source]:
    """Yield a stack and those nested in it."""
    stack = cast("Stack", _Key())
    yield Source(stack, tree.template, facts._replace(element_paths=lambda: dict(tree.paths)))
    for logical_id, nested in tree.nested.items():
        path = NESTED.sub("", tree.paths.get(logical_id, f"{facts.path}/{logical_id}"))
        below = facts._replace(path=path, name="", parent=stack, nested_id=logical_id)
        yield from _with_nested(nested, below)


class _Key:
    """What is in place of a stack whose construct is not there; it is equal to itself only."""
