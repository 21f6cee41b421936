"""An environment that may go, deployed, used and destroyed.

make_disposable(stack) ──> deploy ──> objects, lines ──> destroy ──> what the account had before
"""

from aws_cdk import App, Stack

from fargate_constructs import FargateWebService, make_disposable
from tests.emulator.emulator import Emulator
from tests.emulator.inventory import inventory
from tests.emulator.updates import DeployedStack
from tests.modes.made_elsewhere import IMAGE


def preview() -> App:
    """Return an app of a whole system that may go."""
    app = App(context={"aws:cdk:enable-path-metadata": True})
    stack = Stack(app, "Preview")
    FargateWebService(stack, "Shop", image=IMAGE, static_ips=True)
    make_disposable(stack)
    return app


def test_nothing_is_left(aws: Emulator) -> None:
    """Not an address, a bucket with objects in it, or a log group with lines."""
    aws.bootstrap()
    before = inventory(aws)
    stack = DeployedStack(aws, preview())
    made = stack.resources().values()
    buckets = [each.physical_id for each in made if each.type == "AWS::S3::Bucket"]
    groups = [each.physical_id for each in made if each.type == "AWS::Logs::LogGroup"]
    assert (len(buckets), sum(each.type == "AWS::EC2::EIP" for each in made)) == (3, 4)
    for bucket in buckets:
        aws.client("s3").put_object(Bucket=bucket, Key="used/object", Body=b"used")
    for group in groups:
        aws.client("logs").create_log_stream(logGroupName=group, logStreamName="used")

    assert stack.destroy() == "DELETE_COMPLETE", stack.why()

    assert inventory(aws) - before == set()
