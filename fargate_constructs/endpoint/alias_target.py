"""What the records of a shared endpoint's names lead to."""

import jsii
from aws_cdk import aws_route53 as route53


@jsii.implements(route53.IAliasRecordTarget)
class AliasTarget:
    """A load balancer or an accelerator that is known by its DNS name and hosted zone, as parameters hold them."""

    def __init__(self, dns_name: str, hosted_zone_id: str) -> None:
        self._dns_name = dns_name
        self._hosted_zone_id = hosted_zone_id

    def bind(
        self,
        record: route53.IRecordSet,  # noqa: ARG002 - of the interface
        zone: route53.IHostedZone | None = None,  # noqa: ARG002
    ) -> route53.AliasRecordTargetConfig:
        """Return both."""
        return route53.AliasRecordTargetConfig(dns_name=self._dns_name, hosted_zone_id=self._hosted_zone_id)
