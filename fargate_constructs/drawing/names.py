"""How resources and values are called in the drawing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fargate_constructs.synthesized.intrinsics import Unresolved, as_text, lookup, pieces
from fargate_constructs.synthesized.templates import Place, Templates

if TYPE_CHECKING:
    from aws_cdk import Stack

# The last IDs of a construct path that CDK's and our constructs add, and that the app does not have.
INNER = {
    *("Bucket", "Cluster", "Default", "Distribution", "Function", "LB", "LoadBalancer", "Rule", "Resource", "Service"),
    *("Schedule", "ScheduledEventRule", "TaskDef", "TaskDefinition", "Topic"),
}
KNOWN_LATER = "known at deployment"
REFERENCE = re.compile(r"\$\{([^}]*)\}")


class Names:
    """The names of an app's resources, as short as they stay different."""

    def __init__(self, templates: Templates, stacks: Iterable[str]) -> None:
        self._templates = templates
        paths = [path.split("/") for path in stacks]
        same = 0
        # A part that all stacks share says nothing; the last part is the stack's own.
        while all(len(path) > same + (len(paths) > 1) and path[same] == paths[0][same] for path in paths):
            same += 1
        self._hidden = "/".join(paths[0][:same]) + "/" if paths and same else ""
        self._stacks = paths

    def of(self, place: Place) -> str:
        """Return the name of a resource, such as `Shop/Web`."""
        parts = self._templates.path(place).split("/")
        # A construct's own ID may be one of these, too, such as `Topic` in a stack.
        least = max((len(each) for each in self._stacks if parts[: len(each)] == each), default=0) + 1
        while len(parts) > least and parts[-1] in INNER:
            parts.pop()
        return "/".join(parts).removeprefix(self._hidden)

    def id(self, place: Place) -> str:
        """Return the path that identifies a resource."""
        return self._templates.path(place)

    def value(self, stack: Stack, value: Any) -> str:  # noqa: ANN401 - a piece of a template
        """Return a value as a person reads it; references by the name of what they lead to."""
        return "".join(self._piece(stack, each) for each in pieces(value))

    def _piece(self, stack: Stack, piece: Any) -> str:  # noqa: ANN401 - a piece of a template
        if not isinstance(piece, dict):
            return "" if piece is None else str(piece)
        if place := self._templates.locate(stack, piece):
            return self.of(place)
        for parameter in self._templates.parameters(stack, piece):
            if "Default" in parameter and not str(parameter.get("Type", "")).startswith("AWS::SSM::"):
                return f"{parameter['Default']} by default"
        text = REFERENCE.sub(r"\1", as_text(piece))
        return f"<{text.removeprefix('AWS::')}>"


def plain(value: Any, default: str = "") -> str:  # noqa: ANN401 - a piece of a template
    """Return a number or text; of one that only the deployment knows, that it is so."""
    found = lookup(value)
    if found is None:
        return default
    return KNOWN_LATER if isinstance(found, Unresolved | dict | list) else str(found)


def listed(value: Any) -> list[Any]:  # noqa: ANN401 - a piece of a template
    """Return a list, or an empty one if only the deployment knows it."""
    return value if isinstance(value, list) else []


def counted(count: str | int, noun: str) -> str:
    """Return a number with a noun; the number may not be known."""
    return f"{count} {noun}{'' if count in (1, '1') else 's'}" if str(count).isdigit() else f"{noun}s: {count}"
