"""What a role can be for, and the actions that takes.

```
AWS's pages ──> [duties] ──> which actions, and why each
```
"""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

DOCS = "https://docs.aws.amazon.com"


class Reason(NamedTuple):
    """Why a role needs an action."""

    title: str
    """What the role is for."""
    detail: str
    """What the action does for it."""
    page: str = ""
    """Where AWS says so."""

    def __str__(self) -> str:
        """Both, in one phrase."""
        return f"{self.title}: {self.detail}"


class Duty(Enum):
    """One thing that a role is for: what is done with it, the page that says what it takes, and why each action."""

    def __init__(self, title: str, page: str, actions: Mapping[str, str]) -> None:
        """Name the parts."""
        self.title = title
        self.page = page
        self.actions = actions

    def reason(self, action: str) -> Reason:
        """Return why the duty takes an action."""
        return Reason(self.title, self.actions[action], self.page)

    RUNTIME = (
        "Lambda writes the function's log",
        f"{DOCS}/lambda/latest/dg/monitoring-cloudwatchlogs.html",
        {"logs:CreateLogStream": "a stream for each instance", "logs:PutLogEvents": "its lines"},
    )
    ON_FAILURE = (
        "Lambda keeps an invocation that failed for good",
        f"{DOCS}/lambda/latest/dg/invocation-async-retain-records.html",
        {"s3:PutObject": "the record", "s3:ListBucket": "without it Lambda refuses the destination"},
    )
    TASK_LOGS = (
        "ECS writes containers' logs",
        f"{DOCS}/AmazonECS/latest/developerguide/task_execution_IAM_role.html",
        {"logs:CreateLogStream": "a stream for each container", "logs:PutLogEvents": "its lines"},
    )
    IMAGE = (
        "ECS pulls a private image",
        f"{DOCS}/AmazonECR/latest/userguide/ECR_on_ECS.html",
        {
            "ecr:GetAuthorizationToken": "to log in",
            "ecr:BatchGetImage": "its manifest",
            "ecr:GetDownloadUrlForLayer": "its layers",
            "ecr:BatchCheckLayerAvailability": "whether they are there",
        },
    )
    SECRET = (
        "ECS starts a container with a secret",
        f"{DOCS}/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html",
        {
            "secretsmanager:GetSecretValue": "its value",
            "secretsmanager:DescribeSecret": "CDK's grant_read adds it: what the secret is called, not its value",
        },
    )
    PARAMETER = (
        "ECS starts a container with a parameter",
        f"{DOCS}/AmazonECS/latest/developerguide/secrets-envvar-ssm-paramstore.html",
        {
            "ssm:GetParameters": "its value",
            "ssm:GetParameter": "CDK's grant_read adds it: the same value",
            "ssm:GetParameterHistory": "CDK's grant_read adds it: earlier values of the same parameter",
        },
    )
    PARAMETER_BY_CALLERS_ROLE = (
        "CDK lets a role that was given read a parameter",
        f"{DOCS}/service-authorization/latest/reference/list_awssystemsmanager.html",
        {"ssm:DescribeParameters": "CDK's grant_read adds it: without effect, since it cannot be limited to one"},
    )
    ENVIRONMENT_FILE = (
        "ECS starts a container with variables of a file",
        f"{DOCS}/AmazonECS/latest/developerguide/use-environment-file.html",
        {"s3:GetObject": "the file", "s3:GetBucketLocation": "in which region its bucket is"},
    )
    SEALED = (
        "ECS starts a container with data that a customer managed key encrypts",
        f"{DOCS}/AmazonECS/latest/developerguide/task_execution_IAM_role.html",
        {"kms:Decrypt": "the secret, the parameter or the file, by way of its service"},
    )
    SHELL = (
        "a person opens a shell in a task",
        f"{DOCS}/AmazonECS/latest/developerguide/ecs-exec.html",
        {
            "ssmmessages:CreateControlChannel": "the session's channels to Session Manager",
            "ssmmessages:CreateDataChannel": "the session's channels to Session Manager",
            "ssmmessages:OpenControlChannel": "the session's channels to Session Manager",
            "ssmmessages:OpenDataChannel": "the session's channels to Session Manager",
        },
    )
    TRANSCRIPT = (
        "transcripts of shells go to a log group",
        f"{DOCS}/AmazonECS/latest/developerguide/ecs-exec.html",
        {
            "logs:DescribeLogGroups": "whether the log group is there",
            "logs:DescribeLogStreams": "whether the session's stream is there",
            "logs:CreateLogStream": "a stream for each session",
            "logs:PutLogEvents": "its lines",
        },
    )
    TRANSCRIPT_IN_S3 = (
        "transcripts of shells go to a bucket",
        f"{DOCS}/AmazonECS/latest/developerguide/ecs-exec.html",
        {"s3:GetBucketLocation": "in which region the bucket is", "s3:PutObject": "a transcript for each session"},
    )
    SESSION_KEY = (
        "a customer managed key encrypts shells",
        f"{DOCS}/AmazonECS/latest/developerguide/ecs-exec.html",
        {"kms:Decrypt": "the session's data key", "kms:GenerateDataKey": "CDK adds it: a session's data key"},
    )
    FILES = (
        "a task reads files of a file system",
        f"{DOCS}/efs/latest/ug/iam-access-control-nfs-efs.html",
        {"elasticfilesystem:ClientMount": "by its access point"},
    )
    WRITABLE_FILES = (
        "a task writes files of a file system",
        f"{DOCS}/efs/latest/ug/iam-access-control-nfs-efs.html",
        {"elasticfilesystem:ClientWrite": "by its access point"},
    )
    LOG_ROUTER = (
        "the log router writes a task's lines to the archive",
        "https://docs.fluentbit.io/manual/pipeline/outputs/s3",
        {"s3:PutObject": "objects of lines"},
    )
    START_FUNCTION = (
        "EventBridge Scheduler calls a function",
        f"{DOCS}/scheduler/latest/UserGuide/managing-targets-templated.html",
        {"lambda:InvokeFunction": "at the scheduled time"},
    )
    START_TASK = (
        "a task is run",
        f"{DOCS}/AmazonECS/latest/developerguide/CWE_IAM_role.html",
        {
            "ecs:RunTask": "any revision of its task definition, in its cluster",
            "ecs:TagResource": "the tags of the task definition, when the task starts",
            "iam:PassRole": "the task's two roles, handed to ECS",
        },
    )
    NOT_STARTED = (
        "EventBridge Scheduler reports a run that did not start",
        f"{DOCS}/scheduler/latest/UserGuide/configuring-schedule-dlq.html",
        {"sqs:SendMessage": "to the dead-letter queue"},
    )
    STREAM = (
        "Data Firehose stores lines",
        f"{DOCS}/firehose/latest/dev/controlling-access.html#using-iam-s3",
        {
            "s3:AbortMultipartUpload": "an upload that failed",
            "s3:GetBucketLocation": "in which region the bucket is",
            "s3:GetObject": "named on AWS's page",
            "s3:ListBucket": "whether the bucket is there",
            "s3:ListBucketMultipartUploads": "uploads that are under way",
            "s3:PutObject": "objects of lines, and what could not be stored",
            "lambda:InvokeFunction": "the function that prepares batches",
            "lambda:GetFunctionConfiguration": "how long that may take",
            "logs:PutLogEvents": "what failed",
        },
    )
    SUBSCRIPTION = (
        "CloudWatch Logs hands lines to Data Firehose",
        f"{DOCS}/AmazonCloudWatch/latest/logs/SubscriptionFilters.html#FirehoseExample",
        {"firehose:PutRecord": "a batch", "firehose:PutRecordBatch": "several"},
    )
    FLOW_LOG = (
        "the VPC writes its flow log",
        f"{DOCS}/vpc/latest/userguide/flow-logs-iam-role.html",
        {
            "logs:CreateLogStream": "a stream for each network interface",
            "logs:DescribeLogStreams": "whether there is one",
            "logs:PutLogEvents": "its lines",
        },
    )
    SHIFT_TRAFFIC = (
        "ECS moves requests between two target groups",
        f"{DOCS}/AmazonECS/latest/developerguide/AmazonECSInfrastructureRolePolicyForLoadBalancers.html",
        dict[str, str](),  # in a policy of AWS's
    )
    QUERY = (
        "a person queries the archive",
        f"{DOCS}/athena/latest/ug/example-policies-workgroup.html",
        {
            "athena:ListWorkGroups": "the workgroups to choose from",
            "athena:ListEngineVersions": "on which engine a query runs",
            "athena:ListDataCatalogs": "the catalogs to choose from",
            "athena:ListDatabases": "what the catalog has",
            "athena:ListTableMetadata": "what the database has",
            "athena:GetDatabase": "what can be queried",
            "athena:GetTableMetadata": "what can be queried",
            "athena:BatchGetNamedQuery": "saved queries",
            "athena:GetNamedQuery": "saved queries",
            "athena:ListNamedQueries": "saved queries",
            "athena:GetWorkGroup": "where results go",
            "athena:GetQueryExecution": "how a query is doing",
            "athena:BatchGetQueryExecution": "how queries are doing",
            "athena:GetQueryResults": "what it found",
            "athena:GetQueryResultsStream": "what it found, for drivers",
            "athena:ListQueryExecutions": "earlier queries",
            "athena:StartQueryExecution": "to run one",
            "athena:StopQueryExecution": "to end one",
            "glue:GetDatabase": "what can be queried",
            "glue:GetDatabases": "what can be queried",
            "glue:GetTable": "what can be queried",
            "glue:GetTables": "what can be queried",
            "s3:AbortMultipartUpload": "a result that failed",
            "s3:GetBucketLocation": "in which region the buckets are",
            "s3:GetObject": "lines and results",
            "s3:ListBucket": "which objects there are",
            "s3:PutObject": "the result",
        },
    )
    CLOSE_DEFAULT_GROUP = (
        "CDK empties the VPC's default security group",
        f"{DOCS}/vpc/latest/userguide/default-security-group.html",
        {
            "ec2:AuthorizeSecurityGroupIngress": "to give the rules back when it is turned off",
            "ec2:AuthorizeSecurityGroupEgress": "to give the rules back when it is turned off",
            "ec2:RevokeSecurityGroupIngress": "the rule that lets members in",
            "ec2:RevokeSecurityGroupEgress": "the rule that lets them out",
        },
    )
    LOOK_UP = (
        "CDK looks up the security group of CloudFront's VPC origins",
        f"{DOCS}/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html",
        {"ec2:DescribeSecurityGroups": "by its name"},
    )
