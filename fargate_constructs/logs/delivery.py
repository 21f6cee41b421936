"""How logs get from CloudWatch to S3."""

from dataclasses import dataclass

from aws_cdk import Duration, Size, SizeRoundingBehavior
from aws_cdk import aws_s3 as s3

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.named_constructors import NamedConstructors
from fargate_constructs._core.validation import validate_range, validate_seconds
from fargate_constructs.logs.archive_format import ArchiveFormat

# The limits of Data Firehose's buffer with partitioning
# (https://docs.aws.amazon.com/firehose/latest/dev/buffering.html,
# https://docs.aws.amazon.com/firehose/latest/APIReference/API_BufferingHints.html).
LARGEST, SMALLEST = 128, 64  # MiB
LONGEST, SHORTEST = 900, 60  # seconds


@dataclass(frozen=True, init=False)
class Delivery(NamedConstructors):
    """How logs get to S3. Made by one of the named constructors.

    ```python
    LogArchive(stack, "LogArchive", delivery=Delivery.buffered())
    ```

    Both write the same lines under the same keys. A switch from one to the other moves nothing.
    """

    buffering_size: Size | None = None
    buffering_interval: Duration | None = None
    is_draining: bool = False

    @property
    def has_buffer(self) -> bool:
        """Whether there is a stream of Data Firehose, in use or not."""
        return self.buffering_interval is not None

    @property
    def is_buffered(self) -> bool:
        """Whether Data Firehose gathers batches first."""
        return self.has_buffer and not self.is_draining

    @classmethod
    @checked
    def direct(cls) -> "Delivery":
        """A Lambda function writes each batch of CloudWatch Logs to S3, seconds after it was logged, and once.

        The default. The cheapest delivery for batches of some 600 KB and more; for smaller ones the price of S3's PUTs
        is the largest part.
        """
        return cls._make()

    @classmethod
    @checked
    def buffered(cls, *, buffering_size: Size | None = None, buffering_interval: Duration | None = None) -> "Delivery":
        """Data Firehose buffers batches: far fewer objects, for many quiet streams or high volume.

        Logs arrive up to 1.5 times *buffering_interval* late. Data Firehose delivers at least once, so some batches are
        stored twice. Its default quota is 500 partitions (log groups times hours) at a time.

        Args:
            buffering_size: Compressed bytes until an object is written, 64 to 128 MiB. By default 128.
            buffering_interval: Time until an object is written at the latest, 1 to 15 minutes. By default 15.

        Raises:
            ValueError: If one of them is out of its range, or not whole MiB or seconds.
        """
        size, interval = buffering_size or Size.mebibytes(LARGEST), buffering_interval or Duration.seconds(LONGEST)
        mebibytes = size.to_mebibytes(rounding=SizeRoundingBehavior.NONE)
        validate_range("buffering_size", mebibytes, SMALLEST, LARGEST, unit=" MiB")
        if mebibytes % 1:
            raise ValueError(f"buffering_size must be whole MiB, got: {mebibytes:.15g}")
        validate_seconds("buffering_interval", interval, SHORTEST, LONGEST)
        return cls._make(buffering_size=size, buffering_interval=interval)

    @classmethod
    @checked
    def draining(cls) -> "Delivery":
        """Direct, while Data Firehose writes what it still holds: for the deployment between buffered and direct.

        Without it, the stream is deleted with up to 15 minutes of logs that it has not written yet, and AWS does not
        guarantee their delivery
        (https://docs.aws.amazon.com/firehose/latest/APIReference/API_DeleteDeliveryStream.html). Wait for half an hour
        (more than 1.5 times the longest interval), and while the alarm of the stream's age is raised.
        """
        return cls._make(
            buffering_size=Size.mebibytes(LARGEST), buffering_interval=Duration.seconds(SHORTEST), is_draining=True
        )

    def _validate_beside(self, *, object_lock: s3.ObjectLockRetention | None, archive_format: ArchiveFormat) -> None:
        """Refuse to buffer into a locked bucket, or raw batches.

        A locked bucket requires a checksum with each object; AWS does not document that Data Firehose sends one. Raw
        batches have no lines to put into one object.
        """
        if self.has_buffer and (object_lock or archive_format is ArchiveFormat.raw):
            other = "object_lock" if object_lock else "archive_format=ArchiveFormat.raw"
            got = "draining" if self.is_draining else "buffered"
            raise ValueError(f"delivery must be Delivery.direct() beside {other}, got: Delivery.{got}()")
