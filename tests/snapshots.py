"""The form of a snapshot.

At the end pytest loads this module in the process that only spreads tests, so it must not import CDK.
"""

from typing import Any

from syrupy.extensions.json import JSONSnapshotExtension

from tests.property_lines import text_of


class OneLineForEachProperty(JSONSnapshotExtension):
    """A template with a line for each property."""

    def serialize(self, data: dict[str, Any], **_: object) -> str:  # of the options, none is used
        """Return the template as text."""
        return f"{text_of(data)}\n"
