"""One CDK stack, deployed once by the CDK CLI and then updated again and again, faster, through CloudFormation's API.

app function ──> CDK CLI ──> stack ──> template of another app function ──> UpdateStack ──> …
"""

import hashlib
import json
import time
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from aws_cdk import App

from tests.emulator.emulator import ROOT, Emulator

PROGRAM = """
import sys
sys.path.insert(0, {root!r})
import {module}
{module}.{expression}.synth()
"""


@dataclass(frozen=True)
class Resource:
    """A resource of a deployed stack."""

    type: str
    physical_id: str


def lost(before: Mapping[str, Resource], after: Mapping[str, Resource]) -> dict[str, str]:
    """Tell which resources an update replaced or removed, by construct path, and how."""
    pairs = {path: (was, after.get(path)) for path, was in before.items()}
    return {
        path: f"{was.type} {was.physical_id} " + (f"was replaced by {now.physical_id}" if now else "is gone")
        for path, (was, now) in pairs.items()
        if now != was
    }


class DeployedStack:
    """The only stack of an app, deployed to a local AWS.

    The CLI bootstraps and uploads the assets; later templates must have the same ones.
    """

    def __init__(self, aws: Emulator, name: str, *, module: str, expression: str, folder: Path) -> None:
        """Deploy the app that an expression in a module makes."""
        self.aws = aws
        self.name = name
        self._cloudformation = aws.client("cloudformation")
        (folder / "app.py").write_text(PROGRAM.format(root=str(ROOT), module=module, expression=expression))
        (folder / "cdk.json").write_text('{"app": "python3 app.py"}')
        self.outdir = folder / "out"
        aws.deploy(folder, outdir=self.outdir)
        self.id: str = self._cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]

    def beside(self, name: str) -> "DeployedStack":
        """Return another stack of this AWS, which `update` creates."""
        other = copy(self)
        other.name = name
        return other

    def update(self, app: App) -> str:
        """Update the stack, or create it anew, to what the app says; return the status it ends in."""
        template = self._upload(json.dumps(app.synth().get_stack_by_name(self.name).template))
        exists = [each["StackName"] for each in self._cloudformation.describe_stacks()["Stacks"]]
        deploy = self._cloudformation.update_stack if self.name in exists else self._cloudformation.create_stack
        self.id = deploy(StackName=self.name, TemplateURL=template, Capabilities=["CAPABILITY_IAM"])["StackId"]
        return self._settled()

    def _upload(self, template: str) -> str:
        """Put a template where the CLI puts its own, and return its URL: a request holds 51,200 bytes of one."""
        s3 = self.aws.client("s3")
        (bucket,) = (each["Name"] for each in s3.list_buckets()["Buckets"] if each["Name"].startswith("cdk-"))
        key = f"{hashlib.sha256(template.encode()).hexdigest()}.json"
        s3.put_object(Bucket=bucket, Key=key, Body=template.encode())
        return f"https://s3.{s3.meta.region_name}.amazonaws.com/{bucket}/{key}"

    def destroy(self) -> str:
        """Delete the stack; return the status it ends in."""
        self._cloudformation.delete_stack(StackName=self.name)
        return self._settled()

    def output(self, key: str) -> str:
        """Return what the stack puts out."""
        (stack,) = self._cloudformation.describe_stacks(StackName=self.id)["Stacks"]
        (value,) = (each["OutputValue"] for each in stack["Outputs"] if each["OutputKey"] == key)
        return str(value)

    def physical_ids(self, *types: str) -> dict[str, str]:
        """Return the physical ID of each resource of these types, by logical ID."""
        resources = self._cloudformation.describe_stack_resources(StackName=self.id)["StackResources"]
        return {
            each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources if each["ResourceType"] in types
        }

    def resources(self) -> dict[str, Resource]:
        """Return all resources, by the construct's path below the stack: `Network/EgressIps/1`."""
        template = self._cloudformation.get_template(StackName=self.id)["TemplateBody"]
        definitions = (json.loads(template) if isinstance(template, str) else template)["Resources"]
        pages = self._cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.id)
        return {
            _path(definitions[each["LogicalResourceId"]]): Resource(each["ResourceType"], each["PhysicalResourceId"])
            for page in pages
            for each in page["StackResourceSummaries"]
        }

    def why(self) -> str:
        """Return why resources failed in the last operation, newest first."""
        events = self._cloudformation.describe_stack_events(StackName=self.id)["StackEvents"]
        reasons = [event.get("ResourceStatusReason", "") for event in events]
        return "\n".join(filter(None, takewhile(lambda reason: reason != "User Initiated", reasons)))

    def _settled(self) -> str:
        for _ in range(600):
            status: str = self._cloudformation.describe_stacks(StackName=self.id)["Stacks"][0]["StackStatus"]
            if not status.endswith("_IN_PROGRESS"):
                return status
            time.sleep(0.05)
        raise TimeoutError(f"the stack stays {status}")


def _path(definition: Mapping[str, dict[str, str]]) -> str:
    """Return the construct's path below its stack, without the `Resource` that ends an L2's."""
    path = definition["Metadata"]["aws:cdk:path"].partition("/")[2]
    return path.removesuffix("/Resource")
