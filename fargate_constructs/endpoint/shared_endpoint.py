"""One endpoint of a platform's app, and the routes that other apps give it.

```
platform's app:  HttpEndpoint ──> share ──> SSM parameters
team's app:      [SharedEndpoint] <── from_shared <── SSM parameters
```
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aws_cdk import Stack, Stage
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs._core.argument_messages import refuse_attribute
from fargate_constructs._core.arguments import checked
from fargate_constructs._core.construct_paths import path_of
from fargate_constructs._core.lazy_cdk import aws_certificatemanager as acm
from fargate_constructs._core.lazy_cdk import aws_route53 as route53
from fargate_constructs._core.lazy_cdk import aws_ssm as ssm
from fargate_constructs._core.unresolved import is_known
from fargate_constructs.endpoint.conditions import Conditions
from fargate_constructs.endpoint.domains import Domains, validate_further
from fargate_constructs.endpoint.endpoint_metrics import EndpointMetrics
from fargate_constructs.endpoint.ingress import IPV4, IPV6
from fargate_constructs.endpoint.listener_rules import rules_of_listener
from fargate_constructs.endpoint.ownership import all_requests_of, validate_domain_of_team, validate_route
from fargate_constructs.endpoint.priorities import ListenerRules
from fargate_constructs.endpoint.routes import RoutedEndpoint
from fargate_constructs.endpoint.sharing import (
    DNS_NAME,
    HOSTED_ZONE,
    LOAD_BALANCER,
    SECURITY_GROUP,
    name_of,
    note_in_stack,
    validate_once,
)
from fargate_constructs.endpoint.sign_in import SignIn
from fargate_constructs.endpoint.team_limits import check_team
from fargate_constructs.endpoint.teams import Team, numbers_of, validate_parameter_name


class SharedEndpoint(EndpointMetrics, RoutedEndpoint):
    """A part of an endpoint that another app has. Made by `HttpEndpoint.from_shared`.

    Its metrics are those of the load balancer, with the requests of all teams.
    """

    if not TYPE_CHECKING:  # for type checkers no name would be wrong
        __getattr__ = refuse_attribute

    def __init__(self, scope: Construct, id: str, *, parameter_name: str, team: Team) -> None:
        validate_parameter_name(parameter_name)
        validate_once(scope, repr(id), parameter_name)
        super().__init__(scope, id)
        note_in_stack(self, parameter_name)

        self.team = team
        self._parameter_name = parameter_name
        self.listener: elbv2.IApplicationListener = elbv2.ApplicationListener.from_application_listener_attributes(
            self,
            "Listener",
            listener_arn=self._value(name_of(team)),
            # It allows nothing outbound but what each service adds.
            security_group=ec2.SecurityGroup.from_security_group_id(
                self, "SecurityGroup", self._value(SECURITY_GROUP), allow_all_outbound=False
            ),
        )
        """The listener, as the endpoint's owner shared it."""
        check_team(self, self.listener.listener_arn, self._key, team)

    @cached_property
    def load_balancer(self) -> elbv2.IApplicationLoadBalancer:
        """The load balancer, for its metrics. It has the requests of all teams."""
        return elbv2.ApplicationLoadBalancer.from_application_load_balancer_attributes(
            self,
            "LoadBalancer",
            load_balancer_arn=self._value(LOAD_BALANCER),
            security_group_id=self._value(SECURITY_GROUP),
        )

    @property
    def domain_names(self) -> Sequence[str]:
        """The domain names that this construct added so far."""
        return tuple(self._domains.names)

    @property
    def dns_name(self) -> str:
        """The DNS name of what callers reach first, such as for a CNAME record (a token)."""
        return self._value(DNS_NAME)

    @checked
    def add_domain(
        self,
        domain_name: str,
        *,
        hosted_zone: route53.IHostedZone | None = None,
        certificate: acm.ICertificate | None = None,
    ) -> acm.ICertificate:
        """Serve a further name with its own certificate. The load balancer chooses the certificate by SNI.

        A name that the platform's certificates and records hold, such as `*.example.com`, needs no call.

        Args:
            domain_name: The name, such as `pay.example.com` or `*.pay.example.com`. The team must own it.
            hosted_zone: Its zone, in which records are made. By default no record is made.
            certificate: Its certificate. By default one is made, validated by public DNS.

        Raises:
            ValueError: If the team does not own the name, or may add no certificate; or if the name is known only when
                deployed, was added before, or cannot be served.
        """
        if not self.team.max_certificates:
            raise ValueError(f"team {self.team.name!r} has max_certificates=0, got domain_name: {domain_name!r}")
        validate_further(domain_name, hosted_zone, certificate)
        validate_domain_of_team(self.team, domain_name)
        return self._domains.add_further(
            self, self.listener, domain_name, hosted_zone=hosted_zone, certificate=certificate
        )

    def _validate(self, name: str, owners: Sequence[Any], conditions: Conditions, sign_in: SignIn | None) -> None:
        # The rule would need the parameters of this stack, and the load balancer's outbound rule here the service.
        if (stack := Stack.of(owners[0])) is not Stack.of(self):
            raise ValueError(
                f"a shared endpoint and its services must be in one stack, got route {name} to {path_of(self)}; call "
                f"HttpEndpoint.from_shared in stack {path_of(stack)!r} too"
            )
        if apart := [path_of(each) for each in owners if Stack.of(each) is not stack]:
            raise ValueError(
                f"the services of a shared endpoint's route must be in its stack, got {', '.join(apart)} in route "
                f"{name}; move them to stack {path_of(stack)!r}"
            )
        validate_route(self.team, name, conditions.hosts, conditions.paths)
        if sign_in and not self.team.sign_in:
            raise ValueError(
                f"sign_in needs Team(sign_in=True) in both apps, so that the load balancer reaches the identity "
                f"provider, got team {self.team.name!r} without for route {name}"
            )

    def _allow_identity_provider(self) -> None:
        """Do nothing: the endpoint's app has allowed it. A second team could not make the same rule."""

    def _all_requests(self) -> Conditions:
        return all_requests_of(self.team)

    def _value(self, name: str) -> str:
        """Return the value of a parameter, which CloudFormation reads before it changes anything."""
        return ssm.StringParameter.value_for_string_parameter(self, f"{self._parameter_name}/{name}")

    @property
    def _key(self) -> str:
        """What says which listener it is, before it is deployed.

        Stacks whose account or region is not known are deployed to one listener, if they are in one stage.
        """
        stack = Stack.of(self)
        stage = path_of(Stage.of(self) or self.node.root)
        places = (place if is_known(place) else f"unknown in {stage!r}" for place in (stack.account, stack.region))
        return " ".join((self._parameter_name, self.team.name, *places))

    @cached_property
    def _rules(self) -> ListenerRules:
        return rules_of_listener(self, self.listener, key=self._key, numbers=numbers_of(self.team))

    @cached_property
    def _domains(self) -> Domains:
        from fargate_constructs.endpoint.alias_target import AliasTarget  # noqa: PLC0415 - it loads Route 53

        # Which addresses the load balancer has is not known. Without any of a family, the record of the family has no
        # answer, as if there were none.
        return Domains(lambda: AliasTarget(self._value(DNS_NAME), self._value(HOSTED_ZONE)), (IPV4, IPV6))
