"""Whether two constructs are in one region, one account, or one VPC.

```
stack ──> [account, region, VPC] <── stack
```
"""

import re
from weakref import WeakKeyDictionary

from aws_cdk import Reference, Stack, Token, Tokenization
from aws_cdk import aws_ec2 as ec2
from constructs import IConstruct

# A real one; CDK writes `vpc-12345` until it has looked it up
# (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html).
VPC_ID = re.compile(r"vpc-[0-9a-f]{8}([0-9a-f]{9})?")


def may_be_same(one: str, other: str) -> bool:
    """Whether two regions, or two accounts, are the same, as far as that is known at synthesis."""
    return one == other or Token.is_unresolved(one) or Token.is_unresolved(other)


def may_be_same_vpc(one: ec2.IVpc, other: ec2.IVpc) -> bool:
    """Whether two VPCs are the same, as far as that is known at synthesis."""
    return one is other or _may_be_same_id(one.vpc_id, other.vpc_id)


def may_be_in_vpc(group: ec2.ISecurityGroup, vpc: ec2.IVpc) -> bool:
    """Whether a security group is of a VPC, as far as that is known at synthesis: an imported one's is not."""
    resource = group.node.default_child
    own = resource.vpc_id if isinstance(resource, ec2.CfnSecurityGroup) else None
    return own is None or _may_be_same_id(own, vpc.vpc_id)


def _may_be_same_id(one: str, other: str) -> bool:
    """Whether two IDs may be of one VPC; what the deployment alone tells may be any, but not the one of a `CfnVPC`."""
    if one == other:
        return True
    known = [_known(each) for each in (one, other)]
    return None in known or known[0] == known[1]


def _known(vpc_id: str) -> str | None:
    """Return what tells a VPC from others: its ID, or its path if it is made in the app; None if nothing does yet."""
    if not Token.is_unresolved(vpc_id):
        return vpc_id if VPC_ID.fullmatch(vpc_id) else None  # what CDK takes for one that it has not looked up yet
    token = Tokenization.reverse_string(vpc_id).first_token
    target = token.target if isinstance(token, Reference) else None
    return target.node.path if isinstance(target, ec2.CfnVPC) else None


# Every service asks for its stack's region, and for its network's.
_REGIONS: WeakKeyDictionary[Stack | ec2.IVpc, str] = WeakKeyDictionary()


def validate_region(scope: IConstruct, id: str, vpc: ec2.IVpc) -> None:
    """Refuse what would stand in another region than its VPC: CDK would hand it subnets that it does not find.

    Raises:
        ValueError: If the scope's stack and the VPC are of two regions, as far as these are known.
    """
    stack = Stack.of(scope)
    if stack not in _REGIONS:
        _REGIONS[stack] = stack.region
    if vpc not in _REGIONS:
        _REGIONS[vpc] = vpc.env.region
    if not may_be_same(_REGIONS[stack], _REGIONS[vpc]):
        raise ValueError(
            f"{id!r} must be in the region of its network, {_REGIONS[vpc]}, got: {_REGIONS[stack]}, that of stack "
            f"{stack.stack_name!r}; make a network there",
        )
