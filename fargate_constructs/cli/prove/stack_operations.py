"""Deploys and destroys the stack of a proof with CloudFormation, without a bootstrap stack and without the CDK CLI."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fargate_constructs.cli.aws import Answer, paged
from fargate_constructs.cli.deployed.deployed_resources import last_events
from fargate_constructs.cli.prove.outcomes import Waiting
from fargate_constructs.cli.prove.proof_state import TAG, ProofState

if TYPE_CHECKING:
    from boto3 import Session

BUCKET_TYPE = "AWS::S3::Bucket"
# Of DeleteObjects (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html).
KEYS_IN_ONE_CALL = 1000
# A load balancer and the shipper may still write to a bucket that a function has emptied.
DELETE_ATTEMPTS = 4
# ECS removes what it made in a namespace of Cloud Map, and Lambda its network interfaces, some time after the deletion.
RETRY_SECONDS = 30
GONE = ("", "DELETE_COMPLETE")
# Container Insights makes a log group for each cluster, which no stack has
# (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-reference-performance-logs-ECS.html).
LOG_PREFIXES = ("", "/aws/lambda/", "/aws/ecs/containerinsights/")
# The Python code of a function must be readable for its user, also if it is not for others here.
FILE_MODE = 0o644 << 16
# Of AWS's names (https://docs.aws.amazon.com/general/latest/gr/rande.html).
SUFFIX = "amazonaws.com"
SUFFIXES = {"aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}


class StackOperations:
    """The stack of a proof."""

    def __init__(self, session: Session, state: ProofState, waiting: Waiting, say: Callable[[str], None]) -> None:
        self.state = state
        self.session = session
        self._waiting = waiting
        self._say = say
        self._seen: set[str] = set()

    def client(self, name: str) -> Any:  # noqa: ANN401 - of boto3
        """Return the client of a part of AWS in the region of the proof."""
        return self.session.client(name, region_name=self.state.region)  # type: ignore[call-overload]

    def status(self) -> str:
        """Return the status of the stack; empty if there is no stack."""
        client = self.client("cloudformation")
        try:
            (stack,) = client.describe_stacks(StackName=self.state.stack)["Stacks"]
        except client.exceptions.ClientError as error:
            if "does not exist" in str(error):
                return ""
            raise
        return str(stack["StackStatus"])

    def outputs(self) -> dict[str, str]:
        """Return the outputs of the stack."""
        (stack,) = self.client("cloudformation").describe_stacks(StackName=self.state.stack)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}

    def deploy(self, assembly: Path, *, limit: float) -> str:
        """Create or update the stack to a cloud assembly; return the status in which it ends.

        A stack that is in an operation of an earlier call is only waited for.
        """
        status = self.status()
        if status.endswith("_IN_PROGRESS"):
            return self._wait(limit)
        client, url = self.client("cloudformation"), self._publish(assembly)
        arguments = {
            "StackName": self.state.stack_name,
            "TemplateURL": url,
            "Capabilities": ["CAPABILITY_IAM"],
            "Tags": [{"Key": TAG, "Value": self.state.id}],
        }
        if status:
            try:
                client.update_stack(**arguments)
            except client.exceptions.ClientError as error:
                if "No updates are to be performed" not in str(error):
                    raise
                return status
        else:
            self.state.stack_id = client.create_stack(**arguments)["StackId"]
            self.state.remember()
        return self._wait(limit)

    def start_over(self, *, limit: float) -> None:
        """Delete the stack, so that `deploy` creates it again."""
        self._delete_stack(limit)
        self.state.stack_id = ""
        self.state.remember()

    def destroy(self, *, limit: float) -> str:
        """Delete the stack and the bucket of the proof; return the status in which the stack ends."""
        status = self._delete_stack(limit)
        if status in GONE:
            for name in self.log_groups():
                self.client("logs").delete_log_group(logGroupName=name)
        self._delete_own_bucket()
        return status

    def log_groups(self) -> list[str]:
        """Return the log groups with the name of the stack, also those that services of AWS make."""
        client, prefixes = self.client("logs"), [f"{prefix}{self.state.stack_name}" for prefix in LOG_PREFIXES]
        return [
            each["logGroupName"]
            for prefix in prefixes
            for each in paged(client, "describe_log_groups", "logGroups", logGroupNamePrefix=prefix)
        ]

    def _delete_stack(self, limit: float) -> str:
        """Delete the stack; return the status in which it ends.

        Buckets of the stack that something wrote to after they were emptied are emptied again.
        """
        client, status = self.client("cloudformation"), self.status()
        if status == "UPDATE_IN_PROGRESS":
            with suppress(client.exceptions.ClientError):  # it may have ended in between
                client.cancel_update_stack(StackName=self.state.stack)
        if status.endswith("_IN_PROGRESS") and status != "CREATE_IN_PROGRESS":  # which may be deleted
            status = self._wait(limit)
        for attempt in range(DELETE_ATTEMPTS):
            if status in GONE:
                break
            if attempt:
                self._say("deletes the stack again")
                for each in self.not_deleted():
                    if (each["ResourceType"], each["ResourceStatus"]) == (BUCKET_TYPE, "DELETE_FAILED"):
                        self._empty(each["PhysicalResourceId"])
                self._waiting.sleep(RETRY_SECONDS)
            client.delete_stack(StackName=self.state.stack)
            status = self._wait(limit)
        return status

    def failures(self) -> list[str]:
        """Return why resources failed in the last operation, the first reason first."""
        reasons = [
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason')}"
            for event in self._events()
            if event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in event.get("ResourceStatusReason", "")
        ]
        return reasons[::-1]

    def not_deleted(self) -> list[Answer]:
        """Return the resources of the stack that exist, also after its deletion."""
        if not self.status():
            return []
        client, stack = self.client("cloudformation"), self.state.stack
        found = paged(client, "list_stack_resources", "StackResourceSummaries", StackName=stack)
        return [
            each for each in found if each["ResourceStatus"] != "DELETE_COMPLETE" and each.get("PhysicalResourceId")
        ]

    def _wait(self, limit: float) -> str:
        """Return the status of the stack after its operation; report each resource that is made or fails."""

        def ask() -> str | None:
            status = self.status()
            if status:  # a deleted stack has no name, and its ARN may not be known
                self._report_events()
            return None if status.endswith("_IN_PROGRESS") else status

        return self._waiting.until(ask, limit=limit, missing=f"the stack {self.state.stack_name} has no end")

    def _report_events(self) -> None:
        new = []
        for event in self._events():
            if event["EventId"] in self._seen:
                break
            self._seen.add(event["EventId"])
            new.append(event)
        ended = [each for each in reversed(new) if not each["ResourceStatus"].endswith("_IN_PROGRESS")]
        for event in ended:
            if event["ResourceStatus"].endswith("_FAILED"):
                reason = event.get("ResourceStatusReason", "no reason")
                self._say(f"  {event['ResourceStatus']} {event['LogicalResourceId']}: {reason}")
        if ended:
            last = ended[-1]
            self._say(f"  {len(ended)} events, the last {last['ResourceStatus']} {last['LogicalResourceId']}")

    def _events(self) -> Iterator[Answer]:
        """Return the events of the stack's last operation, the newest first."""
        return last_events(self.client("cloudformation"), self.state.stack)

    def _publish(self, assembly: Path) -> str:
        """Upload the files of an assembly that the bucket lacks, its template among them; return the template's URL."""
        client, state = self.client("s3"), self.state
        self._make_own_bucket()
        place = {"Bucket": state.bucket, "ExpectedBucketOwner": state.account}
        there = {each["Key"] for each in paged(client, "list_objects_v2", "Contents", **place)}
        template = ""
        for file in json.loads((assembly / f"{state.stack_name}.assets.json").read_text())["files"].values():
            source = assembly / file["source"]["path"]
            (key,) = (each["objectKey"] for each in file["destinations"].values())
            if key not in there:
                body = zipped(source) if file["source"]["packaging"] == "zip" else source.read_bytes()
                client.put_object(**place, Key=key, Body=body)
            if source.name == f"{state.stack_name}.template.json":
                template = key
        # As the CDK CLI writes it.
        return f"https://s3.{state.region}.{SUFFIXES.get(client.meta.partition, SUFFIX)}/{state.bucket}/{template}"

    def _make_own_bucket(self) -> None:
        client, state = self.client("s3"), self.state
        try:
            client.head_bucket(Bucket=state.bucket, ExpectedBucketOwner=state.account)
        except client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "404":
                raise
            place = {"LocationConstraint": state.region}
            settings = {} if state.region == "us-east-1" else {"CreateBucketConfiguration": place}
            client.create_bucket(Bucket=state.bucket, **settings)
            client.put_bucket_tagging(Bucket=state.bucket, Tagging={"TagSet": [{"Key": TAG, "Value": state.id}]})

    def _delete_own_bucket(self) -> None:
        client = self.client("s3")
        try:
            self._empty(self.state.bucket)
            client.delete_bucket(Bucket=self.state.bucket, ExpectedBucketOwner=self.state.account)
        except client.exceptions.NoSuchBucket:
            return

    def _empty(self, bucket: str) -> None:
        """Delete all versions of all objects in a bucket."""
        client, owner = self.client("s3"), self.state.account
        pages = client.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=bucket, ExpectedBucketOwner=owner, MaxKeys=KEYS_IN_ONE_CALL):
            found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
            if objects:
                client.delete_objects(Bucket=bucket, Delete={"Objects": objects}, ExpectedBucketOwner=owner)


def zipped(folder: Path) -> bytes:
    """Return the files of a folder as the code of a function, readable for each user."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix())
            entry.external_attr, entry.compress_type = FILE_MODE, zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return body.getvalue()


def check_account(client: Any, account: str) -> None:  # noqa: ANN401 - of boto3
    """Refuse credentials of another account than the named one."""
    got = client.get_caller_identity()["Account"]
    if got != account:
        raise ValueError(f"--account must be that of the credentials, {got}, got: {account}; correct it or --profile")
