"""What AWS counts, in all modes."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from tests import modes
from tests.audit import Template

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
MAX_RESOURCES, MAX_OUTPUTS, MAX_BYTES = 500, 200, 1_000_000
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MAX_INLINE_CHARACTERS = 10_240
# https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups
MAX_GROUP_RULES = 60
LISTENER_RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
# What is counted of one resource, and how much of it there may be.
COUNTED: dict[str, tuple[Callable[[dict[str, Any]], int], int]] = {
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    "AWS::IAM::Role": (lambda role: len(role.get("ManagedPolicyArns", [])), 10),
    # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    "AWS::Lambda::Function": (lambda function: len(json.dumps(function.get("Environment", {}))), 4_096),
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
    "AWS::ECS::TaskDefinition": (lambda task: len(task["ContainerDefinitions"]), 10),
    "AWS::ECS::Service": (lambda service: len(service.get("LoadBalancers", [])), 5),
    # https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (lambda balancer: len(balancer["SecurityGroups"]), 5),
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
    LISTENER_RULE: (lambda rule: json.dumps(rule["Conditions"]).count("*"), 5),
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    "AWS::CloudWatch::Alarm": (lambda alarm: len(alarm.get("AlarmActions", [])), 5),
}


def counted(template: Template) -> Iterator[tuple[str, int, int]]:
    """Yield what AWS counts of a template's resources: what, how many there are, and how many there may be."""
    resources = template["Resources"]
    yield "resources", len(resources), MAX_RESOURCES
    yield "outputs", len(template.get("Outputs", {})), MAX_OUTPUTS
    yield "bytes", len(json.dumps(template)), MAX_BYTES
    for name, resource in resources.items():
        if resource["Type"] in COUNTED:
            count, most = COUNTED[resource["Type"]]
            yield name, count(resource["Properties"]), most
    yield from ((name, got, MAX_INLINE_CHARACTERS) for name, got in inline_policies(resources).items())
    yield from ((name, got, MAX_GROUP_RULES) for name, got in group_rules(resources).items())


def inline_policies(resources: dict[str, Any]) -> Counter[str]:
    """Return how many characters the inline policies of each role have, references as they are written."""
    characters: Counter[str] = Counter()
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::IAM::Role":
            characters[json.dumps({"Ref": name})] += sum(map(size, properties.get("Policies", [])))
        if resource["Type"] == "AWS::IAM::Policy":
            characters.update(dict.fromkeys(map(json.dumps, properties.get("Roles", [])), size(properties)))
    return characters


def size(policy: dict[str, Any]) -> int:
    """Return how many characters IAM counts of a policy: all but spaces."""
    return len(json.dumps(policy["PolicyDocument"], separators=(",", ":")))


def group_rules(resources: dict[str, Any]) -> Counter[str]:
    """Return how many rules a security group has each way, its own and those made apart."""
    rules: Counter[str] = Counter()
    for name, resource in resources.items():
        for way in ("Ingress", "Egress"):
            if resource["Type"] == "AWS::EC2::SecurityGroup":
                group = json.dumps({"Fn::GetAtt": [name, "GroupId"]})
                rules[f"{way} {group}"] += len(resource["Properties"].get(f"SecurityGroup{way}", []))
            if resource["Type"] == f"AWS::EC2::SecurityGroup{way}":
                rules[f"{way} {json.dumps(resource['Properties']['GroupId'])}"] += 1
    return rules


def test_no_mode_passes_a_quota() -> None:
    """Of those that a template can be counted against; synthesis counts what other stacks add to an endpoint."""
    kinds = set()
    for name, template in modes.templates().items():
        kinds |= {resource["Type"] for resource in template["Resources"].values()}
        assert [(name, *each) for each in counted(template) if each[1] > each[2]] == []
    assert COUNTED.keys() <= kinds


def test_no_two_rules_of_a_listener_have_one_number() -> None:
    """In any mode; synthesis looks at the rules of all stacks (endpoint/test_load_balancer_limits.py)."""
    for name, template in modes.templates().items():
        rules = [each["Properties"] for each in template["Resources"].values() if each["Type"] == LISTENER_RULE]
        numbers = Counter((json.dumps(rule["ListenerArn"]), rule["Priority"]) for rule in rules)
        assert (name, [each for each, times in numbers.items() if times > 1]) == (name, [])
