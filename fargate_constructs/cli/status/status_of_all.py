"""Asks AWS about the status of many services in few requests: alarms and load balancers once for a region."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from fargate_constructs.cli.aws import Answer, in_batches
from fargate_constructs.cli.deployed.deployed_services import DeployedService
from fargate_constructs.cli.deployed.service_facts import (
    DEPLOYMENTS,
    DEPLOYMENTS_IN_ONE_CALL,
    Reader,
    target_groups,
)
from fargate_constructs.cli.status.service_alarms import Alarmed, alarms_in_alarm, alarms_of
from fargate_constructs.cli.status.service_urls import urls_of
from fargate_constructs.cli.status.status_answers import counts_of, deployment_of
from fargate_constructs.cli.status.status_model import Overview, ServiceStatus

if TYPE_CHECKING:
    from boto3 import Session

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html
SERVICES_IN_ONE_CALL = 10


class TableReader:
    """Asks for the status of services again and again; URLs are asked for once."""

    def __init__(self, session: Session, services: Sequence[DeployedService]) -> None:
        ordered = sorted(services, key=lambda each: (each.region, each.cluster))
        self._regions = [
            _RegionReader(Reader(session, some[0]), some)
            for _, group in groupby(ordered, key=lambda each: each.region)
            for some in [[*group]]
        ]

    def overview(self) -> Overview:
        """Return the status of each service that ECS knows, in the order of their names."""
        found = [status for region in self._regions for status in region.statuses()]
        gaps = [gap for region in self._regions for gap in region.gaps]
        return Overview(sorted(found, key=lambda each: each.found.name), is_one=False, gaps=gaps)


class _RegionReader:
    """Asks for the services of one region."""

    def __init__(self, reader: Reader, services: Sequence[DeployedService]) -> None:
        self._reader = reader
        self._services = services
        self._urls: dict[str, list[str]] | None = None
        self._url_gaps: list[str] = []

    @property
    def gaps(self) -> list[str]:
        return [*self._url_gaps, *self._reader.gaps]

    def statuses(self) -> list[ServiceStatus]:
        self._reader.gaps = []
        answers = [*self._describe()]
        if self._urls is None:
            self._read_urls({group for _, service in answers for group in target_groups(service)})
        deployments = self._reader.noted(DEPLOYMENTS, lambda: self._deployments(answers)) or {}
        alarms = self._reader.noted("alarms", lambda: alarms_in_alarm(self._reader.client("cloudwatch")))
        return [
            self._status(found, service, deployments.get(service.get("currentServiceDeployment", "")), alarms)
            for found, service in answers
        ]

    def _describe(self) -> Iterable[tuple[DeployedService, Answer]]:
        """Yield each service with the answer about it."""
        ecs = self._reader.client("ecs")
        for cluster, group in groupby(self._services, key=lambda each: each.cluster):
            services = {each.service: each for each in group}
            for some in in_batches([*services], SERVICES_IN_ONE_CALL):
                try:
                    answers = ecs.describe_services(cluster=cluster, services=some)["services"]
                except ecs.exceptions.ClusterNotFoundException:
                    break
                yield from ((services[each["serviceName"]], each) for each in answers)

    def _deployments(self, answers: Sequence[tuple[DeployedService, Answer]]) -> dict[str, Answer]:
        """Return the newest deployment of each service, by its ARN."""
        arns = [each["currentServiceDeployment"] for _, each in answers if each.get("currentServiceDeployment")]
        ecs = self._reader.client("ecs")
        return {
            each["serviceDeploymentArn"]: each
            for some in in_batches(arns, DEPLOYMENTS_IN_ONE_CALL)
            for each in ecs.describe_service_deployments(serviceDeploymentArns=some)["serviceDeployments"]
        }

    def _read_urls(self, groups: set[str]) -> None:
        """Ask for the URLs once."""
        session, region = self._reader.session, self._reader.found.region
        self._urls = self._reader.noted("URLs", lambda: urls_of(session, region, groups)) or {} if groups else {}
        self._url_gaps, self._reader.gaps = self._reader.gaps, []

    def _status(
        self, found: DeployedService, service: Answer, newest: Answer | None, alarms: Sequence[Answer] | None
    ) -> ServiceStatus:
        groups = target_groups(service)
        deployment = deployment_of(service, newest, {})
        about = Alarmed(found.cluster, found.service, groups, names={*deployment.alarms, *deployment.triggered})
        urls = [url for group in groups for url in (self._urls or {}).get(group, [])]
        return ServiceStatus(
            found,
            *counts_of(service),
            deployment,
            alarms=None if alarms is None else alarms_of(alarms, about),
            urls=list(dict.fromkeys(urls)),
        )
