"""The stack of a proof, on recorded answers."""

import io
import zipfile
from pathlib import Path

import pytest

from fargate_constructs.cli.prove.outcomes import DisprovedError
from fargate_constructs.cli.prove.proof_step import Proof
from fargate_constructs.cli.prove.stack_operations import StackOperations, check_account, zipped
from tests.cli.prove.conftest import NO_STACK, STACK, STACK_ID, Sequence, stack, stack_event
from tests.cli.recorded_aws import ACCOUNT, RecordedAws, stack_resource


@pytest.fixture
def operations(proof: Proof) -> StackOperations:
    """The operations of a proof."""
    return proof.operations


def asked(aws: RecordedAws, *names: str) -> list[str]:
    """Return the names of requests in order, of those that change something or of some names."""
    changing = ("Create", "Update", "Delete", "Cancel", "Put")
    return [name for name, _ in aws.requests if name in names or (not names and name.startswith(changing))]


def test_a_new_stack(operations: StackOperations, aws: RecordedAws, proof: Proof, said: list[str]) -> None:
    """The bucket, the files, then the stack; it has a tag, and its ARN is in the file of the state."""
    aws.answers["HeadBucket"] = ("404", "Not Found")
    aws.answers["DescribeStacks"] = Sequence(NO_STACK, stack("CREATE_IN_PROGRESS"), stack("CREATE_COMPLETE"))
    aws.answers["DescribeStackEvents"] = Sequence(
        {"StackEvents": [stack_event(2, "Vpc", "CREATE_COMPLETE"), stack_event(1, STACK, "CREATE_IN_PROGRESS")]},
        {"StackEvents": [stack_event(3, "Ip", "CREATE_FAILED", "no more"), stack_event(2, "Vpc", "CREATE_COMPLETE")]},
    )

    assert operations.deploy(proof.assemblies / "first", limit=60) == "CREATE_COMPLETE"
    assert asked(aws) == ["CreateBucket", "PutBucketTagging", "PutObject", "PutObject", "CreateStack"]
    request = aws.requests[[name for name, _ in aws.requests].index("CreateStack")][1]
    assert request["TemplateURL"] == f"https://s3.us-east-1.amazonaws.com/{STACK.lower()}/template.json"
    assert request["Tags"] == [{"Key": "fargate-constructs:proof", "Value": "1a2b"}]
    assert STACK_ID in (operations.state.folder / "state.json").read_text()
    assert said == [
        "  1 events, the last CREATE_COMPLETE Vpc",
        "  CREATE_FAILED Ip: no more",
        "  1 events, the last CREATE_FAILED Ip",
    ]


def test_a_bucket_in_another_region(operations: StackOperations, aws: RecordedAws, proof: Proof) -> None:
    """S3 needs its place, except for us-east-1."""
    operations.state.region = "eu-west-1"
    aws.answers["HeadBucket"] = ("404", "Not Found")
    aws.answers["DescribeStacks"] = Sequence(NO_STACK, stack("CREATE_COMPLETE"))
    operations.deploy(proof.assemblies / "first", limit=60)

    (request,) = [request for name, request in aws.requests if name == "CreateBucket"]
    assert request["CreateBucketConfiguration"] == {"LocationConstraint": "eu-west-1"}


def test_a_bucket_of_another_account(operations: StackOperations, aws: RecordedAws, proof: Proof) -> None:
    """It is not used."""
    aws.answers["HeadBucket"] = ("403", "Forbidden")
    aws.answers["DescribeStacks"] = NO_STACK

    with pytest.raises(aws.client("s3").exceptions.ClientError, match="403"):
        operations.deploy(proof.assemblies / "first", limit=60)
    assert asked(aws) == []


def test_an_update(operations: StackOperations, aws: RecordedAws, proof: Proof) -> None:
    """Only files that the bucket lacks are uploaded; a stack without a change is as it was."""
    aws.answers["ListObjectsV2"] = {"Contents": [{"Key": "code.zip"}]}
    aws.answers["DescribeStacks"] = Sequence(stack("CREATE_COMPLETE"), stack("UPDATE_COMPLETE"))

    assert operations.deploy(proof.assemblies / "second", limit=60) == "UPDATE_COMPLETE"
    assert asked(aws) == ["PutObject", "UpdateStack"]
    aws.answers["UpdateStack"] = ("ValidationError", "No updates are to be performed.")
    assert operations.deploy(proof.assemblies / "second", limit=60) == "UPDATE_COMPLETE"
    aws.answers["UpdateStack"] = ("ValidationError", "is in ROLLBACK_COMPLETE state and can not be updated.")
    with pytest.raises(aws.client("cloudformation").exceptions.ClientError, match="can not be updated"):
        operations.deploy(proof.assemblies / "second", limit=60)


def test_an_operation_of_an_earlier_call_is_waited_for(
    operations: StackOperations, aws: RecordedAws, proof: Proof
) -> None:
    """It is not started again."""
    aws.answers["DescribeStacks"] = Sequence(stack("CREATE_IN_PROGRESS"), stack("CREATE_COMPLETE"))

    assert operations.deploy(proof.assemblies / "first", limit=60) == "CREATE_COMPLETE"
    assert asked(aws) == []


def test_a_stack_without_an_end(operations: StackOperations, aws: RecordedAws, proof: Proof) -> None:
    """The wait has a limit."""
    aws.answers["DescribeStacks"] = stack("CREATE_IN_PROGRESS")

    with pytest.raises(DisprovedError, match=f"the stack {STACK} has no end after 60 s"):
        operations.deploy(proof.assemblies / "first", limit=60)


def test_a_stack_that_may_not_be_read(operations: StackOperations, aws: RecordedAws) -> None:
    """It is not a stack that does not exist."""
    aws.answers["DescribeStacks"] = ("AccessDenied", "is not authorized")

    with pytest.raises(aws.client("cloudformation").exceptions.ClientError, match="is not authorized"):
        operations.status()


def test_a_deletion(operations: StackOperations, aws: RecordedAws) -> None:
    """The stack, and then the bucket with all versions."""
    aws.answers["DescribeStacks"] = Sequence(
        stack("UPDATE_COMPLETE"), stack("DELETE_IN_PROGRESS"), stack("DELETE_COMPLETE")
    )
    aws.answers["ListObjectVersions"] = {
        "Versions": [{"Key": "code.zip", "VersionId": "null"}],
        "DeleteMarkers": [{"Key": "gone", "VersionId": "v1"}],
    }

    assert operations.destroy(limit=60) == "DELETE_COMPLETE"
    assert asked(aws) == ["DeleteStack", "DeleteObjects", "DeleteBucket"]
    (request,) = [request for name, request in aws.requests if name == "DeleteObjects"]
    assert [each["Key"] for each in request["Delete"]["Objects"]] == ["code.zip", "gone"]
    assert request["ExpectedBucketOwner"] == ACCOUNT


def test_log_groups_that_aws_made_are_deleted(operations: StackOperations, aws: RecordedAws) -> None:
    """Container Insights makes one for the cluster. None is deleted while the stack exists."""
    name = f"/aws/ecs/containerinsights/{STACK}-WebCluster/performance"
    aws.answers["DescribeLogGroups"] = lambda request: {
        "logGroups": [{"logGroupName": name}] if name.startswith(request["logGroupNamePrefix"]) else []
    }
    aws.answers["DeleteLogGroup"] = {}
    aws.answers["DescribeStacks"] = stack("DELETE_FAILED")
    operations.destroy(limit=60)
    assert "DeleteLogGroup" not in asked(aws)

    aws.answers["DescribeStacks"] = stack("DELETE_COMPLETE")
    operations.destroy(limit=60)
    assert [request for name, request in aws.requests if name == "DeleteLogGroup"] == [{"logGroupName": name}]


def test_a_bucket_that_is_written_to_is_emptied_again(
    operations: StackOperations, aws: RecordedAws, said: list[str]
) -> None:
    """A load balancer delivers access logs until it is gone. Other buckets are not touched."""
    aws.answers["DescribeStacks"] = Sequence(
        stack("CREATE_COMPLETE"), stack("DELETE_FAILED"), stack("DELETE_FAILED"), stack("DELETE_COMPLETE")
    )
    aws.answers["ListStackResources"] = {
        "StackResourceSummaries": [
            stack_resource("Logs", "AWS::S3::Bucket", "logs", "DELETE_FAILED"),
            stack_resource("Vpc", "AWS::EC2::VPC", "vpc-1", "DELETE_FAILED"),
            stack_resource("Other", "AWS::S3::Bucket", "other", "DELETE_SKIPPED"),
            stack_resource("Gone", "AWS::S3::Bucket", "gone", "DELETE_COMPLETE"),
        ]
    }

    assert operations.destroy(limit=60) == "DELETE_COMPLETE"
    emptied = [request["Bucket"] for name, request in aws.requests if name == "ListObjectVersions"]
    assert emptied == ["logs", STACK.lower()]
    assert "deletes the stack again" in said


def test_a_deletion_that_fails(operations: StackOperations, aws: RecordedAws) -> None:
    """It is tried a few times."""
    aws.answers["DescribeStacks"] = stack("DELETE_FAILED")

    assert operations.destroy(limit=60) == "DELETE_FAILED"
    assert asked(aws).count("DeleteStack") == 4


@pytest.mark.parametrize("answer", [{}, ("ValidationError", "it is not in progress")])
def test_an_update_is_cancelled_before_the_deletion(
    operations: StackOperations, aws: RecordedAws, answer: dict[str, str] | tuple[str, str]
) -> None:
    """CloudFormation deletes no stack that it updates; the update may have ended in between."""
    aws.answers["CancelUpdateStack"] = answer
    aws.answers["DescribeStacks"] = Sequence(
        stack("UPDATE_IN_PROGRESS"),
        stack("UPDATE_ROLLBACK_IN_PROGRESS"),
        stack("UPDATE_ROLLBACK_COMPLETE"),
        stack("DELETE_COMPLETE"),
    )

    assert operations.destroy(limit=60) == "DELETE_COMPLETE"
    assert asked(aws) == ["CancelUpdateStack", "DeleteStack", "DeleteBucket"]


def test_a_stack_that_is_being_created_is_deleted_at_once(operations: StackOperations, aws: RecordedAws) -> None:
    """CloudFormation allows that."""
    aws.answers["DescribeStacks"] = Sequence(stack("CREATE_IN_PROGRESS"), stack("DELETE_COMPLETE"))

    assert operations.destroy(limit=60) == "DELETE_COMPLETE"
    assert asked(aws) == ["DeleteStack", "DeleteBucket"]


def test_a_stack_whose_arn_is_not_known(operations: StackOperations, aws: RecordedAws) -> None:
    """An interrupt came before it was written. A deleted stack is not found by its name, which is its end."""
    aws.answers["DescribeStacks"] = Sequence(stack("CREATE_COMPLETE"), NO_STACK)

    assert operations.destroy(limit=60) == ""
    assert asked(aws) == ["DeleteStack", "DeleteBucket"]


def test_nothing_to_delete(operations: StackOperations, aws: RecordedAws) -> None:
    """A proof that was interrupted before the first resource has neither."""
    aws.answers["DescribeStacks"] = NO_STACK
    aws.answers["ListObjectVersions"] = ("NoSuchBucket", "The specified bucket does not exist")

    assert operations.destroy(limit=60) == ""
    assert operations.not_deleted() == []
    assert asked(aws) == []


def test_why_resources_failed(operations: StackOperations, aws: RecordedAws) -> None:
    """Those of the last operation, also if all its events are those of a page."""
    failed = stack_event(2, "Ip", "DELETE_FAILED")
    del failed["PhysicalResourceId"]  # a resource that was never made
    aws.answers["DescribeStackEvents"] = {"StackEvents": [failed, stack_event(1, "Vpc", "DELETE_COMPLETE")]}

    assert operations.failures() == ["Ip: no reason"]


def test_a_nested_or_earlier_operation_is_not_the_last(operations: StackOperations, aws: RecordedAws) -> None:
    """The events of a nested stack do not begin the operation. What failed before its own beginning is over."""
    nested = stack_event(5, "Nested", "UPDATE_IN_PROGRESS")
    nested["PhysicalResourceId"] = STACK_ID.replace(STACK, f"{STACK}-Nested-1A2B")
    events = [
        stack_event(7, STACK, "UPDATE_ROLLBACK_IN_PROGRESS", "Nested failed"),
        stack_event(6, "Nested", "UPDATE_FAILED", "Ip failed"),
        nested,
        stack_event(4, "Vpc", "UPDATE_FAILED", "no permission"),
        stack_event(3, STACK, "UPDATE_IN_PROGRESS", "User Initiated"),
        stack_event(2, "Vpc", "CREATE_FAILED", "of an earlier operation"),
        stack_event(1, STACK, "CREATE_IN_PROGRESS", "User Initiated"),
    ]
    aws.answers["DescribeStackEvents"] = {"StackEvents": events}

    assert operations.failures() == ["Vpc: no permission", "Nested: Ip failed"]


def test_the_address_of_the_template(
    operations: StackOperations, aws: RecordedAws, proof: Proof, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the suffix of the partition."""
    suffixes = {"aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}
    for partition, suffix in suffixes.items():
        monkeypatch.setattr(aws.client("s3").meta, "_partition", partition)
        operations.deploy(proof.assemblies / "second", limit=60)
        url = aws.requests[[name for name, _ in aws.requests].index("UpdateStack")][1]["TemplateURL"]
        assert url == f"https://s3.us-east-1.{suffix}/{STACK.lower()}/template.json"
        aws.requests.clear()


def test_the_code_of_a_function_is_readable(tmp_path: Path) -> None:
    """Lambda runs it as another user, so a strict umask here must not count."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/index.py").write_text("x")
    (tmp_path / "inner/index.py").chmod(0o600)

    with zipfile.ZipFile(io.BytesIO(zipped(tmp_path))) as archive:
        (entry,) = archive.infolist()
        assert (entry.filename, entry.external_attr >> 16 & 0o777) == ("inner/index.py", 0o644)


def test_credentials_of_another_account_are_refused(aws: RecordedAws) -> None:
    """Nothing is deployed with a wrong profile."""
    check_account(aws.client("sts"), ACCOUNT)
    with pytest.raises(ValueError, match=f"must be that of the credentials, {ACCOUNT}, got: 999999999999"):
        check_account(aws.client("sts"), "999999999999")
