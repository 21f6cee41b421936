"""Short templates for tests of plans."""

from typing import Any

from fargate_constructs.adoption.stack_plan import Plan, make_plan
from fargate_constructs.synthesized.comparable_template import TemplateTree
from fargate_constructs.synthesized.stored_templates import StoredStack

BALANCER, BUCKET = "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::S3::Bucket"
CERTIFICATE, EIP = "AWS::CertificateManager::Certificate", "AWS::EC2::EIP"
GROUP, LISTENER = "AWS::ElasticLoadBalancingV2::TargetGroup", "AWS::ElasticLoadBalancingV2::Listener"
LOG_GROUP, QUEUE, RECORD = "AWS::Logs::LogGroup", "AWS::SQS::Queue", "AWS::Route53::RecordSet"
RULE, SCALABLE = "AWS::ElasticLoadBalancingV2::ListenerRule", "AWS::ApplicationAutoScaling::ScalableTarget"
SECURITY_GROUP, SERVICE = "AWS::EC2::SecurityGroup", "AWS::ECS::Service"
INGRESS = "AWS::EC2::SecurityGroupIngress"
TASK, VPC = "AWS::ECS::TaskDefinition", "AWS::EC2::VPC"


def ref(name: str) -> dict[str, str]:
    """Return a reference."""
    return {"Ref": name}


def forward(*groups: str) -> list[dict[str, Any]]:
    """Return actions that forward to target groups."""
    return [{"Type": "forward", "TargetGroupArn": ref(each)} for each in groups]


def resource(type_: str, path: str = "", **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - of any type
    """Return a resource; its path is within the stack `Shop`."""
    metadata = {"Metadata": {"aws:cdk:path": f"Shop/{path}"}} if path else {}
    return {"Type": type_, **metadata, "Properties": properties}


def stored(*, outputs: dict[str, Any] | None = None, **resources: dict[str, Any]) -> StoredStack:
    """Return a stored stack."""
    return StoredStack("Shop", TemplateTree({"Resources": resources, "Outputs": outputs or {}}), "Shop")


def pairs_of(old: StoredStack, new: StoredStack, **given: str) -> dict[str, str]:
    """Return the pairs whose logical IDs differ."""
    return {key: each for key, each in plan_of(old, new, **given).pairs.items() if key != each}


def plan_of(old: StoredStack, new: StoredStack, **given: str) -> Plan:
    """Return the plan from one stack to another."""
    return make_plan(old, new, given)
