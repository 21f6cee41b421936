"""How logs reach the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from fargate_constructs._core.construct_paths import path_of
from fargate_constructs.monitoring.watched import FIVE_MINUTES, Section, Severity, Watched

if TYPE_CHECKING:
    from fargate_constructs.logs.log_archive import LogArchive

LOGS = Section.LOGS
# What loses lines while it lasts. All other faults wait in the failure bucket until they are replayed.
LOSSES = ("UndeliveredAlarm", "DeliveryErrorsAlarm")


def watch_archive(watched: Watched, archive: LogArchive) -> None:
    """Let the archive's own alarms call, and show its metrics."""
    is_loss = {alarm: alarm.node.id in LOSSES for alarm in archive.alarms}
    watched.adopt([alarm for alarm in archive.alarms if is_loss[alarm]], Severity.PAGE)
    watched.adopt([alarm for alarm in archive.alarms if not is_loss[alarm]], Severity.TICKET)
    watched.text(LOGS, f"**{path_of(archive)}**\n\nreplay failed batches now: `{archive.replay_command}`")
    name, function = archive.node.id, archive.function
    watched.graph(
        LOGS,
        f"{name}: lag",
        {"lag, ms": archive.metric_lag()},
        {"oldest failure, s": archive.metric_oldest_failure_age()},
    )
    batches = {"batches": function.metric_invocations(period=FIVE_MINUTES)}
    failures = {
        "failed": function.metric_errors(period=FIVE_MINUTES),
        "throttled": function.metric_throttles(period=FIVE_MINUTES),
        "unreadable": archive.metric_quarantined_batches(),
    }
    watched.graph(LOGS, f"{name}: batches and failures", failures, batches)
    day = Duration.days(1)
    # S3 reports both once a day (https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html).
    size, objects = (
        cloudwatch.Metric(
            namespace="AWS/S3",
            metric_name=metric,
            dimensions_map={"BucketName": archive.bucket.bucket_name, "StorageType": type_},
            statistic="Average",
            period=day,
        )
        for metric, type_ in (("BucketSizeBytes", "StandardStorage"), ("NumberOfObjects", "AllStorageTypes"))
    )
    title, unit = f"{name}: size (cost)", "bytes in S3 Standard"
    watched.graph(LOGS, title, {"bytes": size}, {"objects": objects}, unit=unit, start="-P14D")
    if archive.catalog:
        scanned = cloudwatch.Metric(
            namespace="AWS/Athena",
            metric_name="ProcessedBytes",
            dimensions_map={"WorkGroup": archive.catalog.workgroup.name},
            statistic="Sum",
            period=FIVE_MINUTES,
        )
        watched.graph(LOGS, f"{name}: bytes read by queries (cost)", {"bytes": scanned})
