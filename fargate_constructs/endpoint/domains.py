"""The domain names of an endpoint: their certificates and their alias records."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache

from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs._core.hosted_zones import validate_in_zone, validate_public
from fargate_constructs._core.lazy_cdk import aws_certificatemanager as acm
from fargate_constructs._core.lazy_cdk import aws_route53 as route53
from fargate_constructs._core.unresolved import is_unresolved, may_match, min_length
from fargate_constructs.endpoint.ingress import IPV4, IPV6

# Characters of the first name of a certificate: https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html
MAX_CERTIFICATE_NAME = 64
# A DNS name or a wildcard, in lower case, in which Route 53 stores names.
DOMAIN_NAME = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")

RECORD_IDS = {IPV4: "AliasRecord", IPV6: "AliasRecordIpv6"}


class Domains:
    """The names of one endpoint, and the target of their records: A for IPv4 addresses, AAAA for IPv6."""

    def __init__(self, target: Callable[[], route53.IAliasRecordTarget], families: Sequence[int]) -> None:
        self._target: Callable[[], route53.IAliasRecordTarget] = cache(target)
        self._families = families
        self.names: list[str] = []
        self._recorded: list[tuple[Construct, str, route53.IHostedZone]] = []

    @property
    def has_records(self) -> bool:
        """Whether a name has records in this app."""
        return bool(self._recorded)

    def add(
        self,
        scope: Construct,
        domain_name: str,
        *,
        hosted_zone: route53.IHostedZone | None,
        certificate: acm.ICertificate | None,
    ) -> acm.ICertificate:
        """Make the missing certificate and records of a name. Return the certificate."""
        if hosted_zone is None:
            assert certificate is not None, "validate_domain requires one of the two"
            self.names.append(domain_name)
            return certificate
        made = certificate or make_certificate(scope, domain_name, hosted_zone)
        self.add_records(scope, domain_name, hosted_zone)
        return made

    def add_further(
        self,
        endpoint: Construct,
        listener: elbv2.IApplicationListener,
        domain_name: str,
        *,
        hosted_zone: route53.IHostedZone | None,
        certificate: acm.ICertificate | None,
    ) -> acm.ICertificate:
        """Serve a name beside the first one: make what is missing, and add its certificate to a listener."""
        # A tag has the certificate's path as its value, which must not have an asterisk.
        child_id = domain_name.replace("*.", "Wildcard ")
        if domain_name in self.names:
            raise ValueError(f"domain_name must be a further name, got {domain_name!r} again")
        made = self.add(Construct(endpoint, child_id), domain_name, hosted_zone=hosted_zone, certificate=certificate)
        listener.add_certificates(child_id, [made])
        return made

    def add_records(self, scope: Construct, domain_name: str, hosted_zone: route53.IHostedZone) -> None:
        """Make the records of a name."""
        self.names.append(domain_name)
        self._recorded.append((scope, domain_name, hosted_zone))
        self._record(scope, domain_name, hosted_zone)

    def point_at(self, target: route53.IAliasRecordTarget, families: Sequence[int]) -> None:
        """Change the target of all records, also of those made later."""
        self._target = lambda: target
        self._families = families
        for scope, domain_name, hosted_zone in self._recorded:
            for record_id in RECORD_IDS.values():
                scope.node.try_remove_child(record_id)
            self._record(scope, domain_name, hosted_zone)

    def _record(self, scope: Construct, domain_name: str, hosted_zone: route53.IHostedZone) -> None:
        target = route53.RecordTarget.from_alias(self._target())
        for family, kind in {IPV4: route53.ARecord, IPV6: route53.AaaaRecord}.items():
            if family in self._families:
                # The final dot makes the name complete. CDK does not know the name of a zone imported by its ID.
                kind(scope, RECORD_IDS[family], zone=hosted_zone, record_name=f"{domain_name}.", target=target)


def validate_domain(
    certificate: acm.ICertificate | None,
    domain_name: str | None,
    hosted_zone: route53.IHostedZone | None,
    *,
    may_be_wildcard: bool = False,
) -> None:
    """Refuse a name that cannot be served.

    ACM validates certificates in public DNS only (https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html).
    """
    if hosted_zone and not domain_name:
        raise ValueError("hosted_zone is given without domain_name; pass the name in the zone that callers use")
    if not domain_name:
        return
    if not hosted_zone and not certificate:
        raise ValueError(
            f"domain_name {domain_name!r} needs hosted_zone, to make its certificate and records, or a certificate",
        )
    validate_name(domain_name, hosted_zone, may_be_wildcard=may_be_wildcard)
    if not certificate:
        assert hosted_zone is not None
        validate_certificate_name(domain_name, hosted_zone)


def validate_further(
    domain_name: str, hosted_zone: route53.IHostedZone | None, certificate: acm.ICertificate | None
) -> None:
    """Refuse a further name that cannot be served."""
    if is_unresolved(domain_name):
        raise ValueError("domain_name must be known at synthesis, got a token: it is the certificate's construct ID")
    validate_domain(certificate, domain_name, hosted_zone, may_be_wildcard=True)


def validate_name(domain_name: str, hosted_zone: route53.IHostedZone | None, *, may_be_wildcard: bool = False) -> None:
    """Refuse a name that has no records in its zone."""
    if not may_match(DOMAIN_NAME, domain_name):
        lower = domain_name.lower()
        meant = f"; write {lower!r}" if lower != domain_name and DOMAIN_NAME.fullmatch(lower) else ""
        raise ValueError(f"domain_name must be a name such as 'shop.example.com', got: {domain_name!r}{meant}")
    if domain_name.startswith("*.") and not may_be_wildcard:
        raise ValueError(
            f"domain_name must be one name that callers use, got: {domain_name!r}; "
            "HttpEndpoint.add_domain accepts it as a further name",
        )
    if hosted_zone:
        validate_in_zone("domain_name", domain_name, hosted_zone)


def validate_certificate_name(domain_name: str, hosted_zone: route53.IHostedZone) -> None:
    """Refuse a name and a zone for which ACM makes no certificate."""
    if min_length(domain_name) > MAX_CERTIFICATE_NAME:
        raise ValueError(
            f"domain_name must be at most {MAX_CERTIFICATE_NAME} characters to make a certificate, got "
            f"{min_length(domain_name)}: {domain_name!r}; pass a certificate that has it as a further name",
        )
    validate_public(
        hosted_zone,
        "because ACM validates the certificate in public DNS, and the deployment would wait for hours",
        remedy="; pass a certificate too",
    )


def make_certificate(scope: Construct, domain_name: str, hosted_zone: route53.IHostedZone) -> acm.Certificate:
    """Make a certificate that is validated by public DNS."""
    return acm.Certificate(
        scope, "Certificate", domain_name=domain_name, validation=acm.CertificateValidation.from_dns(hosted_zone)
    )
