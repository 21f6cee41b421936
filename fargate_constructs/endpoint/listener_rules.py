"""The listener rules of one endpoint: which may stand together, and their numbers.

```
routes of all stacks ──> [rules] ──> a number for each
```
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fargate_constructs.endpoint.conditions import Conditions
from fargate_constructs.endpoint.matching import Claim
from fargate_constructs.endpoint.priorities import MAINTENANCE_PRIORITY, MAX_PRIORITY, number_of, place

TEST_TRAFFIC = "test traffic of "


@dataclass(frozen=True, eq=False)
class Rule:
    """A route's listener rule, or the one of its test traffic."""

    name: str
    claim: Claim | None
    """Unknown if a condition is known only when deployed; then *priority* is given."""
    priority: int | None
    """The number, if a person gave it."""


class Rules:
    """All rules that an endpoint numbers, in whatever order its routes were added."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._numbers: dict[Rule, int] = {}

    def validate(self, rules: Sequence[Rule]) -> None:
        """Refuse rules that could not be told from one that is there.

        Raises:
            ValueError: If another has the same priority or the same claim, or is as specific and claims a request that
                one of these claims.
        """
        for rule in rules:
            for other in self._rules:
                _validate_pair(rule, other)

    def add(self, rules: Sequence[Rule]) -> None:
        """Number these as well."""
        self._rules += rules
        self._numbers = {}

    def numbers(self) -> dict[Rule, int]:
        """Return the number of each rule: the one a person gave, or one computed from its claim."""
        if not self._numbers:
            given = {rule: rule.priority for rule in self._rules if rule.priority is not None}
            ranked = {rule: rule.claim for rule in self._rules if rule.claim and rule not in given}
            placed = place(list(ranked.values()), set(given.values()))
            self._numbers = given | dict(zip(ranked, placed, strict=True))
        return self._numbers

    def meetings(self) -> Iterator[str]:
        """Yield, for each rule that could not have the number of its claim, why, and how to keep it where it is."""
        numbers = self.numbers()
        at = {number: rule for rule, number in numbers.items()}
        for number, rule in sorted(at.items()):
            own = number if rule.priority or not rule.claim else number_of(rule.claim)
            if number != own:
                pin = "" if rule.name.startswith(TEST_TRAFFIC) else f", unless you write priority={number} on it"
                yield (
                    f"route {rule.name} met route {at[own].name} at the number {own} by chance and moved on to "
                    f"{number}; when the other goes it would move back{pin}"
                )


def rules_of(
    name: str, conditions: Conditions, *, test_header: tuple[str, str] | None, priority: int | None
) -> list[Rule]:
    """Return a route's rule and, with a test header, that of its test traffic, which goes before it.

    Raises:
        ValueError: If a condition is known only when deployed and *priority* is not given, *priority* is out of range,
            or there is a condition on the test header already, or no room for one.
    """
    if priority is None and not conditions.is_known:
        raise ValueError(
            f"route {name} has a condition that is known only when deployed, so it has no rank among the routes: "
            "set priority",
        )
    # The first number is the maintenance page's, and the one before a given priority the test traffic's.
    lowest = MAINTENANCE_PRIORITY + (2 if test_header else 1)
    if priority is not None and (not isinstance(priority, int) or not lowest <= priority <= MAX_PRIORITY):
        raise ValueError(f"priority must be {lowest} to {MAX_PRIORITY} and known at synthesis, got: {priority!r}")
    rules = [Rule(name, _claim_of(conditions), priority)]
    if test_header:
        before = None if priority is None else priority - 1
        tested = conditions.and_header(*test_header)
        try:
            tested.validate()
        except ValueError as error:
            reason = str(error).partition(";")[0]  # what follows advises a second route, and this service has one
            raise ValueError(
                f"route {name} leaves no room for the deployment's test header: {reason}; list fewer hosts or paths"
            ) from error
        rules.append(Rule(f"{TEST_TRAFFIC}{name}", _claim_of(tested), before))
    return rules


def _claim_of(conditions: Conditions) -> Claim | None:
    return Claim.of(conditions) if conditions.is_known else None


def _validate_pair(rule: Rule, other: Rule) -> None:
    if rule.priority is not None and rule.priority == other.priority:
        raise ValueError(
            f"route {rule.name} has the same priority as route {other.name}, got: {rule.priority}; "
            "set another on one of them, or none on both",
        )
    if rule.claim is None or other.claim is None:
        return
    if rule.claim == other.claim:
        raise ValueError(
            f"route {rule.name} has the same conditions as route {other.name}; "
            "give one of them another condition, such as a host, or remove it",
        )
    if rule.priority is not None or other.priority is not None or rule.claim.rank != other.claim.rank:
        return
    narrow, wide = sorted((rule.claim, other.claim), key=lambda claim: claim.breadth)
    if narrow.breadth < wide.breadth and wide.covers(narrow):
        return
    if request := rule.claim.shared_request(other.claim):
        raise ValueError(
            f"route {rule.name} is as specific as route {other.name}, and both claim {request!r}; give one of them a "
            "longer path, a narrower host, one more condition, or a priority (the lower is tried first; computed: "
            f"{number_of(rule.claim)} and {number_of(other.claim)})",
        )
