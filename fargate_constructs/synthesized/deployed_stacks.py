"""Asks CloudFormation for the template of a deployed stack, and for those of the stacks nested in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fargate_constructs.synthesized.comparable_template import TemplateTree
from fargate_constructs.synthesized.stored_templates import STACK_TYPE, StoredStack
from fargate_constructs.synthesized.template_text import parse_template

if TYPE_CHECKING:
    from boto3 import Session
    from types_boto3_cloudformation import CloudFormationClient

# A stack in these states has no template, or none that says what is deployed.
NOT_DEPLOYED = ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE", "ROLLBACK_COMPLETE")
UNKNOWN = ("ROLLBACK_FAILED", "UPDATE_ROLLBACK_FAILED", "DELETE_FAILED", "IMPORT_ROLLBACK_FAILED")


def read_deployed(session: Session, name: str, region: str = "") -> StoredStack | None:
    """Return a deployed stack; `None` if there is none.

    Args:
        session: The credentials, and the region if *region* is empty.
        name: The name of the stack.
        region: Its region. By default that of the session.

    Raises:
        ValueError: If there is no region, or if an update of the stack has not ended, or ended halfway.
    """
    if not (region or session.region_name):
        raise ValueError("AWS needs a region, got none; write --region, or set AWS_REGION")
    client = session.client("cloudformation", region_name=region or None)
    try:
        (stack,) = client.describe_stacks(StackName=name)["Stacks"]
    except client.exceptions.ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    status = stack["StackStatus"]
    if status in NOT_DEPLOYED:
        return None
    if status.endswith("_IN_PROGRESS") or status in UNKNOWN:
        raise ValueError(
            f"the stack {name} must be at rest after a deployment, got: {status}; wait, or repair it first"
        )
    _, _, _, its_region, account, _ = stack["StackId"].split(":", 5)
    return StoredStack(name, _tree(client, name), account=account, region=its_region)


def read_importers(session: Session, export: str, region: str) -> list[str] | None:
    """Return the names of the stacks that import an export; `None` if these credentials may not see that."""
    client = session.client("cloudformation", region_name=region)
    try:
        pages = client.get_paginator("list_imports").paginate(ExportName=export)
        return [name for page in pages for name in page.get("Imports", [])]
    except client.exceptions.ClientError as error:
        return [] if "is not imported by any stack" in str(error) else None


def _tree(client: CloudFormationClient, name: str) -> TemplateTree:
    body: Any = client.get_template(StackName=name, TemplateStage="Processed")["TemplateBody"]
    # boto3 parses JSON, and returns YAML as a text.
    text = body if isinstance(body, str) else json.dumps(body)
    template = parse_template(text, f"CloudFormation must have a template of the stack {name}", may_be_empty=True)
    nested = {}
    if any(isinstance(each, dict) and each.get("Type") == STACK_TYPE for each in template["Resources"].values()):
        for page in client.get_paginator("list_stack_resources").paginate(StackName=name):
            for each in page["StackResourceSummaries"]:
                if each["ResourceType"] == STACK_TYPE and "PhysicalResourceId" in each:
                    nested[each["LogicalResourceId"]] = _tree(client, each["PhysicalResourceId"])
    return TemplateTree(template, nested=nested)
