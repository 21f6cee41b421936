"""CDK, asked with less time: `tests/quick_jsii.py`, and properties that never change."""

from functools import cached_property

from tests import quick_jsii  # noqa: F401 - before CDK, which starts jsii

# isort: split
from aws_cdk import Stack
from constructs import Construct, Node


def keep(kind: type, *properties: str) -> None:
    """Let objects of CDK keep what never changes: CDK asks Node.js each time, which is a tenth of all questions."""
    for name in properties:
        kept = cached_property(getattr(kind, name).fget)
        kept.__set_name__(kind, name)
        setattr(kind, name, kept)


keep(Construct, "node")
keep(Node, "id", "path", "root", "scope")
keep(Stack, "account", "nested_stack_parent", "region")
