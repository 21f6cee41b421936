"""Shells in tasks: who may what for them."""

from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Template

from fargate_constructs import FargateService
from fargate_constructs.network.network import Network
from tests.audit import findings
from tests.shared_stack import Part, Steps, in_shared_stack


def exec_policies_of(part: Part) -> list[list[dict[str, Any]]]:
    """Return the statements of each role's policy for shells."""
    roles = part.properties("AWS::IAM::Role")
    policies = [policy for each in roles for policy in each.get("Policies", ()) if policy["PolicyName"] == "Exec"]
    return [each["PolicyDocument"]["Statement"] for each in policies]


def test_what_a_caller_grants_is_the_callers_to_answer_for(
    stack: Stack, network: Network, image: ecs.ContainerImage
) -> None:
    """Exec's `*` is accepted, another one is not: not on the role made here, and not on one that was given."""
    everything = iam.PolicyStatement(actions=["dynamodb:DeleteTable"], resources=["*"])
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    given = FargateService(stack, "Given", network=network, image=image, task_role=role)
    made = FargateService(stack, "Made", network=network, image=image)
    for service in (given, made):
        service.task_definition.add_to_task_role_policy(everything)

    assert findings(stack.node.root) == [
        ("AwsSolutions-IAM5[Resource::*]", "Test/Role/DefaultPolicy/Resource"),
        ("AwsSolutions-IAM5[Resource::*]", "Test/Made/TaskRole/DefaultPolicy/Resource"),
    ]
    template = Template.from_stack(stack)
    services = template.find_resources("AWS::ECS::Service", {"DependsOn": Match.any_value()})
    assert any("GivenExecPolicy" in str(each["DependsOn"]) for each in services.values())


@in_shared_stack
def test_a_given_role_may_be_given_again_or_be_untouchable(part: Part) -> Steps:
    """Its policy's name is of the stack and the region; one that must not be changed gets none."""
    arn = "arn:aws:iam::123456789012:role/shop"
    for name, mutable in (("Shared", True), ("Untouchable", False)):
        role = iam.Role.from_role_arn(part, f"{name}Role", arn, mutable=mutable)
        part.service(name, cluster=None, task_role=role)
    yield
    policies = part.resources("AWS::IAM::Policy").items()
    (policy,) = (each["Properties"] for name, each in policies if "ExecPolicy" in name)
    assert policy["Roles"] == ["shop"]
    (prefix, region) = policy["PolicyName"]["Fn::Join"][1]
    assert prefix.startswith(f"{part.node.path.replace('/', '-')}-Shared-")
    assert region == {"Ref": "AWS::Region"}


@in_shared_stack
def test_a_cluster_made_elsewhere_says_where_transcripts_go(part: Part) -> Steps:
    """Its log group and its bucket may be written to, and CloudWatch Logs may use its key, once for all services."""
    key = kms.Key(part, "Key")
    configuration = ecs.ExecuteCommandConfiguration(
        kms_key=key,
        logging=ecs.ExecuteCommandLogging.OVERRIDE,
        log_configuration=ecs.ExecuteCommandLogConfiguration(
            cloud_watch_log_group=logs.LogGroup.from_log_group_name(part, "Transcripts", "/shop/shells"),
            cloud_watch_encryption_enabled=True,
            s3_bucket=s3.Bucket.from_bucket_name(part, "Bucket", "shop-shells"),
            s3_encryption_enabled=True,
        ),
    )
    cluster = ecs.Cluster(part, "Cluster", vpc=part.network.vpc, execute_command_configuration=configuration)
    for name in ("Web", "Api"):
        part.service(name, cluster=cluster)
    yield
    policies = exec_policies_of(part)
    assert len(policies) == 2
    assert policies[0] == policies[1]
    _, describe, write, about, put, decrypt = policies[0]
    partition, region, account = ({"Ref": f"AWS::{name}"} for name in ("Partition", "Region", "AccountId"))
    streams = ["arn:", partition, ":logs:", region, ":", account, ":log-group:/shop/shells:*"]
    bucket = ["arn:", partition, ":s3:::shop-shells"]
    assert describe["Action"] == "logs:DescribeLogGroups"
    assert write["Resource"] == {"Fn::Join": ["", streams]}
    assert about["Action"] == ["s3:GetBucketLocation", "s3:GetEncryptionConfiguration"]
    assert about["Resource"] == {"Fn::Join": ["", bucket]}
    assert put["Resource"] == {"Fn::Join": ["", ["arn:", partition, ":s3:::shop-shells/*"]]}
    assert decrypt["Resource"] == part.resolve(key.key_arn)
    services = [each for each in part.of(key)["KeyPolicy"]["Statement"] if "Service" in each["Principal"]]
    assert len(services) == 1


@in_shared_stack
def test_a_cluster_may_keep_no_transcripts(part: Part) -> Steps:
    """Then tasks may open the channels and no more, as they may in a cluster that says nothing."""
    key = kms.Key(part, "Key")
    silent = ecs.ExecuteCommandConfiguration(logging=ecs.ExecuteCommandLogging.NONE, kms_key=key)
    for name, configuration in (("Silent", silent), ("Plain", None)):
        cluster = ecs.Cluster(part, name, vpc=part.network.vpc, execute_command_configuration=configuration)
        part.service(f"{name}Web", cluster=cluster)
    yield
    # One with the key, which CloudWatch Logs has no part in.
    assert [len(each) for each in exec_policies_of(part)] == [2, 1]
    assert not [each for each in part.of(key)["KeyPolicy"]["Statement"] if "Service" in each["Principal"]]
