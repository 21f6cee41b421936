"""A deployed queue worker, and the program of docs/workers.md at work on its queue."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnOutput, Duration, Stack

from fargate_constructs import FixedEgressNetwork, QueueWorker
from tests.emulator.emulator import Emulator
from tests.emulator.updates import DeployedStack
from tests.modes.made_elsewhere import IMAGE
from tests.service.queues.queue_model import PROGRAM


class Agent(BaseHTTPRequestHandler):
    """The agent's endpoint of scale-in protection, which keeps what it was asked."""

    asked: list[bool]

    def do_PUT(self) -> None:
        """Agree."""
        enabled = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["ProtectionEnabled"]
        self.asked.append(enabled)
        body = json.dumps({"protection": {"ProtectionEnabled": enabled}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


@pytest.fixture
def agent() -> Iterator[HTTPServer]:
    """The agent on a free port."""
    Agent.asked = []
    with HTTPServer(("127.0.0.1", 0), Agent) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def stack(aws: Emulator) -> DeployedStack:
    """A stack with a worker that scales to zero."""
    app = App()
    stack = Stack(app, "Workers")
    orders = QueueWorker(
        stack,
        "Orders",
        network=FixedEgressNetwork(stack, "Network"),
        image=IMAGE,
        message_duration=Duration.seconds(10),
        min_tasks=0,
        scale_in_protection=True,
    )
    assert orders.dead_letter_queue
    CfnOutput(stack, "Queue", value=orders.queue.queue_url)
    CfnOutput(stack, "DeadLetters", value=orders.dead_letter_queue.queue_url)
    CfnOutput(stack, "TaskDefinition", value=orders.task_definition.task_definition_arn)
    return DeployedStack(aws, app)


def attributes(stack: DeployedStack, output: str) -> dict[str, str]:
    """Return the attributes of a queue."""
    answer = stack.aws.client("sqs").get_queue_attributes(QueueUrl=stack.output(output), AttributeNames=["All"])
    return dict(answer["Attributes"])


def wait_for(is_true: Callable[[], Any]) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + 60
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_queues(stack: DeployedStack) -> None:
    """The queue sends what fails five times to the other."""
    queue, dead_letters = attributes(stack, "Queue"), attributes(stack, "DeadLetters")

    assert json.loads(queue["RedrivePolicy"]) == {"deadLetterTargetArn": dead_letters["QueueArn"], "maxReceiveCount": 5}
    assert (queue["VisibilityTimeout"], dead_letters["MessageRetentionPeriod"]) == ("90", str(14 * 24 * 3600))


def test_the_guides_program_works_off_the_queue(stack: DeployedStack, agent: HTTPServer, tmp_path: Path) -> None:
    """With the variable of the task definition. After SIGTERM it gives back a message, and ends without an error."""
    sqs, url = stack.aws.client("sqs"), stack.output("Queue")
    task = stack.aws.client("ecs").describe_task_definition(taskDefinition=stack.output("TaskDefinition"))
    (container,) = task["taskDefinition"]["containerDefinitions"]
    program = tmp_path / "worker.py"
    program.write_text(PROGRAM.replace("print(body)", "print(body, flush=True)"))
    environment = stack.aws.environment | {each["name"]: each["value"] for each in container["environment"]}
    environment["ECS_AGENT_URI"] = f"http://127.0.0.1:{agent.server_port}"
    for number in range(3):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))

    with subprocess.Popen(
        [sys.executable, str(program)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            wait_for(lambda: len(Agent.asked) == 6)
            process.terminate()
            time.sleep(0.5)  # the signal comes before the message
            sqs.send_message(QueueUrl=url, MessageBody="late")
            output, _ = process.communicate(timeout=60)
        finally:
            process.kill()

    assert (process.returncode, sorted(output.split())) == (0, ["0", "1", "2"])
    assert Agent.asked[:6] == [True, False] * 3
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    assert message["Body"] == "late"
