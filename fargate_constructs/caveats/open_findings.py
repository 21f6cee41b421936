"""Reads the templates of an app; returns which rules each resource breaks, and what is not accepted of that."""

from collections import defaultdict
from collections.abc import Iterator

from fargate_constructs.caveats.addresses import find_addresses
from fargate_constructs.caveats.deployments import find_deployments
from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.missing_endpoints import find_missing_endpoints
from fargate_constructs.caveats.plain_secrets import find_secrets
from fargate_constructs.caveats.rules import RULES, Finding, Rule
from fargate_constructs.caveats.tasks import find_tasks
from fargate_constructs.caveats.unarchived_logs import find_logs
from fargate_constructs.synthesized.templates import Place

FINDERS = (find_addresses, find_missing_endpoints, find_logs, find_tasks, find_secrets, find_deployments)
PACK = "FargateCaveats"


def open_findings(app: FargateApp, root: str = "") -> Iterator[tuple[str, Finding]]:
    """Yield what is found at and below a construct path and not acknowledged, each with the path of its resource.

    What could not be decided is one note for each resource.
    """
    templates = app.templates
    for place, findings in findings_of(app).items():
        path = templates.path(place)
        if root and not f"{path}/".startswith(f"{root}/"):
            continue
        # The IDs in CDK's report begin with the pack's name and `::`.
        ids = {id_.removeprefix(f"{PACK}::") for id_ in templates.acknowledged(path)}
        accepted = {id_.removeprefix(f"{PACK}-") for id_ in ids if id_.startswith(f"{PACK}-")}
        reported = [each for each in findings if not each.is_undecided]
        notes: defaultdict[str, list[str]] = defaultdict(list)
        for each in findings:
            if each.is_undecided and each.id not in accepted:
                notes[each.got].append(each.rule.name)
        if notes:
            lines = (f"{_listed(rules)} for {got}" for got, rules in notes.items())
            reported.append(Finding(Rule.Undecided, place, "; ".join(lines)))
        yield from ((path, each) for each in reported if each.id not in accepted)


def _listed(rules: list[str]) -> str:
    """Return the names of rules, or that it is every rule."""
    return "every rule" if len(rules) == len(RULES) else ", ".join(rules)


def findings_of(app: FargateApp) -> dict[Place, list[Finding]]:
    """Return the findings of each resource: each rule once, and not as undecided if it is broken."""
    found: defaultdict[Place, dict[tuple[bool, str], Finding]] = defaultdict(dict)
    for finding in (finding for find in FINDERS for finding in find(app)):
        at, key = found[finding.place], (finding.is_undecided, finding.id)
        if key not in at:
            at[key] = finding
        elif finding.got not in at[key].got:
            at[key] = finding._replace(got=f"{at[key].got}; {finding.got}")
    return {
        place: [each for (is_undecided, id_), each in at.items() if not is_undecided or (False, id_) not in at]
        for place, at in found.items()
    }
