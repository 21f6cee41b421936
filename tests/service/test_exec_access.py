"""Shells in tasks: who may what for them."""

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


def test_a_given_role_may_be_given_again_or_be_untouchable(
    stack: Stack, network: Network, image: ecs.ContainerImage
) -> None:
    """Its policy's name is of the stack and the region; one that must not be changed gets none."""
    arn = "arn:aws:iam::123456789012:role/shop"
    for name, mutable in (("Shared", True), ("Untouchable", False)):
        role = iam.Role.from_role_arn(stack, f"{name}Role", arn, mutable=mutable)
        FargateService(stack, name, network=network, image=image, task_role=role)

    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy", {"Properties": {"Roles": ["shop"]}})
    (policy,) = (each["Properties"]["PolicyName"] for name, each in policies.items() if "ExecPolicy" in name)
    (prefix, region) = policy["Fn::Join"][1]
    assert prefix.startswith("Test-Shared-")
    assert region == {"Ref": "AWS::Region"}


def test_a_cluster_made_elsewhere_says_where_transcripts_go(
    stack: Stack, network: Network, image: ecs.ContainerImage
) -> None:
    """Its log group and its bucket may be written to, and CloudWatch Logs may use its key, once for all services."""
    key = kms.Key(stack, "Key")
    configuration = ecs.ExecuteCommandConfiguration(
        kms_key=key,
        logging=ecs.ExecuteCommandLogging.OVERRIDE,
        log_configuration=ecs.ExecuteCommandLogConfiguration(
            cloud_watch_log_group=logs.LogGroup.from_log_group_name(stack, "Transcripts", "/shop/shells"),
            cloud_watch_encryption_enabled=True,
            s3_bucket=s3.Bucket.from_bucket_name(stack, "Bucket", "shop-shells"),
            s3_encryption_enabled=True,
        ),
    )
    cluster = ecs.Cluster(stack, "Cluster", vpc=network.vpc, execute_command_configuration=configuration)
    for name in ("Web", "Api"):
        FargateService(stack, name, network=network, image=image, cluster=cluster)

    template = Template.from_stack(stack)
    roles = template.find_resources("AWS::IAM::Role", {"Properties": {"Policies": [{"PolicyName": "Exec"}]}})
    policies = [each["Properties"]["Policies"][0]["PolicyDocument"]["Statement"] for each in roles.values()]
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
    assert decrypt["Resource"] == stack.resolve(key.key_arn)
    (policy,) = template.find_resources("AWS::KMS::Key").values()
    services = [each for each in policy["Properties"]["KeyPolicy"]["Statement"] if "Service" in each["Principal"]]
    assert len(services) == 1


def test_a_cluster_may_keep_no_transcripts(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """Then tasks may open the channels and no more, as they may in a cluster that says nothing."""
    silent = ecs.ExecuteCommandConfiguration(logging=ecs.ExecuteCommandLogging.NONE, kms_key=kms.Key(stack, "Key"))
    for name, configuration in (("Silent", silent), ("Plain", None)):
        cluster = ecs.Cluster(stack, name, vpc=network.vpc, execute_command_configuration=configuration)
        FargateService(stack, f"{name}Web", network=network, image=image, cluster=cluster)

    roles = Template.from_stack(stack).find_resources(
        "AWS::IAM::Role", {"Properties": {"Policies": [{"PolicyName": "Exec"}]}}
    )
    statements = [each["Properties"]["Policies"][0]["PolicyDocument"]["Statement"] for each in roles.values()]
    assert [len(each) for each in statements] == [2, 1]  # one with the key, which CloudWatch Logs has no part in
    (policy,) = Template.from_stack(stack).find_resources("AWS::KMS::Key").values()
    assert not [each for each in policy["Properties"]["KeyPolicy"]["Statement"] if "Service" in each["Principal"]]
