"""The S3 API of these tests answers as MiniStack's does over HTTP, and as AWS says where MiniStack knows less."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.emulator import Emulator
from tests.logs.deployed import client, environment_of
from tests.logs.faults import in_process
from tests.logs.memory_s3 import MemoryS3

Client = Any  # boto3's class is made at run time


@pytest.fixture(scope="module")
def here() -> Iterator[Client]:
    """A client of the API in this process."""
    with in_process(MemoryS3()) as url:
        yield client("s3", environment_of(url))


def code(call: Callable[..., object], **arguments: object) -> str:
    """The code of the error that a call raises, or an empty text."""
    try:
        call(**arguments)
    except ClientError as error:
        return f"{error.response['Error']['Code']} {error.response['ResponseMetadata']['HTTPStatusCode']}"
    return ""


def writing(s3: Client, bucket: str) -> Iterator[object]:
    """Puts, on conditions, and what is read and deleted."""
    first = s3.put_object(
        Bucket=bucket, Key="a", Body=b"1", IfNoneMatch="*", ContentType="text/plain", Metadata={"r": "x"}
    )
    yield first["ETag"]
    yield code(s3.put_object, Bucket=bucket, Key="a", Body=b"2", IfNoneMatch="*")
    yield code(s3.put_object, Bucket=bucket, Key="a", Body=b"2", IfMatch='"0"')
    yield code(s3.put_object, Bucket=bucket, Key="a", Body=b"2", IfMatch=first["ETag"])
    yield code(s3.put_object, Bucket="none-" + bucket, Key="a", Body=b"2")
    got = s3.get_object(Bucket=bucket, Key="a")
    yield got["Body"].read(), got["ETag"], got["ContentLength"]
    s3.put_object(Bucket=bucket, Key="b", Body=b"", ContentType="text/plain", Metadata={"r": "x"})
    head = s3.head_object(Bucket=bucket, Key="b")
    yield head["ContentType"], head["Metadata"], head["ContentLength"]
    yield code(s3.get_object, Bucket=bucket, Key="none")
    yield s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}, {"Key": "none"}], "Quiet": True}).get(
        "Errors"
    )
    yield code(s3.delete_object, Bucket=bucket, Key="none")
    yield [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]


def uploading(s3: Client, bucket: str) -> Iterator[object]:
    """An upload in parts, finished and aborted."""
    where = {"Bucket": bucket, "Key": "log_group=a/x"}
    upload_id = s3.create_multipart_upload(**where, ContentType="application/x-ndjson")["UploadId"]
    aborted = s3.create_multipart_upload(**where)["UploadId"]
    begun = s3.list_multipart_uploads(Bucket=bucket, Prefix="log_group=")["Uploads"]
    yield sorted(each["UploadId"] for each in begun) == sorted([upload_id, aborted]), [each["Key"] for each in begun]
    bodies = [b"a" * 5 * 1024 * 1024, b"b"]
    parts = [
        {"PartNumber": n, "ETag": s3.upload_part(**where, UploadId=upload_id, PartNumber=n, Body=body)["ETag"]}
        for n, body in enumerate(bodies, start=1)
    ]
    yield parts, code(s3.get_object, **where)
    s3.abort_multipart_upload(**where, UploadId=aborted)
    s3.complete_multipart_upload(**where, UploadId=upload_id, MultipartUpload={"Parts": parts})
    got = s3.get_object(**where)
    yield got["Body"].read() == b"".join(bodies), got["ContentType"], got["ETag"].strip('"').partition("-")[2]
    yield (
        s3.list_multipart_uploads(Bucket=bucket).get("Uploads"),
        code(s3.abort_multipart_upload, **where, UploadId=aborted),
    )


@pytest.mark.parametrize("course", [writing, uploading])
def test_as_ministack(here: Client, aws: Emulator, course: Callable[[Client, str], Iterator[object]]) -> None:
    """The same calls get the same answers."""
    answers = []
    for s3 in (here, aws.client("s3")):
        bucket = f"bucket-{uuid.uuid4()}"
        s3.create_bucket(Bucket=bucket)
        answers.append(list(course(s3, bucket)))
    assert answers[0] == answers[1]


def test_as_aws(here: Client) -> None:
    """What is archived in Glacier is listed with its class, and not read; a put on what is gone finds nothing.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
    """
    here.create_bucket(Bucket="cold")
    here.put_object(Bucket="cold", Key="a", Body=b"1", StorageClass="GLACIER")

    assert here.list_objects_v2(Bucket="cold")["Contents"][0]["StorageClass"] == "GLACIER"
    assert code(here.get_object, Bucket="cold", Key="a") == "InvalidObjectState 403"
    assert code(here.put_object, Bucket="cold", Key="b", Body=b"1", IfMatch='"0"') == "NoSuchKey 404"
