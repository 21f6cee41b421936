"""What callers connect to in place of the load balancer: static IPs, an accelerator or a CloudFront distribution."""

from __future__ import annotations

from collections.abc import Sequence

import jsii
from aws_cdk import IStableStringProducer, Lazy, Stack
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs._core.lazy_cdk import aws_route53 as route53
from fargate_constructs._core.subnets import internet_access_of, public_subnets_of
from fargate_constructs.endpoint.domains import Domains
from fargate_constructs.endpoint.ingress import IPV4


class Front:
    """The front of an endpoint, once it has one, at which the records of its domain names point."""

    def __init__(self, endpoint: Construct, domains: Domains) -> None:
        self._endpoint = endpoint
        self._domains = domains
        self._construct: Construct | None = None
        self._target_of_records: Construct | None = None
        self.is_shared = False
        """Whether other apps have records that point at the front."""
        self.address: tuple[str, str] | None = None
        """The DNS name and the hosted zone ID of a front that is no load balancer."""
        self.has_tls = False
        """Whether callers use HTTPS with the front, also if the endpoint serves plain HTTP."""

    def validate(self, scope: Construct, *, moves_records: bool) -> None:
        """Refuse a second front, and records that cannot point at a front made in *scope*."""
        if self._construct:
            raise ValueError(
                f"{self._endpoint.node.path} is behind {self._construct.node.path} already, got a second front; use one"
            )
        if self.is_shared:
            raise ValueError(
                f"{self._endpoint.node.path} is shared, and the records of other apps point at it, got a front after "
                "that; make the front before you call share"
            )
        if moves_records and self._domains.has_records:
            self._validate_stack(scope)

    def validate_records(self) -> None:
        """Refuse further records if they cannot point at the front."""
        if self._target_of_records:
            self._validate_stack(self._target_of_records)

    def register(
        self,
        construct: Construct,
        target: route53.IAliasRecordTarget | None,
        *,
        families: Sequence[int] = (IPV4,),
        has_tls: bool = False,
        address: tuple[str, str] | None = None,
    ) -> None:
        """Note the front. With a *target*, all records of the endpoint point at it, also those made later."""
        self._construct = construct
        self.has_tls = has_tls
        self.address = address
        if target:
            self._target_of_records = construct
            self._domains.point_at(target, families)

    def of_callers(self, with_tls: str, without: str) -> str:
        """Return a part of a redirect's address, read at synthesis: callers of CloudFront use HTTPS."""
        return Lazy.string(_OfCallers(self, with_tls, without))

    def _validate_stack(self, front: Construct) -> None:
        """Refuse a front in another stack: each of the two stacks would depend on the other."""
        if Stack.of(front) is not Stack.of(self._endpoint):
            raise ValueError(
                f"the records of {self._endpoint.node.path} are in stack {Stack.of(self._endpoint).stack_name!r} and "
                f"must point at the front, got it in stack {Stack.of(front).stack_name!r}; make it in the same stack",
            )


@jsii.implements(IStableStringProducer)
class _OfCallers:
    """A part of a redirect's address; see `Front.of_callers`."""

    def __init__(self, front: Front, with_tls: str, without: str) -> None:
        self._front = front
        self._with_tls = with_tls
        self._without = without

    def produce(self) -> str:
        """Return it."""
        return self._with_tls if self._front.has_tls else self._without


def wait_for_internet_gateway(construct: Construct, load_balancer: elbv2.ApplicationLoadBalancer) -> None:
    """Make a construct after the attachment of the VPC's internet gateway, and delete it before.

    A front outside the VPC needs the gateway, also if the load balancer is internal. An imported VPC has it.
    """
    vpc = load_balancer.vpc
    construct.node.add_dependency(*map(internet_access_of, public_subnets_of(vpc) if vpc else ()))
