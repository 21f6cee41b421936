"""How callers arrive: at one fixed address, for many services."""

from fargate_constructs.endpoint.accelerator import Accelerator
from fargate_constructs.endpoint.cloud_front_distribution import CloudFrontDistribution
from fargate_constructs.endpoint.http_endpoint import HttpEndpoint
from fargate_constructs.endpoint.routes import RouteTarget
from fargate_constructs.endpoint.sign_in import SignIn
from fargate_constructs.endpoint.web_acl import WebAcl

__all__ = ["Accelerator", "CloudFrontDistribution", "HttpEndpoint", "RouteTarget", "SignIn", "WebAcl"]
