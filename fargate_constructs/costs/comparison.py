"""Compares two bills: what each thing costs a month before and after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from fargate_constructs.costs.bill import Bill, bill_of
from fargate_constructs.costs.price_list import REGION, Price, PriceList, shown
from fargate_constructs.synthesized.stored_sources import read_stored
from fargate_constructs.synthesized.stored_templates import StoredStack

CENT = 0.005
PLACES = 10  # of a price, as far as floating point is exact


class Line(NamedTuple):
    """A thing that is billed: how many there are, and what they cost a month."""

    name: str
    before: float
    after: float
    usd_before: float
    usd_after: float

    @property
    def is_changed(self) -> bool:
        """Whether the number changes."""
        return self.before != self.after


class Costs(NamedTuple):
    """What stacks cost a month without any use, before and after a deployment."""

    lines: list[Line]
    prices: PriceList
    has_before: bool
    """Whether something is deployed."""
    usage: list[str]
    """What depends on use after the deployment."""
    notes: list[str]
    """What is counted in another way than AWS bills it, and what is not counted."""

    @property
    def before(self) -> float:
        """The USD a month before."""
        return sum(line.usd_before for line in self.lines)

    @property
    def after(self) -> float:
        """The USD a month after."""
        return sum(line.usd_after for line in self.lines)

    @property
    def difference(self) -> float:
        """The USD a month that the deployment adds."""
        return self.after - self.before

    def summary(self) -> str:
        """Return the sums in one line."""
        if not self.has_before:
            return f"Costs without any use: {self.after:,.2f} USD a month"
        change = f"{self.difference:+,.2f}" if abs(self.difference) >= CENT else "no change"
        return f"Costs without any use: {self.before:,.2f} -> {self.after:,.2f} USD a month ({change})"

    def source(self) -> str:
        """Return where the prices are from."""
        prices = self.prices
        missing = ", ".join(shown(name)[0] for name in prices.defaults)
        rest = f"; of {REGION} for what the file lacks: {missing}" if missing else ""
        return f"list prices of {prices.region}, {prices.date}, 730 hours a month, without taxes and discounts{rest}"

    def by_use(self) -> list[str]:
        """Return what depends on use, with its price."""
        prices = ((name, self.prices.usage[name]) for name in self.usage)
        return [f"{name}: {price.usd:g} USD per {price.unit}" for name, price in prices]

    def document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "region": self.prices.region,
            "date": self.prices.date,
            "before": round(self.before, 2) if self.has_before else None,
            "after": round(self.after, 2),
            "lines": [line._asdict() for line in self.lines],
            "by_use": {name: self.prices.usage[name]._asdict() for name in self.usage},
            "notes": self.notes,
            "prices": dict(_shown(name, each) for name, each in {**self.prices.standing, **self.prices.usage}.items()),
        }


def _shown(name: str, price: Price) -> tuple[str, dict[str, Any]]:
    """Return a price for JSON, of one of what people know."""
    as_shown, size = shown(name)
    return as_shown, price._replace(usd=round(price.usd * size, PLACES))._asdict()


def compare_costs(old: Sequence[StoredStack], new: Sequence[StoredStack], prices: PriceList) -> Costs:
    """Return what stacks cost before and after a deployment."""
    before, after = (bill_of(read_stored(stacks)) for stacks in (old, new))
    has_before = any(stack.tree.template.get("Resources") for stack in old)
    names = [name for name in prices.standing if before.counts[name] or after.counts[name]]
    lines = [_line(name, before, after, prices) for name in names]
    used = {*names, *after.usage}
    prices = prices._replace(defaults=tuple(each for each in prices.defaults if each in used))
    return Costs(lines, prices, has_before, list(after.usage), [*after.notes, *_regions(new, prices), *_unknown(after)])


def _line(name: str, before: Bill, after: Bill, prices: PriceList) -> Line:
    as_shown, size = shown(name)
    quantities = [bill.counts[name] for bill in (before, after)]
    usd = [prices.usd_a_month(name, each) for each in quantities]
    return Line(as_shown, quantities[0] / size, quantities[1] / size, usd[0], usd[1])


def _regions(stacks: Sequence[StoredStack], prices: PriceList) -> list[str]:
    others = sorted({stack.region for stack in stacks} - {prices.region, ""})
    return [f"the stacks are in {', '.join(others)}, where prices differ: pass --prices"] if others else []


def _unknown(bill: Bill) -> list[str]:
    """Return what is not counted: a line for each kind."""
    paths: defaultdict[str, list[str]] = defaultdict(list)
    for path, what in bill.unknown:
        paths[what].append(path)
    return [f"not counted: {what}: {', '.join(found)}" for what, found in paths.items()]
