"""What each role is for, and whether it may do just that.

```
templates ──> who uses a role, and how ──> [roles] ──> the actions it needs, beside those it has
```
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.modes.service import IMPORTED_KEY
from tests.privilege import lambda_code
from tests.privilege.duties import Duty, Reason
from tests.privilege.policies import Policies

# What one of our functions needs besides what its code calls.
WITH_CALLS = {"ecs:RunTask": set(Duty.START_TASK.actions)}
# What S3 asks of KMS in the caller's name, for objects under a key
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html,
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html).
OF_KEYS = {"s3:PutObject": "kms:GenerateDataKey", "s3:GetObject": "kms:Decrypt", "s3:UploadPart": "kms:Decrypt"}
CDKS_FUNCTIONS = {
    "CustomVpcRestrictDefaultSG": Duty.CLOSE_DEFAULT_GROUP,
    "AWS679f53fac002430cb0da5b7982bd2287": Duty.LOOK_UP,
}
# What refers to a role without using it.
BYSTANDERS = {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::Role", "AWS::S3::BucketPolicy", "AWS::KMS::Key"}
# Resources whose own references belong to what is done with them.
WHOLES = {
    "AWS::ECS::TaskDefinition",
    "AWS::ECS::Service",
    "AWS::ECS::Cluster",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
}


class Roles:
    """What the roles of some templates are for.

    Args:
        policies: The templates.
        assets: The folder with the functions' code.
    """

    def __init__(self, policies: Policies, assets: Path) -> None:
        """Keep both; note which entries of the tables are needed."""
        self._policies = policies
        self._assets = assets
        self.met: set[tuple[Duty, str]] = set()
        self._texts = {node: policies.text(each, node) for node, each in policies.resources.items()}
        self._references = {node: policies.references(each, node) for node, each in policies.resources.items()}
        self._referring: dict[str, list[str]] = {}
        for node, others in self._references.items():
            for other in others:
                self._referring.setdefault(other, []).append(node)

    def all(self) -> list[str]:
        """Every role of the templates, and those made elsewhere that get a policy here."""
        elsewhere = {role for statement in self._policies.statements for role in statement.roles}
        return sorted(elsewhere | set(self._policies.of_type("AWS::IAM::Role")))

    def faults(self) -> list[str]:
        """Return the roles nobody uses, what any may do beyond its duties, and what it lacks for them."""
        return [f"{role}: {fault}" for role in self.all() for fault in self._of_role(role)]

    def duties_of(self, role: str) -> set[Duty]:
        """Return what a role is for, but for what a function's own code does."""
        if self._is_somebodys(role):
            return {Duty.QUERY}
        return {duty for user in self._users(role) for duty in self._of_user(role, user)}

    def needs_of(self, role: str) -> dict[str, set[Reason]]:
        """Return the actions that a role needs, each with why."""
        needs: dict[str, set[Reason]] = {}
        for duty in self.duties_of(role):
            for action in duty.actions:
                needs.setdefault(action, set()).add(duty.reason(action))
        for operation in self.operations_of(role):
            action = lambda_code.ACTIONS.get(operation, operation)
            needs.setdefault(action, set()).add(Reason("its code calls", operation.partition(":")[2]))
            for other in WITH_CALLS.get(operation, ()):
                needs.setdefault(other, set()).add(Duty.START_TASK.reason(other))
        return needs | self._needs_of_keys(role, needs)

    def operations_of(self, role: str) -> set[str]:
        """Return what the code of the role's functions calls, of those that are ours."""
        return {
            operation
            for user in self._users(role)
            if self._is_ours(user)
            for operation in lambda_code.operations(self._asset(user), self._properties(user)["Handler"])
        }

    def _of_role(self, role: str) -> Iterator[str]:
        if not self._users(role) and not self._is_somebodys(role):
            # What is exported serves another stack, one not in these templates if nothing here uses it.
            if role not in self._policies.exported:
                yield "nothing uses it"
            return
        granted = {action for statement in self._policies.of_role(role) for action in statement.actions}
        needs = self.needs_of(role)
        self.met |= {(duty, action) for duty in self.duties_of(role) for action in duty.actions.keys() & granted}
        yield from (f"may {action} and never does" for action in sorted(granted - set(needs)))
        yield from (
            f"may not {action}: {' and '.join(map(str, needs[action]))}" for action in sorted(set(needs) - granted)
        )
        if self._is_somebodys(role):
            return
        reach = self._reach(role)
        for statement in self._policies.of_role(role):
            for other in sorted(self._policies.references(list(statement.resources), statement.holder) - reach):
                yield f"may {', '.join(statement.actions)} on {other}, of which nothing tells it"
            if self._starts_tasks(role):
                for resource in set(statement.resources) - {IMPORTED_KEY}:  # of which `task_start` judges
                    if not any(_names(resource, self._texts[user]) for user in self._users(role)):
                        yield f"may {', '.join(statement.actions)} on {resource}, which the task does not use"

    def _users(self, role: str) -> list[str]:
        """Return what uses a role: by a reference, or by the name of one made elsewhere."""
        users = self._referrers(role) or [node for node, text in self._texts.items() if f":role/{role}" in text]
        return [node for node in users if self._type(node) not in BYSTANDERS]

    def _of_user(self, role: str, user: str) -> Iterator[Duty]:  # noqa: C901 - one case for each kind of use
        properties = self._properties(user)
        match self._type(user):
            case "AWS::Lambda::Function":
                yield from self._of_function(user)
            case "AWS::ECS::TaskDefinition":
                if self._is(role, properties.get("TaskRoleArn"), user):
                    yield from self._of_task(user, properties)
                if self._is(role, properties.get("ExecutionRoleArn"), user):
                    yield from self._of_start(properties)
            case "AWS::Scheduler::Schedule":
                yield Duty.START_TASK if "EcsParameters" in properties["Target"] else Duty.START_FUNCTION
                if "DeadLetterConfig" in properties["Target"]:
                    yield Duty.NOT_STARTED
            case "AWS::KinesisFirehose::DeliveryStream":
                yield Duty.STREAM
            case "AWS::Logs::SubscriptionFilter" | "AWS::Logs::AccountPolicy":
                yield Duty.SUBSCRIPTION
            case "AWS::EC2::FlowLog":
                yield Duty.FLOW_LOG
            case "AWS::ECS::Service":
                yield Duty.SHIFT_TRAFFIC

    def _of_function(self, function: str) -> Iterator[Duty]:
        yield self._cdks(function) or Duty.RUNTIME
        for node, config in self._policies.of_type("AWS::Lambda::EventInvokeConfig").items():
            if function in self._references[node] and "OnFailure" in config.get("DestinationConfig", {}):
                yield Duty.ON_FAILURE

    def _of_task(self, task: str, properties: dict[str, Any]) -> Iterator[Duty]:
        if any("FirelensConfiguration" in each for each in properties["ContainerDefinitions"]):
            yield Duty.LOG_ROUTER
        files = {each["Name"] for each in properties.get("Volumes", []) if "EFSVolumeConfiguration" in each}
        mounts = [mount for each in properties["ContainerDefinitions"] for mount in each.get("MountPoints", [])]
        if files:
            yield Duty.FILES
        if any(mount["SourceVolume"] in files and not mount["ReadOnly"] for mount in mounts):
            yield Duty.WRITABLE_FILES
        for node, service in self._policies.of_type("AWS::ECS::Service").items():
            if task in self._references[node] and service.get("EnableExecuteCommand"):
                yield Duty.SHELL
                yield from self._of_cluster(service, node)

    def _of_cluster(self, service: dict[str, Any], node: str) -> Iterator[Duty]:
        [cluster] = self._policies.references(service["Cluster"], node) or {""}
        if not cluster:  # made elsewhere; the only such in the modes keeps its transcripts in a bucket
            yield Duty.TRANSCRIPT_IN_S3
            return
        shells = self._properties(cluster)["Configuration"]["ExecuteCommandConfiguration"]
        if "CloudWatchLogGroupName" in shells["LogConfiguration"]:
            yield Duty.TRANSCRIPT
        if "KmsKeyId" in shells:
            yield Duty.SESSION_KEY

    def _of_start(self, properties: dict[str, Any]) -> Iterator[Duty]:
        containers = properties["ContainerDefinitions"]
        if any(each["LogConfiguration"]["LogDriver"] == "awslogs" for each in containers):
            yield Duty.TASK_LOGS
        if any(".dkr.ecr." in str(each["Image"]) for each in containers):
            yield Duty.IMAGE
        for value in (str(secret["ValueFrom"]) for each in containers for secret in each.get("Secrets", [])):
            yield Duty.PARAMETER if ":ssm:" in value else Duty.SECRET
            if ":ssm:" in value and "Fn::GetAtt" not in properties["ExecutionRoleArn"]:
                yield Duty.PARAMETER_BY_CALLERS_ROLE
        if any("RepositoryCredentials" in each for each in containers):
            yield Duty.SECRET
        if any("EnvironmentFiles" in each for each in containers):  # the only mode with some has all under keys
            yield Duty.ENVIRONMENT_FILE
            yield Duty.SEALED

    def _needs_of_keys(self, role: str, needs: Mapping[str, set[Reason]]) -> dict[str, set[Reason]]:
        """Return what S3 asks of KMS for a role that reads or writes objects under a key."""
        touched = {
            bucket
            for statement in self._policies.of_role(role)
            for bucket in self._policies.references(list(statement.resources), statement.holder)
            if "KMSMasterKeyID" in self._texts[bucket] and self._type(bucket) == "AWS::S3::Bucket"
        }
        asked = (set(needs) | self.operations_of(role)) if touched else set()
        return {
            action: {Reason("objects are under a key", f"S3 asks it of whoever does {operation}")}
            for operation, action in OF_KEYS.items()
            if operation in asked
        }

    def _reach(self, role: str) -> set[str]:
        """Return what a role's users are told of: what they and what configures them refer to, and they themselves."""
        users = set(self._users(role))
        configure = ("AWS::ECS::Service", "AWS::Lambda::EventInvokeConfig", "Custom::")
        tell = users | {
            other for user in users for other in self._referrers(user) if self._type(other).startswith(configure)
        }
        told = users.union(*(self._references[node] for node in tell))
        return told.union(*(self._references[node] for node in told if self._type(node) in WHOLES))

    def _is_somebodys(self, role: str) -> bool:
        """Tell whether a role is made elsewhere and used by nothing here: a person's, for `grant_query`."""
        return ":" not in role and not self._users(role)

    def _referrers(self, node: str) -> list[str]:
        return self._referring.get(node, [])

    def _type(self, node: str) -> str:
        type_: str = self._policies.resources[node]["Type"]
        return type_

    def _is(self, role: str, arn: object, node: str) -> bool:
        written = self._policies.text(arn, node)
        return written.endswith((f"${{{role}.Arn}}", f":role/{role}"))

    def _starts_tasks(self, role: str) -> bool:
        return any(
            self._type(user) == "AWS::ECS::TaskDefinition"
            and self._is(role, self._properties(user).get("ExecutionRoleArn"), user)
            for user in self._users(role)
        )

    def _is_ours(self, node: str) -> bool:
        return self._type(node) == "AWS::Lambda::Function" and self._cdks(node) is None

    def _cdks(self, function: str) -> Duty | None:
        logical_id = function.partition(":")[2]
        return next((duty for begins, duty in CDKS_FUNCTIONS.items() if logical_id.startswith(begins)), None)

    def _asset(self, function: str) -> Path:
        code: str = self._properties(function)["Code"]["S3Key"]
        return self._assets / f"asset.{code.removesuffix('.zip')}"

    def _properties(self, node: str) -> dict[str, Any]:
        properties: dict[str, Any] = self._policies.resources[node].get("Properties", {})
        return properties


def _names(resource: str, text: str) -> bool:
    """Tell whether a text has the name in an ARN; one that is a reference, or everything, is judged elsewhere."""
    if resource == "*" or resource.startswith("${"):
        return True
    name = re.sub(r"\$\{AWS::\w+\}", "", resource).split(":", 5)[5]
    name = re.sub(r"^[\w-]+[/:]", "", name).removesuffix(":*").removesuffix("-??????")
    return re.search(rf'[/:"]{re.escape(name)}(?![\w-])', text) is not None
