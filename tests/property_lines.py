"""Templates that a person can read resource by resource.

Without CDK: at the end pytest loads this module in the process that only spreads tests.
"""

import json
from typing import Any

from syrupy.extensions.json import JSONSnapshotExtension

from fargate_constructs.synthesized.comparable_template import PATH_KEY


class OneLineForEachProperty(JSONSnapshotExtension):
    """A snapshot with a line for each property."""

    def serialize(self, data: dict[str, Any], **_: object) -> str:  # of the options, none is used
        """Return the template as text."""
        return f"{text_of(data)}\n"


def text_of(value: Any, depth: int = 4, indent: str = "") -> str:  # noqa: ANN401 - a piece of a template
    """Return JSON with a line for each property, however deep it is."""
    if not depth or not isinstance(value, dict) or PATH_KEY in value:
        return json.dumps(value)
    inner = indent + "  "
    lines = (f"{inner}{json.dumps(key)}: {text_of(each, depth - 1, inner)}" for key, each in value.items())
    return "{\n" + ",\n".join(lines) + f"\n{indent}" + "}"
