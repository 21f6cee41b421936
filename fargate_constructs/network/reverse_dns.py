"""Reverse DNS of Elastic IPs, which mail servers check before they accept mail.

In AWS GovCloud (US) only AWS Support makes PTR records.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

from aws_cdk import CustomResource, Duration, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from fargate_constructs._core.hosted_zones import validate_in_zone, validate_public
from fargate_constructs._core.lazy_cdk import aws_route53 as route53
from fargate_constructs._core.nag_suppressions import INLINE_POLICY, acknowledge, acknowledge_wildcards
from fargate_constructs._core.python_function import ANSWERS_A_DEPLOYMENT, PythonFunction, code_in
from fargate_constructs._core.unresolved import may_match

HANDLER = Path(__file__).parent / "lambdas" / "pointer_record"

# EC2 resolves the name before it makes a PTR record. For this long it may get an older answer.
RECORD_TTL_MINUTES = 5
# Lambda's maximum. A PTR record takes a minute or two, but a resolver caches for 15 minutes that a name does not exist
# (https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/SOA-NSrecords.html).
HANDLER_TIMEOUT_MINUTES = 15
# When CloudFormation stops waiting for a Lambda that ended without an answer, instead of after an hour.
SERVICE_TIMEOUT_MINUTES = 16

# https://www.rfc-editor.org/rfc/rfc1123#page-13; a name whose last label has only digits would be an address.
LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z)(?:{LABEL}\.)+(?=[a-z]){LABEL}")


class ReverseDns(Construct):
    """One name for Elastic IPs: an A record with all of them, and a PTR record for each.

    The A record is made first, since EC2 makes no PTR record whose name does not resolve to the address. The deployment
    ends when every PTR record has the name, or fails and says why. On deletion each PTR record is removed first, unless
    it has another name by then: an address with a PTR record cannot be released.

    *addresses* has the allocation ID (`eipalloc-…`) and the IPv4 address of each Elastic IP.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        hosted_zone: route53.IHostedZone,
        name: str,
        addresses: Sequence[tuple[str, str]],
    ) -> None:
        _validate_name(name, hosted_zone)
        super().__init__(scope, id)

        self.record = route53.ARecord(
            self,
            "Record",
            zone=hosted_zone,
            # With a closing dot, since a zone imported by its ID does not know its name.
            record_name=f"{name}.",
            target=route53.RecordTarget.from_ip_addresses(*(public_ip for _, public_ip in addresses)),
            ttl=Duration.minutes(RECORD_TTL_MINUTES),
        )
        """The record of the name."""
        self.function = PythonFunction(
            self,
            "Function",
            code=code_in(HANDLER),
            handler="handler.handler",
            description="Sets PTR records of Elastic IPs",
            timeout=Duration.minutes(HANDLER_TIMEOUT_MINUTES),
            dlq_suppressions=ANSWERS_A_DEPLOYMENT,
        )
        """The function that asks EC2 for the pointer record."""
        self.function.allow("ec2:DescribeAddressesAttribute", on="*")
        acknowledge_wildcards(
            self.function.execution_role,
            ["*"],
            reason="AWS accepts no narrower resource for ec2:DescribeAddressesAttribute, which reads PTR records.",
        )
        for allocation_id in dict(addresses):  # a dummy is the same for several addresses
            self._add_pointer(allocation_id, name)

    def _add_pointer(self, allocation_id: str, name: str) -> None:
        """Make one address's PTR record and the permission for it, both named after the address.

        An address that leaves the list loses its record first and then the permission, independent of the others.
        """
        stack = Stack.of(self)
        address = Construct(self, _id_of(stack.resolve(allocation_id)))
        permission = iam.Policy(
            address,
            "Permission",
            roles=[self.function.execution_role],
            statements=[
                iam.PolicyStatement(
                    actions=["ec2:ModifyAddressAttribute", "ec2:ResetAddressAttribute"],
                    resources=[stack.format_arn(service="ec2", resource="elastic-ip", resource_name=allocation_id)],
                ),
            ],
        )
        acknowledge(permission, INLINE_POLICY)
        pointer = CustomResource(
            address,
            "Pointer",
            resource_type="Custom::ReverseDns",
            service_token=self.function.function_arn,
            service_timeout=Duration.minutes(SERVICE_TIMEOUT_MINUTES),
            properties={"AllocationId": allocation_id, "Name": name},
        )
        pointer.node.add_dependency(self.record, permission)


def _id_of(allocation_id: object) -> str:
    """Return a construct ID made of an allocation ID, or of the template's reference to it."""
    return f"Address{hashlib.sha256(json.dumps(allocation_id, sort_keys=True).encode()).hexdigest()[:8]}"


def _validate_name(name: str, hosted_zone: route53.IHostedZone) -> None:
    if not may_match(HOST_NAME, name):
        raise ValueError(
            "name must be a full host name in lower case without a closing dot, such as mail.example.com, "
            f"got: {name!r}",
        )
    validate_in_zone("name", name, hosted_zone)
    validate_public(hosted_zone, "since AWS and mail servers query it")
