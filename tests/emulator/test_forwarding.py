"""Real requests, through the deployed rules, to processes on loopback.

HTTP client ──> the emulator's load balancer ──> listener ──> rule ──> target group ──> process

The emulator terminates no TLS: a request for port 443 in its `Host` header is matched against the HTTPS listener's
rules, over plain HTTP. All else is what the template says.
"""

import http.client
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from typing import cast

import pytest
from aws_cdk import App, CfnParameter, SecretValue, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs import Deployment, FargateService, FixedEgressNetwork, HttpEndpoint
from fargate_constructs.endpoint import SignIn
from tests.emulator.emulator import Emulator
from tests.emulator.processes import group
from tests.emulator.updates import DeployedStack

# A process that answers every request with its name and what it was asked.
TARGET = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Target(BaseHTTPRequestHandler):
    def answer(self):
        text = f"{sys.argv[1]} {self.command} {self.headers['Host']} {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    do_GET = do_POST = answer
    def log_message(self, *_):
        pass
server = HTTPServer(("127.0.0.1", 0), Target)
print(server.server_port, flush=True)
server.serve_forever()
"""
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/1"
ROUTES: dict[str, dict[str, object]] = {
    "Web": {},
    "Api": {"paths": ["/api", "/api/*"]},
    "Orders": {"paths": ["/api/orders/*"]},
    "Images": {"paths": ["*.png"]},
    "Shop": {"hosts": ["shop.example.com"]},
    "Preview": {"hosts": ["*.example.com"]},
    "Beta": {"paths": ["/api/*"], "headers": {"X-Version": ["2*"]}},
    "Writes": {"paths": ["/api/orders/*"], "methods": ["POST"]},
    "Debug": {"query": {"debug": ["1", "yes*"]}},
    "Local": {"paths": ["/internal/*"], "source_ips": ["127.0.0.0/8"]},
    "Office": {"paths": ["/office/*"], "source_ips": ["198.51.100.0/24"]},
}


class Shop(Stack):
    """A network and an endpoint that speaks HTTPS."""

    def __init__(self, scope: App, id: str) -> None:  # noqa: A002  # as in all of CDK
        """Make both."""
        super().__init__(scope, id)
        self.network = FixedEgressNetwork(self, "Network")
        certificate = acm.Certificate.from_certificate_arn(self, "Certificate", CERTIFICATE)
        self.endpoint = HttpEndpoint(
            self, "Endpoint", network=self.network, certificate=certificate, deletion_protection=False
        )
        self.cluster = ecs.Cluster(self, "Cluster", vpc=self.network.vpc)

    def service(self, name: str, deployment: Deployment | None = None) -> FargateService:
        """Add a service."""
        image = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
        return FargateService(
            self, name, network=self.network, image=image, cluster=self.cluster, deployment=deployment
        )


def shifting_app(next_percent: int = 0) -> App:
    """Return an app with one service, in the middle of a deployment that shifts requests."""
    app = App()
    stack = Shop(app, "Shifting")
    service = stack.service("Old", Deployment.canary(test_header=("x-version", "next")))
    rule = stack.endpoint.add_route("Shifting", service=service, paths=["/a/*"])
    # What ECS does to the rule.
    resource = cast("elbv2.CfnListenerRule", rule.node.default_child)
    for index, weight in enumerate((100 - next_percent, next_percent)):
        resource.add_property_override(f"Actions.0.ForwardConfig.TargetGroups.{index}.Weight", weight)
    return app


def routed_app() -> App:
    """Return an app with a service for each route, and one for those who have signed in."""
    app = App()
    stack = Shop(app, "Forwarding")
    for name, conditions in ROUTES.items():
        stack.endpoint.add_route(name, service=stack.service(name), **conditions)  # type: ignore[arg-type]  # see there
    secret = CfnParameter(stack, "Secret", no_echo=True, default="hidden")
    sign_in = SignIn.oidc(
        issuer="https://login.example.com",
        authorization_endpoint="https://login.example.com/authorize",
        token_endpoint="https://login.example.com/token",  # noqa: S106  # an address
        user_info_endpoint="https://login.example.com/userinfo",
        client_id="shop",
        client_secret=SecretValue.cfn_parameter(secret),
    )
    stack.endpoint.add_route("Admin", service=stack.service("Admin"), paths=["/admin/*"], sign_in=sign_in)
    return app


class Client:
    """Sends requests to the load balancer of a deployed stack, whatever name they are for."""

    def __init__(self, stack: DeployedStack) -> None:
        """Find the load balancer."""
        self._address = stack.aws.endpoint_url.removeprefix("http://")
        (arn,) = stack.physical_ids("AWS::ElasticLoadBalancingV2::LoadBalancer").values()
        (found,) = stack.aws.client("elbv2").describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"]
        self._prefix = f"/_alb/{found['LoadBalancerName']}"

    def send(
        self, path: str, *, host: str = "a.test:443", method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> tuple[int, str, str]:
        """Return the status, the body, and where a redirect leads."""
        connection = http.client.HTTPConnection(self._address, timeout=30)
        connection.request(method, self._prefix + path, headers={**(headers or {}), "Host": host})
        response = connection.getresponse()
        answer = response.status, response.read().decode(), response.headers.get("Location", "")
        connection.close()
        return answer

    def answerer(self, path: str, **request: str) -> str:
        """Return which target answers a request."""
        status, body, _ = self.send(path, **request)  # type: ignore[arg-type]  # host and method
        assert status == HTTPStatus.OK, body
        return body.partition(" ")[0]


@pytest.fixture(scope="module")
def aws() -> Iterator[Emulator]:
    """The emulator of both stacks."""
    with Emulator() as aws:
        yield aws


def deployed(aws: Emulator, name: str, app: str, folder: Path, running: ExitStack) -> DeployedStack:
    """Deploy an app, and put a process of its own into each target group, named after its service."""
    stack = DeployedStack(aws, name, module="tests.emulator.test_forwarding", expression=app, folder=folder)
    for logical_id, arn in stack.physical_ids("AWS::ElasticLoadBalancingV2::TargetGroup").items():
        service, _, kind = logical_id.partition("Routes")
        command = [sys.executable, "-c", TARGET, "New" if kind.startswith("Alternate") else service]
        target = running.enter_context(group(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL))
        assert target.stdout is not None
        port = int(target.stdout.readline())
        aws.client("elbv2").register_targets(TargetGroupArn=arn, Targets=[{"Id": "127.0.0.1", "Port": port}])
    return stack


@pytest.fixture(scope="module")
def client(aws: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of the load balancer with many routes."""
    with ExitStack() as running:
        yield Client(deployed(aws, "Forwarding", "routed_app()", tmp_path_factory.mktemp("routed"), running))


@pytest.fixture(scope="module")
def shifting(aws: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedStack]:
    """The stack whose service shifts requests."""
    with ExitStack() as running:
        yield deployed(aws, "Shifting", "shifting_app()", tmp_path_factory.mktemp("shifting"), running)


@pytest.mark.parametrize(
    ("path", "request_", "name"),
    [
        ("/", {}, "Web"),
        ("/anything/else", {}, "Web"),
        ("/api", {}, "Api"),
        ("/api/users", {}, "Api"),
        ("/API/users", {}, "Web"),
        ("/api/orders/1", {}, "Orders"),
        ("/logo.png", {}, "Images"),
        ("/api/logo.png", {}, "Api"),
        ("/api/users", {"host": "shop.example.com:443"}, "Shop"),
        ("/", {"host": "SHOP.example.com:443"}, "Shop"),
        ("/", {"host": "pr-1.example.com:443"}, "Preview"),
        ("/", {"host": "example.com:443"}, "Web"),
        ("/api/orders/1", {"method": "POST"}, "Writes"),
        ("/api/users", {"method": "POST"}, "Api"),
        ("/?debug=1", {}, "Debug"),
        ("/?a=b&DEBUG=YES-please", {}, "Debug"),
        ("/?debug=0", {}, "Web"),
        ("/api/users?debug=1", {}, "Api"),
        ("/internal/a", {}, "Local"),
        ("/office/a", {}, "Web"),
    ],
)
def test_each_request_reaches_the_most_specific_route(
    client: Client, path: str, request_: dict[str, str], name: str
) -> None:
    """By host, path, method, query and source address."""
    assert client.answerer(path, **request_) == name


@pytest.mark.parametrize(
    ("path", "headers", "name"),
    [
        ("/api/users", {"x-version": "2.1"}, "Beta"),
        ("/api/users", {"X-VERSION": "2"}, "Beta"),
        ("/api/users", {"x-version": "1"}, "Api"),
        ("/users", {"x-version": "2"}, "Web"),
        ("/office/a", {"x-forwarded-for": "198.51.100.7"}, "Web"),
    ],
)
def test_a_header_leads_to_another_service(client: Client, path: str, headers: dict[str, str], name: str) -> None:
    """On its own path alone; no header speaks for the caller's address."""
    _, body, _ = client.send(path, headers=headers)

    assert body.startswith(f"{name} ")


def test_the_request_arrives_as_it_was_sent(client: Client) -> None:
    """Host, preserved with its port, method, path and query string."""
    _, body, _ = client.send("/api/a%20b?c=d&e", host="a.test:443", method="POST")

    assert body == "Api POST a.test:443 /api/a%20b?c=d&e"


def test_plain_http_is_redirected(client: Client) -> None:
    """To the same host, path and query string, whatever routes there are."""
    status, body, location = client.send("/api/users?a=b", host="shop.example.com")

    assert (status, body, location) == (HTTPStatus.MOVED_PERMANENTLY, "", "https://shop.example.com:443/api/users?a=b")


def test_who_has_not_signed_in_is_sent_to_the_provider(client: Client) -> None:
    """And the service hears nothing of it."""
    status, body, location = client.send("/admin/users")

    assert (status, body) == (HTTPStatus.FOUND, "")
    assert location.startswith("https://login.example.com/authorize?")


def test_what_no_route_claims_is_not_found(shifting: DeployedStack) -> None:
    """By the listener's own answer."""
    assert Client(shifting).send("/b") == (HTTPStatus.NOT_FOUND, "no route\n", "")


def test_requests_move_by_weight(shifting: DeployedStack) -> None:
    """All to the old tasks, some to each, all to the new; test traffic has its own rule."""
    client = Client(shifting)

    def answerers() -> Counter[str]:
        return Counter(client.answerer("/a/b") for _ in range(60))

    assert answerers() == {"Old": 60}
    assert shifting.update(shifting_app(next_percent=50)) == "UPDATE_COMPLETE", shifting.why()
    assert set(answerers()) == {"Old", "New"}
    assert shifting.update(shifting_app(next_percent=100)) == "UPDATE_COMPLETE", shifting.why()
    assert answerers() == {"New": 60}

    _, body, _ = client.send("/a/b", headers={"x-version": "next"})
    assert body.startswith("Old ")
