"""The names that callers use: their certificates and their records.

```
shop.example.com ──> [alias record] ──> load balancer, which shows [the certificate]
```
"""

import re

from aws_cdk import Token
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53
from constructs import Construct

from fargate_constructs.hosted_zone import validate_in_zone

# A DNS name, perhaps a wildcard's; lower case, as records are compared.
DOMAIN_NAME = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")


class Domains:
    """The names of one endpoint, and what they point at.

    Args:
        target: What the records point at, until `point_at` says otherwise.
        is_dual_stack: Whether there are AAAA records too. One for a load balancer without IPv6 addresses would have
            no answer: a name without an AAAA record says the same at once.
    """

    def __init__(self, target: route53.IAliasRecordTarget, *, is_dual_stack: bool) -> None:
        self._target = target
        self._is_dual_stack = is_dual_stack
        self.names: list[str] = []
        self.records: list[route53.RecordSet] = []

    def add(
        self,
        scope: Construct,
        domain_name: str,
        *,
        hosted_zone: route53.IHostedZone | None,
        certificate: acm.ICertificate | None,
    ) -> acm.ICertificate:
        """Make what is missing of a name's certificate and records; return the certificate."""
        self.names.append(domain_name)
        if hosted_zone is None:
            assert certificate is not None, "validate_domain lets no name pass with neither"
            return certificate
        kinds: list[tuple[str, type[route53.ARecord | route53.AaaaRecord]]] = [("AliasRecord", route53.ARecord)]
        if self._is_dual_stack:
            kinds.append(("AliasRecordIpv6", route53.AaaaRecord))
        made = certificate or acm.Certificate(
            scope,
            "Certificate",
            domain_name=domain_name,
            validation=acm.CertificateValidation.from_dns(hosted_zone),
        )
        for record_id, kind in kinds:
            record = kind(
                scope,
                record_id,
                zone=hosted_zone,
                # The closing dot says that the name is whole: a zone imported by its ID does not know its own name.
                record_name=f"{domain_name}.",
                target=route53.RecordTarget.from_alias(self._target),
            )
            self.records.append(record)
        return made

    def point_at(self, target: route53.IAliasRecordTarget) -> None:
        """Let all records, and those to come, point at another front."""
        self._target = target
        for record in self.records:
            resource = record.node.default_child
            assert isinstance(resource, route53.CfnRecordSet)
            alias = target.bind(record)
            resource.alias_target = route53.CfnRecordSet.AliasTargetProperty(
                dns_name=alias.dns_name, hosted_zone_id=alias.hosted_zone_id
            )


def validate_domain(
    certificate: acm.ICertificate | None,
    domain_name: str | None,
    hosted_zone: route53.IHostedZone | None,
    *,
    may_be_wildcard: bool = False,
) -> None:
    """Refuse a name that cannot be served.

    Raises:
        TypeError: If *certificate* or *hosted_zone* is something else, such as its ARN or ID.
        ValueError: If the name is none, has neither a hosted zone nor a certificate, or lies outside the zone; or if
            there is a zone without a name.
    """
    if hosted_zone and not domain_name:
        raise ValueError("hosted_zone is given without domain_name: say which name in the zone callers use")
    if not domain_name:
        return
    if not hosted_zone and not certificate:
        raise ValueError(
            f"domain_name {domain_name!r} needs hosted_zone, to make its certificate and record, or a certificate",
        )
    if not Token.is_unresolved(domain_name):
        if not DOMAIN_NAME.fullmatch(domain_name):
            raise ValueError(f"domain_name must be a name such as 'shop.example.com', got: {domain_name!r}")
        if domain_name.startswith("*.") and not may_be_wildcard:
            raise ValueError(
                f"domain_name must be one name, for callers to use, got: {domain_name!r}; "
                "add the wildcard by add_domain",
            )
    if hosted_zone:
        validate_in_zone("domain_name", domain_name, hosted_zone)
