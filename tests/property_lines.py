"""Templates that a person can read resource by resource."""

import json
from typing import Any

from fargate_constructs.synthesized.comparable_template import PATH_KEY


def text_of(value: Any, depth: int = 4, indent: str = "") -> str:  # noqa: ANN401 - a piece of a template
    """Return JSON with a line for each property, however deep it is."""
    if not depth or not isinstance(value, dict) or PATH_KEY in value:
        return json.dumps(value)
    inner = indent + "  "
    lines = (f"{inner}{json.dumps(key)}: {text_of(each, depth - 1, inner)}" for key, each in value.items())
    return "{\n" + ",\n".join(lines) + f"\n{indent}" + "}"
