"""How a route authenticates callers."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Duration, SecretValue
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Match

from fargate_constructs import Deployment
from fargate_constructs.endpoint.sign_in import SignIn, validate_listener
from tests.audit import findings
from tests.endpoint.lab import RULE, Lab


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


class SignIns(Lab):
    """An HTTPS endpoint with routes of every kind of sign-in."""

    def __init__(self) -> None:
        super().__init__()
        self.endpoint = self.http(certificate=self.certificate)
        self.pool = cognito.UserPool(self.stack, "Pool")
        prefix = cognito.CognitoDomainOptions(domain_prefix="a")
        sign_ins = {
            "Open": None,
            "Oidc": oidc(),
            "Chosen": oidc(
                scope="openid email",
                session_timeout=Duration.hours(1),
                on_unauthenticated_request=elbv2.UnauthenticatedAction.DENY,
                authentication_request_extra_params={"prompt": "login"},
            ),
            "Cognito": SignIn.cognito(
                user_pool=self.pool,
                user_pool_client=self.pool.add_client("Client", generate_secret=True),
                user_pool_domain=self.pool.add_domain("Domain", cognito_domain=prefix),
            ),
            "Jwt": SignIn.jwt(issuer="https://login.example.com", jwks_endpoint="https://login.example.com/jwks.json"),
        }
        deployments = {
            "Tested": Deployment.blue_green(test_header=("x-version", "next")),
            "BothGroups": Deployment.rolling(both_target_groups=True),
            "Canary": Deployment.canary(),
        }
        web = self.service()
        for name, sign_in in sign_ins.items():
            self.endpoint.add_route(name, service=web, paths=[f"/{name}"], sign_in=sign_in)
        for name, deployment in deployments.items():
            service = self.service(name, deployment=deployment)
            self.endpoint.add_route(name, service=service, paths=[f"/{name}"], sign_in=oidc())
        self.endpoint.add_route("Plain", service=self.service("Plain", deployment=Deployment.canary()))

    def rules(self, path: str) -> list[dict[str, Any]]:
        """Return the rules for a path."""
        condition = {"Field": "path-pattern", "PathPatternConfig": {"Values": [path]}}
        return [each for each in self.all(RULE) if condition in each["Conditions"]]

    def actions(self, path: str) -> list[dict[str, Any]]:
        """Return the actions of the one rule for a path."""
        (rule,) = self.rules(path)
        actions: list[dict[str, Any]] = rule["Actions"]
        return actions


@pytest.fixture(scope="module")
def lab() -> SignIns:
    """One synthesis for all of them."""
    return SignIns()


def test_sign_in_at_an_openid_connect_provider(lab: SignIns) -> None:
    """It comes before the request is forwarded. The template refers to the secret and does not hold it."""
    assert [action["Type"] for action in lab.actions("/Oidc")] == ["authenticate-oidc", "forward"]
    assert lab.actions("/Oidc")[0] == {
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
    chosen = {
        "Scope": "openid email",
        "SessionTimeout": 3600,
        "OnUnauthenticatedRequest": "deny",
        "AuthenticationRequestExtraParams": {"prompt": "login"},
    }
    assert chosen.items() <= lab.actions("/Chosen")[0]["AuthenticateOidcConfig"].items()


def test_sign_in_at_a_user_pool(lab: SignIns) -> None:
    """With the pool, its client and its domain."""
    action, forward = lab.actions("/Cognito")
    assert (action["Type"], forward["Type"]) == ("authenticate-cognito", "forward")
    config = action["AuthenticateCognitoConfig"]
    assert config["UserPoolArn"] == lab.resolve(lab.pool.user_pool_arn)
    assert (config["Scope"], config["SessionTimeout"]) == ("openid", 43200)


def test_a_token_for_programs(lab: SignIns) -> None:
    """The issuer and the URL of its keys."""
    action, forward = lab.actions("/Jwt")
    config = {"Issuer": "https://login.example.com", "JwksEndpoint": "https://login.example.com/jwks.json"}
    assert action == {"Order": 1, "Type": "jwt-validation", "JwtValidationConfig": config}
    assert forward["Type"] == "forward"


def test_other_routes_stay_open(lab: SignIns) -> None:
    """A sign-in belongs to one route, not to the service. Test traffic of the route needs it too."""
    assert [action["Type"] for action in lab.actions("/Open")] == ["forward"]
    types = [[action["Type"] for action in rule["Actions"]] for rule in lab.rules("/Tested")]
    assert types == [["authenticate-oidc", "forward"]] * 2


def test_the_load_balancer_reaches_the_provider(lab: SignIns) -> None:
    """Its addresses are not known, so port 443 of every address is open."""
    (group,) = lab.endpoint.connections.security_groups
    rules = lab.of(group)["SecurityGroupEgress"]
    assert [(rule["CidrIp"], rule["FromPort"], rule["ToPort"]) for rule in rules] == [("0.0.0.0/0", 443, 443)]


def test_a_sign_in_is_warned_of_if_ecs_shifts_requests(lab: SignIns) -> None:
    """AWS's pages disagree on whether ECS accepts a rule that does more than forward."""
    warnings = lab.annotations.find_warning("*", Match.string_like_regexp("asks callers to sign in"))
    assert sorted(each.id for each in warnings) == ["/Test/Canary/Service", "/Test/Tested/Service"]
    data = [str(each.entry.data) for each in warnings]
    assert any(
        "route 'Canary' asks callers to sign in" in each and "a canary deployment fails" in each for each in data
    )


def test_a_service_of_another_stack() -> None:
    """The endpoint's stack depends on no other, and audits find nothing."""
    base = Lab("Base")
    web = Lab("Web", base.app).service(network=base.network)
    base.http(certificate=base.certificate).add_route("Web", service=web, sign_in=oidc())

    base.app.synth()
    assert base.stack.dependencies == []
    assert findings(base.app) == []


def test_plain_http_has_no_sign_in(idle: Lab) -> None:
    """It is refused before anything is made. The protocol of an imported listener is not known."""
    endpoint, web = idle.http("PlainSignIn"), idle.service("SignInWeb")
    with pytest.raises(ValueError, match="sign_in needs an endpoint with HTTPS, got: Test/PlainSignIn/LoadBal"):
        endpoint.add_route("Web", service=web, sign_in=oidc())
    with pytest.raises(TypeError, match="sign_in must be SignIn or None, got: True"):
        endpoint.add_route("Web", service=web, sign_in=True)  # type: ignore[arg-type]  # the mistake
    assert not web.target_groups

    validate_listener(idle.listener("SignIn"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: oidc(issuer="login.example.com"), "issuer must be a URL that begins with https://, got: 'login.ex"),
        (lambda: oidc(user_info_endpoint="http://a"), "user_info_endpoint must be a URL that begins with https://"),
        (lambda: oidc(client_secret=SecretValue.unsafe_plain_text("secret")), "plain text; write SecretValue.secrets"),
        (lambda: oidc(session_timeout=Duration.days(8)), "session_timeout must be 1 to 604800 seconds, got: 691"),
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
)
def test_sign_ins_that_are_refused(make: Callable[[], SignIn], message: str) -> None:
    """The message says what was given."""
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
