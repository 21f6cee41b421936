"""Whether each role is used, whether a function's role allows what its code calls, and which resources roles touch."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.modes.service import IMPORTED_KEY
from tests.privilege import lambda_code
from tests.privilege.policies import Policies

# What Lambda itself does with a function's role: it writes the log, and stores the events of failed invocations
# (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html,
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
LOG = {"logs:CreateLogStream": "Lambda writes the log", "logs:PutLogEvents": "Lambda writes the log"}
ON_FAILURE = {"s3:PutObject": "Lambda stores failed events", "s3:ListBucket": "Lambda stores failed events"}
ON_FAILURE_QUEUE = {"sqs:SendMessage": "Lambda sends failed events"}
# What a call needs besides its own action (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/CWE_IAM_role.html).
WITH_CALLS = {"ecs:RunTask": ("ecs:TagResource", "iam:PassRole")}
# What S3 and SQS ask of KMS in the caller's name, for objects and messages under a key
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html,
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html,
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html).
OF_KEYS = {
    "s3:PutObject": ["kms:GenerateDataKey"],
    "s3:GetObject": ["kms:Decrypt"],
    "s3:UploadPart": ["kms:Decrypt"],
    "sqs:SendMessage": ["kms:GenerateDataKey", "kms:Decrypt"],
    "sqs:ReceiveMessage": ["kms:Decrypt"],
}
CDKS_FUNCTIONS = re.compile(r".*:(CustomVpcRestrictDefaultSG|AWS679f53fac002430cb0da5b7982bd2287)")
# These resources refer to a role without using it.
NO_USERS = {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::Role", "AWS::S3::BucketPolicy", "AWS::KMS::Key"}
# The user of such a resource may touch what the resource refers to.
FOLLOWED = {
    "AWS::ECS::TaskDefinition",
    "AWS::ECS::Service",
    "AWS::ECS::Cluster",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
}


class Roles:
    """The roles of some templates.

    Args:
        policies: The templates.
        assets: The folder with the functions' code.
    """

    def __init__(self, policies: Policies, assets: Path) -> None:
        """Read what refers to what."""
        self._policies = policies
        self._assets = assets
        self._texts = {node: policies.text(each, node) for node, each in policies.resources.items()}
        self._references = {node: policies.references(each, node) for node, each in policies.resources.items()}
        self._referring: dict[str, list[str]] = {}
        for node, others in self._references.items():
            for other in others:
                self._referring.setdefault(other, []).append(node)

    def faults(self) -> list[str]:
        """Return the unused roles, what a function's role allows too much or too little, and foreign resources."""
        return [f"{role}: {fault}" for role in self._policies.roles for fault in self._of_role(role)]

    def _of_role(self, role: str) -> Iterator[str]:
        users = self._users(role)
        if users:
            yield from self._of_function(role, users)
            yield from self._of_resources(role, users)
        # An exported role serves another stack. An imported one that nothing here uses is a person's.
        elif role not in self._policies.exported and ":" in role:
            yield "nothing uses it"

    def _users(self, role: str) -> list[str]:
        """Return what uses a role: by a reference, or by the name of an imported one."""
        users = self._referring.get(role) or [node for node, text in self._texts.items() if f":role/{role}" in text]
        return [node for node in users if self._policies.type(node) not in NO_USERS]

    def _of_function(self, role: str, users: list[str]) -> Iterator[str]:
        """Compare what a role allows with what the code of its functions calls."""
        if any(self._policies.type(user) != "AWS::Lambda::Function" or CDKS_FUNCTIONS.match(user) for user in users):
            return  # for what other services do with a role, docs/permissions.md names AWS's page
        granted = {action for statement in self._policies.of_role(role) for action in statement.actions}
        needs = self._needs(role, users)
        yield from (f"may {action} and never does" for action in sorted(granted - needs.keys()))
        yield from (f"may not {action}: {needs[action]}" for action in sorted(needs.keys() - granted))

    def _needs(self, role: str, functions: list[str]) -> Mapping[str, str]:
        """Return the actions that functions need, each with the reason."""
        needs = dict(LOG)
        for node, config in self._policies.of_type("AWS::Lambda::EventInvokeConfig").items():
            if self._references[node] & {*functions} and "OnFailure" in config.get("DestinationConfig", {}):
                queues = self._policies.of_type("AWS::SQS::Queue").keys()
                needs |= ON_FAILURE_QUEUE if self._references[node] & queues else ON_FAILURE
        operations = {each for function in functions for each in self._operations(function)}
        for operation in sorted(operations):
            needs[lambda_code.ACTIONS.get(operation, operation)] = f"the code calls {operation}"
            needs |= dict.fromkeys(WITH_CALLS.get(operation, ()), f"part of {operation}")
        if self._touches_key(role):
            asked = OF_KEYS.keys() & (operations | needs.keys())
            for operation in sorted(asked):
                needs |= dict.fromkeys(OF_KEYS[operation], f"KMS wants it for {operation} under a key")
        return needs

    def _operations(self, function: str) -> frozenset[str]:
        properties = self._policies.properties(function)
        asset = f"asset.{properties['Code']['S3Key'].removesuffix('.zip')}"
        return lambda_code.operations(self._assets / asset, properties["Handler"])

    def _touches_key(self, role: str) -> bool:
        return any(
            self._policies.type(bucket) == "AWS::S3::Bucket" and "KMSMasterKeyID" in self._texts[bucket]
            for statement in self._policies.of_role(role)
            for bucket in self._policies.references(list(statement.resources), statement.holder)
        )

    def _of_resources(self, role: str, users: list[str]) -> Iterator[str]:
        """Find resources that a role may touch and that its users do not refer to."""
        reach = self._reach(users)
        for statement in self._policies.of_role(role):
            what = f"may {', '.join(statement.actions)} on"
            for other in sorted(self._policies.references(list(statement.resources), statement.holder) - reach):
                yield f"{what} {other}, to which nothing refers that uses the role"
            if self._starts_tasks(role, users):
                for resource in set(statement.resources) - {IMPORTED_KEY}:  # `task_start` checks that key
                    if not any(_has_name(self._texts[user], resource) for user in users):
                        yield f"{what} {resource}, which the task does not use"

    def _reach(self, users: list[str]) -> set[str]:
        """Return the resources to which users of a role refer, or what configures the users, and the users."""
        configure = ("AWS::ECS::Service", "AWS::Lambda::EventInvokeConfig", "Custom::")
        referring = {other for user in users for other in self._referring.get(user, [])}
        sources = {other for other in referring if self._policies.type(other).startswith(configure)}.union(users)
        reach = {*users}.union(*(self._references[node] for node in sources))
        return reach.union(*(self._references[node] for node in reach if self._policies.type(node) in FOLLOWED))

    def _starts_tasks(self, role: str, users: list[str]) -> bool:
        arns = (
            self._policies.text(self._policies.properties(user).get("ExecutionRoleArn"), user)
            for user in users
            if self._policies.type(user) == "AWS::ECS::TaskDefinition"
        )
        return any(arn.endswith((f"${{{role}.Arn}}", f":role/{role}")) for arn in arns)


def _has_name(text: str, resource: str) -> bool:
    """Tell whether a text has the name in an ARN. References and `*` are checked elsewhere."""
    if resource == "*" or resource.startswith("${"):
        return True
    name = re.sub(r"\$\{AWS::\w+\}", "", resource).split(":", 5)[5]
    name = re.sub(r"^[\w-]+[/:]", "", name).removesuffix(":*").removesuffix("-??????")
    return re.search(rf'[/:"]{re.escape(name)}(?![\w-])', text) is not None
