"""Fill an archive with what a log group held before it was shipped.

```
log group ──> export task, a day at a time ──> export bucket ──> [what the archive lacks] ──> shipper's code ──> archive
```

    fargate-constructs archive backfill Shop/LogArchive --log-group /ecs/web

It writes what the shipper would have written: the shipper's own code makes keys and lines, so they have one layout.

**Nothing twice.** Before a day is written, the lines that the archive has of that day are read. Each exported event
that is among them is left out, by stream, timestamp and message, as often as it is there with a different ID. So a day
may overlap with what was shipped, and you may stop the command at any time and start it again: it continues with the
first unfinished day. Days are UTC's, in any time zone.

**One object never stops the rest.** A day is left out if one of its objects cannot be read, or if its export task fails
or is canceled. Events that S3 does not take are named. The command does everything else before it fails.

**Nothing left out.** By default it goes on until 12 hours ago: no subscription says since when this archive has every
line, and a day that the archive has costs an export task and no more.

What an export task does not have, and what the command does about it
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3Export.html):

- *No event ID.* The command makes it from stream, timestamp, message and the number among equal events. It begins with
  `backfill-`. `FilterLogEvents` has the IDs, at some 10 MB/s and 5 to 10 calls a second for the whole account, of which
  the console and others need some: hours for a log group of 100 GB. For less, a loop over it may serve you better.
- *Streams with `-` for `/`.* The command looks the name up among the group's streams. The name of a deleted stream, or
  one of two with the same exported name, stays as exported.
- *Messages of several lines*, one of which begins like an event of the exported day (`2026-02-28T23:59:59.999Z `),
  become several events, also where the archive has one: if there are such messages, end when the archive began.
- *Events of the last 12 hours* may be missing, so later ends are refused. For a log group that has been shipped for
  less than that, a second run writes what came in between.

An account runs one export task at a time: the command waits for others, and tries again.
"""

PREFIX = "fargate-constructs-backfill"
"""The prefix of everything that the command keeps in the export bucket."""
