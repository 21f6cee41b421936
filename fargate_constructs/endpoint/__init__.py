"""How callers arrive: at one fixed address, for many services."""

from typing import TYPE_CHECKING

from fargate_constructs.on_demand import on_demand

if TYPE_CHECKING:
    from fargate_constructs.endpoint.accelerator import Accelerator
    from fargate_constructs.endpoint.cloud_front_distribution import CloudFrontDistribution
    from fargate_constructs.endpoint.http_endpoint import HttpEndpoint
    from fargate_constructs.endpoint.routes import RouteTarget
    from fargate_constructs.endpoint.sign_in import SignIn
    from fargate_constructs.endpoint.web_acl import WebAcl
else:  # not for type checkers, to which any name would be right
    __getattr__, __dir__ = on_demand(
        __name__,
        {
            "Accelerator": "accelerator",
            "CloudFrontDistribution": "cloud_front_distribution",
            "HttpEndpoint": "http_endpoint",
            "RouteTarget": "routes",
            "SignIn": "sign_in",
            "WebAcl": "web_acl",
        },
    )

__all__ = ["Accelerator", "CloudFrontDistribution", "HttpEndpoint", "RouteTarget", "SignIn", "WebAcl"]
