"""Reads a plan; returns what a person must decide about before the deployment."""

from collections.abc import Iterator, Sequence
from shlex import quote
from typing import NamedTuple

from fargate_constructs.adoption.stack_plan import Plan
from fargate_constructs.synthesized.replacements import is_at


class Finding(NamedTuple):
    """Something that is lost, interrupted or refused."""

    rule: str
    path: str
    type: str
    """Empty for an export."""
    logical_id: str
    """In the deployed template; of a new resource, that in the app."""
    problems: Sequence[str]
    remedies: Sequence[str] = ()

    def is_at(self, place: str) -> bool:
        """Whether it has this logical ID or name, or is at or below this construct path.

        A place may begin with a rule, such as `dataDeleted:Shop/Web/Logs`: then only findings of that rule are at it.
        """
        return is_at(place.removeprefix(f"{self.rule}:"), self.logical_id, self.path)


def findings_of(plan: Plan, *, is_adopted: bool) -> list[Finding]:
    """Return all findings of a plan; *is_adopted* is whether a file that is written now keeps its renames."""
    return [*_lost(plan), *([] if is_adopted else _renames(plan)), *_traps(plan)]


def _lost(plan: Plan) -> Iterator[Finding]:
    for each in plan.lost():
        problems = [reason.text for reason in each.reasons if reason.property] or [each.effect.value]
        remedies = list(plan.remedies.get(each.old_id, ()))
        if fits := plan.candidates.get(each.old_id):
            remedies.append(
                f"if it is one of these in the app, write --pair {each.old_id}=PATH with its path: {', '.join(fits)}"
            )
        elif not each.new_id:
            remedies.append(f"keep its construct; if it may go, write --accept {quote(each.path)}")
        yield Finding(each.effect.rule, each.path, each.type, each.old_id, problems, remedies)


def _renames(plan: Plan) -> Iterator[Finding]:
    for each in plan.renames:
        problem = (
            f"is {each.old_path} with another logical ID ({each.reason}): CloudFormation deletes that, and makes a new "
            "one"
        )
        yield Finding("renamed", each.path, each.type, each.old_id, [problem], ["keep its logical ID: write --write"])


def _traps(plan: Plan) -> Iterator[Finding]:
    changes = {each.old_id or each.new_id: each for each in plan.changes}
    for each in plan.traps:
        change = changes.get(each.logical_id)
        path, type_ = (change.path, change.type) if change else (each.logical_id, "")
        yield Finding(each.rule, path, type_, each.logical_id, [each.problem], [each.remedy])
