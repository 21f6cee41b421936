"""The table of the stored lines, and the view that shows each event once."""

import base64
import json
from collections.abc import Iterator
from datetime import date

from aws_cdk import Aws
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

TABLE = "lines"
VIEW = "logs"

# The keys of the JSON. The SerDe ignores case, and Athena has lower case only.
COLUMNS = {
    "loggroup": ("string", "The log group's name"),
    "logstream": ("string", "The log stream's name; of an ECS task it ends with the task's ID"),
    "owner": ("string", "The account of the log group"),
    "id": ("string", "CloudWatch's ID of the event"),
    "timestamp": ("bigint", "When it happened, in milliseconds since 1970, UTC"),
    "message": ("string", "The line, as it was written"),
    "extractedfields": ("string", "What a subscription filter extracted from it, as JSON"),
}
PARTITIONS = {
    "log_group": ("string", "The log group's name, percent-encoded: url_encode('/ecs/web')"),
    "dt": ("string", "The day it happened, UTC: 2026-02-28"),
    "hour": ("bigint", "The hour it happened, UTC: 0 to 23"),
}
# Trino's name of the type of a view's column; the tables above have Hive's name.
TRINO_TYPES = {"string": "varchar", "bigint": "bigint", "timestamp": "timestamp(3)"}

VIEW_SQL = """\
SELECT
  CAST(IF("timestamp" BETWEEN 0 AND 253402300799999, from_unixtime("timestamp" / 1e3)) AS timestamp(3)) AS "time",
  loggroup,
  logstream,
  message,
  id,
  "timestamp",
  arbitrary(owner) AS owner,
  arbitrary(extractedfields) AS extractedfields,
  log_group,
  dt,
  hour
FROM "{database}".lines
GROUP BY log_group, dt, hour, id, "timestamp", loggroup, logstream, message"""
VIEW_COLUMNS = ("time", "loggroup", "logstream", "message", "id", "timestamp", "owner", "extractedfields", *PARTITIONS)


def make_table(catalog: Construct, database: glue.Database, bucket: s3.IBucket, first_day: date) -> glue.S3Table:
    """Return the table of the stored lines."""
    projection = glue.PartitionProjectionConfiguration
    table = glue.S3Table(
        catalog,
        "Lines",
        database=database,
        table_name=TABLE,
        description="Each stored line; maybe twice for a short time. The view logs has each event once.",
        storage=glue.S3TableStorage.from_bucket(bucket),
        s3_prefix="",
        data_format=glue.DataFormat.JSON,
        compressed=True,
        columns=list(_columns(COLUMNS)),
        partition_keys=list(_columns(PARTITIONS)),
        partition_projection={
            # The value that the function writes later.
            "log_group": projection.enum(values=["-"]),
            # Clocks may be fast: CloudWatch Logs accepts events up to two hours in the future.
            "dt": projection.date(min=first_day.isoformat(), max="NOW+1DAYS", format="yyyy-MM-dd"),
            "hour": projection.integer(min=0, max=23, digits=2),
        },
        parameters={
            "storage.location.template": bucket.s3_url_for_object("log_group=${log_group}/dt=${dt}/hour=${hour}/"),
        },
    )
    resource = table.node.default_child
    assert isinstance(resource, glue.CfnTable)
    # It would mean client-side encryption, which logs do not have.
    resource.add_property_deletion_override("TableInput.Parameters.has_encrypted_data")
    return table


def make_view(catalog: Construct, table: glue.S3Table, database: str) -> glue.CfnTable:
    """Return the view in Athena's own form, the only way to make one in CloudFormation."""
    types = {"time": "timestamp"} | {name: type_ for name, (type_, _) in (COLUMNS | PARTITIONS).items()}
    definition = {
        "originalSql": VIEW_SQL.format(database=database),
        "catalog": "awsdatacatalog",
        "schema": database,
        "columns": [{"name": name, "type": TRINO_TYPES[types[name]]} for name in VIEW_COLUMNS],
    }
    encoded = base64.b64encode(json.dumps(definition).encode()).decode()
    view = glue.CfnTable(
        catalog,
        "View",
        catalog_id=Aws.ACCOUNT_ID,
        database_name=table.database.database_name,
        table_input=glue.CfnTable.TableInputProperty(
            name=VIEW,
            description="Each event once.",
            table_type="VIRTUAL_VIEW",
            parameters={"presto_view": "true", "comment": "Presto View"},
            storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                columns=[glue.CfnTable.ColumnProperty(name=name, type=types[name]) for name in VIEW_COLUMNS],
                serde_info=glue.CfnTable.SerdeInfoProperty(),
            ),
            partition_keys=[],
            view_original_text=f"/* Presto View: {encoded} */",
            view_expanded_text="/* Presto View */",
        ),
    )
    view.node.add_dependency(table)
    return view


def _columns(columns: dict[str, tuple[str, str]]) -> Iterator[glue.Column]:
    types = {"string": glue.Schema.STRING, "bigint": glue.Schema.BIG_INT}
    for name, (type_, comment) in columns.items():
        yield glue.Column(name=name, type=types[type_], comment=comment)
