"""The role by which ECS starts a task: it reads the secrets and the environment files.

CDK lets a task's execution role read a secret, and lets it decrypt the secret only by the key's policy. An imported key
has no policy here, and the policy of a key in another stack would make that stack depend on the role's stack. So the
role itself may decrypt, only through Secrets Manager. For environment files CDK grants nothing
(https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html,
https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from typing import Any, cast
from weakref import WeakKeyDictionary

import jsii
from aws_cdk import Aspects, Aws, CfnResource, IAspect, Reference, Tokenization
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

from fargate_constructs._core.account_trust import service_principal
from fargate_constructs._core.construct_paths import keep_place, root_of, stack_of
from fargate_constructs._core.lazy_cdk import aws_kms as kms
from fargate_constructs._core.lazy_cdk import aws_secretsmanager as secretsmanager
from fargate_constructs._core.nag_suppressions import INLINE_POLICY, acknowledge
from fargate_constructs._core.unresolved import is_unresolved

# What CDK lets the role do when a container, its image or its log driver has a secret.
READ_SECRETS = {"secretsmanager:GetSecretValue", "ssm:GetParameters"}
DESCRIBE_PARAMETERS = "ssm:DescribeParameters"
# https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
ALIAS = "alias/"
AWS_ALIAS = f"{ALIAS}aws/"
ALIAS_NAME = re.compile(r"alias/[\w/-]+")


# How many containers of a task definition were made here without environment files and credentials.
WITHOUT_FILES: WeakKeyDictionary[ecs.TaskDefinition, int] = WeakKeyDictionary()


class ExecutionRole(iam.Role):
    """A role that ECS starts a task with.

    The policy of a resource, such as a secret's key, names the role's account in its place. If it named the role, the
    resource's stack would need the task's, which needs the resource's.

    Args:
        scope: The task.
        id: The role's ID.
        inline_policies: What it may do from the start, by name.
    """

    reads_secrets = False
    """Whether a container, its image or its log driver has a secret."""

    def __init__(self, scope: Construct, id: str, *, inline_policies: Mapping[str, iam.PolicyDocument]) -> None:
        super().__init__(
            scope, id, assumed_by=service_principal("ecs-tasks.amazonaws.com"), inline_policies=inline_policies or None
        )
        keep_place(self, scope, id)
        acknowledge(self, INLINE_POLICY)

    @jsii.member(jsii_name="addToPrincipalPolicy")
    def add_to_principal_policy(self, statement: iam.PolicyStatement) -> iam.AddToPrincipalPolicyResult:
        """Add a statement, without an action that CDK grants for a parameter: it has no effect with an ARN.

        https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
        """
        actions = statement.actions
        self.reads_secrets |= not READ_SECRETS.isdisjoint(actions)
        if DESCRIBE_PARAMETERS in actions:
            statement = statement.copy(actions=[each for each in actions if each != DESCRIBE_PARAMETERS])
        return super().add_to_principal_policy(statement)

    @property
    @jsii.member(jsii_name="policyFragment")
    def policy_fragment(self) -> iam.PrincipalPolicyFragment:
        """The account, which lets the role do what its own policies allow."""
        return iam.AccountRootPrincipal().policy_fragment


@jsii.implements(IAspect)
class StartPermissions(Construct):
    """Lets the execution role read and decrypt the secrets and files of all containers of a task definition.

    CDK visits constructs in the order of the tree. So this one must come after all containers, to which an aspect of
    the app may add a secret.

    Args:
        scope: The task.
        id: The construct's ID.
        task_definition: The task definition. Containers may be added to it by any means.
        role: Its execution role.
    """

    def __init__(self, scope: Construct, id: str, *, task_definition: ecs.TaskDefinition, role: iam.IRole) -> None:
        super().__init__(scope, id)
        self._task_definition = task_definition
        self._role = role
        Aspects.of(self).add(cast(IAspect, self))

    def visit(self, node: IConstruct) -> None:
        """Add what CDK does not, once: this construct has no children."""
        containers = self._task_definition._containers
        # Node.js answers forty questions for a whole container, and most containers have no secrets or files.
        reads_secrets = not isinstance(self._role, ExecutionRole) or self._role.reads_secrets
        asked = [] if len(containers) == WITHOUT_FILES.get(self._task_definition) else containers
        if not reads_secrets and not any(each.environment_files or each.credential_specs for each in asked):
            return
        secrets, files, parameters = _needs(containers)
        keys = _Keys(node)
        statements = [statement for secret in secrets for statement in keys.decrypt("secretsmanager", secret)]
        for file in files:
            actions = {"s3:GetObject": file, "s3:GetBucketLocation": file.partition("/")[0]}
            statements += [iam.PolicyStatement(actions=[each], resources=[actions[each]]) for each in actions]
            statements += keys.decrypt("s3", file)
        statements += [iam.PolicyStatement(actions=["ssm:GetParameters"], resources=[each]) for each in parameters]
        for statement in statements:
            self._role.add_to_principal_policy(statement)


def _needs(containers: Iterable[ecs.ContainerDefinition]) -> tuple[list[str], list[str], list[str]]:
    """Return the ARNs of the secrets, files and parameters that containers start with, each once."""
    secrets: list[str] = []
    files: list[str] = []
    parameters: list[str] = []
    for each in containers:
        container: Any = each.render_container_definition()
        credentials, logging = container.repository_credentials, container.log_configuration
        options = logging.secret_options if logging else None
        secrets += [each.value_from for each in [*(container.secrets or []), *(options or [])]]
        secrets += [credentials.credentials_parameter] if credentials else []
        files += [each.value for each in container.environment_files or []]
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-linux-gmsa.html
        for spec in each.credential_specs or []:
            (parameters if ":parameter/" in spec.location else files).append(spec.location)
    return list(dict.fromkeys(secrets)), list(dict.fromkeys(files)), list(dict.fromkeys(parameters))


class _Keys:
    """Finds the keys of secrets and buckets by their ARNs, which are all that a task definition has.

    Args:
        scope: Any construct of the app.
    """

    def __init__(self, scope: IConstruct) -> None:
        self._root = root_of(scope)
        self._stack = stack_of(scope)

    def decrypt(self, service: str, arn: str) -> Iterator[iam.PolicyStatement]:
        """Yield what lets a role decrypt a secret or a file; nothing for AWS's own key, which needs no permission.

        https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
        """
        key = self._target_of(self._key_of(service, arn))
        alias = self._alias_in(key)
        if key is None or alias.startswith(AWS_ALIAS):
            return
        if not (key.startswith("arn:") or is_unresolved(key)):
            key = f"{_here()}:{key if alias else f'key/{key}'}"
        region = Aws.REGION if is_unresolved(key) else key.split(":")[3]
        conditions = {"StringEquals": {"kms:ViaService": f"{service}.{region}.{Aws.URL_SUFFIX}"}}
        if alias:
            account, found, _ = key.partition(f":{ALIAS}")
            key = f"{account if found else _here()}:key/*"
            conditions["ForAnyValue:StringEquals"] = {"kms:ResourceAliases": alias}
        yield iam.PolicyStatement(actions=["kms:Decrypt"], resources=[key], conditions=conditions)

    def _target_of(self, key: str | None) -> str | None:
        """Return the key of an alias of this app, since no policy takes an alias; any other key as it is.

        https://docs.aws.amazon.com/kms/latest/developerguide/cmks-in-iam-policies.html
        """
        alias = self._alias_in(key)
        aliases = [each for each in self._constructs if isinstance(each, kms.CfnAlias)] if alias else []
        targets = [each.target_key_id for each in aliases if each.alias_name == alias]
        return targets[0] if len(targets) == 1 else key

    def _alias_in(self, key: str | None) -> str:
        """Return the alias in a key's ARN, if there is one."""
        found = ALIAS_NAME.search(json.dumps(self._stack.resolve(key)))
        return found[0] if found else ""

    def _key_of(self, service: str, arn: str) -> str | None:
        """Return the ARN of the key of a secret or a bucket, as far as this app knows."""
        if resource := resource_in(arn):
            if isinstance(resource, secretsmanager.CfnSecretTargetAttachment):  # a database's, in place of its secret
                return self._key_of(service, resource.secret_id)
            if service == "secretsmanager":
                return _key_of_secret(resource)
            key = getattr(resource.node.scope, "encryption_key", None)
            return key.key_arn if key else _key_of_bucket(resource)
        names, attribute = (
            ([arn], "secret_arn") if service == "secretsmanager" else (re.split("[:/]", arn), "bucket_name")
        )
        for each in self._constructs:
            own = getattr(each, attribute, None)
            if own and any(name == own or name.startswith(f"{own}:") for name in names):
                key = cast(Any, each).encryption_key
                return key.key_arn if key else None
        return None

    @cached_property
    def _constructs(self) -> Sequence[IConstruct]:
        """All constructs of the app, imported ones too."""
        return self._root.node.find_all()


@cache
def _here() -> str:
    """Return the ARN up to the ID or the alias of a key in this account and region."""
    return f"arn:{Aws.PARTITION}:kms:{Aws.REGION}:{Aws.ACCOUNT_ID}"


def _key_of_secret(resource: CfnResource) -> str | None:
    """Return the key of a secret, also of the password that a database manages itself.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html
    """
    if isinstance(resource, secretsmanager.CfnSecret):
        return resource.kms_key_id
    managed = getattr(resource, "master_user_secret", None)
    key: str | None = getattr(managed, "kms_key_id", None) or getattr(resource, "master_user_secret_kms_key_id", None)
    return key


def _key_of_bucket(resource: CfnResource) -> str | None:
    """Return the key of an L1 bucket."""
    rules = getattr(getattr(resource, "bucket_encryption", None), "server_side_encryption_configuration", None)
    defaults = [getattr(each, "server_side_encryption_by_default", None) for each in rules or []]
    return next((each.kms_master_key_id for each in defaults if each), None)


def resource_in(text: str | None) -> CfnResource | None:
    """Return the resource that an ARN or a name refers to, if it is made in the app."""
    tokens = Tokenization.reverse_string(text).tokens if text and is_unresolved(text) else []
    targets = (each.target for each in tokens if isinstance(each, Reference))
    return next((each for each in targets if isinstance(each, CfnResource)), None)
