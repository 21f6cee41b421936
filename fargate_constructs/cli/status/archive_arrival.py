"""Finds when lines of a log group last reached its archive in S3."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from fargate_constructs.cli.aws import Answer, paged
from fargate_constructs.cli.deployed.archives import DeployedArchive, archive_of
from fargate_constructs.cli.tasks.container_log import container_of

if TYPE_CHECKING:
    from boto3 import Session

# Lines are in the folder of the hour in which they were written.
HOURS = 2


class Arrival(NamedTuple):
    """When lines last reached an archive."""

    archive: str
    """The archive's name."""
    last: datetime | None
    """`None` if none did in this hour and the one before."""


class ServiceArchive(NamedTuple):
    """The log group of a service, and the archive that it is subscribed to."""

    log_group: str
    archive: DeployedArchive

    def arrival(self, s3: Any, now: datetime) -> Arrival:  # noqa: ANN401 - of boto3
        """Return when lines last reached the archive."""
        folder = f"{self.archive.prefix}{quote(self.log_group, safe='', errors='surrogatepass')}/"
        for hours in range(HOURS):
            hour = now - timedelta(hours=hours)
            place = {**self.archive.bucket_arguments, "Prefix": f"{folder}dt={hour:%Y-%m-%d}/hour={hour:%H}/"}
            times = [each["LastModified"] for each in paged(s3, "list_objects_v2", "Contents", **place)]
            if times:
                return Arrival(self.archive.name, max(times))
        return Arrival(self.archive.name, None)


def archive_of_service(session: Session, region: str, definition: Answer, service: Answer) -> ServiceArchive | None:
    """Return the archive of a service's main container; `None` if it has none, or one of another tool."""
    configuration = container_of(definition, None, service).get("logConfiguration", {})
    group = configuration.get("options", {}).get("awslogs-group", "")
    if configuration.get("logDriver") != "awslogs" or not group:
        return None
    archive = archive_of(session, group, region)
    return ServiceArchive(group, archive) if archive and archive.format else None
