"""Prints what a plan says of the whole app: as text, and as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from fargate_constructs.cli.plan.plan_overview import Overview
from fargate_constructs.cli.plan.plan_report import INDENT, cell, code, details, escape
from fargate_constructs.cli.terminal.output import print_wrapped
from fargate_constructs.costs.comparison import Costs, Line
from fargate_constructs.drawing.mermaid import as_mermaid

NAME, NUMBER = 28, 10  # columns of a table
# What Mermaid draws at most (https://mermaid.js.org/config/schema-docs/config.html), and the characters of a comment on
# GitHub.
MAX_TEXT, MAX_LINKS, MAX_COMMENT = 50_000, 500, 65_536


def print_overview(screen: Console, overview: Overview) -> None:
    """Print costs and caveats as text."""
    costs = overview.costs
    screen.print()
    screen.print(Text(costs.summary(), style="bold"))
    for line in costs.lines:
        screen.print(f"{'':{INDENT}}{line.name:{NAME}}{_numbers(costs, line)}", soft_wrap=True)
    for text in (costs.source(), *costs.notes):
        print_wrapped(screen, text, indent=INDENT)
    if costs.usage:
        print_wrapped(screen, f"By use, not counted: {'; '.join(costs.by_use())}", indent=INDENT)
    screen.print()
    screen.print(Text(overview.counts(), style="bold"))
    for each in overview.caveats:
        print_wrapped(screen, f"{each.path} ({each.rule}, {each.level})", indent=INDENT)
        print_wrapped(screen, f"{each.why} Got: {each.got}", indent=2 * INDENT)
        print_wrapped(screen, f"-> {each.fix}", indent=2 * INDENT)


def overview_markdown(overview: Overview, before: str = "") -> str:
    """Return drawing, costs and caveats as Markdown, for a comment in which something else is before them."""
    lines = [*_costs(overview.costs), "", *_caveats(overview)]
    drawing = as_mermaid(overview.diagram)
    drawn = ["", "### Architecture", "", "```mermaid", drawing.rstrip(), "```"]
    if len(drawing) > MAX_TEXT or len(overview.diagram.links) > MAX_LINKS:
        lines += ["", "The architecture is too large for Mermaid: `--html` draws it."]
    elif overview.diagram.nodes:
        is_short = len("\n".join([before, *lines, *drawn])) < MAX_COMMENT
        lines += drawn if is_short else ["", "A comment on GitHub has no room for the architecture: `--html` draws it."]
    return "\n".join([*lines, ""])


def _costs(costs: Costs) -> Iterator[str]:
    yield f"### {escape(costs.summary())}"
    yield ""
    yield f"| what | {' | '.join(columns(costs))} |"
    yield f"|---|{'---:|' * len(columns(costs))}"
    for line in costs.lines:
        yield f"| {escape(line.name)} | {' | '.join(numbers(costs, line))} |"
    yield ""
    yield escape(f"{costs.source()[0].upper()}{costs.source()[1:]}.")
    yield from details("By use, not counted", costs.by_use())
    yield from details("Notes on the costs", costs.notes)


def _caveats(overview: Overview) -> Iterator[str]:
    yield f"### {escape(overview.counts())}"
    important = [each for each in overview.caveats if each.level != "note"]
    if important:
        yield ""
        yield "| resource | finding | what to do |"
        yield "|---|---|---|"
    for each in important:
        found = cell([f"{each.rule} ({each.level}): {each.why}", f"Got: {each.got}"])
        yield f"| {code(each.path)} | {found} | {cell([each.fix])} |"
    yield from details("Notes", [f"{each.path}: {each.got}" for each in overview.caveats if each.level == "note"])


def columns(costs: Costs) -> list[str]:
    """Return the titles of the numbers of a line."""
    return ["before", "after", "USD before", "USD after"] if costs.has_before else ["number", "USD a month"]


def numbers(costs: Costs, line: Line) -> list[str]:
    """Return the numbers of a line: without those from before if nothing is deployed."""
    quantities, usd = [f"{line.before:g}", f"{line.after:g}"], [f"{line.usd_before:,.2f}", f"{line.usd_after:,.2f}"]
    return [*quantities, *usd] if costs.has_before else [quantities[1], usd[1]]


def _numbers(costs: Costs, line: Line) -> str:
    found = numbers(costs, line)
    if not costs.has_before:
        return "".join(f"{each:>{NUMBER}}" for each in found)
    before, after, usd_before, usd_after = found
    quantity = f"{before} -> {after}" if before != after else after
    usd = f"{usd_before} -> {usd_after}" if before != after else usd_after
    return f"{quantity:>{NUMBER}}  {usd:>{2 * NUMBER}}"
