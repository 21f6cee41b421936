"""Acknowledged audit findings, each next to its cause.

docs/security.md lists them all. A finding is acknowledged on its own resource only. Callers decide about findings on
their own resources, such as a role that they pass.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct

from fargate_constructs._core import cdk_nag_2
from fargate_constructs._core.asked_once import asked_once
from fargate_constructs._core.construct_paths import stack_of
from fargate_constructs._core.synthesis_checks import check_at_synthesis
from fargate_constructs._core.unresolved import is_unresolved

# The packs of cdk-nag that share the names of rules; AwsSolutions has its own codes.
PACKS = ("HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321", "Serverless")

# Reasons that several places share.
INLINE_POLICY = {
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_choosing-managed-or-inline.html
    "IAMNoInlinePolicy": "The policy belongs to one role and is deleted with it; inline policies are for that.",
}
LOG_GROUP = {
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    "CloudWatchLogGroupEncrypted": "CloudWatch Logs encrypts with its own key. For your key, pass a log_group to a "
    "task, or an encryption_key to AuditedCluster.",
}
ECR_LOGIN = "ECR's GetAuthorizationToken, which each pull needs, accepts no resource."
ALARM = {
    "CloudWatchAlarmAction": "You decide who is notified: pass alarm_actions to an archive, or call add_alarm_action.",
}
FUNCTION = {
    # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    "LambdaConcurrency": "Reserved concurrency reduces the account's, which is 10 in new accounts: a deployment "
    "would fail there.",
    "LambdaInsideVPC": "It calls AWS's APIs only; in a VPC it would need egress.",
    # https://aws.amazon.com/xray/pricing/
    "LambdaTracing": "A run is one function that calls one or two services; its log and metrics are enough, and "
    "traces cost 5 USD a million.",
}


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Acknowledge findings on a resource, by rule: one such as `AwsSolutions-S1`, or a name of all other packs."""
    findings = [finding for rule, reason in reasons.items() for finding in _acknowledgments(rule, reason)]
    _validations_of(construct).acknowledge(*findings)
    if cdk_nag_2.is_installed():
        cdk_nag_2.suppress(construct, {each.id: each.reason for each in findings})


@asked_once
def _validations_of(construct: IConstruct) -> Validations:
    return Validations.of(construct)


@cache
def _acknowledgments(rule: str, reason: str) -> list[Acknowledgment]:
    names = [rule] if "-" in rule else [f"{pack}-{rule}" for pack in PACKS]
    return [Acknowledgment(id=name, reason=reason) for name in names]


def acknowledge_wildcards(
    policy_holder: IConstruct, resources: Sequence[str], *, reason: str, stack: Stack | None = None
) -> None:
    """Acknowledge that a policy names these resources with a wildcard.

    cdk-nag names a finding by the resource as the template writes it. So the name is read from there: now, and again
    when all stacks are known, because a resource of another stack has another name. Pass the stack of the policy if
    it is known: Node.js is asked for it otherwise.
    """
    stack = stack or stack_of(policy_holder)
    if stack not in _WILDCARDS:
        _WILDCARDS[stack] = _Wildcards()
        check_at_synthesis(stack, _WILDCARDS[stack].update)
    _WILDCARDS[stack].add(stack, policy_holder, dict.fromkeys(resources, reason))


class _Wildcards:
    """Acknowledges the wildcards of one stack by their names in its template."""

    def __init__(self) -> None:
        self._reasons: list[tuple[IConstruct, Mapping[str, str]]] = []
        self._names: dict[str, str] = {}
        self._accepted: set[tuple[IConstruct, str]] = set()

    def add(self, stack: Stack, policy_holder: IConstruct, reasons: Mapping[str, str]) -> None:
        """Accept these, too."""
        self._reasons.append((policy_holder, reasons))
        self._read_names(stack, [each for each in reasons if each not in self._names and is_unresolved(each)])
        self._accept(policy_holder, reasons)

    def update(self) -> Sequence[str]:
        """Acknowledge wildcards whose names have changed since; the names are final now. Return no error."""
        self._read_names(stack_of(self._reasons[0][0]), list(self._names))
        for policy_holder, reasons in self._reasons:
            self._accept(policy_holder, reasons)
        return ()

    def _read_names(self, stack: Stack, resources: Sequence[str]) -> None:
        if resources:
            self._names |= zip(resources, map(_as_written, stack.resolve(resources)), strict=True)

    def _accept(self, policy_holder: IConstruct, reasons: Mapping[str, str]) -> None:
        rules = {
            f"AwsSolutions-IAM5[Resource::{self._names.get(each, each)}]": reason for each, reason in reasons.items()
        }
        new = {rule: reason for rule, reason in rules.items() if (policy_holder, rule) not in self._accepted}
        if new:
            acknowledge(policy_holder, new)
            self._accepted.update((policy_holder, rule) for rule in new)


_WILDCARDS: WeakKeyDictionary[Stack, _Wildcards] = WeakKeyDictionary()


def _as_written(reference: Any) -> str:  # noqa: ANN401 - a piece of a template
    match reference:
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(_as_written, parts))
        case {"Fn::ImportValue": name}:
            return str(name)
        case _:
            return str(reference)
