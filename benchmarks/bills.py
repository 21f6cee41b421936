"""What AWS bills for a template's resources without any use.

```
template ──> [fargate_constructs.costs] ──> USD a month
```
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from fargate_constructs.costs.bill import bill_of
from fargate_constructs.costs.price_list import DEFAULT, HOURS, STANDING, TASKS
from fargate_constructs.synthesized.comparable_template import TemplateTree
from fargate_constructs.synthesized.stored_sources import read_stored
from fargate_constructs.synthesized.stored_templates import StoredStack

__all__ = ["BY_THE_HOUR", "BY_THE_MONTH", "HOURS", "TASKS", "standing"]

Template = Mapping[str, Any]

BY_THE_HOUR, BY_THE_MONTH = (
    {name: price.usd for name, price in STANDING.items() if price.unit == unit} for unit in ("hour", "month")
)


def standing(template: Template) -> Counter[str]:
    """Return the number of each billed thing in a template; of services, the tasks that always run.

    Raises:
        ValueError: If it is not known how a resource is billed.
    """
    bill = bill_of(read_stored([StoredStack("Bill", TemplateTree(template))]))
    for path, what in bill.unknown:
        raise ValueError(f"price of {path.removeprefix('Bill/')} must be known, got a {what}: add it to costs/")
    return bill.counts


def hourly_usd_a_month(template: Template) -> float:
    """Return what AWS bills by the hour, without tasks, for a month."""
    return _usd_a_month(template, *(name for name in BY_THE_HOUR if name not in TASKS))


def tasks_usd_a_month(template: Template) -> float:
    """Return the cost of the tasks that always run, for a month."""
    return _usd_a_month(template, *TASKS)


def standing_usd_a_month(template: Template) -> float:
    """Return what AWS bills without use, and without tasks, for a month."""
    return _usd_a_month(template, *(name for name in STANDING if name not in TASKS))


def _usd_a_month(template: Template, *names: str) -> float:
    counts = standing(template)
    return sum(DEFAULT.usd_a_month(name, counts[name]) for name in names)
