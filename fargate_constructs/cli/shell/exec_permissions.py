"""Asks IAM whether the task role and the caller may do what ECS Exec needs, and checks where transcripts are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fargate_constructs.cli.aws import Answer, paged
from fargate_constructs.cli.deployed.cloudwatch_log_groups import describe_log_group
from fargate_constructs.cli.deployed.service_facts import Reader
from fargate_constructs.cli.shell.exec_checks import Finding, role_of
from fargate_constructs.cli.shell.exec_targets import ExecTarget

CHANNELS = (
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)
STREAMS = ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
ALL = "*"


def permission_findings(reader: Reader, target: ExecTarget) -> Iterator[Finding]:
    """Yield what the task role and the caller may not do, and what is wrong with the transcripts of the cluster."""
    settings: Answer = {}
    with reader.noting("the cluster's settings for ECS Exec"):
        clusters = reader.client("ecs").describe_clusters(
            clusters=[target.task["clusterArn"]], include=["CONFIGURATIONS"]
        )["clusters"]
        settings = clusters[0].get("configuration", {}).get("executeCommandConfiguration", {})
    key = ""
    if settings.get("kmsKeyId"):
        with reader.noting("the key of ECS Exec"):
            about = reader.client("kms").describe_key(KeyId=settings["kmsKeyId"])["KeyMetadata"]
            key = about["Arn"]
            if about["KeyState"] != "Enabled":
                yield Finding(
                    "keyDisabled",
                    f"The key that encrypts sessions is {about['KeyState']}.",
                    f"Enable the key {key}, or give the cluster another one.",
                )
    transcripts: Answer = settings.get("logConfiguration", {}) if settings.get("logging") == "OVERRIDE" else {}
    if group := transcripts.get("cloudWatchLogGroupName"):
        must_be_encrypted = transcripts.get("cloudWatchEncryptionEnabled", False)
        yield from _log_group_findings(reader, group, must_be_encrypted=must_be_encrypted)
    with reader.noting("the permissions of the task role"):
        yield from _role_findings(reader, target, transcripts, key)
    with reader.noting("your own permissions"):
        yield from _caller_findings(reader, target, key)


def _log_group_findings(reader: Reader, name: str, *, must_be_encrypted: bool) -> Iterator[Finding]:
    with reader.noting(f"the log group {name}"):
        found = describe_log_group(reader.client("logs"), name)
        if not found:
            yield Finding(
                "noTranscript",
                f"The log group of the cluster's transcripts does not exist: {name}.",
                "Deploy the stack of the cluster again, or change its settings for ECS Exec.",
            )
        elif must_be_encrypted and "kmsKeyId" not in found:
            yield Finding(
                "plainTranscript",
                f"The cluster asks for an encrypted log group, but {name} has no KMS key.",
                "Give the log group a key, or set cloudWatchEncryptionEnabled of the cluster to false.",
            )


def _role_findings(reader: Reader, target: ExecTarget, transcripts: Answer, key: str) -> Iterator[Finding]:
    role = role_of(target)
    if not role:
        return
    _, partition, _, region, account, _ = target.task["taskArn"].split(":", 5)
    needed: list[tuple[str, Sequence[str], str]] = [("roleDenied", CHANNELS, ALL)]
    if group := transcripts.get("cloudWatchLogGroupName"):
        needed.append(("logDenied", ("logs:DescribeLogGroups",), ALL))
        needed.append(("logDenied", STREAMS, f"arn:{partition}:logs:{region}:{account}:log-group:{group}:*"))
    if bucket := transcripts.get("s3BucketName"):
        objects = f"arn:{partition}:s3:::{bucket}/{transcripts.get('s3KeyPrefix', '')}"
        needed.append(("bucketDenied", ("s3:PutObject",), f"{objects}*"))
        if transcripts.get("s3EncryptionEnabled"):
            needed.append(("bucketDenied", ("s3:GetEncryptionConfiguration",), f"arn:{partition}:s3:::{bucket}"))
    if key:
        needed.append(("keyDenied", ("kms:Decrypt",), key))
    for id_, actions, resource in needed:
        if denied := _denied(reader, role, actions, [resource]):
            yield Finding(
                id_,
                f"The task role may not do {', '.join(denied)} on {resource}.",
                f"Allow it for {role}. A policy, its boundary or one of the organization may deny it. "
                "Then replace the task, so that its agent starts again.",
            )


def _caller_findings(reader: Reader, target: ExecTarget, key: str) -> Iterator[Finding]:
    caller = _principal(reader)
    if not caller:
        return
    arns = [target.task["clusterArn"], target.task["taskArn"]]
    context = {"ecs:container-name": target.name, "ecs:cluster": target.task["clusterArn"]}
    needed = [("callerDenied", "ecs:ExecuteCommand", arns)]
    if key:
        needed.append(("callerKeyDenied", "kms:GenerateDataKey", [key]))
    for id_, action, resources in needed:
        if _denied(reader, caller, [action], resources, context):
            yield Finding(id_, f"You may not do {action}.", f"Allow {caller} {action} on {', '.join(resources)}.")


def _principal(reader: Reader) -> str:
    """Return the ARN of the user or role that asks, as IAM simulates it; empty for the root user, who may do all."""
    arn: str = reader.client("sts").get_caller_identity()["Arn"]
    kind, *path = arn.split(":", 5)[5].split("/")
    if kind == "assumed-role":  # its ARN has no path
        return str(reader.client("iam").get_role(RoleName=path[0])["Role"]["Arn"])
    if kind == "federated-user":
        reader.gaps.append(f"your own permissions: IAM does not simulate {arn}")
    return arn if kind == "user" else ""


def _denied(
    reader: Reader,
    principal: str,
    actions: Sequence[str],
    resources: Sequence[str],
    context: Mapping[str, str] | None = None,
) -> list[str]:
    """Return the actions that IAM's simulator denies a principal. What depends on unknown conditions is a gap."""
    entries = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in (context or {}).items()
    ]
    question = {"PolicySourceArn": principal, "ActionNames": [*actions], "ResourceArns": [*resources]}
    results = paged(
        reader.client("iam"), "simulate_principal_policy", "EvaluationResults", **question, ContextEntries=entries
    )
    denied = {}
    for each in results:
        missing = each.get("MissingContextValues", [])
        if each["EvalDecision"] != "allowed" and missing:
            reader.gaps.append(f"{each['EvalActionName']} of {principal}: it depends on {', '.join(missing)}")
        elif each["EvalDecision"] != "allowed":
            denied[each["EvalActionName"]] = True
    return sorted(denied)
