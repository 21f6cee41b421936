"""The cluster of services, and the transcripts of their shells."""

from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Template

from fargate_constructs import AuditedCluster, FargateService
from fargate_constructs.network.network import Network
from tests.audit import findings
from tests.templates import properties


def test_sessions_under_a_key(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """The key encrypts the sessions and their transcripts; tasks may decrypt with it, and CloudWatch Logs use it."""
    key = kms.Key(stack, "Key", enable_key_rotation=True)
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc, encryption_key=key)
    FargateService(stack, "Web", network=network, image=image, cluster=cluster)

    template = Template.from_stack(stack)
    arn = stack.resolve(key.key_arn)
    (key_properties,) = properties(template, "AWS::KMS::Key")
    (made,) = properties(template, "AWS::ECS::Cluster")
    exec_configuration = made["Configuration"]["ExecuteCommandConfiguration"]
    assert (exec_configuration["KmsKeyId"], exec_configuration["Logging"]) == (arn, "OVERRIDE")
    assert exec_configuration["LogConfiguration"]["CloudWatchEncryptionEnabled"] is True
    template.has_resource_properties("AWS::Logs::LogGroup", {"KmsKeyId": arn, "RetentionInDays": 365})
    roles = [each["Policies"] for each in properties(template, "AWS::IAM::Role") if "'Exec'" in str(each)]
    statements = [each for (policy,) in roles for each in policy["PolicyDocument"]["Statement"]]
    assert [each["Resource"] for each in statements if "kms:Decrypt" in each["Action"]] == [arn]
    (use,) = (each for each in key_properties["KeyPolicy"]["Statement"] if "Service" in each["Principal"])
    logs_service = {"Fn::Join": ["", ["logs.", {"Ref": "AWS::Region"}, ".amazonaws.com"]]}
    assert use["Principal"] == {"Service": logs_service}
    assert use["Condition"].keys() == {"ArnLike"}
    assert use["Condition"]["ArnLike"].keys() == {"kms:EncryptionContext:aws:logs:arn"}
    assert findings(stack.node.root) == []


def test_services_share_a_cluster(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """A cluster is nobody's in particular."""
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc)
    for name in ("Web", "Api"):
        FargateService(stack, name, network=network, image=image, cluster=cluster)

    template = Template.from_stack(stack)
    template.resource_count_is("AWS::ECS::Cluster", 1)
    template.all_resources_properties("AWS::ECS::Service", {"Cluster": stack.resolve(cluster.cluster_name)})
