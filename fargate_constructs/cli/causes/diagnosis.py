"""Decodes what AWS knows about a service into findings: what happened, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import takewhile
from typing import NamedTuple

from fargate_constructs.cli.aws import Answer, paged
from fargate_constructs.cli.causes import cause_of
from fargate_constructs.cli.causes.cause import ECS, Cause
from fargate_constructs.cli.causes.start_requirements import missing_requirements
from fargate_constructs.cli.deployed.service_facts import STEADY, Reader, ServiceFacts, when_stopped

WRONG_FORMAT = "exec format error"
QUOTA_CAUSES = ("vcpuQuota", "taskQuota", "sizeQuota")
# The statuses of a service deployment that are no failure.
FINE_DEPLOYMENTS = ("SUCCESSFUL", "IN_PROGRESS", "PENDING")
UNKNOWN = Cause(
    "",
    "AWS reports something that this command does not know.",
    "Its text is not in the table of causes.",
    "Read the text.",
    f"{ECS}troubleshooting.html",
    id="unknown",
)


class Observation(NamedTuple):
    """A text of AWS, or of a check."""

    text: str
    where: str
    """What it is about, such as `task 1dc5c17a`."""
    time: datetime | None = None
    is_event: bool = False
    task: Answer | None = None
    """The task that stopped, if it is about one."""


class Finding(NamedTuple):
    """A cause, and all that AWS reports of it."""

    cause: Cause
    observations: Sequence[Observation]
    details: Sequence[str] = ()

    @property
    def texts(self) -> list[str]:
        """Each text of AWS once, the newest first."""
        return list(dict.fromkeys(each.text for each in self.observations))

    @property
    def places(self) -> list[str]:
        """Where AWS reports it."""
        return list(dict.fromkeys(each.where for each in self.observations))


class Diagnosis(NamedTuple):
    """The answer about a service."""

    facts: ServiceFacts
    findings: Sequence[Finding]
    other_events: Sequence[str]
    """Events of a service at rest that have no known cause."""
    log_lines: dict[str, list[str]]
    """The last lines of each container of the task that failed last."""
    log_task: str
    gaps: Sequence[str]
    """What could not be checked, and why."""


def diagnose(reader: Reader) -> Diagnosis:
    """Return the findings about a service."""
    facts = reader.facts()
    at_rest = facts.is_at_rest()
    by_cause: dict[tuple[str, str], tuple[Cause, list[Observation]]] = {}
    other_events = []
    checks = (Observation(text, "check") for text in missing_requirements(reader, facts))
    for each in (*_reported(facts), *checks):
        cause = cause_of(each.text)
        if cause is None and each.is_event and at_rest:
            other_events.append(each.text)
        elif cause is None or not cause.is_normal:
            key = (cause.id, "") if cause else (UNKNOWN.id, each.text)
            by_cause.setdefault(key, (cause or UNKNOWN, []))[1].append(each)
    if not by_cause and not at_rest and (missing := _missing_tasks(facts.service)):
        cause = cause_of(missing.text) or UNKNOWN
        by_cause[cause.id, ""] = (cause, [missing])
    findings = [
        Finding(cause, seen, _quotas(reader) if cause.id in QUOTA_CAUSES else ()) for cause, seen in by_cause.values()
    ]
    failed = [each.task for finding in findings for each in finding.observations if each.task]
    last = max(failed, key=when_stopped, default=None)
    lines = reader.log_lines(last, facts.task_definition) if last else {}
    findings += _findings_in_logs(lines)
    return Diagnosis(
        facts,
        sorted(findings, key=lambda each: each.cause.is_result),
        other_events,
        lines,
        _task_id(last) if last else "",
        reader.gaps,
    )


def _reported(facts: ServiceFacts) -> Iterator[Observation]:
    """Yield what AWS reports about the last deployment, and about the service since it was last at rest."""
    service = facts.service
    if service["status"] != "ACTIVE":
        yield Observation(f"the service is {service['status']}", "service")
    for task in _current_tasks(facts):
        yield Observation(task_text(task), f"task {_task_id(task)}", when_stopped(task), task=task)
    for each in facts.targets:
        health = each["TargetHealth"]
        if health["State"] != "healthy":
            text = ": ".join(filter(None, (health.get("Reason", health["State"]), health.get("Description"))))
            yield Observation(text, f"target {each['Target']['Id']}:{each['Target'].get('Port', '')}")
    for event in _current_events(facts):
        yield Observation(event["message"], "event", event["createdAt"], is_event=True)
    yield from _failed_deployments(facts)


def _failed_deployments(facts: ServiceFacts) -> Iterator[Observation]:
    for newest in facts.deployments[:1]:
        if newest["status"] not in FINE_DEPLOYMENTS:
            yield Observation(_deployment_text(newest), "deployment", newest["createdAt"])
    for each in facts.service["deployments"]:
        if each.get("rolloutState") == "FAILED":
            yield Observation(each.get("rolloutStateReason", "deployment FAILED"), "deployment", each["createdAt"])
    for failure in facts.stack_failures:
        text = failure.get("ResourceStatusReason", failure["ResourceStatus"])
        yield Observation(text, "stack", failure["Timestamp"])


def _current_tasks(facts: ServiceFacts) -> Iterator[Answer]:
    """Yield the stopped tasks; only those of the last deployment, if it is complete."""
    primary = [each["id"] for each in facts.service["deployments"] if each["status"] == "PRIMARY"]
    at_rest = facts.is_at_rest()
    for each in facts.stopped_tasks:
        started_by = each.get("startedBy", "")
        if not (at_rest and started_by.startswith("ecs-svc/") and started_by not in primary):
            yield each


def _current_events(facts: ServiceFacts) -> list[Answer]:
    """Return the events since the last steady state, or since the beginning of the last deployment if it failed."""
    events: list[Answer] = sorted(facts.service["events"], key=lambda each: each["createdAt"], reverse=True)
    failed = [each["createdAt"] for each in facts.deployments[:1] if each["status"] not in FINE_DEPLOYMENTS]
    failed += [each["createdAt"] for each in facts.service["deployments"] if each.get("rolloutState") == "FAILED"]
    if failed:
        return [each for each in events if each["createdAt"] >= min(failed)]
    return list(takewhile(lambda each: STEADY not in each["message"], events))


def _task_id(task: Answer) -> str:
    name: str = task["taskArn"].rpartition("/")[2]
    return name


def task_text(task: Answer) -> str:
    """Return all that ECS reports about a stopped task, in one text."""
    texts = [task.get("stoppedReason", "")]
    for each in task["containers"]:
        reason = each.get("reason", "")
        texts += [f"{each['name']}: {reason}" if reason and reason not in texts[0] else ""]
        texts += [f"{each['name']} exited with code {each['exitCode']}" if "exitCode" in each else ""]
    texts += [
        detail["value"]
        for each in task.get("attachments", [])
        for detail in each.get("details", [])
        if detail["name"] == "statusReason"  # why ECS did not attach an EBS volume
    ]
    return "; ".join(filter(None, (*texts, f"stop code {task['stopCode']}" if "stopCode" in task else "")))


def _deployment_text(deployment: Answer) -> str:
    texts = [f"deployment {deployment['status']}", deployment.get("statusReason", "")]
    texts.append(deployment.get("rollback", {}).get("reason", ""))
    if alarms := deployment.get("alarms", {}).get("triggeredAlarmNames"):
        texts.append(f"alarms triggered: {', '.join(alarms)}")
    if deployment.get("deploymentCircuitBreaker", {}).get("status") == "TRIGGERED":
        texts.append(f"circuit breaker triggered by {deployment['deploymentCircuitBreaker']['failureCount']} tasks")
    return "; ".join(filter(None, dict.fromkeys(texts)))


def _missing_tasks(service: Answer) -> Observation | None:
    """Return that tasks are missing without a reason; `None` while a deployment starts them."""
    running, desired = service["runningCount"], service["desiredCount"]
    is_starting = any(each.get("rolloutState") == "IN_PROGRESS" for each in service["deployments"])
    return None if is_starting or running >= desired else Observation(f"{running} of {desired} tasks run", "service")


def _findings_in_logs(lines: dict[str, list[str]]) -> Iterator[Finding]:
    """Yield the cause that only the log has: a program that is for another processor."""
    for name, texts in lines.items():
        for text in texts:
            if WRONG_FORMAT in text and (cause := cause_of(text)):
                yield Finding(cause, [Observation(text, f"log of {name}")])
                break


def _quotas(reader: Reader) -> list[str]:
    """Return the quotas of Fargate in the account."""
    with reader.noting("the quotas of Fargate"):
        found = paged(reader.client("service-quotas"), "list_service_quotas", "Quotas", ServiceCode="fargate")
        return [f"{each['QuotaName']}: {each['Value']:g}" for each in found]
    return []
