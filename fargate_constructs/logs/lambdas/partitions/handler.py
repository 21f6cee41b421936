"""Write the log groups with lines in the bucket into the table, so that a query over all log groups finds all.

```
S3 ──> [which log groups?] ──> table ──> Athena
```

Athena needs the values of a partition column that a query does not limit (`projection.<column>.values`). This is one
request for each thousand log groups, not a crawler: it reads no object.
"""

from __future__ import annotations

import os
import re
from typing import Any

import boto3

PROJECTED = "projection.log_group.values"
NO_LOG_GROUP = "-"  # Athena refuses an empty list
# A name in a key is percent-encoded. Names of other objects would break the list: Athena refuses an empty name, and
# splits a name at its commas.
ENCODED = re.compile(r"[A-Za-z0-9._~%-]+")

S3: Any = boto3.client("s3")
GLUE: Any = boto3.client("glue")


def handler(_event: object, _context: object) -> dict[str, list[str]]:
    """Write the bucket's log groups into the table.

    Returns:
        The added and removed log groups, and those that the table cannot have, for invocations by hand.

    Raises:
        botocore.exceptions.ClientError: S3 or Glue refuses, or the table changed at the same moment.
    """
    database, name = os.environ["DATABASE"], os.environ["TABLE"]
    table = GLUE.get_table(DatabaseName=database, Name=name)["Table"]
    known = table["Parameters"][PROJECTED].split(",")
    stored = stored_log_groups(os.environ["ARCHIVE_BUCKET"])
    found = list(filter(ENCODED.fullmatch, stored)) or [NO_LOG_GROUP]
    if found != known:
        table["Parameters"][PROJECTED] = ",".join(found)
        settable = GLUE.meta.service_model.shape_for("TableInput").members
        GLUE.update_table(
            DatabaseName=database,
            TableInput={key: value for key, value in table.items() if key in settable and value != ""},
            VersionId=table["VersionId"],  # a deployment that changes the table at the same time wins
            SkipArchive=True,
        )
    return {
        "learned": sorted({*found} - {*known}),
        "forgotten": sorted({*known} - {*found}),
        "unreadable": [name for name in stored if not ENCODED.fullmatch(name)],
    }


def stored_log_groups(bucket: str) -> list[str]:
    """Return the names of log groups with objects in the bucket, as in the keys, sorted."""
    pages = S3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="log_group=", Delimiter="/")
    prefixes = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]
    return sorted(prefix.removeprefix("log_group=").removesuffix("/") for prefix in prefixes)
