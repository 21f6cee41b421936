"""What no policy of ours may say.

```
statements ──> [rules] ──> faults, each as a sentence
```
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.privilege import aws_actions
from tests.privilege.accepted import (
    BY_WILDCARD,
    MANAGED_POLICIES,
    ON_EVERYTHING,
    UNCONDITIONAL_ROLES,
    UNCONDITIONAL_SERVICES,
    WHOLE,
)
from tests.privilege.policies import REFERENCE, Policies, Statement

WILDCARD = re.compile(r"[*?]")
# Which of these holds is what keeps a service from being used by another account. The last one names log groups by
# their ARN, account and all.
SOURCES = {"aws:SourceAccount", "aws:SourceArn", "kms:EncryptionContext:aws:logs:arn"}
OWN_ACCOUNT = "AWS:arn:${AWS::Partition}:iam::${AWS::AccountId}:root"
# The ARN of a resource, by its type, as far as rules look at it.
ARNS = {
    "AWS::IAM::Role": "arn:p:iam::a:role/x",
    "AWS::KMS::Key": "arn:p:kms:r:a:key/x",
    "AWS::KinesisFirehose::DeliveryStream": "arn:p:firehose:r:a:deliverystream/x",
    "AWS::Lambda::Function": "arn:p:lambda:r:a:function:x",
    "AWS::Logs::LogGroup": "arn:p:logs:r:a:log-group:x:*",
    "AWS::S3::Bucket": "arn:p:s3:::x",
    "AWS::SQS::Queue": "arn:p:sqs:r:a:x",
    "AWS::SecretsManager::Secret": "arn:p:secretsmanager:r:a:secret:x",
}
# What a template refers to by its ARN, without an attribute.
REFERRED_TO_BY_ARN = {"AWS::SecretsManager::Secret"}
STACK_ID = "arn:p:cloudformation:r:a:stack/x/x"


class Rules:
    """The rules, over some templates.

    Args:
        policies: What is judged.
    """

    def __init__(self, policies: Policies) -> None:
        """Keep it."""
        self._policies = policies
        self.used: set[object] = set()
        """The exceptions that were asked for."""

    def faults(self) -> list[str]:
        """Return what is wrong with any statement, and with the roles' ready-made policies."""
        allowed = [each for each in self._policies.statements if each.effect == "Allow"]
        return [
            *(f"{fault}: {statement}" for statement in allowed for fault in self._of_statement(statement)),
            *self._of_managed_policies(),
        ]

    def _of_statement(self, statement: Statement) -> Iterator[str]:
        if statement.inverted:
            yield f"allows by exclusion ({', '.join(statement.inverted)})"
        yield from self._of_actions(statement)
        if not statement.is_trust:
            yield from self._of_resources(statement)
            yield from self._of_pairs(statement)
        yield from self._of_principals(statement)

    def _of_actions(self, statement: Statement) -> Iterator[str]:
        for action in statement.actions:
            if WILDCARD.search(action):
                if action == "kms:*" and statement.principals != (OWN_ACCOUNT,):
                    yield f"allows {action} to others than the account"
                elif not self._is_accepted(BY_WILDCARD, (statement.type, action)):
                    yield f"allows {action}"
            elif not aws_actions.exists(action):
                yield f"AWS has no action {action}"

    def _of_resources(self, statement: Statement) -> Iterator[str]:
        if statement.type == "AWS::KMS::Key":  # there `*` is the key
            return
        for resource in statement.resources:
            for action in statement.actions:
                if resource == "*":
                    if not self._is_accepted(ON_EVERYTHING, action):
                        yield f"allows {action} on everything"
                elif _is_whole(resource) and not self._is_accepted(WHOLE, (action, _name(resource))):
                    yield f"allows {action} on all of {resource}"

    def _of_pairs(self, statement: Statement) -> Iterator[str]:
        """Every action must have a resource of a type that it takes, and every resource an action that takes it."""
        if statement.type == "AWS::KMS::Key":
            return
        arns = [self._arn(resource, statement.holder) for resource in statement.resources]
        actions = [action for action in statement.actions if aws_actions.exists(action)]
        for action in actions:
            if aws_actions.takes_arn(action) and not any(_fits(action, arn) for arn in arns):
                yield f"{action} does not go with these resources"
        for resource, arn in zip(statement.resources, arns, strict=True):
            if not any(_fits(action, arn) for action in actions):
                yield f"no action goes with {resource}"

    def _of_principals(self, statement: Statement) -> Iterator[str]:
        for principal in statement.principals:
            kind, _, name = principal.partition(":")
            if kind == "Service":
                if not self._is_conditional(statement, name):
                    yield f"{name} may act for any account"
            elif principal != OWN_ACCOUNT and not self._is_own_role(principal):
                yield f"{principal} is not of this account"

    def _is_conditional(self, statement: Statement, service: str) -> bool:
        if any(all(map(self._is_ours, values)) for key, values in statement.conditions.items() if key in SOURCES):
            return True
        logical_id = statement.holder.partition(":")[2]
        role = next((begins for begins in UNCONDITIONAL_ROLES if logical_id.startswith(begins)), None)
        if statement.is_trust and role:
            return self._is_accepted(UNCONDITIONAL_ROLES, role)
        return self._is_accepted(UNCONDITIONAL_SERVICES, service)

    def _is_ours(self, value: str) -> bool:
        """Tell whether a condition's value is this account, an ARN that names it, or the ARN of a resource here."""
        match = REFERENCE.match(value)
        known = match is not None and match[1] in self._policies.resources
        return known or value == "${AWS::AccountId}" or ":${AWS::AccountId}:" in value

    def _is_own_role(self, principal: str) -> bool:
        if principal.startswith("AWS:arn:${AWS::Partition}:iam::${AWS::AccountId}:role/"):  # made elsewhere
            return True
        match = REFERENCE.fullmatch(principal.removeprefix("AWS:"))
        return match is not None and self._policies.resources[match[1]]["Type"] == "AWS::IAM::Role"

    def _of_managed_policies(self) -> Iterator[str]:
        for role, policy in self._policies.managed_policies:
            entry = next((each for each in MANAGED_POLICIES if each[0] in role and each[1] == policy), (role, policy))
            if not self._is_accepted(MANAGED_POLICIES, entry):
                yield f"{role} has a policy that AWS may widen: {policy}"

    def _is_accepted(self, table: Mapping[Any, str], entry: object) -> bool:
        self.used.add(entry)
        return entry in table

    def _arn(self, resource: str, holder: str) -> str:
        """Return a resource's ARN with its references filled in; empty if it refers to what is not known here."""

        def filled(match: re.Match[str]) -> str:
            type_ = self._policies.resources[match[1]]["Type"]
            return ARNS.get(type_, "") if match[2] == "Arn" or type_ in REFERRED_TO_BY_ARN else "x"

        whole = REFERENCE.sub(filled, resource.replace("${AWS::StackId}", STACK_ID))
        arn = re.sub(r"\$\{AWS::\w+\}", "x", whole)
        assert arn == "*" or arn.startswith("arn:"), f"{holder}: what type has {resource}? say so in ARNS"
        return arn


def _fits(action: str, arn: str) -> bool:
    return arn == "*" or aws_actions.fits(action, arn)


def _is_whole(resource: str) -> bool:
    """Tell whether a wildcard stands where a name should begin: `task/*`, `${Bucket.Arn}/*`, `arn:aws:s3:::*`."""
    before, wildcard, _ = re.sub(r"\$\{AWS::\w+\}", "x", resource).partition("*")
    if not wildcard:
        return False
    if match := REFERENCE.match(before):
        return before[match.end() :] in {"", "/"}  # after a colon: versions of a function, streams of a log group
    *place, name = before.split(":", 5)
    if len(place) < 5:  # an ARN has five fields before the name
        return True
    if place[2] == "s3":
        return not name.partition("/")[2]
    return not re.sub(r"^[\w-]+[/:]", "", name)


def _name(resource: str) -> str:
    return resource.rpartition(":")[2].partition("/")[0]
