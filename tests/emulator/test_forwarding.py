"""Real requests, through the deployed rules, to web servers on loopback."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from http import HTTPStatus

import pytest
from aws_cdk import App, CfnParameter, SecretValue, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ecs as ecs

from fargate_constructs import Deployment, FargateService, FixedEgressNetwork, HttpEndpoint
from fargate_constructs.endpoint.sign_in import SignIn
from tests.emulator.emulator import Emulator
from tests.emulator.load_balancer import LoadBalancer, answering
from tests.emulator.updates import DeployedStack

HTTPS = "a.test:443"
IMAGE = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
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
    "User": {"paths": ["^/api/users/[0-9]+$"]},
    "Branch": {"hosts": ["^pr-[0-9]+[.]branches[.]example[.]com$"], "paths": ["^/[a-z]{2}(-[A-Z]{2})?/login"]},
    "Local": {"paths": ["/internal/*"], "source_ips": ["127.0.0.0/8"]},
    "Office": {"paths": ["/office/*"], "source_ips": ["198.51.100.0/24"]},
}
REWRITES: dict[str, dict[str, object]] = {
    "Items": {"paths": ["/items", "/items/*"], "rewrite_path": "/*"},
    "Product": {"paths": ["/dp/*"], "rewrite_path": (r"^/dp/([A-Za-z0-9]+)", "/product.php?id=$1")},
    "Pets": {"hosts": ["*.pets.example.com"], "paths": ["/a/*"], "rewrite_host": "*.internal", "rewrite_path": "/b"},
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

    def service(
        self, name: str, deployment: Deployment | None = None, port: int | Mapping[str, int] = 80
    ) -> FargateService:
        """Add a service."""
        return FargateService(
            self, name, network=self.network, image=IMAGE, cluster=self.cluster, deployment=deployment, port=port
        )


def shifting_app() -> App:
    """Return an app with one service, whose deployments shift requests."""
    app = App()
    stack = Shop(app, "Shifting")
    service = stack.service("Old", Deployment.canary(test_header=("x-version", "next")))
    stack.endpoint.add_route("Shifting", service=service, paths=["/a/*"])
    return app


def shift(stack: DeployedStack, percent: int) -> str:
    """Do what ECS does to the rule in the middle of a deployment: the new tasks get so many of 100 requests."""
    template = json.loads(stack.template())
    [rule] = [each for id_, each in template["Resources"].items() if "RulesShifting" in id_ and "Test" not in id_]
    [action] = rule["Properties"]["Actions"]
    for group, weight in zip(action["ForwardConfig"]["TargetGroups"], (100 - percent, percent), strict=True):
        group["Weight"] = weight
    return stack.change(json.dumps(template))


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
    for name, rewrites in REWRITES.items():
        stack.endpoint.add_route(name, service=stack.service(name), **rewrites)  # type: ignore[arg-type]  # see there
    blue, green, grey = (stack.service(name) for name in ("Blue", "Green", "Grey"))
    stack.endpoint.add_route("Colours", service={blue: 50, green: 50, grey: 0}, paths=["/colours/*"])
    stack.endpoint.add_redirect("Www", hosts=["www.example.com"], to_host="example.com")
    stack.endpoint.add_redirect("Moved", paths=["/old", "/old/*"], to_path="/archive/*", to_query="", status_code=301)
    stack.endpoint.add_redirect("Posts", paths=["/post/*"], to_path=(r"^/post/([0-9]+)/[^?]*", "/posts/$1"))
    stack.endpoint.add_redirect("Docs", paths=["/docs/*"], to_path="/v1/docs/*", to_query="#{query}&moved=1")
    stack.endpoint.add_fixed_response("Robots", paths=["/robots.txt"], message_body="User-agent: *\n")
    stack.endpoint.add_fixed_response(
        "Gone", paths=["/v0/*"], status_code=410, content_type="application/json", message_body="{}"
    )
    stack.endpoint.add_route("Admin", service=stack.service("Admin"), paths=["/admin/*"], sign_in=sign_in)
    add_ports(stack)
    return app


def add_ports(stack: Shop) -> None:
    """Add a service at three of its ports, one of a sidecar, and at a second endpoint."""
    internal = HttpEndpoint(
        stack, "Internal", network=stack.network, internal=True, allow_cidrs=["10.0.0.0/8"], deletion_protection=False
    )
    ports = stack.service("Ports", port={"http": 8080, "admin": 9000})
    ports.add_sidecar("proxy", image=IMAGE).add_port_mappings(ecs.PortMapping(name="proxy", container_port=9901))
    stack.endpoint.add_route("Ports", service=ports, paths=["/ports/*"])
    stack.endpoint.add_route("OfAdmin", service=ports, port="admin", paths=["/ports/admin/*"])
    stack.endpoint.add_route("OfProxy", service=ports, port="proxy", paths=["/ports/proxy/*"])
    internal.add_route("Internal", service=ports)


def balanced(stack: DeployedStack, running: ExitStack) -> LoadBalancer:
    """Let a web server answer for each target group of a stack, named after its service and what else its ID says.

    Return the endpoint's load balancer.
    """
    for logical_id, arn in stack.physical_ids("AWS::ElasticLoadBalancingV2::TargetGroup").items():
        service, _, kind = logical_id.partition("Routes")
        place = kind.partition("TargetGroup")[0]
        running.enter_context(answering(stack.aws, "New" if kind.startswith("Alternate") else service + place, arn))
    return balancer_of(stack, "Endpoint")


def balancer_of(stack: DeployedStack, endpoint: str) -> LoadBalancer:
    """Return the load balancer of an endpoint."""
    found = stack.physical_ids("AWS::ElasticLoadBalancingV2::LoadBalancer").items()
    [arn] = (arn for logical_id, arn in found if logical_id.startswith(endpoint))
    return LoadBalancer(stack.aws, arn)


@pytest.fixture(scope="module")
def routed_stack(aws: Emulator) -> DeployedStack:
    """The stack with many routes."""
    return DeployedStack(aws, routed_app())


@pytest.fixture(scope="module")
def routed(routed_stack: DeployedStack) -> Iterator[LoadBalancer]:
    """Its load balancer."""
    with ExitStack() as running:
        yield balanced(routed_stack, running)


@pytest.fixture(scope="module")
def shifting(aws: Emulator) -> DeployedStack:
    """The stack whose service shifts requests."""
    return DeployedStack(aws, shifting_app())


@pytest.fixture
def shifted(shifting: DeployedStack) -> Iterator[LoadBalancer]:
    """Its load balancer."""
    with ExitStack() as running:
        yield balanced(shifting, running)


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
        ("/api/users/12", {}, "User"),
        ("/api/users/12/x", {}, "Api"),
        ("/en-GB/login/x", {"host": "pr-12.branches.example.com:443"}, "Branch"),
        ("/e/login", {"host": "pr-12.branches.example.com:443"}, "Preview"),
        ("/en/login", {"host": "pr-x.branches.example.com:443"}, "Preview"),
        ("/internal/a", {}, "Local"),
        ("/office/a", {}, "Web"),
    ],
)
def test_each_request_reaches_the_most_specific_route(
    routed: LoadBalancer, path: str, request_: dict[str, str], name: str
) -> None:
    """By host, path, method, query and source address."""
    assert routed.send(path, **{"host": HTTPS, **request_}).name == name  # type: ignore[arg-type]  # host and method


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
def test_a_header_leads_to_another_service(routed: LoadBalancer, path: str, headers: dict[str, str], name: str) -> None:
    """Only on the route's path. No header replaces the caller's address."""
    assert routed.send(path, host=HTTPS, headers=headers).name == name


def test_the_request_arrives_as_it_was_sent(routed: LoadBalancer) -> None:
    """Host, preserved with its port, method, path and query string."""
    answer = routed.send("/api/a%20b?c=d&e", host=HTTPS, method="POST")

    assert answer.body == f"Api POST {HTTPS} /api/a%20b?c=d&e"


def test_plain_http_is_redirected(routed: LoadBalancer) -> None:
    """To the same host, path and query string, for each route."""
    answer = routed.send("/api/users?a=b", host="shop.example.com")

    assert (answer.status, answer.body) == (HTTPStatus.MOVED_PERMANENTLY, "")
    assert answer.headers["Location"] == "https://shop.example.com:443/api/users?a=b"


@pytest.mark.parametrize(
    ("path", "host", "body"),
    [
        ("/items", HTTPS, f"Items GET {HTTPS} /"),
        ("/items?a=b", HTTPS, f"Items GET {HTTPS} /?a=b"),
        ("/items/1/%20?a=/items/", HTTPS, f"Items GET {HTTPS} /1/%20?a=/items/"),
        ("/dp/A1", HTTPS, f"Product GET {HTTPS} /product.php?id=A1"),
        ("/dp/-", HTTPS, f"Product GET {HTTPS} /dp/-"),
        ("/a/c/d?e", "cat.pets.example.com:443", "Pets GET cat.internal:443 /b?e"),
    ],
)
def test_a_service_gets_the_rewritten_host_and_path(routed: LoadBalancer, path: str, host: str, body: str) -> None:
    """The query string stays. What the expression does not match stays."""
    assert routed.send(path, host=host).body == body


@pytest.mark.parametrize(
    ("path", "host", "status", "location"),
    [
        ("/a/b?c=d", "www.example.com:443", 302, "https://example.com:443/a/b?c=d"),
        ("/old?c=d", HTTPS, 301, "https://a.test:443/archive/"),
        ("/old/2024/a.html", HTTPS, 301, "https://a.test:443/archive/2024/a.html"),
        ("/post/12/a-title?c=d", HTTPS, 302, "https://a.test:443/posts/12?c=d"),
        ("/docs/a?c=d", HTTPS, 302, "https://a.test:443/v1/docs/a?c=d&moved=1"),
    ],
)
def test_callers_are_redirected(routed: LoadBalancer, path: str, host: str, status: int, location: str) -> None:
    """To another host, or to another path with the rest of theirs."""
    answer = routed.send(path, host=host)

    assert (answer.status, answer.headers["Location"]) == (status, location)


def test_each_port_gets_its_requests(routed: LoadBalancer, routed_stack: DeployedStack) -> None:
    """Also that of a sidecar. A second endpoint reaches the same service by a target group of its own."""
    paths = ("/ports/a", "/ports/admin/a", "/ports/proxy/a")
    assert [routed.send(path, host=HTTPS).name for path in paths] == ["Ports", "Portsadmin", "Portsproxy"]
    internal = balancer_of(routed_stack, "Internal")
    assert internal.send("/anything").name == "PortsAtInternalLoadBalancer"
    [service] = [
        each for key, each in routed_stack.physical_ids("AWS::ECS::Service").items() if key.startswith("Ports")
    ]
    [found] = routed_stack.aws.client("ecs").describe_services(cluster=service.split("/")[1], services=[service])[
        "services"
    ]
    assert [(each["containerName"], each["containerPort"]) for each in found["loadBalancers"]] == [
        ("ports", 8080),
        ("ports", 9000),
        ("proxy", 9901),
        ("ports", 8080),
    ]


def test_services_share_requests_by_weight(routed: LoadBalancer) -> None:
    """A service without weight gets none."""
    assert {routed.send("/colours/1", host=HTTPS).name for _ in range(30)} == {"Blue", "Green"}


@pytest.mark.parametrize(
    ("path", "status", "content_type", "body"),
    [
        ("/robots.txt", 200, "text/plain", "User-agent: *\n"),
        ("/v0/users", 410, "application/json", "{}"),
    ],
)
def test_the_load_balancer_answers_itself(
    routed: LoadBalancer, path: str, status: int, content_type: str, body: str
) -> None:
    """With a status, a type and a body."""
    answer = routed.send(path, host=HTTPS)

    assert (answer.status, answer.headers["Content-Type"], answer.body) == (status, content_type, body)


def test_a_caller_without_a_session_is_sent_to_the_provider(routed: LoadBalancer) -> None:
    """The service does not get the request."""
    answer = routed.send("/admin/users", host=HTTPS)

    assert (answer.status, answer.body) == (HTTPStatus.FOUND, "")
    assert answer.headers["Location"].startswith("https://login.example.com/authorize?")


def test_a_request_that_matches_no_route_is_not_found(shifted: LoadBalancer) -> None:
    """The listener answers 404 itself."""
    answer = shifted.send("/b", host=HTTPS)

    assert (answer.status, answer.body) == (HTTPStatus.NOT_FOUND, "no route\n")


def test_requests_move_by_weight(shifting: DeployedStack, shifted: LoadBalancer) -> None:
    """All to the old tasks, some to each, all to the new; test traffic has its own rule."""

    def answerers() -> Counter[str]:
        return Counter(shifted.send("/a/b", host=HTTPS).name for _ in range(30))

    assert answerers() == {"Old": 30}
    assert shift(shifting, 50) == "UPDATE_COMPLETE", shifting.why()
    assert set(answerers()) == {"Old", "New"}
    assert shift(shifting, 100) == "UPDATE_COMPLETE", shifting.why()
    assert answerers() == {"New": 30}
    assert shifted.send("/a/b", host=HTTPS, headers={"x-version": "next"}).name == "Old"
