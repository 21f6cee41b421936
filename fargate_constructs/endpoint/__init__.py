"""How callers arrive: at one fixed address, for many services."""

from fargate_constructs.endpoint.http_endpoint import HttpEndpoint
from fargate_constructs.endpoint.routes import RouteTarget

__all__ = ["HttpEndpoint", "RouteTarget"]
