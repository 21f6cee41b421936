"""The calculator in docs/costs.md; `python -m tests.costs_page` writes it.

```
price list of the package, templates of one and two services ──> tables
```
"""

import re
from collections.abc import Iterator
from pathlib import Path

from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from benchmarks.apps import ecs_patterns, ours
from benchmarks.bills import standing_usd_a_month, tasks_usd_a_month
from fargate_constructs.costs.price_list import DEFAULT, HOURS, SHOWN, STANDING, TASKS, USAGE

PAGE = Path(__file__).parents[1] / "docs/costs.md"
BEGIN, END = "<!-- calculator -->\n", "<!-- end of the calculator -->\n"
SERVICES = (1, 2, 5, 10, 25)
# vCPU and GB of memory.
SIZES = ((0.25, 0.5), (0.5, 1), (1, 2), (2, 4), (4, 8))


def services() -> Iterator[str]:
    """Yield the bill of some services, from the templates of one and of two: each further one costs the same."""
    bills = []
    for module in (ours, ecs_patterns):
        one, two = (_bill(module.Services(App(), "Services", number)) for number in (1, 2))
        bills.append((one, two - one))
    yield "| services, of two tasks each | here | `aws_ecs_patterns` |"
    yield "|---|---|---|"
    for number in SERVICES:
        here, there = (first + (number - 1) * further for first, further in bills)
        yield f"| {number} | {here:.0f} | {there:.0f} |"


def _bill(stack: Stack) -> float:
    template = Template.from_stack(stack).to_json()
    return standing_usd_a_month(template) + tasks_usd_a_month(template)


def tasks() -> Iterator[str]:
    """Yield what one task costs."""
    yield "| one task | x86-64 | Arm |"
    yield "|---|---|---|"
    for cpu, memory in SIZES:
        x86, arm = (
            DEFAULT.usd_a_month(f"CPU unit{kind}", cpu * SHOWN["CPU unit"][1])
            + DEFAULT.usd_a_month(f"MiB of memory{kind}", memory * SHOWN["MiB of memory"][1])
            for kind in ("", " (Arm)")
        )
        yield f"| {cpu:g} vCPU, {memory:g} GB | {x86:.2f} | {arm:.2f} |"


def things() -> Iterator[str]:
    """Yield what one of each thing costs that is billed while it exists."""
    yield "| billed while it exists | a month |"
    yield "|---|---|"
    for name, price in STANDING.items():
        if name not in TASKS:
            yield f"| [{name}]({price.source}) | {price.usd * (HOURS if price.unit == 'hour' else 1):.2f} |"


def usage() -> Iterator[str]:
    """Yield the unit prices of what depends on use."""
    yield "| by use | USD | for one |"
    yield "|---|---|---|"
    yield from (f"| [{name}]({price.source}) | {price.usd:g} | {price.unit} |" for name, price in USAGE.items())


def calculator() -> str:
    """Return the tables."""
    return "\n".join("\n".join(table) + "\n" for table in (services(), tasks(), things(), usage()))


def written(page: str) -> str:
    """Return the page with the tables as they should be."""
    return re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{calculator()}\n{END}", page, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
