"""Functions that ECS calls during a deployment."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_lambda as lambda_

from fargate_constructs import Deployment, FargateService
from fargate_constructs.network.network import Network
from tests.modes.made_elsewhere import IMAGE
from tests.shared_stack import Part, Steps, in_shared_stack

Stage = ecs.DeploymentLifecycleStage
CHECK = "arn:aws:lambda:eu-west-1:123456789012:function:check"


@in_shared_stack
@pytest.mark.parametrize(
    ("deploy", "stage"),
    [
        (lambda: Deployment.blue_green(test_header=("x-version", "next")), "POST_TEST_TRAFFIC_SHIFT"),
        (Deployment.canary, "POST_SCALE_UP"),
        (Deployment.linear, "POST_SCALE_UP"),
    ],
    ids=["blue/green", "canary", "linear"],
)
def test_a_hook_runs_before_requests_move(part: Part, deploy: Callable[[], Deployment], stage: str) -> Steps:
    """On test requests if there are some; its role may call this function only, and the service waits for the role."""
    web = part.service("Web", deployment=deploy())
    check = lambda_.Function.from_function_arn(part, "Check", CHECK)
    part.add_route(web)
    role = web.add_lifecycle_hook("Check", handler=check)
    web.add_lifecycle_hook("Report", handler=check, stages=[Stage.POST_PRODUCTION_TRAFFIC_SHIFT])
    yield
    hooks = part.of(web.service)["DeploymentConfiguration"]["LifecycleHooks"]
    assert [each["LifecycleStages"] for each in hooks] == [[stage], ["POST_PRODUCTION_TRAFFIC_SHIFT"]]
    assert {each["HookTargetArn"] for each in hooks} == {CHECK}
    assert hooks[0]["RoleArn"] == part.resolve(role.role_arn) != hooks[1]["RoleArn"]
    made = part.of(role)
    assert made["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "ecs.amazonaws.com"}
    # In the role, not in a policy that the service would not wait for.
    (statement,) = made["Policies"][0]["PolicyDocument"]["Statement"]
    assert statement == {"Action": "lambda:InvokeFunction", "Effect": "Allow", "Resource": CHECK}


def test_hooks_that_would_never_run(untouched: Stack, refusing_network: Network) -> None:
    """In rolling deployments, and on test requests that no rule takes; Service Connect has test requests of its own."""
    rolling = FargateService(untouched, "Rolling", network=refusing_network, image=IMAGE)
    deployment = Deployment.blue_green()
    web = FargateService(untouched, "Hooked", network=refusing_network, image=IMAGE, deployment=deployment)
    check = lambda_.Function.from_function_arn(untouched, "Check", CHECK)
    web.add_lifecycle_hook("Check", handler=check)
    on_test = partial(web.add_lifecycle_hook, "Test", handler=check, stages=[Stage.TEST_TRAFFIC_SHIFT])

    with pytest.raises(
        ValueError, match="need a deployment that shifts requests, got 'Check' for a rolling one; write"
    ):
        rolling.add_lifecycle_hook("Check", handler=check)
    with pytest.raises(ValueError, match="id must differ from the service's other lifecycle hooks, got: 'Check'"):
        web.add_lifecycle_hook("Check", handler=check)
    with pytest.raises(
        ValueError, match=r"need a test_header of the deployment, got: \['TEST_TRAFFIC_SHIFT'\] without"
    ):
        on_test()
    rolling.link_to(web)
    on_test()


class NewVersion(BaseHTTPRequestHandler):
    """Answers test requests with a status, and others as the old version does."""

    status = 200

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(self.status if self.headers["x-version"] == "next" else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:  # noqa: D102 - the base's
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of an endpoint with a new version behind it."""
    server = HTTPServer(("127.0.0.1", 0), NewVersion)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "answer"), [(200, "SUCCEEDED"), (404, "FAILED"), (500, "FAILED"), (None, "FAILED")], ids=str
)
def test_the_guides_test(url: str, monkeypatch: pytest.MonkeyPatch, status: int | None, answer: str) -> None:
    """It asks the new tasks, and fails the deployment if they answer with an error, or do not answer."""
    guide = Path(__file__).parents[3] / "docs/service.md"
    (program,) = re.findall(r'^TEST = """\n(.*?)^"""', guide.read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(program, guide.name, "exec"), names)  # noqa: S102 - the guide's own code
    monkeypatch.setattr(NewVersion, "status", status)
    monkeypatch.setenv("URL", url if status else "http://127.0.0.1:9")
    event = {"executionDetails": {"targetServiceRevisionArn": "revision"}}

    assert names["handler"](event, None) == {"hookStatus": answer}
