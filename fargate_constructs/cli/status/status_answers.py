"""Turns AWS's answers about a service into its status."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any

from fargate_constructs.cli.aws import Answer
from fargate_constructs.cli.deployed.service_facts import STEADY
from fargate_constructs.cli.status.status_model import UNHEALTHY, Deployment, Event, Revision, Target, Task, words

# What differs between two events of one kind: IDs of tasks, deployments, targets and requests.
IDS = re.compile(r"ecs-svc/\d+|\b[0-9a-f]{32}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b\d+(?:\.\d+){3}\b")
LONG_ID = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{24}\b")
# The states of DescribeServices, in those of a service deployment.
ROLLOUTS = {"COMPLETED": "SUCCESSFUL", "IN_PROGRESS": "IN_PROGRESS", "FAILED": "FAILED"}
OVER = ("SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED")
HASH = re.compile(r"[0-9a-f]{20,}")
SHORT_HASH, MAX_TAG = 8, 20
# The statuses of a lifecycle hook that a deployment waits for.
WAITING = ("AWAITING_ACTION", "IN_PROGRESS")


def deployment_of(service: Answer, newest: Answer | None, definitions: Mapping[str, str]) -> Deployment:
    """Return the newest deployment of a service; *newest* is `None` if it has none, such as one of CodeDeploy.

    The task definition of each service revision is in *definitions*, as far as it is known.
    """
    primary: Answer = next((each for each in service["deployments"] if each["status"] == "PRIMARY"), {})
    rollout = ROLLOUTS.get(primary.get("rolloutState", ""), "")
    # ECS lists a new deployment later than it begins, so one that is over says nothing while a rollout is in progress.
    is_old = newest is not None and newest["status"] in OVER and rollout == "IN_PROGRESS"
    given = {} if newest is None or is_old else newest
    state, reason = (given["status"], _reason(given)) if given else (rollout, _rollout_reason(primary))
    settings = given.get("deploymentConfiguration") or service.get("deploymentConfiguration", {})
    alarms, watched = settings.get("alarms", {}), given.get("alarms", {})
    breaker = given.get("deploymentCircuitBreaker", {})
    failed = breaker.get("failureCount", 0) or primary.get("failedTasks", 0)
    of = f" of {breaker['threshold']}" if breaker.get("threshold") else ""
    return Deployment(
        state=state,
        reason=reason,
        strategy=settings.get("strategy", "ROLLING"),
        stage=given.get("lifecycleStage", "") if state not in OVER else "",
        bake_minutes=settings.get("bakeTimeInMinutes", 0),
        created=given.get("createdAt") or primary.get("createdAt"),
        finished=given.get("finishedAt"),
        revisions=_revisions(service, given, definitions),
        alarms=watched.get("alarmNames") or (alarms.get("alarmNames", []) if alarms.get("enable") else []),
        triggered=watched.get("triggeredAlarmNames", []),
        failed_tasks=f"{failed}{of}" if failed else "",
        hooks=[_hook(each) for each in given.get("lifecycleHookDetails", []) if each["status"] in WAITING],
    )


def counts_of(service: Answer) -> tuple[str, int, int, int]:
    """Return the state of a service, and how many of its tasks run, start, and should run."""
    return service["status"], service["runningCount"], service["pendingCount"], service["desiredCount"]


def _reason(deployment: Answer) -> str:
    reasons = [deployment.get("statusReason", ""), deployment.get("rollback", {}).get("reason", "")]
    return "; ".join(dict.fromkeys(filter(None, reasons)))


def _rollout_reason(primary: Answer) -> str:
    return str(primary.get("rolloutStateReason", "")) if primary.get("rolloutState") == "FAILED" else ""


def _hook(hook: Answer) -> str:
    name = hook.get("targetArn", hook.get("targetType", "")).rpartition(":")[2]
    until = f" until {hook['expiresAt'].astimezone(UTC):%Y-%m-%d %H:%M} UTC" if "expiresAt" in hook else ""
    return f"{name} ({words(hook['status'])}{until})"


def _revisions(service: Answer, newest: Answer, definitions: Mapping[str, str]) -> list[Revision]:
    """Return the versions of the newest deployment, the new one first."""
    if newest.get("targetServiceRevision"):
        old = newest.get("sourceServiceRevisions", [])
        shifts = newest.get("deploymentConfiguration", {}).get("strategy", "ROLLING") != "ROLLING"
        pairs = [(newest["targetServiceRevision"], True), *((each, False) for each in old)]
        return [
            Revision(
                definitions.get(each["arn"], ""),
                is_new,
                each.get("runningTaskCount", 0),
                each.get("requestedTaskCount", 0),
                each.get("requestedProductionTrafficWeight") if shifts else None,
            )
            for each, is_new in pairs
        ]
    return [
        Revision(
            name_of(each["taskDefinition"]),
            each["status"] == "PRIMARY",
            each.get("runningCount", 0),
            each.get("desiredCount", 0),
            None,
        )
        for each in service["deployments"]
        if "taskDefinition" in each
    ]


def revision_arns(newest: Answer | None) -> list[str]:
    """Return the service revisions of a deployment."""
    given = newest or {}
    revisions = [given.get("targetServiceRevision", {}), *given.get("sourceServiceRevisions", [])]
    return list(dict.fromkeys(each["arn"] for each in revisions if "arn" in each))


def name_of(arn: str) -> str:
    """Return the last part of an ARN, such as `shop:7`."""
    return arn.rpartition("/")[2]


def tasks_of(tasks: Iterable[Answer], targets: Sequence[Target], main: str) -> list[Task]:
    """Return the tasks of a service, the oldest first; the image is that of the container *main*, or of the first."""
    found = []
    for each in tasks:
        containers = sorted(each.get("containers", []), key=lambda container: container["name"] != main)
        health = each.get("healthStatus", "UNKNOWN")
        id_ = name_of(each["taskArn"])
        states = [target.state for target in targets if target.task == id_]
        found.append(
            Task(
                id_,
                each["lastStatus"],
                health if health != "UNKNOWN" else "",
                each.get("availabilityZone", ""),
                each.get("startedAt") or each["createdAt"],
                each["taskDefinitionArn"].rpartition(":")[2],
                short_image(containers[0]) if containers else "",
                each.get("capacityProviderName") or each.get("launchType", ""),
                next(iter(addresses_of(each)), ""),
                next((state for state in (*UNHEALTHY, *states) if state in states), ""),
            )
        )
    return sorted(found, key=lambda task: task.since)


def short_image(container: Answer) -> str:
    """Return the tag of a container's image, its digest, or its name; hashes are shortened."""
    name = container.get("image", "")
    name, _, digest = name.rpartition("/")[2].partition("@")
    tag = name.partition(":")[2]
    digest = digest or container.get("imageDigest", "")
    if digest and tag in ("", "latest"):
        return f"@{digest.removeprefix('sha256:')[:SHORT_HASH]}"
    return HASH.sub(lambda found: found[0][:SHORT_HASH], tag)[:MAX_TAG] or str(name)


def addresses_of(task: Answer) -> list[str]:
    """Return the private addresses of a task."""
    details = [
        detail["value"]
        for each in task.get("attachments", [])
        for detail in each.get("details", [])
        if detail["name"] in ("privateIPv4Address", "ipv6Address")
    ]
    interfaces = [each for container in task.get("containers", []) for each in container.get("networkInterfaces", [])]
    seen = [each[key] for each in interfaces for key in ("privateIpv4Address", "ipv6Address") if key in each]
    return list(dict.fromkeys((*details, *seen)))


def targets_of(answers: Iterable[Answer], tasks: Iterable[Answer]) -> list[Target]:
    """Return the targets of DescribeTargetHealth, each with its task."""
    owners = {address: name_of(task["taskArn"]) for task in tasks for address in addresses_of(task)}
    found = []
    for each in answers:
        health, id_ = each["TargetHealth"], each["Target"]["Id"]
        reason = health.get("Description") or health.get("Reason", "")
        address = f"{id_}:{each['Target']['Port']}" if "Port" in each["Target"] else id_
        found.append(Target(address, health["State"], reason, owners.get(id_, "")))
    return found


def events_of(service: Answer) -> list[Event]:
    """Return the events of a service, the newest first, without those of its usual rest."""
    found: dict[str, Event] = {}
    for each in sorted(service["events"], key=lambda event: event["createdAt"], reverse=True):
        text = LONG_ID.sub(r"\1", each["message"].removeprefix(f"(service {service['serviceName']}) "))
        if STEADY in text:
            continue
        kind = IDS.sub("", each["message"])
        first = found.get(kind)
        found[kind] = first._replace(times=first.times + 1) if first else Event(each["createdAt"], text, 1)
    return list(found.values())


def stopped_of(tasks: Iterable[Answer]) -> list[tuple[str, int]]:
    """Return why tasks stopped, the most frequent reason first, and how many did."""
    reasons: Counter[str] = Counter()
    for each in tasks:
        codes = [f"exit code {one['exitCode']}" for one in each.get("containers", []) if one.get("exitCode")]
        text = IDS.sub("", each.get("stoppedReason") or "no reason")
        reason = re.sub(r"\((\w+) +\)", r"a \1", text)  # such as `(deployment ecs-svc/1)`
        reasons[", ".join([reason.strip(" ."), *dict.fromkeys(codes)])] += 1
    return reasons.most_common()


def main_container(service: Answer) -> str:
    """Return the container that gets requests; empty if there is none."""
    names: list[Any] = [each.get("containerName", "") for each in service.get("loadBalancers", [])]
    return str(next(filter(None, names), ""))
