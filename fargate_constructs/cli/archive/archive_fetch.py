"""`fargate-constructs archive fetch`: objects of a range of time, as files."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fargate_constructs.cli.archive.archive_options import archive_options, chosen, log_groups_option, range_options
from fargate_constructs.cli.archive.archived_log_groups import chosen_log_groups
from fargate_constructs.cli.archive.object_downloads import Download, Outcome, download_all
from fargate_constructs.cli.command_line import FINDING
from fargate_constructs.cli.events.archived_events import INSTANT, ArchivedEvents, ArchivedObject, ScanSize
from fargate_constructs.cli.options import Place
from fargate_constructs.cli.terminal import moments
from fargate_constructs.cli.terminal.confirmation import confirm, yes_option
from fargate_constructs.cli.terminal.moments import as_text, milliseconds
from fargate_constructs.cli.terminal.output import counted, in_bytes, print_json
from fargate_constructs.cli.terminal.progress import Progress

if TYPE_CHECKING:
    from boto3 import Session

    from fargate_constructs.cli.deployed.archives import DeployedArchive

# More than this needs a confirmation.
LARGE_BYTES, LARGE_PRICE = 1_000_000_000, 0.10
# Compaction may delete objects between the list and the download; a new list has what it wrote.
ROUNDS = 5
MAX_LISTED = 5
# Bytes of a folder's name on most disks.
MAX_NAME = 255
EXAMPLES = """\b
Examples:
  fargate-constructs archive fetch --since 2h --output logs
  fargate-constructs archive fetch Shop/LogArchive --since 2026-11-01 --until 2026-12-01 \\
    --log-group /ecs/web --output november --yes
"""


@click.command(epilog=EXAMPLES)
@range_options(
    since_help="From the hour of this time: 2h, 7d, 2026-11-29T10:00 (UTC).",
    until_help="To the hour of this time. By default now.",
    is_required=True,
)
@log_groups_option("Only this log group. May be written several times. By default all.")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder.")
@yes_option
@archive_options
@click.pass_context
def command(
    context: click.Context,
    *,
    archive: str,
    place: Place,
    since: datetime,
    until: datetime | None,
    log_groups: tuple[str, ...],
    output: Path,
    as_json: bool,
    yes: bool,
) -> None:
    """Copy objects of the archive to a folder.

    An object has the events of a log group and an hour, and is copied whole. Its file has the same path as in the
    bucket. A second run copies only what is missing.

    The status is 1 if something could not be copied.
    """
    session, found = chosen(archive, place)
    begin, end = milliseconds(since), milliseconds(until or moments.now())
    if begin >= end:
        raise ValueError(f"--since must be before --until, got: {as_text(since)} and {as_text(until or moments.now())}")
    with Progress() as progress:
        fetching = Fetching(session, found, output, progress)
        groups = chosen_log_groups(session, found, log_groups)
        total = fetching.run(groups, begin, end, yes=yes)
    if as_json:
        print_json(fetching.as_document(total))
    else:
        _print(found, fetching, total)
    if fetching.problems:
        context.exit(FINDING)


class Fetching:
    """The copying of objects to a folder."""

    def __init__(self, session: Session, archive: DeployedArchive, folder: Path, progress: Progress) -> None:
        self._session, self.archive, self.folder, self._progress = session, archive, folder, progress
        self._s3: Any = session.client("s3", region_name=archive.region)
        self.objects = 0
        """How many objects were copied, and their size."""
        self.bytes = 0
        self.there_already = 0
        self.to_restore: list[str] = []
        self.damaged: dict[str, str] = {}
        self.vanished: list[str] = []
        self.not_in_archive = 0
        """How many files of these hours are not, or no longer, in the archive."""

    @property
    def problems(self) -> bool:
        """Whether an object was not copied."""
        return bool(self.to_restore or self.damaged or self.vanished)

    def run(self, groups: Sequence[str], begin: int, end: int, *, yes: bool) -> int:
        """Copy what is missing; return the number of objects of the range."""
        is_confirmed = yes
        for _ in range(ROUNDS):
            listed = [each for group in groups for each in self._listed(group, begin, end)]
            no_paths = {each.key: reason for each in listed if (reason := _why_no_path(each.key))}
            objects = [each for each in listed if each.key not in no_paths]
            downloads = [Download(each.key, each.size, self.folder / each.key) for each in objects]
            missing = [(each, source) for each, source in zip(downloads, objects, strict=True) if not each.is_done]
            self._check_room(sum(each.size for each, _ in missing))
            is_confirmed = is_confirmed or self._confirm([source for _, source in missing])
            outcome = download_all(
                self._s3, self.archive.bucket_arguments, (each for each, _ in missing), report=self._report(missing)
            )
            self.objects, self.bytes = self.objects + outcome.objects, self.bytes + outcome.bytes
            self.to_restore, self.damaged, self.vanished = outcome.to_restore, outcome.damaged, outcome.vanished
            if not self.vanished:
                break
        failed = len(self.to_restore) + len(self.damaged) + len(self.vanished)
        self.there_already = max(0, len(objects) - self.objects - failed)
        self.damaged |= no_paths
        self.not_in_archive = self._count_others({each.path for each in downloads}, begin, end)
        return len(listed)

    def as_document(self, total: int) -> dict[str, Any]:
        """Return what was done as a document for JSON."""
        return {
            "archive": self.archive.name,
            "bucket": self.archive.bucket,
            "folder": str(self.folder),
            "objects": total,
            "there_already": self.there_already,
            "fetched": self.objects,
            "fetched_bytes": self.bytes,
            "to_restore": sorted(self.to_restore),
            "damaged": self.damaged,
            "vanished": sorted(self.vanished),
            "files_not_in_archive": self.not_in_archive,
        }

    def _listed(self, group: str, begin: int, end: int) -> list[ArchivedObject]:
        self._progress.show(f"lists {group}")
        return [*ArchivedEvents(self._session, self.archive, group).objects(begin, end)]

    def _confirm(self, missing: Sequence[ArchivedObject]) -> bool:
        """Ask before much is copied; return that it was agreed."""
        cold = [each.size for each in missing if each.storage_class == INSTANT]
        size = ScanSize(len(missing), sum(each.size for each in missing), len(cold), sum(cold))
        if size.bytes >= LARGE_BYTES or size.usd >= LARGE_PRICE:
            confirm(
                f"{counted(size.objects, 'object')} with {in_bytes(size.bytes)} to copy, for about {size.usd:.2f} USD "
                "at list prices of us-east-1 (less in the bucket's region, where no transfer is billed).",
                yes=False,
            )
        return True

    def _check_room(self, needed: int) -> None:
        """Refuse a disk without room before the first byte.

        Raises:
            OSError: If the disk has too little room.
        """
        there = next(each for each in (self.folder.absolute(), *self.folder.absolute().parents) if each.exists())
        free = shutil.disk_usage(there).free
        if needed > free:
            raise OSError(f"{there} must have {in_bytes(needed)} free, got: {in_bytes(free)}; name another --output")

    def _report(self, missing: Sequence[object]) -> Any:  # noqa: ANN401 - a function
        def report(outcome: Outcome) -> None:
            self._progress.show(f"{outcome.objects:,} of {len(missing):,} objects, {in_bytes(outcome.bytes)}")

        return report

    def _count_others(self, known: set[Path], begin: int, end: int) -> int:
        """Return how many files of the same hours are not among these: compaction may have joined them."""
        times = (datetime.fromtimestamp(each // 1000, UTC) for each in (max(begin, 0), end - 1))
        first, last = (f"{each:dt=%Y-%m-%d/hour=%H}" for each in times)
        # Of an hour before these, only the objects that go on into them are known.
        folders = {each.parent for each in known if first <= "/".join(each.parts[-3:-1]) <= last}
        return sum(1 for folder in folders for each in folder.glob("[!.]*.gz") if each not in known)


def _why_no_path(key: str) -> str:
    """Return why a key is no path below the folder; empty if it is one."""
    parts = key.split("/")
    if ".." in parts:  # a role that may write to the bucket chooses keys
        return "its key leads out of the folder"
    too_long = any(len(each) > MAX_NAME for each in parts)
    return f"its log group is too long for a name of {MAX_NAME} bytes" if too_long else ""


def _print(archive: DeployedArchive, fetching: Fetching, total: int) -> None:
    click.echo(
        f"{counted(fetching.objects, 'object')} fetched ({in_bytes(fetching.bytes)}), {fetching.there_already:,} were "
        f"there, of {total:,} in {archive.name}"
    )
    if fetching.not_in_archive:
        click.echo(
            f"{counted(fetching.not_in_archive, 'file')} of these hours not in the archive now, because compaction "
            "joined some: lines may be there twice. Fetch into a new folder, or read them with the macro of "
            "docs/reading-logs.md, which shows each line once."
        )
    if fetching.to_restore:
        click.echo(
            f"{counted(len(fetching.to_restore), 'object')} to restore first, in an archive class of S3: "
            f"{_first(fetching.to_restore)}\n"
            f"    aws s3api restore-object --bucket {archive.bucket} --key KEY "
            "--restore-request 'Days=7,GlacierJobParameters={Tier=Bulk}'\n"
            "    It takes up to 48 hours and costs money: https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
            "restoring-objects.html"
        )
    for key, reason in sorted(fetching.damaged.items())[:MAX_LISTED]:
        click.echo(f"not fetched: {key}: {reason}")
    if len(fetching.damaged) > MAX_LISTED:
        click.echo(f"and {len(fetching.damaged) - MAX_LISTED:,} more; --json has all")
    if fetching.vanished:
        click.echo(f"{counted(len(fetching.vanished), 'object')} deleted meanwhile: {_first(fetching.vanished)}")


def _first(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - MAX_LISTED:,} more; --json has all" if len(keys) > MAX_LISTED else ""
    return ", ".join(sorted(keys)[:MAX_LISTED]) + more
