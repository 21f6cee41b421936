"""Writes the table of fields into docs/from-copilot.md: `python -m tests.adoption.copilot.field_table`."""

import re
from pathlib import Path

from fargate_constructs.adoption.copilot.fields import ANY, all_fields

PAGE = Path(__file__).parents[3] / "docs" / "from-copilot.md"
MARKS = re.compile(r"(<!-- fields -->\n).*(<!-- end of fields -->)", re.DOTALL)


def page() -> str:
    """Return the guide with the table of the fields that the converter reads."""
    rows = [
        f"| `{each.path}` | {each.kinds} | {each.text} |" for each in all_fields() if not each.path.endswith(f".{ANY}")
    ]
    table = "\n".join(["| field | types | here |", "|---|---|---|", *rows])
    return MARKS.sub(lambda marks: f"{marks[1]}{table}\n{marks[2]}", PAGE.read_text())


if __name__ == "__main__":
    PAGE.write_text(page())
