"""The names that callers use: their certificates and their records.

```
shop.example.com ──> [alias record] ──> load balancer, which shows [the certificate]
```
"""

import re

from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53
from constructs import Construct

from fargate_constructs._core.hosted_zones import validate_in_zone, validate_public
from fargate_constructs._core.unresolved import may_match, min_length

# What the first name of a certificate may have: https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html
MAX_CERTIFIED = 64
# A DNS name, perhaps a wildcard's; lower case, as records are compared.
DOMAIN_NAME = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")


class Domains:
    """The names of one endpoint, and what they point at.

    Args:
        target: What the records point at, until `point_at` says otherwise.
        has_ipv6: Whether there are AAAA records too, until `point_at` says otherwise. One for what has no IPv6
            addresses would have no answer: a name without an AAAA record says the same at once.
    """

    def __init__(self, target: route53.IAliasRecordTarget, *, has_ipv6: bool) -> None:
        self._target = target
        self._has_ipv6 = has_ipv6
        self.names: list[str] = []
        self._recorded: list[tuple[Construct, str, route53.IHostedZone]] = []

    @property
    def has_records(self) -> bool:
        """Whether any name has records here."""
        return bool(self._recorded)

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
        made = certificate or acm.Certificate(
            scope,
            "Certificate",
            domain_name=domain_name,
            validation=acm.CertificateValidation.from_dns(hosted_zone),
        )
        self._recorded.append((scope, domain_name, hosted_zone))
        self._record(scope, domain_name, hosted_zone)
        return made

    def point_at(self, target: route53.IAliasRecordTarget, *, has_ipv6: bool) -> None:
        """Let all records, and those to come, point at another front; there are AAAA records if that has IPv6."""
        self._target = target
        self._has_ipv6 = has_ipv6
        for recorded in self._recorded:
            self._record(*recorded)

    def _record(self, scope: Construct, domain_name: str, hosted_zone: route53.IHostedZone) -> None:
        kinds = {"AliasRecord": route53.ARecord, "AliasRecordIpv6": route53.AaaaRecord}
        for record_id, kind in kinds.items():
            scope.node.try_remove_child(record_id)  # it pointed elsewhere
            if kind is route53.ARecord or self._has_ipv6:
                kind(
                    scope,
                    record_id,
                    zone=hosted_zone,
                    # The closing dot says that the name is whole: a zone imported by its ID does not know its own name.
                    record_name=f"{domain_name}.",
                    target=route53.RecordTarget.from_alias(self._target),
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
        ValueError: If the name is none, has neither a hosted zone nor a certificate, lies outside the zone, or is too
            long for a certificate to be made; if a certificate would be made in a zone that is known to be private,
            where ACM could not see the proof (https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html);
            or if there is a zone without a name.
    """
    if hosted_zone and not domain_name:
        raise ValueError("hosted_zone is given without domain_name: say which name in the zone callers use")
    if not domain_name:
        return
    if not hosted_zone and not certificate:
        raise ValueError(
            f"domain_name {domain_name!r} needs hosted_zone, to make its certificate and record, or a certificate",
        )
    if not may_match(DOMAIN_NAME, domain_name):
        lower = domain_name.lower()
        meant = f"; write {lower!r}" if lower != domain_name and DOMAIN_NAME.fullmatch(lower) else ""
        raise ValueError(f"domain_name must be a name such as 'shop.example.com', got: {domain_name!r}{meant}")
    if not certificate and min_length(domain_name) > MAX_CERTIFIED:
        raise ValueError(
            f"domain_name must be at most {MAX_CERTIFIED} characters for a certificate to be made, got "
            f"{min_length(domain_name)}: {domain_name!r}; pass a certificate that has it as a further name",
        )
    if domain_name.startswith("*.") and not may_be_wildcard:
        raise ValueError(
            f"domain_name must be one name, for callers to use, got: {domain_name!r}; add the wildcard by add_domain",
        )
    if hosted_zone:
        validate_in_zone("domain_name", domain_name, hosted_zone)
        if not certificate:
            validate_public(
                hosted_zone,
                "for a certificate made here is proven in public DNS, and the deployment would wait for that for hours",
                remedy="; pass a certificate of your own beside it",
            )
