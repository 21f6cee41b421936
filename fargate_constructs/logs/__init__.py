"""Where logs go: from CloudWatch to S3, none lost, none twice."""

from fargate_constructs.logs.log_archive import LogArchive

__all__ = ["LogArchive"]
