"""`fargate-constructs archive fetch`: objects of a range of time, as files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fargate_constructs.cli.archive.archive_options import archive_options, chosen, log_groups_option, range_options
from fargate_constructs.cli.archive.archived_log_groups import chosen_log_groups
from fargate_constructs.cli.archive.object_downloads import Download, Outcome, download_all, is_whole
from fargate_constructs.cli.command_line import FINDING
from fargate_constructs.cli.events.archived_events import ArchivedEvents, ArchivedObject, ScanSize
from fargate_constructs.cli.options import Place
from fargate_constructs.cli.terminal import moments
from fargate_constructs.cli.terminal.confirmation import confirm, yes_option
from fargate_constructs.cli.terminal.moments import milliseconds, validate_range
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
    until = until or moments.now()
    validate_range(since, until)
    with Progress() as progress:
        fetching = Fetching(session, found, output, progress)
        groups = chosen_log_groups(session, found, log_groups)
        fetching.run(groups, milliseconds(since), milliseconds(until), yes=yes)
    if as_json:
        print_json(fetching.as_document())
    else:
        _print(fetching)
    if fetching.outcome.problems:
        context.exit(FINDING)


class Fetching:
    """The copying of objects to a folder."""

    def __init__(self, session: Session, archive: DeployedArchive, folder: Path, progress: Progress) -> None:
        self._session, self.archive, self.folder, self._progress = session, archive, folder, progress
        self._s3: Any = session.client("s3", region_name=archive.region)
        self.outcome = Outcome()
        self.total = 0
        """How many objects the range has."""
        self.there_already = 0
        self.not_in_archive = 0
        """How many files of these hours are not, or no longer, in the archive."""

    def run(self, groups: Sequence[str], begin: int, end: int, *, yes: bool) -> None:
        """Copy what is missing."""
        is_confirmed = yes
        for _ in range(ROUNDS):
            listed = [each for group in groups for each in self._listed(group, begin, end)]
            no_paths = {each.key: reason for each in listed if (reason := _why_no_path(each.key))}
            paths = {each: self.folder / each.key for each in listed if each.key not in no_paths}
            missing = [each for each, path in paths.items() if not is_whole(path, each.size)]
            self._check_room(sum(each.size for each in missing))
            if not is_confirmed:
                _confirm(ScanSize.of(missing))
                is_confirmed = True
            outcome = download_all(
                self._s3,
                self.archive.bucket_arguments,
                (Download(each.key, each.size, paths[each]) for each in missing),
                report=partial(self._show, len(missing)),
            )
            outcome.objects, outcome.bytes = outcome.objects + self.outcome.objects, outcome.bytes + self.outcome.bytes
            self.outcome = outcome
            if not outcome.vanished:
                break
        self.total = len(listed)
        self.there_already = max(0, len(paths) - outcome.objects - len(outcome.problems))
        outcome.damaged |= no_paths
        self.not_in_archive = self._count_others({*paths.values()}, begin, end)

    def as_document(self) -> dict[str, Any]:
        """Return what was done as a document for JSON."""
        return {
            "archive": self.archive.name,
            "bucket": self.archive.bucket,
            "folder": str(self.folder),
            "objects": self.total,
            "there_already": self.there_already,
            "fetched": self.outcome.objects,
            "fetched_bytes": self.outcome.bytes,
            "to_restore": sorted(self.outcome.to_restore),
            "damaged": self.outcome.damaged,
            "vanished": sorted(self.outcome.vanished),
            "files_not_in_archive": self.not_in_archive,
        }

    def _listed(self, group: str, begin: int, end: int) -> Iterator[ArchivedObject]:
        self._progress.show(f"lists {group}")
        return ArchivedEvents(self._session, self.archive, group).objects(begin, end)

    def _show(self, count: int, outcome: Outcome) -> None:
        self._progress.show(f"{outcome.objects:,} of {count:,} objects, {in_bytes(outcome.bytes)}")

    def _check_room(self, needed: int) -> None:
        """Refuse a disk without room before the first byte.

        Raises:
            OSError: If the disk has too little room.
        """
        there = next(each for each in (self.folder.absolute(), *self.folder.absolute().parents) if each.exists())
        free = shutil.disk_usage(there).free
        if needed > free:
            raise OSError(f"{there} must have {in_bytes(needed)} free, got: {in_bytes(free)}; name another --output")

    def _count_others(self, known: set[Path], begin: int, end: int) -> int:
        """Return how many files of the same hours are not among these: compaction may have joined them."""
        times = (datetime.fromtimestamp(each // 1000, UTC) for each in (max(begin, 0), end - 1))
        first, last = (f"{each:dt=%Y-%m-%d/hour=%H}" for each in times)
        # Of an hour before these, only the objects that go on into them are known.
        folders = {each.parent for each in known if first <= "/".join(each.parts[-3:-1]) <= last}
        return sum(1 for folder in folders for each in folder.glob("[!.]*.gz") if each not in known)


def _confirm(size: ScanSize) -> None:
    """Ask before much is copied."""
    if size.bytes >= LARGE_BYTES or size.usd >= LARGE_PRICE:
        confirm(
            f"{counted(size.objects, 'object')} with {in_bytes(size.bytes)} to copy, for about {size.usd:.2f} USD "
            "at list prices of us-east-1 (less in the bucket's region, where no transfer is billed).",
            yes=False,
        )


def _why_no_path(key: str) -> str:
    """Return why a key is no path below the folder; empty if it is one."""
    parts = key.split("/")
    if ".." in parts:  # a role that may write to the bucket chooses keys
        return "its key leads out of the folder"
    too_long = any(len(each) > MAX_NAME for each in parts)
    return f"its log group is too long for a name of {MAX_NAME} bytes" if too_long else ""


def _print(fetching: Fetching) -> None:
    archive, outcome = fetching.archive, fetching.outcome
    click.echo(
        f"{counted(outcome.objects, 'object')} fetched ({in_bytes(outcome.bytes)}), {fetching.there_already:,} were "
        f"there, of {fetching.total:,} in {archive.name}"
    )
    if fetching.not_in_archive:
        click.echo(
            f"{counted(fetching.not_in_archive, 'file')} of these hours not in the archive now, because compaction "
            "joined some: lines may be there twice. Fetch into a new folder, or read them with the macro of "
            "docs/reading-logs.md, which shows each line once."
        )
    if outcome.to_restore:
        click.echo(
            f"{counted(len(outcome.to_restore), 'object')} to restore first, in an archive class of S3: "
            f"{_first(outcome.to_restore)}\n"
            f"    aws s3api restore-object --bucket {archive.bucket} --key KEY "
            "--restore-request 'Days=7,GlacierJobParameters={Tier=Bulk}'\n"
            "    It takes up to 48 hours and costs money: https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
            "restoring-objects.html"
        )
    for key, reason in sorted(outcome.damaged.items())[:MAX_LISTED]:
        click.echo(f"not fetched: {key}: {reason}")
    if len(outcome.damaged) > MAX_LISTED:
        click.echo(f"and {len(outcome.damaged) - MAX_LISTED:,} more; --json has all")
    if outcome.vanished:
        click.echo(f"{counted(len(outcome.vanished), 'object')} deleted meanwhile: {_first(outcome.vanished)}")


def _first(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - MAX_LISTED:,} more; --json has all" if len(keys) > MAX_LISTED else ""
    return ", ".join(sorted(keys)[:MAX_LISTED]) + more
