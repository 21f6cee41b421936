"""The catalog's resources: what Athena is told about an archive, and who may ask."""

import base64
import json
import re
from datetime import date
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Size, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Template
from sqlglot import exp, parse_one
from sqlglot.optimizer.qualify import qualify

from fargate_constructs.logs.catalog import COLUMNS, PARTITIONS, QUERIES, VIEW_COLUMNS, LogCatalog
from tests.audit import all_feature_flags, findings, spread_policies


def make(stack: Stack, **options: Any) -> LogCatalog:  # noqa: ANN401  # a catalog's arguments
    """A catalog of somebody's bucket."""
    return LogCatalog(stack, "Logs", bucket=s3.Bucket.from_bucket_name(stack, "Bucket", "all-logs"), **options)


@pytest.fixture(scope="module")
def template() -> Template:
    """The template of the default catalog."""
    stack = Stack(App(), "Test")
    make(stack)
    return Template.from_stack(stack)


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
    """Results are encrypted and expire, nobody can say otherwise, and a query that reads too much is stopped."""
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


@pytest.mark.parametrize("path", sorted(QUERIES.glob("*.sql")), ids=lambda path: path.stem)
def test_saved_queries_are_athenas_sql(path: Any) -> None:  # noqa: ANN401  # a Path, which ids= is given too
    """Each parses as Athena's dialect, names columns that there are, and says which days it reads."""
    tree = parse_one(path.read_text(), read="athena")
    schema: dict[str, object] = {
        "logs": dict.fromkeys(VIEW_COLUMNS, "varchar"),
        "lines": dict.fromkeys([*COLUMNS, *PARTITIONS], "varchar"),
    }

    qualify(tree, schema=schema, dialect="athena", validate_qualify_columns=True)

    where = tree.find(exp.Where)
    assert where
    assert "dt" in {column.name for column in where.find_all(exp.Column)}


def test_the_function_may_do_no_more_than_it_must(template: Template) -> None:
    """It lists log groups and changes one table."""
    [policy] = template.find_resources("AWS::IAM::Policy").values()
    statements = policy["Properties"]["PolicyDocument"]["Statement"]

    assert [each["Action"] for each in statements] == [
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        "s3:ListBucket",
        ["glue:GetTable", "glue:UpdateTable"],
    ]
    assert statements[1]["Condition"] == {"StringEquals": {"s3:prefix": "log_group="}}
    assert "*" not in json.dumps([each["Resource"] for each in statements])
    template.has_resource_properties("AWS::Events::Rule", {"ScheduleExpression": "rate(5 minutes)"})
    template.has_resource_properties("AWS::CloudWatch::Alarm", {"MetricName": "Errors", "Threshold": 1})


# --- Custom ---


def test_ones_own_choices() -> None:
    """A name, a first day, a limit and an expiration."""
    stack = Stack(App(), "Test")
    make(
        stack,
        database_name="all_logs",
        first_day=date(2025, 1, 1),
        bytes_scanned_cutoff_per_query=Size.mebibytes(10),
        result_expiration=Duration.days(CfnParameter(stack, "Days", type="Number").value_as_number),
    )

    template = Template.from_stack(stack)
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


def test_results_have_the_archives_key() -> None:
    """Where lines are encrypted with a key of one's own, what queries find is, too; a limit may be a parameter."""
    stack = Stack(App(), "Test")
    key = kms.Key(stack, "Key")
    bucket = s3.Bucket.from_bucket_attributes(stack, "Bucket", bucket_name="all-logs", encryption_key=key)
    limit = CfnParameter(stack, "Limit", type="Number").value_as_number
    catalog = LogCatalog(stack, "Logs", bucket=bucket, bytes_scanned_cutoff_per_query=Size.bytes(limit))
    role = iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal())
    catalog.grant_query(role)

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
    [policy, *_] = [
        each["Properties"]["PolicyDocument"]["Statement"]
        for name, each in template.find_resources("AWS::IAM::Policy").items()
        if name.startswith("Role")
    ]
    of_key = [each["Action"] for each in policy if each["Resource"] == stack.resolve(key.key_arn)]
    assert of_key == [["kms:Decrypt", "kms:GenerateDataKey"]]


def test_who_may_query() -> None:
    """A role may use the workgroup, read lines and write results; the audit has nothing to say about it."""
    app = App()
    stack = Stack(app, "Test")
    catalog = make(stack)
    role = iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal())

    grant = catalog.grant_query(role)

    assert grant.success
    template = Template.from_stack(stack)
    [policy] = template.find_resources(
        "AWS::IAM::Policy", {"Properties": {"Roles": [stack.resolve(role.role_name)]}}
    ).values()
    allowed = {
        action
        for each in policy["Properties"]["PolicyDocument"]["Statement"]
        for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    }
    assert {action for action in allowed if "Delete" in action or "Update" in action or "*" in action} == set()
    assert allowed >= {"athena:StartQueryExecution", "glue:GetTable", "s3:GetObject", "s3:GetBucketLocation"}
    assert findings(app) == []


def test_a_person_may_query() -> None:
    """A principal that is no construct is granted the same."""
    stack = Stack(App(), "Test")
    catalog = make(stack)
    user = iam.User.from_user_name(stack, "User", "somebody")

    assert catalog.grant_query(user).success
    assert catalog.grant_query(iam.ArnPrincipal("arn:aws:iam::111122223333:role/none")).success is False


def test_two_catalogs_of_one_bucket() -> None:
    """Names do not collide, in one stack or across two."""
    app = App()
    first, second = Stack(app, "First"), Stack(app, "Second")
    bucket = s3.Bucket(first, "Bucket")
    names = {
        LogCatalog(first, "One", bucket=bucket).workgroup.name,
        LogCatalog(first, "Two", bucket=bucket).workgroup.name,
        LogCatalog(second, "One", bucket=bucket).workgroup.name,
    }

    assert len(names) == 3
    app.synth()


def test_feature_flags_change_nothing() -> None:
    """All flags on or off: the same template."""
    templates = []
    for context in ({}, all_feature_flags()):
        stack = Stack(App(context=context), "Test")
        make(stack)
        templates.append(spread_policies(dict(Template.from_stack(stack).to_json())))

    assert templates[0] == templates[1]


# --- Refused ---


@pytest.mark.parametrize("name", ["Logs", "all-logs", "", "x" * 129])
def test_no_name_of_a_database(name: str) -> None:
    """Glue and Athena would take another one, or none."""
    stack = Stack(App(), "Test")
    with pytest.raises(ValueError, match=f"database_name must be .* got: {name!r}"):
        make(stack, database_name=name)
    assert stack.node.try_find_child("Logs") is None


def test_a_name_known_only_when_deployed() -> None:
    """The view's stored form spells the database out."""
    stack = Stack(App(), "Test")
    with pytest.raises(ValueError, match="database_name must be"):
        make(stack, database_name=CfnParameter(stack, "Name").value_as_string)


def test_a_limit_too_small() -> None:
    """Athena takes none below 10 MiB."""
    with pytest.raises(ValueError, match=r"at least 10 MiB, got: 0\.5"):
        make(Stack(App(), "Test"), bytes_scanned_cutoff_per_query=Size.kibibytes(512))


def test_results_that_go_after_hours() -> None:
    """S3 counts days."""
    with pytest.raises(ValueError, match="result_expiration must be whole days, got: 1 day 12 hours"):
        make(Stack(App(), "Test"), result_expiration=Duration.hours(36))
