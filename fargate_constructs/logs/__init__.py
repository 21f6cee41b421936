"""Where logs go: from CloudWatch to S3, none lost, none twice; and how they are read there."""

from typing import TYPE_CHECKING

from fargate_constructs.on_demand import on_demand

if TYPE_CHECKING:
    from fargate_constructs.logs.archive_format import ArchiveFormat
    from fargate_constructs.logs.catalog import LogCatalog
    from fargate_constructs.logs.delivery import Delivery
    from fargate_constructs.logs.export_bucket import LogExportBucket
    from fargate_constructs.logs.log_archive import LogArchive
    from fargate_constructs.logs.log_merger import LogMerger
    from fargate_constructs.logs.log_router import LogRouter
    from fargate_constructs.logs.retention import Retention
else:  # not for type checkers, to which any name would be right
    __getattr__, __dir__ = on_demand(
        __name__,
        {
            "ArchiveFormat": "archive_format",
            "Delivery": "delivery",
            "LogArchive": "log_archive",
            "LogCatalog": "catalog",
            "LogExportBucket": "export_bucket",
            "LogMerger": "log_merger",
            "LogRouter": "log_router",
            "Retention": "retention",
        },
    )

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
