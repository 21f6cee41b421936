"""What templates are compared and judged by."""

import json
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import aws_cdk
from cdk_nag import (
    AwsSolutionsChecks,
    HIPAASecurityChecks,
    NagPack,
    NIST80053R5Checks,
    PCIDSS321Checks,
    ServerlessChecks,
)
from constructs import IConstruct

Template = dict[str, Any]

PACKS: dict[str, type[NagPack]] = {
    "AwsSolutions": AwsSolutionsChecks,
    "NIST 800-53 R5": NIST80053R5Checks,
    "HIPAA": HIPAASecurityChecks,
    "PCI DSS 3.2.1": PCIDSS321Checks,
    "Serverless": ServerlessChecks,
}


def all_feature_flags() -> dict[str, object]:
    """Return every feature flag of the installed CDK, at the value it recommends."""
    return dict(_recommended_flags())


@cache
def _recommended_flags() -> dict[str, object]:
    (library,) = Path(aws_cdk.__file__).parent.glob("_jsii/aws-cdk-lib@*.tgz")
    with tarfile.open(library) as archive:
        # The first of this name: to ask the archive for the name would unpack what comes after it, too.
        member = next(each for each in archive if each.name == "package/recommended-feature-flags.json")
        flags = archive.extractfile(member)
        assert flags is not None
        recommended: dict[str, object] = json.load(flags)
    return recommended


def findings(app: IConstruct, pack: type[NagPack] = AwsSolutionsChecks) -> list[tuple[str, str]]:
    """Return what cdk-nag finds: each rule and the path of the resource that breaks it."""
    report = pack(app).validate_scope(app)
    return [
        (violation.rule_name, str(resource.construct_path))
        for violation in report.violations
        for resource in violation.violating_resources
    ]


def spread_policies(template: Template) -> Template:
    """Return the template with each policy document as the set of single permissions it grants."""
    spread: Template = json.loads(json.dumps(template), object_hook=_spread)
    return spread


def _spread(value: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(value.get("Statement"), list):  # a web ACL's rule has a single one, and is no policy
        return value
    permissions = {
        json.dumps([statement | {"Action": action, "Resource": resource, "Principal": principal}], sort_keys=True)
        for statement in value["Statement"]
        for action in _listed(statement["Action"])
        for resource in _listed(statement.get("Resource"))
        for principal in _principals(statement.get("Principal"))
    }
    return value | {"Statement": sorted(permissions)}


def _principals(value: object) -> list[object]:
    if not isinstance(value, dict):
        return [value]
    return [{kind: name} for kind, names in value.items() for name in _listed(names)]


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
