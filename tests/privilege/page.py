"""docs/permissions.md: what may do what in every mode. A change of any permission changes the page.

`python -m tests.privilege.page` writes it again.
"""

import re
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from tests import modes
from tests.privilege.policies import REFERENCE, Policies, Statement
from tests.privilege.rules import ACCEPTED
from tests.security_page import CLASSES, place_of

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"
DOCS = "https://docs.aws.amazon.com"
ECS = f"{DOCS}/AmazonECS/latest/developerguide"
EVENTS = f"{DOCS}/eventbridge/latest/userguide/eb-events-iam-roles.html"
# What each role is for, and where AWS says what this takes.
PURPOSES = {
    "CloudFrontDistribution/ServiceRole": "CDK's function looks up the security group of CloudFront's "
    f"[VPC origins]({DOCS}/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html) by its name.",
    "Custom::VpcRestrictDefaultSGCustomResourceProvider/Role": "CDK's function empties the VPC's "
    f"[default security group]({DOCS}/vpc/latest/userguide/default-security-group.html), and restores it when that is "
    "turned off.",
    "ExecutionRole": "An execution role that the caller made.",
    "FargateService/AlternateTargetRole": "ECS moves requests between "
    f"[two target groups]({ECS}/AmazonECSInfrastructureRolePolicyForLoadBalancers.html).",
    "FargateService/CheckRole": f"ECS calls the function of a [lifecycle hook]({ECS}/blue-green-permissions.html).",
    "FargateTask/ExecutionRole": f"ECS [starts a task]({ECS}/task_execution_IAM_role.html): it writes the containers' "
    f"logs, [pulls private images]({DOCS}/AmazonECR/latest/userguide/ECR_on_ECS.html), and reads "
    f"[secrets]({ECS}/secrets-envvar-secrets-manager.html), [parameters]({ECS}/secrets-envvar-ssm-paramstore.html) and "
    f"[environment files]({ECS}/use-environment-file.html). CDK's `grant_read` adds `DescribeSecret`, `GetParameter` "
    "and `GetParameterHistory`.",
    "FargateTask/ServiceConnectTlsRole": "ECS gets "
    f"[certificates]({ECS}/service-connect-tls.html) for the proxies of linked services.",
    "FargateTask/TaskRole": f"The task itself: [ECS Exec]({ECS}/ecs-exec.html) with its transcripts and key, "
    f"[file systems]({DOCS}/efs/latest/ug/iam-access-control-nfs-efs.html), and the "
    "[log router](https://docs.fluentbit.io/manual/pipeline/outputs/s3).",
    "FixedEgressNetwork/ReverseDns/FunctionRole": "Our function sets the PTR records of Elastic IPs.",
    "FixedEgressNetwork/Vpc/FlowLog/IAMRole": "The VPC writes its "
    f"[flow log]({DOCS}/vpc/latest/userguide/flow-logs-iam-role.html).",
    "LogArchive/Buffer/Role": f"Firehose [stores lines]({DOCS}/firehose/latest/dev/controlling-access.html).",
    "LogArchive/Buffer/TransformRole": "Our function prepares Firehose's batches.",
    "LogArchive/Buffer/WriterRole": "CloudWatch Logs sends lines to "
    f"[Firehose]({DOCS}/AmazonCloudWatch/latest/logs/SubscriptionFilters.html#FirehoseExample).",
    "LogArchive/Replay/FunctionRole": "Our function repeats failed invocations.",
    "LogArchive/Replay/ScheduleRole": "EventBridge Scheduler "
    f"[invokes]({DOCS}/scheduler/latest/UserGuide/managing-targets-templated.html) that function.",
    "LogArchive/ShipperRole": "Our function writes log lines to the bucket. Lambda stores the "
    f"[events of failed invocations]({DOCS}/lambda/latest/dg/invocation-async-retain-records.html).",
    "LogCatalog/LogGroups/FunctionRole": "Our function adds log groups to the table's partitions.",
    "LogCompaction/FunctionRole": "Our function merges small objects.",
    "OneOffTask/FunctionRole": f"Our function [runs a task]({ECS}/CWE_IAM_role.html) before deployments.",
    "FlowRole": "A state machine that the caller made, with a state that [runs a job]"
    f"({DOCS}/step-functions/latest/dg/connect-ecs.html#ecs-iam).",
    "RunLauncher/EventsRole": f"EventBridge [starts the state machine]({EVENTS}) that runs a job.",
    "RunLauncher/Role": f"The state machine [runs a job]({ECS}/CWE_IAM_role.html), unless it runs, and reports a "
    "failed start to a queue.",
    "RunRetries/EventsRole": f"EventBridge [starts the state machine]({EVENTS}) that repeats failed runs.",
    "RunRetries/Role": f"The state machine [runs a job]({ECS}/CWE_IAM_role.html) again with the overrides of a failed "
    "run, or reports it to a queue.",
    "RunTimeout/EventsRole": f"EventBridge [starts the state machine]({EVENTS}) that stops runs.",
    "RunTimeout/Role": "The state machine stops a run that takes too long, or reports to a queue that it could not.",
    "ScheduledTask/SchedulerRole": f"EventBridge Scheduler [runs a task]({ECS}/CWE_IAM_role.html) or starts a state "
    "machine that does, and reports a failed start to a "
    f"[queue]({DOCS}/scheduler/latest/UserGuide/configuring-schedule-dlq.html).",
    "SealedExecutionRole": "An execution role that the caller made, for a task with secrets and files under keys. "
    "CDK's `grant_read` adds `DescribeParameters`, which has no effect on a single parameter.",
    "TaskRole": "A task role that the caller made, in a cluster with transcripts in a bucket.",
    "deployer": "A role of a pipeline that may run a job, by `grant_run`.",
    "reader": f"A person's role, by `grant_query`: [Athena]({DOCS}/athena/latest/ug/example-policies-workgroup.html).",
}
INTRODUCTION = f"""\
# Permissions

This page lists the permissions of each role, and of each resource with a policy, in every mode of
each part (`tests/modes/`). `python -m tests.privilege.page` writes the page from the templates. A
test fails if the two differ, so each change of a permission is a change of this page.

The tests in `tests/privilege` check each mode:

- Each action exists and is written in full. It belongs to a resource type that the action accepts,
  as AWS's [service authorization
  reference]({DOCS}/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html)
  says.
- The resource is `*` only if AWS accepts no ARN. A wildcard in an ARN follows a name and never
  replaces one.
- AWS services may act for this account only (`aws:SourceAccount` or `aws:SourceArn`). Other
  accounts, users and the public have no permissions.
- Each role is used. The role of our own function has exactly the permissions that its deployed code
  needs.
- A role may use only resources that its function or task gets as configuration. A task starts with
  its own images, secrets and log group only.
- No property, variable, output or default holds a secret.

Angle brackets hold a construct, by its path in the class that makes it. The last column lists the
modes that have a permission. It is empty if each mode with that role has it.
"""
RESOURCE_POLICIES = f"""\
## Policies of buckets, functions, queues and keys

The page leaves out what buckets deny: every request without TLS 1.2. AWS lists what CloudWatch Logs
needs for [exports]({DOCS}/AmazonCloudWatch/latest/logs/S3ExportTasks.html) and for
[encrypted log groups]({DOCS}/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html).

"""
WIDER = """\
## Permissions that are wider than their purpose

AWS offers no narrower permission here, or a narrower one costs a resource for each service. If two
services must not share, give each its own cluster, archive or account.

- Tasks in one cluster share its log group of session transcripts. Each task's role may write each
  stream of that log group, so code in one task can write a false transcript of another task's
  session. CloudTrail records who opened each session, and no task can change that.
- A task with a log router may write each object below the router's prefix in the archive, also the
  objects of other services. It may not read or delete objects.
- A principal that may invoke the function that runs a task before deployments can make it run each
  revision of that task, and can choose the URL for its response (CloudFormation makes one URL for
  each request). The response holds the IDs of the stack and the request, and how the task ended.
  The function's policy allows no principal. CloudFormation invokes it with the permissions of the
  principal that deploys.

"""

Row: TypeAlias = tuple[str, ...]
Statements: TypeAlias = dict[str, list[Statement]]


def policies() -> Policies:
    """Return the policies of all modes."""
    paths = {
        stack: {
            entry["data"]: path
            for path, entries in constructs.items()
            for entry in entries
            if entry["type"] == "aws:cdk:logicalId"
        }
        for stack, constructs in modes.metadata().items()
    }
    return Policies(modes.templates(), paths)


def page(policies: Policies) -> str:
    """Return the page."""
    of_roles, of_others = _by_place(policies)
    assert of_roles.keys() == PURPOSES.keys(), "PURPOSES must name each role that there is, and no other"
    sections = [
        f"## {place}\n\n{_wrapped(PURPOSES[place])}\n\n"
        + _table(("May", "On", "Only if", "In"), _rows(roles, policies))
        for place, roles in sorted(of_roles.items())
    ]
    others = [row for _, holders in sorted(of_others.items()) for row in _rows(holders, policies)]
    accepted = [(f"`{holder}` {fault}", reason) for (holder, fault), reason in ACCEPTED.items()]
    return "\n".join(
        [
            INTRODUCTION,
            *sections,
            RESOURCE_POLICIES + _table(("May", "On", "Only if", "In"), others),
            WIDER + "## Accepted exceptions\n",
            _table(("Exception", "Why"), accepted),
        ]
    )


def _by_place(policies: Policies) -> tuple[dict[str, Statements], dict[str, Statements]]:
    """Return the statements of roles, and those of other resources, by the place in a class, then by the resource."""
    of_roles: dict[str, Statements] = defaultdict(dict)
    of_others: dict[str, Statements] = defaultdict(dict)
    for role in policies.roles:
        of_roles[_place(role, policies)][role] = list(policies.of_role(role))
    for each in policies.statements:
        if each.effect == "Allow" and each.principals:
            places = of_roles if each.is_trust else of_others
            places[_place(each.holder, policies)].setdefault(each.holder, []).append(each)
    return of_roles, of_others


def _rows(statements: Statements, policies: Policies) -> list[Row]:
    """Return a row for each permission of resources in one place."""
    rows: dict[Row, set[str]] = defaultdict(set)
    for holder, allowed in statements.items():
        for each in allowed:
            rows[_row(each, policies)].add(holder)
    for role, policy in policies.managed_policies:
        if role in statements:
            rows[f"as AWS's policy `{policy}` allows", "", ""].add(role)
    in_order = sorted(rows.items(), key=lambda row: (not row[0][0].startswith("be assumed"), row[0]))
    return [(*row, _modes(holders, {*statements}, policies)) for row, holders in in_order]


def _row(statement: Statement, policies: Policies) -> Row:
    actions = ", ".join(f"`{action}`" for action in sorted(statement.actions))
    who = ", ".join(_readable(principal.partition(":")[2], policies) for principal in statement.principals)
    if statement.is_trust and statement.actions == ("sts:AssumeRole",):
        may = f"be assumed by {who}"
    else:
        may = f"{who}: {actions}" if who else actions
    resources = (
        ("(the key)",) if statement.type == "AWS::KMS::Key" and statement.resources == ("*",) else statement.resources
    )
    conditions = (
        f"`{key}` is {' or '.join(_readable(value, policies) for value in sorted(values))}"
        for key, values in sorted(statement.conditions.items())
    )
    return (
        may,
        "<br>".join(_readable(each, policies) for each in sorted(resources)),
        "<br>".join(conditions),
    )


def _modes(holders: set[str], everyone: set[str], policies: Policies) -> str:
    """Return the modes that have a permission, or those that have not if they are fewer; empty if all have it."""
    if holders == everyone:
        return ""
    others = everyone - holders
    if len(others) < len(holders):
        return f"all but {_modes(others, everyone, policies)}"
    counts = Counter(_mode(each, policies) for each in everyone)
    return ", ".join(
        mode if counts[mode] == 1 else f"{mode} ({policies.path(each).split('/')[3]})"
        for each in sorted(holders)
        for mode in [_mode(each, policies)]
    )


def _mode(node: str, policies: Policies) -> str:
    return policies.path(node).split("/")[1]


def _place(node: str, policies: Policies) -> str:
    """Return the class and the path in it; a logical ID or a name remains."""
    path = policies.path(node).removesuffix("/Resource")
    if not path.startswith("/"):
        return path
    if "Custom::" in path:  # CDK's, right below the stack
        return path[path.index("Custom::") :]
    name = path.rpartition("/")[2]
    place = re.sub("(?<=AllowEventRule).*", "", place_of(path.removeprefix("/")).strip("`"))
    return f"{place}/{name}" if name in CLASSES and name.endswith("Role") else place


def _readable(text: str, policies: Policies) -> str:
    """Return an ARN or a value with the places of constructs, without the parts that are the same everywhere."""
    text = REFERENCE.sub(lambda match: f"<{_place(match[1], policies)}>", text)
    text = text.replace("arn:${AWS::Partition}:", "").replace("${AWS::Region}:${AWS::AccountId}:", "")
    return "`" + re.sub(r"\$\{AWS::(\w+)\}", r"<\1>", text) + "`"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def _table(titles: Row, rows: Iterable[Row]) -> str:
    lines = [titles, tuple("---" for _ in titles), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(policies()))
