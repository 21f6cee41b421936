"""The permissions to query an archive."""

from collections.abc import Sequence
from functools import reduce
from typing import cast

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct, Node

from fargate_constructs._core.nag_suppressions import acknowledge_wildcards

# What a query needs, and the console around it, by what it can be limited to
# (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonathena.html).
ON_WORKGROUP = [
    "athena:BatchGetNamedQuery",
    "athena:BatchGetQueryExecution",
    "athena:GetNamedQuery",
    "athena:GetQueryExecution",
    "athena:GetQueryResults",
    "athena:GetQueryResultsStream",
    "athena:GetWorkGroup",
    "athena:ListNamedQueries",
    "athena:ListQueryExecutions",
    "athena:StartQueryExecution",
    "athena:StopQueryExecution",
]
ON_DATA_CATALOG = [
    "athena:GetDatabase",
    "athena:GetTableMetadata",
    "athena:ListDatabases",
    "athena:ListTableMetadata",
]
ON_ANY = ["athena:ListDataCatalogs", "athena:ListEngineVersions", "athena:ListWorkGroups"]
# Athena asks Glue for the database `default` as well
# (https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html).
ON_DATABASE = ["glue:GetDatabase", "glue:GetDatabases"]
ON_TABLES = ["glue:GetTable", "glue:GetTables"]


def grant_queries(
    catalog: Construct,
    grantee: iam.IGrantable,
    *,
    workgroup: str,
    tables: Sequence[str],
    databases: Sequence[str],
    bucket: s3.IBucket,
    results_bucket: s3.IBucket,
) -> iam.Grant:
    """Allow queries in a workgroup, in the console too; Glue checks the ARNs of *tables* and *databases*."""
    stack = Stack.of(catalog)
    lines, results = bucket.arn_for_objects("log_group=*"), results_bucket.arn_for_objects("results/*")
    grants = [
        iam.Grant.add_to_principal(grantee=grantee, actions=actions, resource_arns=resources)
        for actions, resources in (
            (ON_WORKGROUP, [stack.format_arn(service="athena", resource="workgroup", resource_name=workgroup)]),
            (
                ON_DATA_CATALOG,
                [stack.format_arn(service="athena", resource="datacatalog", resource_name="AwsDataCatalog")],
            ),
            (ON_ANY, ["*"]),
            (ON_DATABASE, [*databases, stack.format_arn(service="glue", resource="database", resource_name="default")]),
            (ON_TABLES, tables),
            (["s3:GetBucketLocation", "s3:ListBucket"], [bucket.bucket_arn, results_bucket.bucket_arn]),
            (["s3:GetObject"], [lines]),
            (["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"], [results]),
        )
    ]
    if bucket.encryption_key:
        grants.append(bucket.encryption_key.grant(grantee, "kms:Decrypt", "kms:GenerateDataKey"))
    if isinstance(getattr(grantee, "node", None), Node):  # an imported role is no `Construct` in Python
        role = cast(Construct, grantee)
        acknowledge_wildcards(
            role, [lines, results], reason="A query may read each line, and its result has its own name."
        )
        acknowledge_wildcards(role, ["*"], reason="The first lists of Athena's console accept no resource.")
    return reduce(iam.Grant.combine, grants)
