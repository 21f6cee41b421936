"""Whether a task's roles allow what the task needs to start: secrets, parameters, files, images, log groups, keys."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.modes.service import ACCOUNT, IMPORTED_KEY, KEYED_BUCKET, KEYED_SECRETS
from tests.privilege.policies import REFERENCE, Policies

# Imported resources that are encrypted with that key. The templates do not say so.
UNDER_IMPORTED_KEY = (
    *(ACCOUNT.format("secretsmanager", f"secret:{name}") for name in KEYED_SECRETS),
    "parameter/sealed/token",
    f":::{KEYED_BUCKET}",
)
KEY_PROPERTIES = {"AWS::SecretsManager::Secret": "KmsKeyId", "AWS::S3::Bucket": "BucketEncryption"}


class Need(NamedTuple):
    """A permission that a role must have."""

    role: str
    action: str
    resource: str

    def is_met(self, policies: Policies) -> bool:
        """Whether a policy of the role allows it."""
        return any(
            self.action in statement.actions and self.resource in _plain(resource)
            for statement in policies.of_role(self.role)
            for resource in statement.resources
        )


def faults(policies: Policies) -> list[str]:
    """Return what tasks could not read; empty if each could start."""
    needs = [
        need
        for node, properties in policies.of_type("AWS::ECS::TaskDefinition").items()
        for need in _of_task(policies, node, properties)
    ]
    assert {need.action for need in needs} == {
        "ecr:BatchGetImage",
        "elasticfilesystem:ClientMount",
        "kms:Decrypt",
        "logs:PutLogEvents",
        "s3:GetObject",
        "secretsmanager:GetSecretValue",
        "ssm:GetParameters",
    }, "each kind of need must occur in a mode"
    return [f"{need.role} may not {need.action} on {need.resource}" for need in needs if not need.is_met(policies)]


def _of_task(policies: Policies, node: str, properties: dict[str, Any]) -> Iterator[Need]:
    def text(value: object) -> str:
        return _plain(policies.text(value, node))

    task, execution = (_role(text(properties[f"{each}RoleArn"])) for each in ("Task", "Execution"))
    for volume in properties.get("Volumes", []):
        if "EFSVolumeConfiguration" in volume:
            yield Need(task, "elasticfilesystem:ClientMount", text(volume["EFSVolumeConfiguration"]["FilesystemId"]))
    for container in properties["ContainerDefinitions"]:
        image, logging = text(container["Image"]), container["LogConfiguration"]
        if ".dkr.ecr." in image:
            yield Need(execution, "ecr:BatchGetImage", image.partition("/")[2].partition(":")[0])
        if logging["LogDriver"] == "awslogs":
            yield Need(execution, "logs:PutLogEvents", text(logging["Options"]["awslogs-group"]))
        secrets = [each["ValueFrom"] for each in container.get("Secrets", [])]
        credentials = container.get("RepositoryCredentials")
        secrets += [credentials["CredentialsParameter"]] if credentials else []
        for secret in map(text, secrets):  # an imported one, or a reference, and then the field
            arn = ":".join(secret.split(":")[:7]) if secret.startswith("arn:") else secret.partition("}")[0] + "}"
            yield Need(execution, "ssm:GetParameters" if ":ssm:" in arn else "secretsmanager:GetSecretValue", arn)
            yield from (Need(execution, "kms:Decrypt", key) for key in _keys(policies, arn))
        for file in (text(each["Value"]) for each in container.get("EnvironmentFiles", [])):
            yield Need(execution, "s3:GetObject", file)
            yield from (Need(execution, "kms:Decrypt", key) for key in _keys(policies, file))


def _keys(policies: Policies, arn: str) -> Iterator[str]:
    """Yield the key that a resource is encrypted with."""
    if any(each in arn for each in UNDER_IMPORTED_KEY):
        yield IMPORTED_KEY
    for found in REFERENCE.finditer(arn):
        resource = policies.resources[found[1]]
        written = resource["Properties"].get(KEY_PROPERTIES.get(resource["Type"], ""), "")
        yield from (f"${{{key}}}" for key in policies.references(written, found[1]))


def _role(arn: str) -> str:
    """Return a role as in `Statement.roles`."""
    return arn.strip("${}").rpartition(":role/")[2]


def _plain(text: str) -> str:
    """Return a text without attributes of references, and without colons in pseudo parameters."""
    return re.sub(r"\$\{AWS::(\w+)\}", r"<\1>", re.sub(r"(\$\{\w[\w-]*:\w+)\.[\w.]+\}", r"\1}", text))
