"""One CDK stack, deployed and updated as the CDK CLI does it, in the test's own process: a second less each time.

app ──> synthesized assembly ──> assets in S3 ──> CreateStack ──> another app ──> UpdateStack ──> …
"""

import json
import time
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from aws_cdk import App

from fargate_constructs.cli.prove.stack_operations import zipped
from tests.emulator.emulator import ACCOUNT, REGION, Emulator


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


class CloudFormationStack:
    """A stack of a local AWS. Each operation returns the status that the stack ends in."""

    def __init__(self, aws: Emulator, name: str) -> None:
        self.aws = aws
        self.name = name
        self.id = name
        """Its ARN, once this has deployed it: a deleted stack has no name."""
        self._cloudformation = aws.client("cloudformation")
        self._published = set[str]()

    def deploy_assembly(self, folder: Path) -> str:
        """Create or update the stack to that of a synthesized app."""
        return self.deploy(TemplateURL=self._publish(folder))

    def deploy(self, **template: str) -> str:
        """Create or update the stack from its template: `TemplateBody` or `TemplateURL`."""
        exists = [each["StackName"] for each in self._cloudformation.describe_stacks()["Stacks"]]
        deploy = self._cloudformation.update_stack if self.name in exists else self._cloudformation.create_stack
        self.id = deploy(StackName=self.name, Capabilities=["CAPABILITY_IAM"], **template)["StackId"]
        return self._wait()

    def change(self, template: str) -> str:
        """Update the stack to a changed template, which may be larger than a request."""
        bucket = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
        self.aws.client("s3").put_object(Bucket=bucket, Key="changed", Body=template)
        return self.deploy(TemplateURL=f"https://s3.{REGION}.amazonaws.com/{bucket}/changed")

    def destroy(self) -> str:
        """Delete the stack."""
        self._cloudformation.delete_stack(StackName=self.name)
        return self._wait()

    def output(self, key: str) -> str:
        """Return an output of the stack."""
        (stack,) = self._cloudformation.describe_stacks(StackName=self.id)["Stacks"]
        (value,) = (each["OutputValue"] for each in stack["Outputs"] if each["OutputKey"] == key)
        return str(value)

    def physical_ids(self, *types: str) -> dict[str, str]:
        """Return the physical ID of each resource of these types, or of all, by logical ID."""
        resources = self._cloudformation.describe_stack_resources(StackName=self.id)["StackResources"]
        return {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for each in resources
            if not types or each["ResourceType"] in types
        }

    def template(self) -> str:
        """Return the deployed template, as JSON."""
        template = self._cloudformation.get_template(StackName=self.id)["TemplateBody"]
        return template if isinstance(template, str) else json.dumps(template)

    def resources(self) -> dict[str, Resource]:
        """Return all resources, by the construct's path below the stack: `Network/EgressIps/1`."""
        definitions = json.loads(self.template())["Resources"]
        return {_path(definitions[each["LogicalResourceId"]]): _resource(each) for each in self._summaries()}

    def by_logical_id(self) -> dict[str, Resource]:
        """Return all resources, by logical ID."""
        return {each["LogicalResourceId"]: _resource(each) for each in self._summaries()}

    def events(self) -> int:
        """Return how many events there were."""
        pages = self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=self.id)
        return sum(len(page["StackEvents"]) for page in pages)

    def why(self) -> str:
        """Return why resources failed in the last operation, newest first."""
        events = self._cloudformation.describe_stack_events(StackName=self.id)["StackEvents"]
        reasons = [event.get("ResourceStatusReason", "") for event in events]
        return "\n".join(filter(None, takewhile(lambda reason: reason != "User Initiated", reasons)))

    def _summaries(self) -> list[dict[str, str]]:
        pages = self._cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.id)
        return [each for page in pages for each in page["StackResourceSummaries"]]

    def _publish(self, folder: Path) -> str:
        """Upload the stack's new assets, its template among them; return the template's URL."""
        self.aws.bootstrap()
        manifest = json.loads((folder / f"{self.name}.assets.json").read_text())
        url = ""
        for file in manifest["files"].values():
            path = folder / file["source"]["path"]
            [place] = file["destinations"].values()
            bucket = place["bucketName"].replace("${AWS::AccountId}", ACCOUNT).replace("${AWS::Region}", REGION)
            key = place["objectKey"]
            if key not in self._published:
                body = zipped(path) if file["source"]["packaging"] == "zip" else path.read_bytes()
                self.aws.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
                self._published.add(key)
            if path.name == f"{self.name}.template.json":
                url = f"https://s3.{REGION}.amazonaws.com/{bucket}/{key}"
        return url

    def _wait(self) -> str:
        for _ in range(600):
            status: str = self._cloudformation.describe_stacks(StackName=self.id)["Stacks"][0]["StackStatus"]
            if not status.endswith("_IN_PROGRESS"):
                return status
            time.sleep(0.05)
        raise TimeoutError(f"the stack stays {status}")


class DeployedStack(CloudFormationStack):
    """The only stack of an app, deployed to a local AWS."""

    def __init__(self, aws: Emulator, app: App) -> None:
        """Deploy the app's stack, or fail with the reason."""
        [stack] = app.synth().stacks
        super().__init__(aws, stack.stack_name)
        assert self.update(app) == "CREATE_COMPLETE", self.why()

    def beside(self, name: str) -> "DeployedStack":
        """Return another stack of this AWS, which `update` creates."""
        other = copy(self)
        other.name = name
        return other

    def update(self, app: App) -> str:
        """Update the stack to the app's, or create it again."""
        return self.deploy_assembly(Path(app.synth().directory))


def _resource(summary: Mapping[str, str]) -> Resource:
    return Resource(summary["ResourceType"], summary["PhysicalResourceId"])


def _path(definition: Mapping[str, dict[str, str]]) -> str:
    """Return the construct's path below its stack, without the `Resource` that ends an L2's."""
    path = definition["Metadata"]["aws:cdk:path"].partition("/")[2]
    return path.removesuffix("/Resource")
