"""An AWS that gives recorded answers to boto3, without a network.

botocore checks the parameters of each request, and the shape of each answer is checked here, by AWS's own models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.exceptions import ParamValidationError
from botocore.validate import ParamValidator

NOW = datetime(2026, 11, 29, 15, 0, tzinfo=UTC)
BEFORE = NOW - timedelta(minutes=40)
ACCOUNT, REGION = "111122223333", "us-east-1"
SERVICE_ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/shop/web"
GROUP_ARN = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/web/1"
BALANCER = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/app/shop/1"
LISTENER = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:listener/app/shop/1/1"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop:v1"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:shop-AbCdEf"
FAMILY_ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/shop:7"
STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/Shop/1"

Answer = Mapping[str, Any]
Error = tuple[str, str]


def service(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return the answer about a healthy service, with changes."""
    rollout = {"id": "ecs-svc/1", "status": "PRIMARY", "rolloutState": "COMPLETED", "createdAt": BEFORE}
    network = {"subnets": ["subnet-0a1b"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"}
    return {
        "serviceArn": SERVICE_ARN,
        "serviceName": "web",
        "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/shop",
        "status": "ACTIVE",
        "desiredCount": 2,
        "runningCount": 2,
        "pendingCount": 0,
        "taskDefinition": FAMILY_ARN,
        "loadBalancers": [{"targetGroupArn": GROUP_ARN, "containerName": "web", "containerPort": 80}],
        "networkConfiguration": {"awsvpcConfiguration": network},
        "deployments": [rollout],
        "events": [event("(service web) has reached a steady state.", NOW - timedelta(minutes=30))],
        **changes,
    }


def event(message: str, time: datetime = NOW) -> dict[str, Any]:
    """Return an event of a service."""
    return {"id": "1", "createdAt": time, "message": message}


def task(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return a stopped task of the service."""
    return {
        "taskArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/shop/1dc5c17a422b4dc4b493970c6b8c4d6d",
        "group": "service:web",
        "startedBy": "ecs-svc/1",
        "createdAt": BEFORE,
        "stoppedAt": NOW,
        "containers": [{"name": "web", "lastStatus": "STOPPED"}],
        **changes,
    }


def task_definition() -> dict[str, Any]:
    """Return the task definition of the service."""
    options = {"awslogs-group": "/shop/web", "awslogs-region": REGION, "awslogs-stream-prefix": "web"}
    web = {
        "name": "web",
        "image": IMAGE,
        "logConfiguration": {"logDriver": "awslogs", "options": options},
        "secrets": [
            {"name": "PASSWORD", "valueFrom": f"{SECRET}:password::"},
            {"name": "URL", "valueFrom": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/shop/url"},
        ],
    }
    role = f"arn:aws:iam::{ACCOUNT}:role/shop"
    return {"family": "shop", "containerDefinitions": [web], "executionRoleArn": role, "taskRoleArn": role}


def stack_resource(logical_id: str, type_: str, physical_id: str, status: str = "CREATE_COMPLETE") -> dict[str, Any]:
    """Return a resource of a stack."""
    return {
        "LogicalResourceId": logical_id,
        "ResourceType": type_,
        "PhysicalResourceId": physical_id,
        "ResourceStatus": status,
        "LastUpdatedTimestamp": BEFORE,
    }


def deployment(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return a service deployment."""
    return {"serviceDeploymentArn": f"{SERVICE_ARN}/d1", "createdAt": BEFORE, "status": "SUCCESSFUL", **changes}


def running_task(number: int = 0, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - an answer
    """Return a task of the service that runs."""
    arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/shop/{number:02}dc5c17a422b4dc4b493970c6b8c4d6"
    address = {"name": "privateIPv4Address", "value": f"10.0.1.{number + 5}"}
    return {
        "taskArn": arn,
        "taskDefinitionArn": FAMILY_ARN,
        "lastStatus": "RUNNING",
        "availabilityZone": f"{REGION}{'ab'[number % 2]}",
        "createdAt": BEFORE,
        "startedAt": BEFORE + timedelta(minutes=1),
        "launchType": "FARGATE",
        "healthStatus": "UNKNOWN",
        "attachments": [{"type": "ElasticNetworkInterface", "details": [address]}],
        "containers": [{"name": "web", "image": IMAGE, "imageDigest": f"sha256:{'0a1b' * 16}"}],
        **changes,
    }


def healthy() -> dict[str, Any]:
    """Return the answers about a healthy service of the stack `Shop`, by operation."""
    resource = {"Type": "AWS::ECS::Service", "Metadata": {"aws:cdk:path": "Shop/Web/Service/Service"}}
    routes = [{"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-0a1b", "State": "active"}]
    table = {
        "RouteTableId": "rtb-1",
        "VpcId": "vpc-0a1b",
        "Associations": [{"SubnetId": "subnet-0a1b"}],
        "Routes": routes,
    }
    subnet = {"SubnetId": "subnet-0a1b", "VpcId": "vpc-0a1b", "AvailabilityZone": "us-east-1a"}
    address = {"PublicIp": "203.0.113.7", "AllocationId": "eipalloc-0a1b", "Status": "succeeded"}
    nat = {"NatGatewayId": "nat-0a1b", "VpcId": "vpc-0a1b", "SubnetId": "subnet-0c2d", "State": "available"}
    target = {"Target": {"Id": "10.0.1.5", "Port": 80}, "TargetHealth": {"State": "healthy"}}
    trust = (
        '{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ecs-tasks.amazonaws.com"}}]}'
    )
    role = {
        "Path": "/",
        "RoleName": "shop",
        "RoleId": "AROAEXAMPLEEXAMPLE00",
        "Arn": f"arn:aws:iam::{ACCOUNT}:role/shop",
        "CreateDate": BEFORE,
        "AssumeRolePolicyDocument": trust,
    }
    stack = {"StackName": "Shop", "CreationTime": BEFORE, "StackStatus": "CREATE_COMPLETE"}
    return {
        "GetCallerIdentity": {"Account": ACCOUNT},
        "DescribeStacks": {"Stacks": [stack]},
        "ListStackResources": {"StackResourceSummaries": [stack_resource("Web", "AWS::ECS::Service", SERVICE_ARN)]},
        "GetTemplate": {"TemplateBody": {"Resources": {"Web": resource}}},
        "DescribeStackEvents": {"StackEvents": []},
        "ListClusters": {"clusterArns": [f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/shop"]},
        "ListServices": {"serviceArns": [SERVICE_ARN]},
        "DescribeServices": {"services": [service()]},
        "ListServiceDeployments": {"serviceDeployments": [{"serviceDeploymentArn": f"{SERVICE_ARN}/d1"}]},
        "DescribeServiceDeployments": {"serviceDeployments": [deployment()]},
        "DescribeTaskDefinition": {"taskDefinition": task_definition()},
        "ListTasks": {"taskArns": []},
        "DescribeTasks": {"tasks": []},
        "DescribeTargetHealth": {"TargetHealthDescriptions": [target]},
        "DescribeImages": {"imageDetails": [{"imageTags": ["v1"]}]},
        "DescribeSecret": {"ARN": SECRET},
        "DescribeParameters": {"Parameters": [{"Name": "/shop/url"}]},
        "GetRole": {"Role": role},
        "DescribeLogGroups": {"logGroups": [{"logGroupName": "/shop/web"}]},
        "GetLogEvents": {"events": [{"timestamp": 1, "message": "Traceback: KeyError: 'DATABASE_URL'\n"}]},
        "DescribeSubnets": {"Subnets": [{**subnet, "AvailableIpAddressCount": 250}]},
        "DescribeRouteTables": {"RouteTables": [table]},
        "DescribeVpcEndpoints": {"VpcEndpoints": []},
        "DescribeNatGateways": {"NatGateways": [{**nat, "NatGatewayAddresses": [address]}]},
        "DescribeServiceRevisions": {"serviceRevisions": []},
        "DescribeAlarms": {"MetricAlarms": [], "CompositeAlarms": []},
        "DescribeTargetGroups": {"TargetGroups": [{"TargetGroupArn": GROUP_ARN, "LoadBalancerArns": [BALANCER]}]},
        "DescribeLoadBalancers": {
            "LoadBalancers": [
                {"LoadBalancerArn": BALANCER, "DNSName": "shop-1.elb.amazonaws.com", "Type": "application"}
            ]
        },
        "DescribeTags": {"TagDescriptions": []},
        "DescribeListeners": {"Listeners": [{"ListenerArn": LISTENER, "Protocol": "HTTP", "Port": 80}]},
        "DescribeRules": {"Rules": [{"Conditions": [], "Actions": [{"Type": "forward", "TargetGroupArn": GROUP_ARN}]}]},
        "DescribePullThroughCacheRules": {"pullThroughCacheRules": [{"ecrRepositoryPrefix": "docker-hub"}]},
        "DescribeSubscriptionFilters": {"subscriptionFilters": []},
        "DescribeAccountPolicies": {"accountPolicies": []},
        "ListServiceQuotas": {"Quotas": [{"QuotaName": "Fargate On-Demand vCPU resource count", "Value": 6.0}]},
    }


class RecordedAws:
    """A session of boto3, whose clients get recorded answers: an answer, a code and a message, or a function."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Error | BaseException | Callable[[Answer], Answer | Error]] = healthy()
        self.requests: list[tuple[str, Answer]] = []
        self.region_name: str | None = REGION
        self._session = boto3.Session("AKIAEXAMPLE", "secret", region_name=REGION)
        self._clients: dict[str, Any] = {}

    def client(self, name: str, region_name: str | None = None, config: object = None) -> Any:  # noqa: ANN401 - of boto3
        """Return a client; the same for all regions and settings, because a new one takes long."""
        del region_name, config
        if name not in self._clients:
            made: Any = self._session.client(name)  # type: ignore[call-overload]
            made.meta.events.register("before-parameter-build", self._note)
            made.meta.events.register("before-call", self._answer)
            self._clients[name] = made
        return self._clients[name]

    def reset(self) -> None:
        """Forget all but the healthy service."""
        self.answers, self.requests, self.region_name = healthy(), [], REGION

    def _note(self, params: Answer, model: Any, **_: object) -> None:  # noqa: ANN401 - of botocore
        self.requests.append((model.name, dict(params)))

    def _answer(self, model: Any, **_: object) -> tuple[SimpleNamespace, Answer]:  # noqa: ANN401 - of botocore
        answer: Any = deepcopy(self.answers[model.name])  # botocore writes into it
        if isinstance(answer, BaseException):
            raise answer
        if callable(answer):
            answer = answer(self.requests[-1][1])
        if isinstance(answer, tuple | list):
            code, message = answer
            return SimpleNamespace(status_code=400), {"Error": {"Code": code, "Message": message}}
        # The body of GetTemplate is a text that boto3 parses; an operation without an answer has no shape.
        if model.output_shape and model.name != "GetTemplate":
            report = ParamValidator().validate(answer, model.output_shape)
            if report.has_errors():
                raise ParamValidationError(report=report.generate_report())
        return SimpleNamespace(status_code=200), {**answer, "ResponseMetadata": {"HTTPStatusCode": 200}}
