"""Whether two constructs are in the same region, account or VPC."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple, cast

from aws_cdk import CfnResource, Reference, Stack, Tokenization
from aws_cdk import aws_ec2 as ec2
from constructs import Construct, IConstruct

from fargate_constructs._core.argument_types import has_member, member
from fargate_constructs._core.asked_once import asked_once
from fargate_constructs._core.construct_paths import is_placed_resource, stack_of
from fargate_constructs._core.unresolved import is_dummy, is_unresolved

# A real VPC ID; CDK writes `vpc-12345` until it has looked up the VPC
# (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html).
VPC_ID = re.compile(r"vpc-[0-9a-f]{8}([0-9a-f]{9})?")

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-custom-resources.html
CUSTOM_RESOURCE = re.compile(r"Custom::|AWS::CloudFormation::CustomResource$")

# The ARN attributes of imported constructs whose `env` is that of the importing stack, not their own.
ARNS = ("alarm_arn", "certificate_arn", "listener_arn", "load_balancer_arn", "role_arn", "trust_store_arn")
# What is accepted on purpose, and why: by the argument, or by an attribute that only this kind of resource has.
ALLOWED_IN_OTHER_REGION = {
    "hosted_zone_id": "Route 53 is global (https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/Welcome.html)",
    "role_arn": "IAM is global (https://docs.aws.amazon.com/IAM/latest/UserGuide/introduction.html)",
    "CloudFrontDistribution.certificate": "CloudFront takes those of us-east-1; the distribution checks that",
    "CloudFrontDistribution.web_acl_arn": "as certificate",
    "CloudFrontDistribution.access_log_bucket": "CloudFront is global, and writes to buckets of most regions",
    "Accelerator.endpoint": "an endpoint group names the region of its load balancer",
    "FargateTask.log_group": "the awslogs driver gets the region of its log group",
    "FargateWebService.log_group": "as FargateTask.log_group",
    "LogArchive.bucket": "S3 can be reached from each region",
    "LogCatalog.bucket": "as LogArchive.bucket",
    "LogCompaction.bucket": "as LogArchive.bucket",
}
ALLOWED_IN_OTHER_ACCOUNT = {
    "key_arn": "a key's policy may let other accounts use it "
    "(https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html)",
    "HttpEndpoint.access_log_bucket": "a bucket's policy may let the load balancers of other accounts write "
    "(https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html)",
    "CloudFrontDistribution.access_log_bucket": "its access control list may let other accounts' distributions write",
    "FargateWebService.access_log_bucket": "as that of HttpEndpoint",
    "TcpEndpoint.access_log_bucket": "as that of HttpEndpoint",
    "LogArchive.bucket": "the bucket's policy must allow what bucket_policy_statements has",
    "LogCatalog.bucket": "as LogArchive.bucket",
    "LogCompaction.bucket": "as LogArchive.bucket",
}


class Environment(NamedTuple):
    """A region and an account. Each may be a token, or empty if it is not known, such as if an ARN has none."""

    region: str
    account: str


def may_be_same(one: str, other: str) -> bool:
    """Whether two regions, or two accounts, may be the same; an empty one is not known."""
    return one == other or "" in {one, other} or is_unresolved(one) or is_unresolved(other)


def validate_partition(scope: Construct, service: str, prefixes: tuple[str, ...], reason: str) -> None:
    """Refuse a service in a region that does not have it, if the region is known."""
    region = stack_of(scope).region
    if region.startswith(prefixes):
        raise ValueError(f"{service} cannot be in {region}: {reason}")


def may_be_same_vpc(one: ec2.IVpc, other: ec2.IVpc) -> bool:
    """Whether two VPCs may be the same."""
    return one is other or _may_be_same_id(_id_of(one), _id_of(other))


@asked_once
def _id_of(vpc: ec2.IVpc) -> str:
    vpc_id: str = member(vpc, "vpc_id")
    return vpc_id


def may_have_ipv6(vpc: ec2.IVpc) -> bool:
    """Return whether a VPC may have IPv6. Of an imported VPC this is not known.

    The range may be made beside the VPC, as before CDK had `ip_protocol` (https://github.com/aws/aws-cdk/issues/894).
    """
    if not isinstance(vpc, ec2.Vpc) or any(map(_is_ipv6_range, vpc.node.children)):
        return True
    ranges = (cast(ec2.CfnVPCCidrBlock, each) for each in vpc.node.root.node.find_all() if _is_ipv6_range(each))
    return any(_may_be_same_id(each.vpc_id, vpc.vpc_id) for each in ranges)


def _is_ipv6_range(construct: IConstruct) -> bool:
    """Whether a construct is a range that a VPC gets, and not a further IPv4 one."""
    return isinstance(construct, ec2.CfnVPCCidrBlock) and not (construct.cidr_block or construct.ipv4_ipam_pool_id)


def may_be_in_vpc(group: ec2.ISecurityGroup, vpc: ec2.IVpc) -> bool:
    """Whether a security group may belong to a VPC; the VPC of an imported one is not known."""
    resource = group.node.default_child
    own = resource.vpc_id if isinstance(resource, ec2.CfnSecurityGroup) else None
    return own is None or _may_be_same_id(own, _id_of(vpc))


def _may_be_same_id(one: str, other: str) -> bool:
    """Whether two IDs may be of one VPC; a token may be any VPC except a `CfnVPC` of the app."""
    if one == other:
        return True
    known = [_known(each) for each in (one, other)]
    return None in known or known[0] == known[1]


def _known(vpc_id: str) -> str | None:
    """Return a VPC's ID, or its path if it is made in the app; `None` if the ID is not known yet."""
    if not is_unresolved(vpc_id):
        return vpc_id if VPC_ID.fullmatch(vpc_id) else None  # CDK's dummy for a VPC that it has not looked up yet
    token = Tokenization.reverse_string(vpc_id).first_token
    target = token.target if isinstance(token, Reference) else None
    return target.node.path if isinstance(target, ec2.CfnVPC) else None


def validate_environment(scope: Construct, owner: type, id: str, given: Mapping[str, object]) -> None:
    """Refuse arguments that are in another region or account than the construct that gets them.

    CloudFormation would look for them in the region and account of the stack. `checked` does this for all public
    constructors and methods. `ALLOWED_IN_OTHER_REGION` and `ALLOWED_IN_OTHER_ACCOUNT` list the exceptions.
    """
    for name, value in given.items():
        for each in _constructs_and_arns_in(value):
            ours = environment_of(scope)
            if not any(ours):  # as in most stacks of tests: Node.js is not asked about each argument then
                return
            theirs = environment_of(each)
            for what, passes in (("region", ALLOWED_IN_OTHER_REGION), ("account", ALLOWED_IN_OTHER_ACCOUNT)):
                here, there = getattr(ours, what), getattr(theirs, what)
                if not may_be_same(here, there) and not _passes(owner, name, each, passes):
                    got, stack = each if isinstance(each, str) else each.node.path, Stack.of(scope).stack_name
                    raise ValueError(
                        f"{name} must be in the {what} of {id!r}, {here}, that of stack {stack!r}, got: {got} in "
                        f"{there}; give one of {here}",
                    )


def _constructs_and_arns_in(value: object) -> Iterator[Any]:
    """Yield the constructs and ARNs in an argument: itself, or the items of a list, mapping or value object."""
    if isinstance(value, str):
        yield from [value] if value.startswith("arn:") else []
    elif isinstance(value, Construct) or has_member(value, "env"):
        yield value
    else:
        for each in _members(value):
            yield from _constructs_and_arns_in(each)


def _members(value: object) -> list[object]:
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, (list, tuple)):
        return list(value)
    if is_dataclass(value):
        return [getattr(value, field.name) for field in fields(value)]
    return list(getattr(value, "_values", {}).values())  # of a struct of CDK's


def environment_of(thing: Any) -> Environment:  # noqa: ANN401 - a construct of any kind, or an ARN
    """Return the environment of a construct or an ARN."""
    return _of_arn(thing) if isinstance(thing, str) else _of_construct(thing)


@asked_once
def _of_construct(thing: Any) -> Environment:  # noqa: ANN401 - of any kind
    for name in ARNS:
        if arn := member(thing, name):
            return _of_token(arn) if is_unresolved(arn) and not arn.startswith("arn:") else _of_arn(arn)
    if not is_placed_resource(thing) and (env := member(thing, "env")):
        return Environment(env.region, env.account)
    if vpc := member(thing, "vpc"):  # a network is where its VPC is
        return environment_of(vpc)
    return _of_stack(stack_of(thing))


@asked_once
def _of_stack(stack: Stack) -> Environment:
    """Return the environment of a stack, from one text such as `aws://unknown-account/eu-west-1`."""
    account, region = stack.environment.removeprefix("aws://").split("/")
    return Environment(*("" if each.startswith("unknown-") else each for each in (region, account)))


def _of_token(arn: str) -> Environment:
    """Return the environment of a resource of this app by its ARN, or an unknown one.

    The environment of an ARN from a custom resource is unknown, as with `DnsValidatedCertificate`.
    """
    token = Tokenization.reverse_string(arn).first_token
    target = token.target if isinstance(token, Reference) else None
    if not isinstance(target, CfnResource) or CUSTOM_RESOURCE.match(target.cfn_resource_type):
        return Environment("", "")
    return _of_stack(Stack.of(target))


def _of_arn(arn: str) -> Environment:
    _, _, _, region, account, *_ = [*arn.split(":"), "", "", "", "", ""]
    return Environment("", "") if is_dummy(arn) else Environment(region, account)


def _passes(owner: type, name: str, thing: object, passes: Mapping[str, str]) -> bool:
    arguments = {f"{each.__name__}.{name}" for each in owner.__mro__}
    return any(key in arguments or hasattr(thing, key) for key in passes)
