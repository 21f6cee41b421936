"""Asks AWS about the status of one service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from fargate_constructs.cli.aws import Answer
from fargate_constructs.cli.deployed.deployed_resources import DeployedStack
from fargate_constructs.cli.deployed.deployed_services import DeployedService
from fargate_constructs.cli.deployed.egress_addresses import PROBLEMS
from fargate_constructs.cli.deployed.service_egress import read_service_egress
from fargate_constructs.cli.deployed.service_facts import DEPLOYMENTS, Reader, gone, target_groups
from fargate_constructs.cli.status.archive_arrival import Arrival, ServiceArchive, archive_of_service
from fargate_constructs.cli.status.queue_depth import QUEUE_TYPE, Queue, depth_of
from fargate_constructs.cli.status.service_alarms import ALARM_TYPES, Alarmed, alarms_in_alarm, alarms_of
from fargate_constructs.cli.status.service_urls import urls_of
from fargate_constructs.cli.status.status_answers import (
    counts_of,
    deployment_of,
    events_of,
    main_container,
    name_of,
    revision_arns,
    stopped_of,
    targets_of,
    tasks_of,
)
from fargate_constructs.cli.status.status_model import ServiceStatus

if TYPE_CHECKING:
    from boto3 import Session


class StatusReader:
    """Asks for the status of a service again and again; what a deployment rarely changes is asked for once."""

    def __init__(self, session: Session, found: DeployedService, now: Callable[[], datetime]) -> None:
        self._reader = Reader(session, found)
        self._now = now
        self._lasting_gaps: list[str] | None = None
        self._urls: dict[str, list[str]] = {}
        self._alarm_names: Sequence[str] = ()
        self._queues: dict[str, str] = {}
        self._egress: Sequence[str] = ()
        self._archive: ServiceArchive | None = None

    def status(self) -> ServiceStatus:
        """Return the status now."""
        reader, found = self._reader, self._reader.found
        reader.gaps = []
        service = reader.service()
        if service is None:
            raise ValueError(gone(found))
        groups = target_groups(service)
        if self._lasting_gaps is None:
            self._read_lasting(service, groups)
        newest = (reader.noted(DEPLOYMENTS, lambda: reader.deployments(service)) or [])[:1]
        revisions = reader.noted("the revisions of the deployment", lambda: self._definitions(newest)) or {}
        running = reader.noted("tasks", lambda: reader.tasks(serviceName=found.service)) or []
        stopped = reader.noted("stopped tasks", lambda: reader.stopped_tasks(service)) or []
        targets = targets_of(reader.targets(service), running)
        deployment = deployment_of(service, newest[0] if newest else None, revisions)
        names = (*deployment.alarms, *deployment.triggered, *self._alarm_names)
        about = Alarmed(found.cluster, found.service, groups, [name_of(each) for each in self._queues], {*names})
        alarms = reader.noted("alarms", lambda: alarms_of(alarms_in_alarm(reader.client("cloudwatch")), about))
        queues = reader.noted("queues", self._depths) or []
        return ServiceStatus(
            found,
            *counts_of(service),
            deployment,
            tasks_of(running, targets, main_container(service)),
            targets,
            stopped_of(stopped),
            events_of(service),
            alarms,
            list(dict.fromkeys(url for group in groups for url in self._urls.get(group, []))),
            egress=self._egress,
            log=reader.noted("the log archive", self._arrival),
            queues=queues,
            gaps=[*(self._lasting_gaps or []), *reader.gaps],
        )

    def _read_lasting(self, service: Answer, groups: Sequence[str]) -> None:
        reader, found = self._reader, self._reader.found
        egress = reader.noted("egress addresses", lambda: read_service_egress(reader.client("ec2"), service))
        if egress:
            self._egress = [*egress.addresses, *(PROBLEMS[each] for each in egress.problems)]
        if groups:
            self._urls = reader.noted("URLs", lambda: urls_of(reader.session, found.region, groups)) or {}
        self._archive = reader.noted("the log archive", lambda: self._find_archive(service))
        if found.stack:
            with reader.noting("the alarms and queues of the stack"):
                self._read_stack(DeployedStack(reader.session, found.stack, found.region))
        self._lasting_gaps, reader.gaps = reader.gaps, []

    def _read_stack(self, stack: DeployedStack) -> None:
        """Find the alarms and queues that are below the service's construct."""
        inside = f"{self._reader.found.name}/"
        paths = stack.paths if stack.of_type(*ALARM_TYPES, QUEUE_TYPE) else {}
        below = [each for each in stack.resources if paths.get(each.logical_id, "").startswith(inside)]
        self._alarm_names = [each.physical_id for each in below if each.type in ALARM_TYPES]
        self._queues = {
            each.physical_id: paths[each.logical_id].removeprefix(inside).removesuffix("/Resource")
            for each in below
            if each.type == QUEUE_TYPE
        }

    def _definitions(self, newest: Sequence[Answer]) -> dict[str, str]:
        """Return the task definition of each revision of a deployment."""
        arns = [arn for each in newest for arn in revision_arns(each)]
        if not arns:
            return {}
        found = self._reader.client("ecs").describe_service_revisions(serviceRevisionArns=arns)["serviceRevisions"]
        return {each["serviceRevisionArn"]: name_of(each["taskDefinition"]) for each in found}

    def _find_archive(self, service: Answer) -> ServiceArchive | None:
        reader = self._reader
        return archive_of_service(reader.session, reader.found.region, reader.task_definition(service), service)

    def _arrival(self) -> Arrival | None:
        return self._archive.arrival(self._reader.client("s3"), self._now()) if self._archive else None

    def _depths(self) -> list[Queue]:
        return [depth_of(self._reader.client("sqs"), url, name) for url, name in self._queues.items()]
