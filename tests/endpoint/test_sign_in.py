"""Who may use a route."""

import re
from collections.abc import Callable

import pytest
from aws_cdk import App, Duration, SecretValue, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Annotations, Match, Template

from fargate_constructs import Deployment, FargateService, HttpEndpoint
from fargate_constructs.endpoint.sign_in import SignIn, validate_https
from fargate_constructs.network.network import Network
from tests.audit import findings
from tests.modes.made_elsewhere import network_in

CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/1"
TO_PROVIDER = {"CidrIp": "0.0.0.0/0", "FromPort": 443, "ToPort": 443, "IpProtocol": "tcp"}


def oidc(**arguments: object) -> SignIn:
    """Return a sign-in at a provider."""
    return SignIn.oidc(
        **{
            "issuer": "https://login.example.com",
            "authorization_endpoint": "https://login.example.com/authorize",
            "token_endpoint": "https://login.example.com/token",
            "user_info_endpoint": "https://login.example.com/userinfo",
            "client_id": "shop",
            "client_secret": SecretValue.secrets_manager("shop-client"),
        }
        | arguments  # type: ignore[arg-type]  # what a test gives
    )


@pytest.fixture
def endpoint(stack: Stack, network: Network) -> HttpEndpoint:
    """An endpoint that speaks HTTPS."""
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE)
    return HttpEndpoint(stack, "Endpoint", network=network, certificate=certificate)


@pytest.fixture
def web(stack: Stack, network: Network, image: ecs.ContainerImage) -> FargateService:
    """A service."""
    return FargateService(stack, "Web", network=network, image=image)


def actions_of(stack: Stack) -> list[dict[str, object]]:
    """Return the actions of the only rule, and see that the load balancer can reach the provider."""
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::EC2::SecurityGroup", {"SecurityGroupEgress": Match.array_with([Match.object_like(TO_PROVIDER)])}
    )
    (rule,) = template.find_resources("AWS::ElasticLoadBalancingV2::ListenerRule").values()
    actions: list[dict[str, object]] = rule["Properties"]["Actions"]
    assert [action["Order"] for action in actions] == [1, 2]
    assert actions[1]["Type"] == "forward"
    return actions


def test_sign_in_at_an_openid_connect_provider(stack: Stack, endpoint: HttpEndpoint, web: FargateService) -> None:
    """Before the request is passed on; the template refers to the secret and does not hold it."""
    endpoint.add_route("Admin", service=web, paths=["/admin/*"], sign_in=oidc())

    assert actions_of(stack)[0] == {
        "Order": 1,
        "Type": "authenticate-oidc",
        "AuthenticateOidcConfig": {
            "Issuer": "https://login.example.com",
            "AuthorizationEndpoint": "https://login.example.com/authorize",
            "TokenEndpoint": "https://login.example.com/token",
            "UserInfoEndpoint": "https://login.example.com/userinfo",
            "ClientId": "shop",
            "ClientSecret": "{{resolve:secretsmanager:shop-client:SecretString:::}}",
            "Scope": "openid",
            "SessionTimeout": 43200,
            "OnUnauthenticatedRequest": "authenticate",
        },
    }


def test_a_sign_in_of_ones_own(stack: Stack, endpoint: HttpEndpoint, web: FargateService) -> None:
    """Scope, session and what happens to strangers are what was asked for."""
    sign_in = oidc(
        scope="openid email",
        session_timeout=Duration.hours(1),
        on_unauthenticated_request=elbv2.UnauthenticatedAction.DENY,
        authentication_request_extra_params={"prompt": "login"},
    )
    endpoint.add_route("Admin", service=web, sign_in=sign_in)

    config = actions_of(stack)[0]["AuthenticateOidcConfig"]
    assert isinstance(config, dict)
    assert (config["Scope"], config["SessionTimeout"]) == ("openid email", 3600)
    assert config["OnUnauthenticatedRequest"] == "deny"
    assert config["AuthenticationRequestExtraParams"] == {"prompt": "login"}


def test_sign_in_at_a_user_pool(stack: Stack, endpoint: HttpEndpoint, web: FargateService) -> None:
    """By the pool's, its client's and its domain's own names."""
    pool = cognito.UserPool(stack, "Pool")
    sign_in = SignIn.cognito(
        user_pool=pool,
        user_pool_client=pool.add_client("Client", generate_secret=True),
        user_pool_domain=pool.add_domain("Domain", cognito_domain=cognito.CognitoDomainOptions(domain_prefix="shop")),
    )
    endpoint.add_route("Admin", service=web, sign_in=sign_in)

    (action, _) = actions_of(stack)
    assert action["Type"] == "authenticate-cognito"
    config = action["AuthenticateCognitoConfig"]
    assert isinstance(config, dict)
    assert config["UserPoolArn"] == stack.resolve(pool.user_pool_arn)
    assert (config["Scope"], config["SessionTimeout"]) == ("openid", 43200)


def test_a_token_for_programs(stack: Stack, endpoint: HttpEndpoint, web: FargateService) -> None:
    """The issuer and where its keys are."""
    sign_in = SignIn.jwt(issuer="https://login.example.com", jwks_endpoint="https://login.example.com/jwks.json")
    endpoint.add_route("Api", service=web, paths=["/api/*"], sign_in=sign_in)

    assert actions_of(stack)[0] == {
        "Order": 1,
        "Type": "jwt-validation",
        "JwtValidationConfig": {
            "Issuer": "https://login.example.com",
            "JwksEndpoint": "https://login.example.com/jwks.json",
        },
    }


def test_other_routes_stay_open(stack: Stack, endpoint: HttpEndpoint, web: FargateService) -> None:
    """Of one service too: a sign-in is the route's."""
    endpoint.add_route("Admin", service=web, paths=["/admin/*"], sign_in=oidc())
    endpoint.add_route("Web", service=web)

    rules = Template.from_stack(stack).find_resources("AWS::ElasticLoadBalancingV2::ListenerRule").values()
    assert sorted(len(rule["Properties"]["Actions"]) for rule in rules) == [1, 2]


def test_test_traffic_signs_in_too(
    stack: Stack, network: Network, endpoint: HttpEndpoint, image: ecs.ContainerImage
) -> None:
    """A header must not be a way around; both rules weigh both target groups."""
    deployment = Deployment.blue_green(test_header=("x-version", "next"))
    service = FargateService(stack, "Service", network=network, image=image, deployment=deployment)
    endpoint.add_route("Web", service=service, sign_in=oidc())

    template = Template.from_stack(stack)
    template.resource_properties_count_is(
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        {
            "Actions": [
                Match.object_like({"Type": "authenticate-oidc", "Order": 1}),
                Match.object_like({"Type": "forward", "Order": 2}),
            ]
        },
        2,
    )


def test_a_service_of_another_stack_signs_callers_in(image: ecs.ContainerImage) -> None:
    """The endpoint's stack depends on no other, and audits find nothing."""
    app = App()
    base = Stack(app, "Base")
    network = network_in(base)
    certificate = acm.Certificate.from_certificate_arn(base, "Certificate", CERTIFICATE)
    endpoint = HttpEndpoint(base, "Endpoint", network=network, certificate=certificate)
    web = FargateService(Stack(app, "Web"), "Web", network=network, image=image)
    endpoint.add_route("Web", service=web, sign_in=oidc())

    app.synth()
    assert base.dependencies == []
    assert findings(app) == []


def test_plain_http_signs_nobody_in(stack: Stack, network: Network, web: FargateService) -> None:
    """Before anything is made."""
    endpoint = HttpEndpoint(stack, "Plain", network=network)

    with pytest.raises(
        ValueError, match="sign_in needs an endpoint that speaks HTTPS, got: Test/Plain/LoadBalancer/Http"
    ):
        endpoint.add_route("Web", service=web, sign_in=oidc())
    assert web.routes is None


def test_what_is_no_sign_in_is_refused(endpoint: HttpEndpoint, web: FargateService) -> None:
    """With what to write."""
    with pytest.raises(TypeError, match=re.escape("sign_in must be SignIn or None, got: True")):
        endpoint.add_route("Web", service=web, sign_in=True)  # type: ignore[arg-type]  # the mistake


def test_an_imported_listener_is_believed(stack: Stack, endpoint: HttpEndpoint) -> None:
    """Nobody knows what it speaks."""
    listener = elbv2.ApplicationListener.from_application_listener_attributes(
        stack,
        "Elsewhere",
        listener_arn="arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/a/0123456789abcdef/0123456789abcdef",
        security_group=endpoint.connections.security_groups[0],
    )

    validate_https(listener)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: oidc(issuer="login.example.com"), "issuer must be a URL that begins with https://, got: 'login.ex"),
        (lambda: oidc(user_info_endpoint="http://a"), "user_info_endpoint must be a URL that begins with https://"),
        (
            lambda: oidc(client_secret=SecretValue.unsafe_plain_text("secret")),
            "client_secret must not be readable in the template, got plain text; write SecretValue.secrets_manager(",
        ),
        (
            lambda: oidc(session_timeout=Duration.days(8)),
            "session_timeout must be 1 to 604800 seconds, got: 691",
        ),
        (lambda: oidc(session_timeout=Duration.seconds(0)), "got: 0"),
        (
            lambda: SignIn.jwt(issuer="a", jwks_endpoint="http://a"),
            "jwks_endpoint must be a URL that begins with https://",
        ),
        (
            lambda: SignIn.jwt(issuer="a" * 257, jwks_endpoint="https://a"),
            "issuer must be at most 256 characters, got: 257",
        ),
    ],
    ids=["issuer", "token endpoint", "plain secret", "long session", "no session", "plain keys", "long issuer"],
)
def test_what_cannot_be_is_refused(make: Callable[[], SignIn], message: str) -> None:
    """Where the value is made."""
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_a_secret_in_plain_text_is_refused() -> None:
    """The message does not repeat it."""
    with pytest.raises(
        TypeError,
        match=re.escape("client_secret must be aws_cdk.SecretValue, got: a str; write SecretValue.secrets_manager("),
    ) as refusal:
        oidc(client_secret="hunter2")  # noqa: S106  # the mistake
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("deployment", [Deployment.rolling(both_target_groups=True), Deployment.canary()])
def test_a_sign_in_where_requests_are_shifted_is_warned_of(
    stack: Stack, network: Network, image: ecs.ContainerImage, endpoint: HttpEndpoint, deployment: Deployment
) -> None:
    """AWS's pages disagree on whether ECS takes a rule that does more than forward."""
    web = FargateService(stack, "Web", network=network, image=image, deployment=deployment)
    plain = FargateService(stack, "Plain", network=network, image=image, deployment=Deployment.canary())
    endpoint.add_route("Admin", service=web, paths=["/admin/*"], sign_in=oidc())
    endpoint.add_route("Plain", service=plain)

    message = Match.string_like_regexp("route 'Admin' asks callers to sign in, and some .* a canary deployment fails")
    found = Annotations.from_stack(stack).find_warning("*", message)
    assert [each.id for each in found] == ["/Test/Web/Service"] * (deployment.strategy is ecs.DeploymentStrategy.CANARY)
    others = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("asks callers to sign in"))
    assert len(others) == len(found)
