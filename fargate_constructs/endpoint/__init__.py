"""How callers arrive: at one fixed address, for many services."""

from fargate_constructs.endpoint.http_endpoint import HttpEndpoint
from fargate_constructs.endpoint.routes import RouteTarget
from fargate_constructs.endpoint.sign_in import SignIn
from fargate_constructs.endpoint.web_acl import WebAcl

__all__ = ["HttpEndpoint", "RouteTarget", "SignIn", "WebAcl"]
