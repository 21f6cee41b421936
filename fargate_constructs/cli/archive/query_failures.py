"""Why a query of Athena failed, and what to do."""

import re
from typing import NamedTuple

PAGE = "https://docs.aws.amazon.com/athena/latest/ug/troubleshooting-athena.html"


class Failure(NamedTuple):
    """A failure that Athena names in its reason."""

    pattern: str
    what: str
    todo: str
    page: str = PAGE


# The more special ones first: HIVE_CANNOT_OPEN_SPLIT comes with reasons of S3 and KMS.
FAILURES = (
    Failure(
        r"Bytes scanned limit was exceeded|exceeded.*(data usage control|bytes.scanned)",
        "the query read more than one query may in this workgroup",
        "name days and log groups (--since, --until, --log-group), or raise `bytes_scanned_cutoff_per_query` of the "
        "LogCatalog",
        "https://docs.aws.amazon.com/athena/latest/ug/workgroups-setting-control-limits-cloudwatch.html",
    ),
    Failure(
        r"kms:\w+|KMS\.|AWS KMS|KMS key|KMSException",
        "the archive or its results have a KMS key that you may not use",
        "use a role with `catalog.grant_query(role)`, and allow it kms:Decrypt and kms:GenerateDataKey in the key's "
        "policy",
    ),
    Failure(
        r"Lake Formation|lakeformation|Insufficient Lake Formation",
        "Lake Formation governs the catalog of this account, and IAM alone is not enough",
        "grant SELECT on the table and the view in Lake Formation, too",
        "https://docs.aws.amazon.com/athena/latest/ug/lf-athena-user-permissions.html",
    ),
    Failure(
        r"Unable to verify/create output bucket|output location|Access denied when writing output",
        "Athena may not write the result to the workgroup's bucket",
        "use a role with `catalog.grant_query(role)`",
    ),
    Failure(
        r"InvalidObjectState|not valid for the object.s storage class|StorageClass",
        "some objects are in an archive class of S3, and must be restored before they can be read",
        "restore them, or leave their days out with --since",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html",
    ),
    Failure(
        r"NoSuchKey|The specified key does not exist|does not exist.*Hive split",
        "compaction joined small objects while the query read them",
        "run the query again",
    ),
    Failure(
        r"Slow ?Down|503",
        "S3 limits the rate of requests: the query opens many small objects at a time",
        "name fewer days and log groups, or run it again later; compaction makes objects fewer after two days",
        "https://repost.aws/knowledge-center/hive-cannot-open-split-503-athena",
    ),
    Failure(
        r"Access ?Denied|not authorized to perform|Insufficient permissions|Permission denied|Status Code: 403",
        "these credentials may not read something that the query needs",
        "use a role with `catalog.grant_query(role)`; a bucket of another account must allow the role in its policy",
    ),
    Failure(
        r"COLUMN_NOT_FOUND|Column '.*' cannot be resolved",
        "no such column",
        "the view `logs` has: time, loggroup, logstream, message, id, timestamp, owner, extractedfields, log_group, "
        "dt, hour; texts have single quotes, 'error', names may have double quotes",
    ),
    Failure(
        r"TABLE_NOT_FOUND|SCHEMA_NOT_FOUND|Table .* does not exist|Schema .* does not exist|EntityNotFound",
        "no such table or database",
        "the view is `logs`, the table of stored lines is `lines`; a catalog that was deployed another way has other "
        "names",
    ),
    Failure(
        r"FUNCTION_NOT_FOUND|Function .* not registered",
        "Athena has no such function for these types",
        "look it up in the functions of Athena's engine",
        "https://docs.aws.amazon.com/athena/latest/ug/functions.html",
    ),
    Failure(
        r"TYPE_MISMATCH|cannot be applied to|Cannot apply operator",
        "types do not match",
        'compare "time" with timestamps (now() - interval \'1\' hour), "timestamp" with milliseconds, dt with texts '
        "('2026-02-28') and hour with numbers; cast() converts",
    ),
    Failure(
        r"[Ii]ncorrect number of parameters|number of parameters|INVALID_PARAMETER_USAGE",
        "the query has other numbers of `?` and of values",
        "write --parameter once for each `?`",
    ),
    Failure(
        r"SYNTAX_ERROR|(?:mismatched|extraneous) input|no viable alternative|not yet implemented|Queries of this type",
        "Athena does not accept this SQL",
        "correct it at the line and column that the reason names; Athena's SQL is that of Trino",
        "https://docs.aws.amazon.com/athena/latest/ug/select.html",
    ),
    Failure(
        r"INVALID_CAST_ARGUMENT|INVALID_FUNCTION_ARGUMENT|NUMERIC_VALUE_OUT_OF_RANGE|DIVISION_BY_ZERO",
        "a function does not accept the value of a line",
        "wrap it in try(): then such a line gives NULL",
    ),
    Failure(
        r"HIVE_BAD_DATA|HIVE_CURSOR_ERROR|JsonParseException|not a valid JSON|incorrect header|ZipException",
        "an object in the bucket is not what the shipper writes",
        "look at the object that the reason names; if another program wrote it, move it out of log_group=…/",
    ),
    Failure(
        r"HIVE_INVALID_PARTITION_VALUE|projection",
        "a partition of the table has a value that its projection does not have",
        "deploy the catalog again, and wait five minutes until its function has listed the log groups",
        "https://docs.aws.amazon.com/athena/latest/ug/partition-projection-troubleshooting.html",
    ),
    Failure(
        r"exhausted resources|EXCEEDED_(?:LOCAL_|GLOBAL_)?MEMORY|CLUSTER_OUT_OF_MEMORY|EXCEEDED_SPILL",
        "the query needs more memory than Athena has for it",
        "name fewer days, select fewer columns, leave out ORDER BY or add LIMIT, or fetch the objects",
        "https://docs.aws.amazon.com/athena/latest/ug/performance-tuning.html",
    ),
    Failure(
        r"[Tt]imeout|EXCEEDED_TIME_LIMIT|maximum (?:query|execution) time",
        "the query took longer than Athena allows, which is 30 minutes by default",
        "name fewer days and log groups: without a day Athena asks S3 for each hour since 2014",
        "https://docs.aws.amazon.com/athena/latest/ug/service-limits.html",
    ),
    Failure(
        r"HIVE_PATH_ALREADY_EXISTS|is not empty|already exists",
        "the place for the result is not empty",
        "run the command again: it takes another place",
    ),
    Failure(
        r"HIVE_CANNOT_OPEN_SPLIT|HIVE_FILESYSTEM_ERROR|HIVE_UNKNOWN_ERROR|AmazonS3Exception",
        "Athena could not read an object",
        "look at the object that the reason names, then run the query again",
    ),
    Failure(
        r"GENERIC_INTERNAL_ERROR|INTERNAL_ERROR|Internal",
        "a fault inside Athena, often with a value of an unexpected type",
        "run the query again; if it lasts, make it smaller until the cause is found",
    ),
    Failure(
        r"cancell?ed|CANCELLED",
        "the query was cancelled, by another person or by a limit of the workgroup",
        "run it again",
    ),
)


def explained(reason: str) -> str:
    """Return Athena's reason, whole, with what it means and what to do."""
    reason = " ".join(reason.split())
    for each in FAILURES:
        if re.search(each.pattern, reason):
            return f"the query failed: {each.what}\n  do    {each.todo}\n  text  {reason}\n  see   {each.page}"
    return f"the query failed: {reason}\n  see   {PAGE}"
