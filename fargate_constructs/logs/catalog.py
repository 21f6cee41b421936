"""SQL over the archive, in Athena.

Choices, and why:

- **Partition projection**: Athena computes where an hour's objects are. There is no crawler and no partition to add.
- **`log_group` is an enumerated partition.** The other type, `injected`, refuses every query that does not name its
  log groups, but a person who looks for a request does not know them. A list made at synthesis would lack the log
  groups of other stacks and of an account's policy. So a small function lists the bucket's log groups every five
  minutes, and writes them into the table; CloudFormation's drift detection shows that as a change of one table
  parameter. AWS advises to keep such lists to a few dozen values; the hard limit is the table's size, 1 MB gzipped
  (https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html).
- **A name is written as in the keys**, percent-encoded: `log_group = url_encode('/ecs/web')` reads one log group.
  `loggroup = '/ecs/web'` finds the same lines, but reads all log groups.
- **The view is made by CloudFormation**, in the form in which Athena itself stores one, so that the saved queries work
  from the first minute. The alternative, a saved `CREATE VIEW`, would ask a person in a hurry to run it first.
- **The view shows any line.** A timestamp outside the years 1970 to 9999 is NULL as a time: Trino cannot convert every
  number, and one line would end every query. The database's name is quoted, so that it may begin with a digit or be a
  word of SQL.
- **The view groups by the event's ID and everything else that a query filters on**, since Trino hands only conditions
  on grouped columns down to the table: `dt`, `hour` and `log_group` through the view still choose what is read.
"""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from aws_cdk import Aws, Duration, Names, RemovalPolicy, Size, SizeRoundingBehavior, Stack
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from fargate_constructs._core.account_trust import name_policies_by_region
from fargate_constructs._core.arguments import checked
from fargate_constructs._core.private_bucket import PrivateBucket
from fargate_constructs._core.unresolved import is_dummy
from fargate_constructs._core.validation import validate_range
from fargate_constructs.logs.catalog_tables import TABLE, VIEW, make_table, make_view
from fargate_constructs.logs.query_access import grant_queries
from fargate_constructs.logs.retention import days_of
from fargate_constructs.logs.scheduled_function import ScheduledFunction

QUERIES = Path(__file__).parent / "queries"

# The day on which CloudWatch Logs started: no line is older (https://aws.amazon.com/blogs/aws/cloudwatch-log-service/).
FIRST_DAY = date(2014, 7, 10)
# Half a dollar at 5 USD per TB scanned (https://aws.amazon.com/athena/pricing/).
SCAN_LIMIT = Size.gibibytes(100)
# Athena accepts no smaller limit
# (https://docs.aws.amazon.com/athena/latest/APIReference/API_WorkGroupConfiguration.html).
SMALLEST_SCAN_LIMIT = 10  # MiB
RESULTS_EXPIRE_AFTER = Duration.days(7)
# How long it takes until queries find a new log group.
LOG_GROUPS_RATE = Duration.minutes(5)

NAME = re.compile(r"[a-z0-9_]{1,128}")
# Names in use: a schema that each catalog of Trino has, a database of most accounts, and a workgroup of all
# (https://docs.aws.amazon.com/athena/latest/APIReference/API_DeleteWorkGroup.html).
TAKEN = {"information_schema", "default", "primary"}


@checked
class LogCatalog(Construct):
    """SQL over an archive's bucket: a table, a view with each event once, a workgroup, and queries to start from.

    In the Athena console choose the workgroup (it has the database's name) and one of its saved queries. Each reads
    the view `logs`; the table `lines` is what is stored, in which a line may be there twice during compaction. Name the
    days, `dt >= '2026-02-28'`: the price depends on how much Athena reads.

    ```python
    catalog = LogCatalog(stack, "Logs", bucket=bucket)
    catalog.grant_query(role)
    ```
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        bucket: s3.IBucket,
        database_name: str | None = None,
        first_day: date = FIRST_DAY,
        bytes_scanned_cutoff_per_query: Size = SCAN_LIMIT,
        result_expiration: Duration = RESULTS_EXPIRE_AFTER,
    ) -> None:
        """SQL over an archive's bucket: a table, a view with each event once, a workgroup, and queries to start from.

        Args:
            scope: The construct that owns the catalog.
            id: The construct's ID.
            bucket: The bucket with the archive's objects, of this account or another. If it has a KMS key, the results
                have the same key.
            database_name: The name of the database and the workgroup: lower case, digits and underscores, at most 128.
                By default it is made from the construct's path.
            first_day: The earliest day that queries see. By default 10 July 2014, when CloudWatch Logs began:
                everything. A later day makes queries without a day faster.
            bytes_scanned_cutoff_per_query: How much one query may read before Athena stops it, at least 10 MiB. By
                default 100 GiB, of compressed logs.
            result_expiration: After how long results are deleted. By default 7 days.

        Raises:
            ValueError: If *database_name* is malformed, in use, or a token (the stored view contains it),
                *bytes_scanned_cutoff_per_query* is below Athena's minimum, or *result_expiration* is not whole days.
        """
        _validate_name(database_name)
        _validate_scan_limit(bytes_scanned_cutoff_per_query)
        days_of("result_expiration", result_expiration, low=1)
        super().__init__(scope, id)

        self.bucket = bucket
        name = database_name or Names.unique_resource_name(self, separator="_", max_length=128).lower()
        self.database = glue.Database(
            self,
            "Database",
            database_name=name,
            description=f"Logs in the archive of {self.node.path}",
            # The next deployment can make its contents again.
            removal_policy=RemovalPolicy.DESTROY,
        )
        """The Glue database."""
        self.table = make_table(self, self.database, bucket, first_day)
        """The table with a row for each event."""
        self.view = make_view(self, self.table, name)
        """The view in which each event is once."""
        self.results_bucket = PrivateBucket(
            self,
            "Results",
            lifecycle_rules=[s3.LifecycleRule(expiration=result_expiration)],
            encryption_key=bucket.encryption_key,
        )
        """The bucket of the results of queries."""
        self.workgroup = self._make_workgroup(name, bytes_scanned_cutoff_per_query)
        """The Athena workgroup, which limits what a query may scan."""
        self.named_queries: dict[str, athena.CfnNamedQuery] = dict(self._make_queries())
        """The saved queries, by their names."""
        self.log_groups = self._make_log_groups_function()
        """The function that writes the log groups into the table; add actions to its `alarm`."""

    @checked
    def grant_query(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow a role or user to run queries over the archive in this workgroup, in the console too, and nothing else.

        These are AWS's permissions for running queries in a workgroup
        (https://docs.aws.amazon.com/athena/latest/ug/example-policies-workgroup.html), without changes of saved queries
        and without prepared statements, for this database and its tables
        (https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html).

        Args:
            grantee: The role or user, of this account.
        """
        name_policies_by_region(grantee)
        return grant_queries(
            self,
            grantee,
            workgroup=self.workgroup.name,
            tables=self._catalog_arns(TABLE, VIEW),
            databases=self._catalog_arns(),
            bucket=self.bucket,
            results_bucket=self.results_bucket,
        )

    def _make_workgroup(self, name: str, scan_limit: Size) -> athena.CfnWorkGroup:
        key = self.bucket.encryption_key
        encryption = athena.CfnWorkGroup.EncryptionConfigurationProperty(
            encryption_option="SSE_KMS" if key else "SSE_S3", kms_key=key.key_arn if key else None
        )
        return athena.CfnWorkGroup(
            self,
            "WorkGroup",
            name=name,
            description=f"Queries over the archive of {self.node.path}",
            recursive_delete_option=True,  # saved queries and history are deleted with the stack
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                bytes_scanned_cutoff_per_query=int(scan_limit.to_bytes()),
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=self.results_bucket.s3_url_for_object("results/"),
                    expected_bucket_owner=Aws.ACCOUNT_ID,
                    encryption_configuration=encryption,
                ),
            ),
        )

    def _make_queries(self) -> Iterator[tuple[str, athena.CfnNamedQuery]]:
        """Save each query file; its first line is the description."""
        database, workgroup = self.database.database_name, self.workgroup.name  # Node.js is asked once for each
        for path in sorted(QUERIES.glob("*.sql")):
            sql = path.read_text()
            query = athena.CfnNamedQuery(
                self,
                "".join(word.title() for word in path.stem.split("_")),
                database=database,
                work_group=workgroup,
                name=path.stem,
                description=sql.partition("\n")[0].removeprefix("-- "),
                query_string=sql,
            )
            query.node.add_dependency(self.workgroup, self.view)
            yield path.stem, query

    def _make_log_groups_function(self) -> ScheduledFunction:
        scheduled = ScheduledFunction(
            self,
            "LogGroups",
            folder="partitions",
            description="Lists the log groups of the archive in its table",
            environment={
                "ARCHIVE_BUCKET": self.bucket.bucket_name,
                "DATABASE": self.database.database_name,
                "TABLE": self.table.table_name,
            },
            rate=LOG_GROUPS_RATE,
            memory_size=256,
            timeout=Duration.minutes(1),
        )
        listing = scheduled.function.allow(
            "s3:ListBucket", on=self.bucket.bucket_arn, conditions={"StringEquals": {"s3:prefix": "log_group="}}
        )
        self.bucket_grants = [(scheduled.function.execution_role, listing)]
        """The statements of *log_groups* for the bucket; the policy of a bucket in another account must allow the
        same."""
        scheduled.function.execution_role.add_to_policy(
            iam.PolicyStatement(actions=["glue:GetTable", "glue:UpdateTable"], resources=self._catalog_arns(TABLE))
        )
        return scheduled

    def _catalog_arns(self, *tables: str) -> list[str]:
        """Return the ARNs that Glue checks for tables: the tables, their database, and the account's catalog."""
        stack = Stack.of(self)
        database = self.database.database_name
        return [
            stack.format_arn(service="glue", resource="catalog"),
            stack.format_arn(service="glue", resource="database", resource_name=database),
            *(
                stack.format_arn(service="glue", resource="table", resource_name=f"{database}/{name}")
                for name in tables
            ),
        ]


def _validate_name(database_name: str | None) -> None:
    if database_name in TAKEN:
        raise ValueError(f"database_name must be another than {sorted(TAKEN)}, which are taken, got: {database_name!r}")
    if database_name is not None and not NAME.fullmatch(database_name) and not is_dummy(database_name):
        raise ValueError(
            f"database_name must be lower case, digits and underscores, at most 128, got: {database_name!r}"
        )


def _validate_scan_limit(limit: Size) -> None:
    if not limit.is_unresolved():
        mebibytes = limit.to_mebibytes(rounding=SizeRoundingBehavior.NONE)
        validate_range("bytes_scanned_cutoff_per_query", mebibytes, SMALLEST_SCAN_LIMIT, unit=" MiB")
