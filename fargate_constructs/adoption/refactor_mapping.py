"""The mapping of logical IDs for `cdk refactor`, and why CloudFormation would refuse it."""

import json
import re
from collections.abc import Iterator

from fargate_constructs.adoption.changes import Effect, changes_of
from fargate_constructs.adoption.stack_plan import Plan

# What CloudFormation does not rename, of what such stacks have
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-refactoring.html).
IMMOVABLE = re.compile(
    r"AWS::EC2::EIP|AWS::CertificateManager::Certificate|AWS::Route53::RecordSet(Group)?"
    r"|AWS::ElasticLoadBalancingV2::ListenerCertificate|AWS::WAFv2::WebACL(Association)?"
    r"|AWS::CloudFormation::(CustomResource|Stack)|Custom::.*"
)


def refactor_mapping(plan: Plan) -> str:
    """Return the file that `cdk refactor --override-file` reads: each old logical ID with the new one.

    Raises:
        ValueError: If the account and the region are not known, or if nothing has another logical ID.
    """
    renames = {key: other for key, other in plan.pairs.items() if key != other}
    if not renames:
        raise ValueError("there is nothing to refactor: each resource has its logical ID already")
    environment = {name: getattr(plan.deployed, name) or getattr(plan.stack, name) for name in ("account", "region")}
    if not all(environment.values()):
        raise ValueError(
            "the account and the region must be known for --refactor, got templates without; let the command ask "
            "CloudFormation instead of --deployed"
        )
    names = {f"{plan.stack.name}.{key}": f"{plan.stack.name}.{other}" for key, other in renames.items()}
    return json.dumps({"environments": [{**environment, "resources": names}]}, indent=2) + "\n"


def find_refusals(plan: Plan) -> Iterator[str]:
    """Yield what `cdk refactor` or CloudFormation refuses: it renames, and changes nothing else."""
    for old_id, new_id in plan.pairs.items():
        type_ = plan.old.resources[old_id]["Type"]
        if "/" in old_id and old_id != new_id:
            yield f"{old_id} is in a nested stack"
        elif old_id != new_id and IMMOVABLE.fullmatch(type_):
            yield f"{old_id} ({type_}) is of a type that CloudFormation does not rename"
    renames = {key: other for key, other in plan.pairs.items() if key != other}
    for each in changes_of(plan.old, plan.new, renames):
        if each.effect is not Effect.STAYS:
            yield f"{each.path} ({each.type}) {each.effect.value}; cdk refactor takes no other change"
