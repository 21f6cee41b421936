"""The catalog's resources: what Athena is told about an archive, and who may ask."""

import base64
import json
import re
from datetime import date
from typing import Any

import pytest
from aws_cdk import App, Aws, CfnParameter, Duration, Size, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Template
from sqlglot import exp, parse_one

from fargate_constructs.logs.catalog import QUERIES, LogCatalog, _validate_name
from fargate_constructs.logs.catalog_tables import COLUMNS, PARTITIONS, VIEW_COLUMNS, VIEW_SQL
from tests.audit import findings
from tests.logs.archives import statements, template_of


def make(stack: Stack, **options: Any) -> LogCatalog:  # noqa: ANN401  # a catalog's arguments
    """A catalog of somebody's bucket."""
    return LogCatalog(stack, "Logs", bucket=s3.Bucket.from_bucket_name(stack, "Bucket", "all-logs"), **options)


@pytest.fixture(scope="module")
def template() -> Template:
    """The template of the default catalog, beside a compaction."""
    return template_of("read-and-merged")


def stored_view(template: Template) -> dict[str, Any]:
    """What Athena reads in the view's definition."""
    [view] = template.find_resources("AWS::Glue::Table", {"Properties": {"TableInput": {"Name": "logs"}}}).values()
    encoded = re.fullmatch(r"/\* Presto View: (.*) \*/", view["Properties"]["TableInput"]["ViewOriginalText"])
    assert encoded is not None
    definition: dict[str, Any] = json.loads(base64.b64decode(encoded[1]))
    hive = view["Properties"]["TableInput"]["StorageDescriptor"]["Columns"]
    return definition | {"hive": {column["Name"]: column["Type"] for column in hive}}


# --- Default ---


def test_the_table_projects_its_partitions(template: Template) -> None:
    """Days since there is CloudWatch Logs, hours of two digits, log groups as they are found."""
    template.has_resource_properties(
        "AWS::Glue::Table",
        {
            "TableInput": {
                "Name": "lines",
                "TableType": "EXTERNAL_TABLE",
                "Parameters": {
                    "classification": "json",
                    "storage.location.template": "s3://all-logs/log_group=${log_group}/dt=${dt}/hour=${hour}/",
                    "projection.enabled": "true",
                    "projection.log_group.type": "enum",
                    "projection.log_group.values": "-",
                    "projection.dt.type": "date",
                    "projection.dt.format": "yyyy-MM-dd",
                    "projection.dt.range": "2014-07-10,NOW+1DAYS",
                    "projection.hour.type": "integer",
                    "projection.hour.range": "0,23",
                    "projection.hour.digits": "2",
                    "has_encrypted_data": Match.absent(),
                },
                "PartitionKeys": [
                    Match.object_like({"Name": name, "Type": PARTITIONS[name][0]}) for name in PARTITIONS
                ],
                "StorageDescriptor": {
                    "Location": "s3://all-logs/",
                    "Columns": [Match.object_like({"Name": name, "Type": COLUMNS[name][0]}) for name in COLUMNS],
                    "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"},
                    "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                },
            }
        },
    )


def test_the_view_is_what_its_query_gives(template: Template) -> None:
    """The columns that Athena and Glue are told are the query's, in its order; what is filtered on is grouped on."""
    view = stored_view(template)
    query = parse_one(view["originalSql"], read="athena")
    assert isinstance(query, exp.Select)

    assert query.named_selects == [column["name"] for column in view["columns"]] == list(view["hive"])
    assert tuple(query.named_selects) == VIEW_COLUMNS
    grouped = {column.name for column in query.args["group"].expressions}
    assert grouped == {*COLUMNS, *PARTITIONS} - {"owner", "extractedfields"}
    types = {"varchar": "string", "timestamp(3)": "timestamp", "bigint": "bigint"}
    assert {column["name"]: types[column["type"]] for column in view["columns"]} == view["hive"]
    [table] = query.find_all(exp.Table)
    assert (table.db, table.name) == (view["schema"], "lines")


def test_the_workgroup_keeps_to_its_limits(template: Template) -> None:
    """Results are encrypted and expire, a client cannot change that, and a query that reads too much is stopped."""
    template.has_resource_properties(
        "AWS::Athena::WorkGroup",
        {
            "Name": Match.string_like_regexp("^[a-z0-9_]+$"),
            "RecursiveDeleteOption": True,
            "WorkGroupConfiguration": {
                "EnforceWorkGroupConfiguration": True,
                "PublishCloudWatchMetricsEnabled": True,
                "BytesScannedCutoffPerQuery": 100 * 1024**3,
                "ResultConfiguration": {
                    "EncryptionConfiguration": {"EncryptionOption": "SSE_S3", "KmsKey": Match.absent()},
                    "ExpectedBucketOwner": {"Ref": "AWS::AccountId"},
                },
            },
        },
    )
    template.has_resource_properties(
        "AWS::S3::Bucket", {"LifecycleConfiguration": {"Rules": [{"ExpirationInDays": 7, "Status": "Enabled"}]}}
    )


def test_every_query_file_is_saved(template: Template) -> None:
    """Each is in the workgroup under its file's name, says what it answers, and waits for the view."""
    saved = template.find_resources("AWS::Athena::NamedQuery").values()

    assert {query["Properties"]["Name"] for query in saved} == {path.stem for path in QUERIES.glob("*.sql")}
    assert len(saved) >= 3
    for query in saved:
        assert query["Properties"]["QueryString"].startswith(f"-- {query['Properties']['Description']}\n")
        assert {template.to_json()["Resources"][each]["Type"] for each in query["DependsOn"]} == {
            "AWS::Athena::WorkGroup",
            "AWS::Glue::Table",
        }


def test_the_function_lists_log_groups(template: Template) -> None:
    """Every five minutes, with an alarm."""
    template.has_resource_properties("AWS::Events::Rule", {"ScheduleExpression": "rate(5 minutes)"})
    template.has_resource_properties("AWS::CloudWatch::Alarm", {"MetricName": "Errors", "Threshold": 1})


# --- Custom ---


@pytest.fixture(scope="module")
def app() -> App:
    """An app with two catalogs that no mode has, and a third one."""
    app = App()
    own, keyed = Stack(app, "Own"), Stack(app, "Keyed")
    days, limit = CfnParameter(own, "Days", type="Number"), CfnParameter(keyed, "Limit", type="Number")
    make(
        own,
        database_name="all_logs",
        first_day=date(2025, 1, 1),
        bytes_scanned_cutoff_per_query=Size.mebibytes(10),
        result_expiration=Duration.days(days.value_as_number),
    )
    key = kms.Key(keyed, "Key", enable_key_rotation=True)
    bucket = s3.Bucket.from_bucket_attributes(keyed, "Bucket", bucket_name="all-logs", encryption_key=key)
    catalog = LogCatalog(keyed, "Logs", bucket=bucket, bytes_scanned_cutoff_per_query=Size.bytes(limit.value_as_number))
    assert catalog.grant_query(iam.Role(keyed, "Role", assumed_by=iam.AccountRootPrincipal())).success
    assert catalog.grant_query(iam.User.from_user_name(keyed, "User", "somebody")).success
    LogCatalog(keyed, "Other", bucket=bucket)
    LogCatalog(Stack(app, "Second"), "Logs", bucket=bucket)
    return app


def stack_in(app: App, name: str) -> Stack:
    """One of its stacks."""
    stack = app.node.find_child(name)
    assert isinstance(stack, Stack)
    return stack


def test_ones_own_choices(app: App) -> None:
    """A name, a first day, a limit and an expiration."""
    template = Template.from_stack(stack_in(app, "Own"))

    template.has_resource_properties("AWS::Glue::Database", {"DatabaseInput": {"Name": "all_logs"}})
    template.has_resource_properties(
        "AWS::Glue::Table", {"TableInput": {"Parameters": {"projection.dt.range": "2025-01-01,NOW+1DAYS"}}}
    )
    template.has_resource_properties(
        "AWS::Athena::WorkGroup",
        {"Name": "all_logs", "WorkGroupConfiguration": {"BytesScannedCutoffPerQuery": 10 * 1024**2}},
    )
    template.has_resource_properties(
        "AWS::S3::Bucket", {"LifecycleConfiguration": {"Rules": [{"ExpirationInDays": {"Ref": "Days"}}]}}
    )
    assert stored_view(template)["schema"] == "all_logs"


def test_results_have_the_archives_key(app: App) -> None:
    """Where lines are encrypted with a key of one's own, what queries find is, too; a limit may be a parameter."""
    stack = stack_in(app, "Keyed")
    key = stack.node.find_child("Key")
    assert isinstance(key, kms.Key)

    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::Athena::WorkGroup",
        {
            "WorkGroupConfiguration": {
                "BytesScannedCutoffPerQuery": {"Ref": "Limit"},
                "ResultConfiguration": {
                    "EncryptionConfiguration": {"EncryptionOption": "SSE_KMS", "KmsKey": stack.resolve(key.key_arn)}
                },
            }
        },
    )
    of_key = [
        each["Action"]
        for each in statements(template, "RoleDefaultPolicy")
        if each["Resource"] == stack.resolve(key.key_arn)
    ]
    assert of_key == [["kms:Decrypt", "kms:GenerateDataKey"]]
    assert findings(app) == []


def test_a_principal_that_has_no_policy(app: App) -> None:
    """Nothing can be granted to what is only an ARN."""
    catalog = stack_in(app, "Own").node.find_child("Logs")
    assert isinstance(catalog, LogCatalog)

    assert catalog.grant_query(iam.ArnPrincipal("arn:aws:iam::111122223333:role/none")).success is False


def test_two_catalogs_of_one_bucket(app: App) -> None:
    """Names do not collide, in one stack or across two."""
    paths = (("Keyed", "Logs"), ("Keyed", "Other"), ("Second", "Logs"))
    catalogs = [stack_in(app, stack).node.find_child(id_) for stack, id_ in paths]

    assert len({each.workgroup.name for each in catalogs if isinstance(each, LogCatalog)}) == 3


@pytest.mark.parametrize("name", ["2026_logs", "1", "_", "select", "logs"])
def test_any_name_of_a_database_is_athenas_sql(name: str) -> None:
    """A name that begins with a digit, or is a word of SQL, is quoted where the view names it."""
    _validate_name(name)

    [table] = parse_one(VIEW_SQL.format(database=name), read="athena").find_all(exp.Table)
    assert (table.db, table.name) == (name, "lines")


# --- Refused ---


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "upper-case": ({"database_name": "Logs"}, "database_name must be .* got: 'Logs'"),
    "hyphen": ({"database_name": "all-logs"}, "database_name must be .* got: 'all-logs'"),
    "empty": ({"database_name": ""}, "database_name must be .* got: ''"),
    "long": ({"database_name": "x" * 129}, f"database_name must be .* got: '{'x' * 129}'"),
    # The view's stored form spells the database out.
    "as-deployed": ({"database_name": Aws.STACK_NAME}, "database_name must be"),
    **{
        name: ({"database_name": name}, f"database_name must be another than .* got: '{name}'")
        for name in ("default", "information_schema", "primary")
    },
    "small-limit": ({"bytes_scanned_cutoff_per_query": Size.kibibytes(512)}, r"at least 10 MiB, got: 0\.5"),
    "hours": ({"result_expiration": Duration.hours(36)}, "result_expiration must be whole days, got: 1 day 12 hours"),
}


@pytest.fixture(scope="module")
def empty() -> Stack:
    """A stack in which nothing is made."""
    return Stack(App(), "Test")


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case: str, empty: Stack) -> None:
    """What Glue, Athena or S3 would refuse, or take for another, before anything is made."""
    options, message = REFUSED[case]
    bucket = s3.Bucket.from_bucket_name(Stack(), "Bucket", "all-logs")

    with pytest.raises(ValueError, match=message):
        LogCatalog(empty, "Logs", bucket=bucket, **options)
    assert empty.node.try_find_child("Logs") is None
