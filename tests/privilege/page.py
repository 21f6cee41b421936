"""docs/permissions.md: what may do what in the example app, and why.

```
app.py ──> templates ──> [page] ──> docs/permissions.md
```

    python -m tests.privilege.page
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from aws_cdk import App

from app import Example
from tests.privilege import accepted
from tests.privilege.doors import DOORS
from tests.privilege.duties import Reason
from tests.privilege.policies import REFERENCE, Policies, Statement
from tests.privilege.roles import Roles

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"
STACK = "Example"
INTRODUCTION = """\
# Permissions

This page lists the permissions of each role in the example app ([app.py](../app.py)), with reasons.
`python -m tests.privilege.page` writes the page from the app's template. A test fails if the two
differ.

The tests in `tests/privilege` check each mode of each part: with and without TLS, keys, jobs and
archives of each kind.

- Each action exists and is written in full. It belongs to a resource type that the action accepts,
  as AWS's [service authorization
  reference](https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html)
  says.
- The resource is `*` only if AWS accepts no ARN. A wildcard in an ARN follows a name and never
  replaces one.
- AWS services may act for this account only (`aws:SourceAccount` or `aws:SourceArn`). Other
  accounts, users and the public have no permissions.
- Each role is used. It has the permissions that its purpose needs, no more and no less. For our own
  functions these are the calls in the deployed code. For AWS services they are what AWS's guide
  says.
- A role may use only resources that its function or task gets as configuration. A task starts with
  its own images, secrets and log group only.
- No property, variable, output or default holds a secret.
"""


ROLES = """\
## Roles

Angle brackets hold the path of a construct in the app.
"""
RESOURCE_POLICIES = """\
## Policies of buckets and functions

The page leaves out what buckets deny: every request without TLS 1.2.

"""
WIDER = """\
## Permissions that are wider than their purpose

AWS offers no narrower permission here, or a narrower one costs a resource for each service. If two
services must not share, give each its own cluster, archive or account.

- Tasks in one cluster share its log group of session transcripts. Each task's role may write each
  stream of that log group, so code in one task can write a false transcript of another task's
  session. CloudTrail records who opened each session, and no task can change that.
- A task with a log router may write each object below the router's prefix in the archive, also the
  objects of other services. It may not read or delete objects.
- A principal that may invoke the function that runs a task before deployments can make it run each
  revision of that task, and can choose the URL for its response (CloudFormation makes one URL for
  each request). The response holds the IDs of the stack and the request, and how the task ended.
  The function's policy allows no principal. CloudFormation invokes it with the permissions of the
  principal that deploys.

"""
ACCEPTED = """\
## Accepted exceptions

These are the exceptions of all modes, not only of the example. A test fails if no mode needs an
entry any more.

"""


def page() -> str:
    """Return the page."""
    app = App(context={"aws:cdk:enable-path-metadata": True}, builtin_cloud_formation_validation=False)
    Example(app, STACK)
    assembly = app.synth()
    policies = Policies({STACK: assembly.get_stack_by_name(STACK).template})
    roles = Roles(policies, Path(assembly.directory))
    return "\n".join(
        [
            INTRODUCTION,
            ROLES,
            *(_role(role, policies, roles) for role in roles.all()),
            RESOURCE_POLICIES + _table(("Of", "Who", "May", "Only if", "Why"), _doors(policies)),
            _exceptions(),
        ]
    )


def _role(role: str, policies: Policies, roles: Roles) -> str:
    needs = roles.needs_of(role)
    [trust] = [each for each in policies.statements if each.is_trust and each.holder == role]
    who = ", ".join(each.removeprefix("Service:") for each in trust.principals)
    condition = "for this account only" if trust.conditions else "as accepted below"
    rows = [
        (
            "<br>".join(f"`{action}`" for action in statement.actions),
            _resources(statement, policies),
            _conditions(statement, policies),
            _why({reason for action in statement.actions for reason in needs[action]}),
        )
        for statement in policies.of_role(role)
    ]
    managed = [name for holder, name in policies.managed_policies if holder == role]
    rows += [(f"what AWS's policy `{name}` says", "", "", "accepted below") for name in managed]
    return f"### {_path(role, policies)}\n\nAssumed by `{who}`, {condition}.\n\n" + _table(
        ("May", "On", "Only if", "Why"), rows
    )


def _why(reasons: set[Reason]) -> str:
    details: dict[tuple[str, str], list[str]] = {}
    for reason in sorted(reasons):
        details.setdefault((reason.title, reason.page), []).append(reason.detail)
    return "<br>".join(
        f"[{_sentence(title)}]({page})" if page else f"{_sentence(title)} {', '.join(what)}"
        for (title, page), what in details.items()
    )


def _doors(policies: Policies) -> Iterator[tuple[str, ...]]:
    for statement in policies.statements:
        if statement.effect == "Allow" and statement.principals and not statement.is_trust:
            yield (
                _resources(statement, policies),
                ", ".join(f"`{each.partition(':')[2]}`" for each in statement.principals),
                ", ".join(f"`{each}`" for each in statement.actions),
                _conditions(statement, policies),
                _sentence("; ".join(dict.fromkeys(_reasons_of_door(statement)))),
            )


def _reasons_of_door(statement: Statement) -> Iterator[str]:
    for principal in statement.principals:
        reasons = DOORS[statement.type, principal.removeprefix("Service:")]
        yield from (reasons[action] for action in statement.actions)


def _exceptions() -> str:
    rows: dict[tuple[str, str], list[str]] = {}
    for kind, entries in {
        "an action on `*`": accepted.ON_EVERYTHING,
        "an action with a wildcard": {action: why for (_, action), why in accepted.BY_WILDCARD.items()},
        "an action on all of something": {f"{action} on {name}": why for (action, name), why in accepted.WHOLE.items()},
        "a service without a condition": accepted.UNCONDITIONAL_SERVICES,
        "a role's service without a condition": accepted.UNCONDITIONAL_ROLES,
        "a policy of AWS's": {f"{policy} of {role}": why for (role, policy), why in accepted.MANAGED_POLICIES.items()},
    }.items():
        for name, why in entries.items():
            rows.setdefault((kind, why), []).append(f"`{name}`")
    return (
        WIDER
        + ACCEPTED
        + _table(
            ("What", "Which", "Why"),
            ((_sentence(kind), "<br>".join(names), _sentence(why)) for (kind, why), names in rows.items()),
        )
    )


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [titles, tuple("---" for _ in titles), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _resources(statement: Statement, policies: Policies) -> str:
    return "<br>".join(f"`{_readable(each, policies)}`" for each in statement.resources)


def _conditions(statement: Statement, policies: Policies) -> str:
    return "<br>".join(
        f"`{key}` is {' or '.join(f'`{_readable(each, policies)}`' for each in values)}"
        for key, values in statement.conditions.items()
    )


def _readable(text: str, policies: Policies) -> str:
    """Return a resource or a condition's value with what it refers to by its path, without what is the same in all."""
    text = REFERENCE.sub(lambda match: f"<{_path(match[1], policies)}>", text)
    text = text.replace("arn:${AWS::Partition}:", "").replace("${AWS::Region}:${AWS::AccountId}:", "")
    return re.sub(r"\$\{AWS::(\w+)\}", r"<\1>", text)


def _path(node: str, policies: Policies) -> str:
    path: str = policies.resources[node]["Metadata"]["aws:cdk:path"]
    return path.removeprefix(f"{STACK}/").removesuffix("/Resource")


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


if __name__ == "__main__":
    PAGE.write_text(page())
