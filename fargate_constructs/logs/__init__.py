"""Where logs go: from CloudWatch to S3, none lost, none twice; and how they are read there."""

from fargate_constructs.logs.archive_format import ArchiveFormat
from fargate_constructs.logs.catalog import LogCatalog
from fargate_constructs.logs.delivery import Delivery
from fargate_constructs.logs.export_bucket import LogExportBucket
from fargate_constructs.logs.log_archive import LogArchive
from fargate_constructs.logs.log_merger import LogMerger
from fargate_constructs.logs.log_router import LogRouter
from fargate_constructs.logs.retention import Retention

__all__ = [
    "ArchiveFormat",
    "Delivery",
    "LogArchive",
    "LogCatalog",
    "LogExportBucket",
    "LogMerger",
    "LogRouter",
    "Retention",
]
