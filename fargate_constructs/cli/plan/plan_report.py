"""Prints a plan: as text, as JSON, and as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.text import Text

from fargate_constructs.adoption.changes import Change, Effect
from fargate_constructs.adoption.findings import Finding
from fargate_constructs.adoption.stack_plan import LOST, Plan
from fargate_constructs.cli.terminal.output import counted_findings, print_section
from fargate_constructs.drawing.diagram import printable

INDENT = 4


class Report(NamedTuple):
    """What is printed of a stack."""

    plan: Plan
    findings: Sequence[Finding]
    accepted: Sequence[str]

    @property
    def open(self) -> list[Finding]:
        """The findings that are not accepted."""
        return [each for each in self.findings if not any(map(each.is_at, self.accepted))]

    def has(self, place: str) -> bool:
        """Whether there is a finding at or below a place."""
        return any(each.is_at(place) for each in self.findings)

    def summary(self) -> str:
        """Return the result in one line."""
        count = len(self.open)
        name = self.plan.stack.path or self.plan.stack.name
        accepted = len(self.findings) - count
        suffix = f" ({accepted} accepted)" if accepted else ""
        return f"{name}: {counted_findings(count)}{suffix}"

    def sections(self) -> Iterator[tuple[str, list[str]]]:
        """Yield what else happens: a title, and a line for each resource."""
        found = {each.logical_id for each in self.findings}
        rest = [
            each for each in self.plan.changes if each.effect in (*LOST, Effect.LEAVES) and each.old_id not in found
        ]
        yield "Also replaced or deleted", [f"{_title(each)} {each.effect.value}" for each in rest]
        updated = [each for each in self.plan.changes if each.effect is Effect.UPDATED]
        yield "Updated in place", [f"{_title(each)}: {', '.join(each.properties)}" for each in updated]
        new = [_title(each) for each in self.plan.changes if each.effect is Effect.NEW]
        yield "New", [] if self.is_new else new
        yield "Outputs that are gone", list(self.plan.lost_outputs)
        yield "Not compared", [f"the nested stack {each}: only one template is known" for each in self.plan.skipped]

    @property
    def is_new(self) -> bool:
        """Whether nothing is deployed."""
        return not self.plan.old.resources

    def stays(self) -> str:
        """Return how many resources stay as they are; that all are new if nothing is deployed."""
        if self.is_new:
            return f"All {len(self.plan.changes)} resources are new."
        return f"{sum(each.effect is Effect.STAYS for each in self.plan.changes)} stay as they are."


def print_report(console: Console, report: Report) -> None:
    """Print a plan as text."""
    console.print(Text(report.summary(), style="bold red" if report.open else "bold green"))
    for each in report.open:
        what = f"{each.type} {each.logical_id}" if each.type else "export"
        texts = [*each.problems, *(f"-> {remedy}" for remedy in each.remedies)]
        print_section(console, f"{each.path} ({what})", texts, INDENT)
    for title, lines in report.sections():
        print_section(console, f"{title} ({len(lines)})", lines, INDENT)
    console.print()
    console.print(report.stays())


def as_markdown(report: Report) -> str:
    """Return a plan as Markdown."""
    lines = [f"### {escape(report.summary())}", ""]
    if report.open:
        lines += ["| resource | what happens | what to do |", "|---|---|---|"]
    for each in report.open:
        cells = (f"{code(each.path)}<br>{each.type or 'export'}", cell(each.problems), cell(each.remedies))
        lines.append(f"| {' | '.join(cells)} |")
    for title, found in report.sections():
        lines += details(title, found)
    return "\n".join([*lines, "", report.stays(), ""])


def details(title: str, texts: Sequence[str]) -> list[str]:
    """Return the lines of texts that a reader opens; none without texts."""
    items = [f"- {escape(each)}" for each in texts]
    return ["", f"<details><summary>{title} ({len(items)})</summary>", "", *items, "", "</details>"] if items else []


def as_document(report: Report) -> dict[str, Any]:
    """Return a plan as a document for JSON."""
    plan = report.plan
    open_findings = report.open
    return {
        "stack": plan.stack.name,
        "path": plan.stack.path,
        "findings": [{**each._asdict(), "accepted": each not in open_findings} for each in report.findings],
        "changes": [_change(each) for each in plan.changes],
        "renames": [each._asdict() for each in plan.renames],
        "candidates": plan.candidates,
        "lost_outputs": plan.lost_outputs,
        "not_compared": plan.skipped,
    }


def _change(change: Change) -> dict[str, Any]:
    reasons = [each._asdict() for each in change.reasons]
    return {**change._asdict(), "effect": change.effect.rule, "reasons": reasons}


def _title(change: Change) -> str:
    return f"{change.path} ({change.type})"


def code(text: str) -> str:
    """Return a text as code in a table of Markdown."""
    return "`{}`".format(printable(text).replace("|", "\\|").replace("`", "'"))


def cell(texts: Sequence[str]) -> str:
    """Return texts as the lines of a cell in a table."""
    return "<br>".join(map(escape, texts))


def escape(text: str) -> str:
    """Return a text that Markdown shows as it is, also in a table."""
    for character in ("\\", "|", "<", ">", "*", "_", "`", "[", "]"):
        text = text.replace(character, f"\\{character}")
    return " ".join(printable(text).split())
