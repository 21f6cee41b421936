"""The load balancer that a listener belongs to."""

from __future__ import annotations

from typing import NamedTuple

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from fargate_constructs._core.asked_once import asked_once
from fargate_constructs._core.construct_paths import Placed, path_of, stack_of
from fargate_constructs._core.unresolved import is_known


class Balancer(NamedTuple):
    """The load balancer of a listener."""

    key: str
    """Its path, or its part of the ARN of a listener made elsewhere; or else the path of that listener."""
    id: str
    """Its path in its stack, as an ID."""
    stack: Stack | None = None
    vpc: ec2.IVpc | None = None

    def id_for(self, service: Construct) -> str:
        """Return an ID for what a service has at it."""
        is_elsewhere = self.stack is not None and self.stack is not stack_of(service)
        return f"{self.stack.node.id} {self.id}" if self.stack and is_elsewhere else self.id


@asked_once
def balancer_of(listener: elbv2.IApplicationListener) -> Balancer:
    """Return the load balancer of a listener."""
    if isinstance(listener, elbv2.ApplicationListener):
        owner = listener.load_balancer
        return Balancer(path_of(owner), _id_of(owner), stack_of(owner), owner.vpc)
    arn = listener.listener_arn
    part = arn.partition(":listener/")[2].rpartition("/")[0] if is_known(arn) else ""
    if part:
        return Balancer(part, part.replace("/", " "))
    return Balancer(path_of(listener), _id_of(listener), stack_of(listener))


def _id_of(owner: Placed) -> str:
    return path_of(owner).removeprefix(f"{stack_of(owner).node.path}/").replace("/", " ")
