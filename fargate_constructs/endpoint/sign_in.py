"""How a route authenticates callers before their requests reach the service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration, SecretValue
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from fargate_constructs._core.arguments import checked, forward
from fargate_constructs._core.lazy_cdk import aws_cognito as cognito
from fargate_constructs._core.lazy_cdk import aws_elasticloadbalancingv2_actions as actions
from fargate_constructs._core.named_constructors import NamedConstructors
from fargate_constructs._core.unresolved import is_dummy, is_unresolved, may_start_with, min_length
from fargate_constructs._core.validation import validate_seconds

# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_JwtValidationActionConfig.html
MAX_JWT_URL = 256
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AuthenticateOidcActionConfig.html
MAX_SESSION_SECONDS = 604_800
DEFAULT_SESSION_HOURS = 12


@dataclass(frozen=True, init=False)
class SignIn(NamedConstructors):
    """How callers of a route prove who they are, before the service gets the request. Made by a named constructor.

    ```python
    endpoint.add_route("Admin", service=admin, paths=["/admin/*"], sign_in=SignIn.cognito(
        user_pool=users, user_pool_client=client, user_pool_domain=domain))
    ```

    The load balancer authenticates callers, which needs an endpoint with HTTPS. Its security group gets an outbound
    rule for port 443 of any address, to reach the identity provider.
    """

    _authenticate: Callable[[elbv2.ListenerAction], elbv2.ListenerAction]
    """Returns a listener action that authenticates the caller and then does the given action."""
    _resources: Sequence[object] = ()
    """The resources it uses. They must be in the region and account of the endpoint."""

    @classmethod
    @checked
    def oidc(
        cls,
        *,
        issuer: str,
        authorization_endpoint: str,
        token_endpoint: str,
        user_info_endpoint: str,
        client_id: str,
        client_secret: SecretValue,
        scope: str = "openid",
        session_timeout: Duration | None = None,
        on_unauthenticated_request: elbv2.UnauthenticatedAction = elbv2.UnauthenticatedAction.AUTHENTICATE,
        authentication_request_extra_params: Mapping[str, str] | None = None,
    ) -> SignIn:
        """People sign in at an OpenID Connect provider, in the browser.

        The provider must allow `https://<each host of the route>/oauth2/idpresponse` as redirect URL. The headers
        `x-amzn-oidc-*` tell the service who the caller is, see
        https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html.

        Args:
            issuer: The provider's issuer URL, such as `https://login.example.com`.
            authorization_endpoint: The provider's URL to which the load balancer redirects the browser.
            token_endpoint: The provider's URL from which the load balancer gets tokens.
            user_info_endpoint: The provider's URL from which the load balancer gets the user's claims.
            client_id: The OAuth client ID of the endpoint.
            client_secret: The client's secret, such as `SecretValue.secrets_manager("...")`: the template refers to it.
            scope: The OAuth scopes, separated by spaces. By default `openid`.
            session_timeout: After how long people sign in again, up to 7 days (AWS's own default). By default 12 hours:
                once in a working day.
            on_unauthenticated_request: What happens to a request without a session: it is redirected to the sign-in
                page, it is refused with 401 (`DENY`, for what a page loads by itself), or it passes (`ALLOW`). By
                default it is redirected.
            authentication_request_extra_params: Up to ten query parameters for *authorization_endpoint*. By default
                none.

        Raises:
            TypeError: If *client_secret* is a string.
            ValueError: If *client_secret* would be readable in the template, a URL is not HTTPS, or a session is longer
                than 7 days.
        """
        options = forward(cls.oidc, locals())
        if not is_unresolved(client_secret.unsafe_unwrap()):
            raise ValueError(
                "client_secret must not be readable in the template, got plain text; "
                "write SecretValue.secrets_manager(...)",
            )
        for name in ("issuer", "authorization_endpoint", "token_endpoint", "user_info_endpoint"):
            _validate_url(name, options[name])
        _set_session_timeout(options)
        return cls._make(
            _authenticate=lambda action: elbv2.ListenerAction.authenticate_oidc(
                **options,
                allow_https_outbound=False,  # `allow_identity_provider` does, for all kinds
                next=action,
            ),
        )

    @classmethod
    @checked
    def cognito(
        cls,
        *,
        user_pool: cognito.IUserPool,
        user_pool_client: cognito.IUserPoolClient,
        user_pool_domain: cognito.IUserPoolDomain,
        scope: str = "openid",
        session_timeout: Duration | None = None,
        on_unauthenticated_request: elbv2.UnauthenticatedAction = elbv2.UnauthenticatedAction.AUTHENTICATE,
    ) -> SignIn:
        """People sign in at a Cognito user pool, in the browser. Otherwise as `oidc`.

        Args:
            user_pool: The pool.
            user_pool_client: A client of the pool with a secret, the authorization code grant, *scope*, and
                `https://<each host of the route>/oauth2/idpresponse` as callback URL.
            user_pool_domain: The domain of the pool's sign-in page.
            scope: As in `oidc`.
            session_timeout: As in `oidc`.
            on_unauthenticated_request: As in `oidc`.

        Raises:
            ValueError: If a session is longer than 7 days.
        """
        options = forward(cls.cognito, locals())
        _set_session_timeout(options)
        return cls._make(
            _authenticate=lambda action: actions.AuthenticateCognitoAction(
                **options, allow_https_outbound=False, next=action
            ),
            _resources=(user_pool, user_pool_client, user_pool_domain),
        )

    @classmethod
    @checked
    def jwt(cls, *, issuer: str, jwks_endpoint: str) -> SignIn:
        """Programs send a JSON Web Token, signed with RS256. A request without a valid one is refused with 401.

        The service gets the token unchanged. See
        https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-verify-jwt.html.

        Args:
            issuer: The issuer that the token must have: its claim `iss`.
            jwks_endpoint: The issuer's public URL of at most 10 keys, such as
                `https://login.example.com/.well-known/jwks.json`.

        Raises:
            ValueError: If *jwks_endpoint* is not HTTPS, or either is longer than 256 characters.
        """
        _validate_url("jwks_endpoint", jwks_endpoint)
        for name, value in (("issuer", issuer), ("jwks_endpoint", jwks_endpoint)):
            if min_length(value) > MAX_JWT_URL:
                raise ValueError(f"{name} must be at most {MAX_JWT_URL} characters, got: {min_length(value)}")
        # CDK accepts HTTPS only. A template with a dummy of a look-up is not deployed.
        url = f"https://{jwks_endpoint}" if is_dummy(jwks_endpoint) else jwks_endpoint
        return cls._make(
            _authenticate=lambda action: elbv2.ListenerAction.authenticate_jwt(
                issuer=issuer, jwks_endpoint=url, next=action
            ),
        )


def validate_listener(listener: elbv2.IApplicationListener) -> None:
    """Refuse a listener with plain HTTP, or without public IPv4. Of an imported listener neither is known."""
    if not isinstance(listener, elbv2.ApplicationListener):
        return
    if listener.load_balancer.ip_address_type is elbv2.IpAddressType.DUAL_STACK_WITHOUT_PUBLIC_IPV4:
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetIpAddressType.html
        raise ValueError(
            f"sign_in needs a load balancer with public IPv4 addresses, by which AWS connects to identity providers, "
            f"got: {listener.node.path}; give the endpoint ip_address_type=elbv2.IpAddressType.DUAL_STACK",
        )
    if listener.protocol is not elbv2.ApplicationProtocol.HTTPS:
        raise ValueError(
            f"sign_in needs an endpoint with HTTPS, got: {listener.node.path}; give the endpoint a "
            "domain_name and a hosted_zone, or a certificate",
        )


def allow_identity_provider(listener: elbv2.IApplicationListener) -> None:
    """Let the load balancer reach the identity provider, whose addresses are not known."""
    listener.connections.allow_to_any_ipv4(ec2.Port.HTTPS, "To the identity provider")


def _set_session_timeout(options: dict[str, Any]) -> None:
    """Refuse a time that AWS does not have, and set the default."""
    validate_seconds("session_timeout", options["session_timeout"], 1, MAX_SESSION_SECONDS)
    options["session_timeout"] = options["session_timeout"] or Duration.hours(DEFAULT_SESSION_HOURS)


def _validate_url(name: str, url: str) -> None:
    if not may_start_with("https://", url):
        raise ValueError(f"{name} must be a URL that begins with https://, got: {url!r}")
