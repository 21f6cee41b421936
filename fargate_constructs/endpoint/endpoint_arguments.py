"""What an endpoint is made of, as arguments that are handed on to it.

```
FargateWebService ── [arguments] ──> HttpEndpoint
```
"""

from collections.abc import Sequence
from typing import TypedDict

from aws_cdk import Duration
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3

from fargate_constructs.endpoint.web_acl import WebAcl
from fargate_constructs.network.network import Network


class EndpointArguments(TypedDict, total=False):
    """The arguments of `HttpEndpoint`, for what is built on it; documented there."""

    network: Network
    certificate: acm.ICertificate | None
    domain_name: str | None
    hosted_zone: route53.IHostedZone | None
    mutual_authentication: elbv2.MutualAuthentication | None
    internal: bool
    allow_cidrs: Sequence[str] | None
    allow_from: Sequence[ec2.IConnectable] | None
    web_acl: WebAcl | None
    static_ips: bool | Sequence[str]
    ip_address_type: elbv2.IpAddressType
    idle_timeout: Duration | None
    deletion_protection: bool
    access_log_bucket: s3.IBucket | None
    access_log_prefix: str | None
    access_log_expiration: Duration | None
    connection_logs: bool
