"""docs/causes.md: the causes that `explain` knows; `python -m tests.cli.causes_page` writes it."""

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fargate_constructs.cli.causes import CAUSES
from fargate_constructs.cli.causes.cause import Cause
from fargate_constructs.cli.causes.of_containers import CONTAINER_CAUSES
from fargate_constructs.cli.causes.of_images import IMAGE_CAUSES
from fargate_constructs.cli.causes.of_services import SERVICE_CAUSES
from fargate_constructs.cli.causes.of_starts import START_CAUSES
from fargate_constructs.cli.causes.of_targets import TARGET_CAUSES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "causes.md"
WIDTH = 100
# A text of AWS that is longer is cut: its beginning is what people search for.
LONGEST_TEXT = 300
HEAD = f"""\
# Why tasks do not start, or stop: {len(CAUSES)} causes

`fargate-constructs explain SERVICE` finds these causes by itself
([command line](command-line.md#explain-why-tasks-do-not-start)). Search this page for the text that
AWS shows you. The texts are from AWS's documentation and from public reports; the one of a timeout
is this library's. Names and numbers in them are examples. A cause without a text is found by a
check, or AWS does not publish its text.

`python -m tests.cli.causes_page` writes this page from the table that the command has.
"""
GROUPS = {
    "A task does not start: network, secrets, roles, volumes": START_CAUSES,
    "The image cannot be pulled": IMAGE_CAUSES,
    "The load balancer finds a task unhealthy": TARGET_CAUSES,
    "Quotas, capacity and deployments": SERVICE_CAUSES,
    "A container ends": CONTAINER_CAUSES,
}


def page() -> str:
    """Return the page."""
    return HEAD + "".join(f"\n## {title}\n" + "".join(map(_entry, causes)) for title, causes in GROUPS.items())


def _entry(cause: Cause) -> str:
    sentences = f"{cause.why} *Do:* {cause.todo} ([AWS]({cause.page}))"
    lines = [f"### {cause.what.removesuffix('.')}", "", _wrapped(sentences)]
    texts = list(dict.fromkeys(_texts(cause)))
    if texts:
        lines += ["", "```text", "\n\n".join(map(_wrapped, texts)), "```"]
    return "\n" + "\n".join(lines) + "\n"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _texts(cause: Cause) -> Iterator[str]:
    """Yield what AWS says, as it was recorded. A wording that is this project's is no text of AWS."""
    for answer in json.loads((ROOT / "tests/cli/recorded_answers.json").read_text())["answers"]:
        if answer["cause"] == cause.id and "assumed" not in answer:
            text = _text(answer)
            if text:
                yield text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT].rpartition(' ')[0]} …"


def _text(answer: Any) -> str:  # noqa: ANN401 - of JSON
    match answer:
        case {"task": task}:
            codes = {each["exitCode"] for each in task.get("containers", []) if "exitCode" in each}
            reasons = {each["reason"] for each in task.get("containers", []) if "reason" in each}
            details = [detail for each in task.get("attachments", []) for detail in each["details"]]
            reasons |= {each["value"] for each in details if each["name"] == "statusReason"}
            codes_as_texts = (f"exit code {code}" for code in sorted(codes))
            return "; ".join([task["stoppedReason"], *sorted(reasons), *codes_as_texts])
        case {"target": health}:
            return ": ".join(health[key] for key in ("Reason", "Description") if key in health)
        case {"deployment": {"statusReason": text}} | {"event": text} | {"stack": text}:
            return str(text)
    return ""


if __name__ == "__main__":
    PAGE.write_text(page())
