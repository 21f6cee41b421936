"""Where services run, and where it is written down what was typed in their shells."""

from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Match, Template

from fargate_constructs import AuditedCluster, FargateService
from fargate_constructs.network.network import Network
from tests.audit import findings


def test_sessions_under_a_key_of_ones_own(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """The key encrypts the sessions and their transcripts; tasks may decrypt with it, and CloudWatch use it."""
    key = kms.Key(stack, "Key", enable_key_rotation=True)
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc, encryption_key=key)
    FargateService(stack, "Web", network=network, image=image, cluster=cluster)

    template = Template.from_stack(stack)
    arn = stack.resolve(key.key_arn)
    template.has_resource_properties(
        "AWS::ECS::Cluster",
        {
            "Configuration": {
                "ExecuteCommandConfiguration": {
                    "KmsKeyId": arn,
                    "Logging": "OVERRIDE",
                    "LogConfiguration": {"CloudWatchEncryptionEnabled": True},
                }
            }
        },
    )
    template.has_resource_properties("AWS::Logs::LogGroup", {"KmsKeyId": arn, "RetentionInDays": 365})
    template.has_resource_properties(
        "AWS::IAM::Role",
        {
            "Policies": [
                {
                    "PolicyName": "Exec",
                    "PolicyDocument": {
                        "Statement": Match.array_with(
                            [Match.object_like({"Action": Match.array_with(["kms:Decrypt"]), "Resource": arn})]
                        )
                    },
                }
            ]
        },
    )
    template.has_resource_properties(
        "AWS::KMS::Key",
        {
            "KeyPolicy": {
                "Statement": Match.array_with(
                    [Match.object_like({"Principal": {"Service": Match.object_like({})}, "Action": Match.any_value()})]
                )
            }
        },
    )
    assert findings(stack.node.root) == []


def test_a_cluster_under_a_key_stands_alone(stack: Stack, network: Network) -> None:
    """CloudWatch Logs may use the key before there is a service, for log groups of this account alone."""
    AuditedCluster(stack, "Cluster", vpc=network.vpc, encryption_key=kms.Key(stack, "Key"))

    Template.from_stack(stack).has_resource_properties(
        "AWS::KMS::Key",
        {
            "KeyPolicy": {
                "Statement": Match.array_with(
                    [
                        Match.object_like(
                            {
                                "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": Match.any_value()}},
                                "Principal": {
                                    "Service": {"Fn::Join": ["", ["logs.", {"Ref": "AWS::Region"}, ".amazonaws.com"]]}
                                },
                            }
                        )
                    ]
                )
            }
        },
    )


def test_services_share_a_cluster(stack: Stack, network: Network, image: ecs.ContainerImage) -> None:
    """A cluster is nobody's in particular."""
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc)
    for name in ("Web", "Api"):
        FargateService(stack, name, network=network, image=image, cluster=cluster)

    template = Template.from_stack(stack)
    template.resource_count_is("AWS::ECS::Cluster", 1)
    template.all_resources_properties("AWS::ECS::Service", {"Cluster": stack.resolve(cluster.cluster_name)})
