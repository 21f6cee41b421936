"""The command."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from fargate_constructs.logs.backfill.log_group_backfill import Backfill
from fargate_constructs.logs.backfill.zipped_objects import BackfillError


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m fargate_constructs.logs.backfill",
        description="Fill a log archive with what a log group held before it was shipped. May be stopped and started "
        "again. Region and credentials are the AWS CLI's; it needs boto3.",
    )
    parser.add_argument("--log-group", required=True, help="the log group's name, such as /ecs/web")
    parser.add_argument("--archive-bucket", required=True, help="the archive's bucket")
    parser.add_argument(
        "--export-bucket", required=True, help="a bucket to which CloudWatch Logs may write (LogExportBucket)"
    )
    parser.add_argument(
        "--from",
        dest="begin",
        type=datetime.fromisoformat,
        metavar="TIME",
        help="such as 2026-01-01, or 2026-01-01T00:00+02:00; UTC without an offset. By default the first event's",
    )
    parser.add_argument(
        "--to",
        dest="end",
        type=datetime.fromisoformat,
        metavar="TIME",
        help="exclusive; by default 12 hours ago, the newest that is sure to be exportable. A day that the archive has "
        "already costs an export task, and adds nothing",
    )
    options = parser.parse_args(arguments)
    try:
        Backfill(
            log_group=options.log_group,
            archive_bucket=options.archive_bucket,
            export_bucket=options.export_bucket,
            report=lambda line: print(line, flush=True),  # noqa: T201 - for a terminal
        ).run(options.begin, options.end)
    except KeyboardInterrupt:
        print("stopped; start it again, and it continues with this day", file=sys.stderr)  # noqa: T201 - the same
        return 130
    except (BackfillError, BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the same
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
