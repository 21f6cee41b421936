"""What is read of templates that other tools wrote, and of what templates do not tell."""

from collections.abc import Mapping
from typing import Any

import pytest

from fargate_constructs.drawing.architecture import diagram_of
from fargate_constructs.drawing.diagram import Diagram, Kind, Link, Node, Row
from fargate_constructs.synthesized.comparable_template import TemplateTree
from fargate_constructs.synthesized.stored_templates import StoredStack

ELB = "ElasticLoadBalancingV2"
Resources = Mapping[str, Any]


def of(type_: str, **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - pieces of a template
    """Return a resource."""
    return {"Type": f"AWS::{type_}", "Properties": properties}


def ref(name: str) -> dict[str, str]:
    """Return a reference."""
    return {"Ref": name}


def read(*stacks: Resources, **sections: Any) -> Diagram:  # noqa: ANN401 - pieces of a template
    """Return the diagram of stacks with some resources."""
    names = ["Shop", "Blog"]
    return diagram_of(
        [
            StoredStack(name, TemplateTree({"Resources": resources, **sections}), name)
            for name, resources in zip(names, stacks, strict=False)
        ]
    )


def card(diagram: Diagram, title: str) -> Node:
    """Return the card with a title."""
    (node,) = (each for each in diagram.nodes if each.title == title)
    return node


def ways(diagram: Diagram) -> list[tuple[str, ...]]:
    """Return the links without the stack in the IDs."""
    return [tuple(each.removeprefix("Shop/") for each in link if each) for link in diagram.links]


def service(**properties: Any) -> dict[str, Any]:  # noqa: ANN401 - pieces of a template
    """Return a service."""
    return of("ECS::Service", **{"LaunchType": "FARGATE", "TaskDefinition": ref("Task"), **properties})


def task(*containers: Any, **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - pieces of a template
    """Return a task definition."""
    defaults = {"Cpu": "256", "Memory": "512", "ContainerDefinitions": list(containers) or [{"Name": "web"}]}
    return of("ECS::TaskDefinition", **{**defaults, **properties})


def in_network(*groups: str, subnets: Any = ("subnet-1",), public: str = "DISABLED") -> dict[str, Any]:  # noqa: ANN401
    """Return the network of a service."""
    configuration = {
        "Subnets": list(subnets) if isinstance(subnets, tuple) else subnets,
        "SecurityGroups": [ref(each) for each in groups],
        "AssignPublicIp": public,
    }
    return {"AwsvpcConfiguration": configuration}


@pytest.mark.parametrize(
    ("resources", "facts"),
    [
        ({"Web": service(), "Task": task()}, ("1 task", "0.25 vCPU, 0.5 GB")),
        (
            {"Web": service(DeploymentConfiguration={"Strategy": "CANARY"}), "Task": task()},
            ("1 task", "canary deployments", "0.25 vCPU, 0.5 GB"),
        ),
        ({"Web": service(DesiredCount=3), "Task": task(Cpu=ref("Cpu"))}, ("3 tasks", "size known at deployment")),
        (
            {"Web": service(DesiredCount=ref("Count"), TaskDefinition="elsewhere")},
            ("tasks: known at deployment", "task definition outside of this app"),
        ),
        (
            {
                "Web": service(LaunchType="EC2"),
                "Task": task({"Name": "a"}, {"Name": "b"}, Cpu=None, Memory=None),
                "Scale": of("ApplicationAutoScaling::ScalableTarget", ResourceId="service/a/b", MinCapacity=9),
            },
            ("1 task", "on EC2", "containers: a, b"),
        ),
        (
            {
                "Web": service(
                    CapacityProviderStrategy=[
                        {"CapacityProvider": "FARGATE_SPOT", "Weight": 3},
                        {"CapacityProvider": "FARGATE", "Base": 1},
                        {"CapacityProvider": "Other", "Weight": 0},
                    ],
                    DeploymentController={"Type": "CODE_DEPLOY"},
                ),
                "Task": task(RuntimePlatform={"CpuArchitecture": "ARM64"}),
                "Scale": of(
                    "ApplicationAutoScaling::ScalableTarget",
                    ResourceId={"Fn::Sub": "service/a/${Web.Name}"},
                    MinCapacity=1,
                    MaxCapacity=1,
                ),
            },
            ("1 task", "on Fargate Spot and Fargate", "deployments by CodeDeploy", "0.25 vCPU, 0.5 GB · Arm"),
        ),
    ],
    ids=["plain", "canary", "parameter", "outside", "EC2", "Spot"],
)
def test_services(resources: Resources, facts: tuple[str, ...]) -> None:
    """The count, capacity, deployments and size; what only the deployment knows is said to be so."""
    assert card(read(resources), "Web").facts == facts


def test_jobs() -> None:
    """When they start, and that a person does if nothing in the templates does."""
    target = {"Arn": "cluster", "EcsParameters": {"TaskDefinitionArn": ref("Task")}}
    diagram = read(
        {
            "Task": task(),
            "Hand": task(),
            "First": task(),
            "Run": {"Type": "Custom::Run", "Properties": {"TaskDefinition": ref("First")}},
            "Nightly": of(
                "Scheduler::Schedule",
                ScheduleExpression="rate(1 day)",
                ScheduleExpressionTimezone="Europe/Paris",
                State="DISABLED",
                Target=target,
            ),
            "Paid": of("Events::Rule", EventPattern={"source": ["shop"]}, Targets=[target]),
            "Any": of("Events::Rule", EventPattern={"detail-type": ["x"]}, Targets=[target]),
            "Hourly": of("Events::Rule", ScheduleExpression="rate(1 hour)", Targets=[target]),
        }
    )

    assert card(diagram, "Nightly").facts[:2] == ("rate(1 day) Europe/Paris", "switched off")
    assert card(diagram, "Hourly")[2:5:2] == ("Scheduled task", ("rate(1 hour) UTC", "0.25 vCPU, 0.5 GB"))
    assert card(diagram, "Paid").facts[0] == "events of shop"
    assert card(diagram, "Any").facts[0] == "events"
    assert card(diagram, "Hand").facts[0] == "a person or a program starts it"
    assert card(diagram, "First").facts[0] == "runs in each deployment of its stack"


def runs(*definitions: str) -> dict[str, Any]:
    """Return a state machine that runs tasks."""
    states = {
        each: {"Resource": "arn:aws:states:::ecs:runTask", "Parameters": {"TaskDefinition": ref(each)}}
        for each in definitions
    }
    return of("StepFunctions::StateMachine", Definition={"States": states})


def test_what_starts_a_state_machine() -> None:
    """An upload, a rule of a bus and a schedule; what leads to something else is not drawn."""
    to_machine = [{"Arn": ref("Machine")}]
    diagram = read(
        {
            "Task": task(),
            "Machine": runs("Task"),
            "Uploads": of("S3::Bucket"),
            "Bus": of("Events::EventBus"),
            "OnUpload": of(
                "Events::Rule",
                EventPattern={"source": ["aws.s3"], "detail": {"bucket": {"name": [ref("Uploads")]}}},
                Targets=to_machine,
            ),
            "Ordered": of(
                "Events::Rule", EventBusName=ref("Bus"), EventPattern={"source": ["shop"]}, Targets=to_machine
            ),
            "Nightly": of(
                "Scheduler::Schedule", ScheduleExpression="rate(1 day)", State="DISABLED", Target=to_machine[0]
            ),
            "Elsewhere": of("Events::Rule", EventPattern={"source": ["a"]}, Targets=[{"Arn": ref("Function")}]),
            "Function": of("Lambda::Function"),
        }
    )

    assert card(diagram, "Task").facts == (
        "events of aws.s3",
        "events of shop",
        "rate(1 day) UTC, switched off",
        "0.25 vCPU, 0.5 GB",
    )
    assert ways(diagram) == [("Uploads", "Machine"), ("Bus", "Machine")]


def test_state_machines_of_a_job() -> None:
    """The one that runs a scheduled task again has no card of its own; one with two task definitions has its name."""
    failed = {"source": ["aws.ecs"], "detail": {"containers": {"exitCode": [{"anything-but": [0]}]}}}
    target = {"EcsParameters": {"TaskDefinitionArn": ref("Report")}}
    diagram = read(
        {
            "Report": task(),
            "Nightly": of("Scheduler::Schedule", ScheduleExpression="rate(1 day)", Target=target),
            "Again": runs("Report"),
            "Failed": of("Events::Rule", EventPattern=failed, Targets=[{"Arn": ref("Again")}]),
            "First": task(),
            "Second": task(),
            "Both": runs("First", "Second"),
        }
    )

    found = {each.title: each.facts for each in diagram.nodes if each.kind is Kind.TASKS}
    assert found == {
        "Nightly": ("rate(1 day) UTC", "after a failed run", "0.25 vCPU, 0.5 GB"),
        "Both": ("0.25 vCPU, 0.5 GB",),
    }


def test_what_fills_a_queue() -> None:
    """A topic, buckets in both ways that CDK has, and a rule; over the queue they lead to what reads it."""
    policy = {"Statement": [{"Action": "sqs:ReceiveMessage", "Resource": ref("Queue")}]}
    parameters = {"EcsTaskParameters": {"TaskDefinitionArn": ref("Task")}}
    notification = {"QueueConfigurations": [{"QueueArn": ref("Queue")}]}
    diagram = read(
        {
            "Web": service(),
            "Task": task(TaskRoleArn=ref("Role")),
            "Role": of("IAM::Role", Policies=[{"PolicyDocument": policy}]),
            "Queue": of("SQS::Queue"),
            "Topic": of("SNS::Topic"),
            "Mails": of("SNS::Topic"),
            "To": of("SNS::Subscription", TopicArn=ref("Topic"), Protocol="sqs", Endpoint=ref("Queue")),
            "Mail": of("SNS::Subscription", TopicArn=ref("Mails"), Protocol="email", Endpoint="a@example.com"),
            "Other": of("SNS::Subscription", TopicArn="arn", Protocol="sqs", Endpoint=ref("Queue")),
            "One": of("S3::Bucket", NotificationConfiguration=notification),
            "Two": of("S3::Bucket"),
            "Custom": {
                "Type": "Custom::S3BucketNotifications",
                "Properties": {"BucketName": ref("Two"), "NotificationConfiguration": {"TopicArn": ref("Topic")}},
            },
            "Paid": of("Events::Rule", EventPattern={"source": ["shop"]}, Targets=[{"Arn": ref("Queue")}]),
            "Pipe": of("Pipes::Pipe", Source=ref("Jobs"), Target="cluster", TargetParameters=parameters),
            "Jobs": of("SQS::Queue"),
        }
    )

    assert card(diagram, "Queue").facts == ("events of shop",)
    assert set(ways(diagram)) == {
        ("Queue", "Web"),
        ("Queue", "Pipe"),
        ("Topic", "Queue"),
        ("One", "Queue"),
        ("Jobs", "Pipe"),
        ("Two", "Topic"),
    }


def test_stores_outside_of_the_app() -> None:
    """A permission names them by their ARN; one for all of a kind, or for something else, is no card."""
    arns = [
        {"Fn::Sub": "arn:${AWS::Partition}:s3:::uploads"},
        "arn:aws:s3:::uploads/*",
        "arn:aws:dynamodb:eu-west-1:111122223333:table/orders/index/*",
        "arn:aws:sns:eu-west-1:111122223333:*",
        "arn:aws:ssm:eu-west-1:111122223333:parameter/a",
        "*",
    ]
    receives = {"Action": ["sqs:ReceiveMessage"], "Resource": "arn:aws:sqs:eu-west-1:111122223333:jobs"}
    policy = {"Statement": [{"Action": "a:b", "Resource": arns}, receives]}
    role = of("IAM::Role", Policies=[{"PolicyDocument": policy}])
    diagram = read({"Web": service(), "Task": task(TaskRoleArn=ref("Role")), "Role": role})

    assert ways(diagram) == [
        ("Web", "outside:s3:uploads"),
        ("Web", "outside:dynamodb:orders"),
        ("outside:sqs:jobs", "Web"),
    ]
    assert card(diagram, "jobs").label == "SQS queue outside of this app"


def test_a_name_that_cdk_has_too() -> None:
    """A topic with the ID `Topic` in a stack has its own name, and not the stack's."""
    resources = {"Topic": of("SNS::Topic"), "Task": task({"Name": "web", "Environment": [ref("Topic")]})}

    assert card(read(resources, {}), "Shop/Topic").label == "SNS topic"


LB = {
    "Lb": of(f"{ELB}::LoadBalancer", Scheme="internet-facing"),
    "Http": of(f"{ELB}::Listener", LoadBalancerArn=ref("Lb"), Port=80, Protocol="HTTP", DefaultActions=[]),
    "Group": of(f"{ELB}::TargetGroup"),
    "Web": service(LoadBalancers=[{"TargetGroupArn": ref("Group"), "AdvancedConfiguration": {"RoleArn": ref("Role")}}]),
    "Role": of("IAM::Role"),
    "Task": task(),
}


def rule(priority: Any, conditions: Any, *actions: Any, listener: Any = None) -> dict[str, Any]:  # noqa: ANN401
    """Return a listener rule."""
    return of(
        f"{ELB}::ListenerRule",
        Priority=priority,
        ListenerArn=listener or ref("Http"),
        Conditions=conditions,
        Actions=list(actions) or [{"Type": "forward", "TargetGroupArn": ref("Group")}],
    )


def path(*values: Any) -> dict[str, Any]:  # noqa: ANN401 - a piece of a template
    """Return a condition about the path."""
    return {"Field": "path-pattern", "PathPatternConfig": {"Values": list(values)}}


def test_routes_in_order() -> None:
    """By priority, the unknown last; each with its conditions and with what it does."""
    redirect = {"Protocol": "HTTPS", "Port": "443", "Host": "#{host}", "Path": "/#{path}", "StatusCode": "HTTP_301"}
    query = {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "2"}, {"Value": "x"}]}}
    header = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "x-a", "Values": ["1"]}}
    diagram = read(
        {
            **LB,
            "Late": rule(ref("Priority"), [path("/late")]),
            "Second": rule("20", [path("/a", "/b", "/c", "/d", "/e", "/f"), {"Field": "host-header", "Values": ["h"]}]),
            "First": rule(3, [query, header, {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}}]),
            "Moved": rule(30, [path("/x")], {"Type": "redirect", "RedirectConfig": redirect}),
            "Same": rule(31, [path("/y")], {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_302"}}),
            "Port": rule(32, [path("/z")], {"Type": "redirect", "RedirectConfig": {"Port": "8080", "Path": "/n"}}),
            "Query": rule(33, [path("/q")], {"Type": "redirect", "RedirectConfig": {**redirect, "Query": "a=b"}}),
            "Closed": rule(33, ref("Conditions"), {"Type": "fixed-response", "FixedResponseConfig": {}}),
            "Members": rule(
                34,
                [{"Field": "new-field", "Values": ["q"]}],
                {"Type": "authenticate-oidc"},
                {"Type": "new-type"},
                {"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": ref("Group")}]}},
            ),
        }
    )

    assert [(row.text, row.detail) for row in card(diagram, "Lb").rows] == [
        ("HTTP 80", ""),
        ("from 10.0.0.0/8 x-a: 1 ?v=2 or x", ""),
        ("h /a, /b, /c, /d and 2 more", ""),
        ("/x", "redirect to HTTPS"),
        ("/y", "redirect to the same address"),
        ("/z", "redirect to :8080/n"),
        ("known at deployment", "answer "),
        ("/q", "redirect to ?a=b over HTTPS"),
        ("new-field q", "sign-in by OpenID Connect; new-type"),
        ("/late", ""),
        ("everything else", ""),
    ]
    assert ways(diagram) == [
        ("callers:internet", "Lb"),
        ("First", "Web"),
        ("Second", "Web"),
        ("Members", "Web"),
        ("Late", "Web"),
    ]


def test_targets_that_are_no_service() -> None:
    """Another load balancer, something else, nothing, and what is outside of the app."""

    def listener(port: int, group: Any) -> dict[str, Any]:  # noqa: ANN401 - a piece of a template
        actions = [{"Type": "forward", "TargetGroupArn": group}]
        return of(f"{ELB}::Listener", LoadBalancerArn=ref("Front"), Port=port, Protocol="TCP", DefaultActions=actions)

    diagram = read(
        {
            **LB,
            "Front": of(
                f"{ELB}::LoadBalancer",
                Type="network",
                Scheme="internal",
                SubnetMappings=[{"SubnetId": "a", "AllocationId": "eipalloc-1"}, {"SubnetId": "b"}],
            ),
            "A": listener(1, ref("ToLb")),
            "B": listener(2, ref("ToListener")),
            "C": listener(3, ref("ToFunction")),
            "D": listener(4, ref("ToNothing")),
            "E": listener(5, "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/other/0"),
            "ToLb": of(f"{ELB}::TargetGroup", Targets=[{"Id": ref("Lb")}]),
            "ToListener": of(f"{ELB}::TargetGroup", Targets=[{"Id": {"Fn::GetAtt": ["Http", "ListenerArn"]}}]),
            "ToFunction": of(f"{ELB}::TargetGroup", Targets=[{"Id": {"Fn::GetAtt": ["Function", "Arn"]}}]),
            "ToNothing": of(f"{ELB}::TargetGroup"),
            "Function": of("Lambda::Function"),
            "Record": of("Route53::RecordSet", Name="a.example.com.", AliasTarget={"DNSName": {"Fn::Sub": "${Lb.D}"}}),
            "Acl": of("WAFv2::WebACLAssociation", ResourceArn=ref("Lb"), WebACLArn="acl"),
            "OtherAcl": of("WAFv2::WebACLAssociation", ResourceArn=ref("Front"), WebACLArn="acl"),
        }
    )
    front = card(diagram, "Front")

    assert (front.kind, front.label, front.facts) == (
        Kind.FRONT,
        "Network Load Balancer",
        ("internal", "AWS WAF web ACL"),
    )
    assert [(row.text, row.detail) for row in front.rows] == [
        ("TCP 1", ""),
        ("TCP 2", ""),
        ("TCP 3", "to Function"),
        ("TCP 4", "to target group ToNothing, which no service of this app is in"),
        ("TCP 5", "to targetgroup/other/0"),
        ("Elastic IP outside of this app", "eipalloc-1"),
    ]
    assert card(diagram, "Lb").facts == ("internet-facing", "a.example.com", "AWS WAF web ACL")
    assert {("A", "Lb"), ("B", "Lb"), ("callers:vpc", "Front")} <= set(ways(diagram))


def test_load_balancers_outside_of_the_app() -> None:
    """A rule of a listener, and a listener of a load balancer, that are elsewhere are drawn all the same."""
    arn = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:"
    diagram = read(
        {
            "Group": LB["Group"],
            "Web": LB["Web"],
            "Task": task(),
            "Rule": rule(1, [path("/*")], listener=f"{arn}listener/app/shared/0/1"),
            "Tcp": of(f"{ELB}::Listener", LoadBalancerArn=ref("Balancer"), Port=1, Protocol="TCP", DefaultActions=[]),
        },
        Parameters={"Balancer": {"Type": "String"}},
    )

    assert [(each.label, each.title) for each in diagram.nodes[:2]] == [
        ("Load balancer outside of this app", "<Balancer>"),
        ("Listener outside of this app", "app/shared/0/1"),
    ]
    assert ("Rule", "Web") in ways(diagram)


def ingress(group: str, **source: Any) -> dict[str, Any]:  # noqa: ANN401 - pieces of a template
    """Return a rule of a security group."""
    return of("EC2::SecurityGroupIngress", GroupId=ref(group), IpProtocol="tcp", FromPort=80, ToPort=80, **source)


@pytest.mark.parametrize(
    ("groups", "rules", "expected"),
    [
        (["In"], {"All": ingress("In", CidrIp="0.0.0.0/0")}, ["The internet"]),
        (["In"], {"Some": ingress("In", CidrIp="192.0.2.0/24")}, ["Allowed sources"]),
        (["In"], {}, ["Known at deployment"]),
        (["In"], {"Other": ingress("Tasks", CidrIp="0.0.0.0/0")}, ["Known at deployment"]),
        (["In"], {"Web2": ingress("In", SourceSecurityGroupId=ref("Tasks"))}, ["Web"]),
        ("sg-1", {}, ["The internet"]),
    ],
    ids=["all", "some", "none", "others", "service", "unknown"],
)
def test_callers(groups: Any, rules: Resources, expected: list[str]) -> None:  # noqa: ANN401 - a piece of a template
    """The callers that the security groups of a load balancer allow."""
    references = [ref(each) for each in groups] if isinstance(groups, list) else groups
    diagram = read(
        {
            **LB,
            "Lb": of(f"{ELB}::LoadBalancer", SecurityGroups=references),
            "In": of("EC2::SecurityGroup"),
            "Tasks": of("EC2::SecurityGroup"),
            "Web": service(NetworkConfiguration=in_network("Tasks")),
            **rules,
        }
    )

    assert [node.title for node in diagram.nodes if node.kind is Kind.CALLERS] == expected


def test_fronts() -> None:
    """An API with its routes, and an accelerator, each with the load balancer behind."""
    diagram = read(
        {
            **LB,
            "Lb": of(f"{ELB}::LoadBalancer", Scheme="internal", SecurityGroups=[ref("In")]),
            "In": of("EC2::SecurityGroup", SecurityGroupIngress=[{"SourceSecurityGroupId": ref("Link")}]),
            "Link": of("EC2::SecurityGroup"),
            "Api": of("ApiGatewayV2::Api"),
            "Call": of("ApiGatewayV2::Integration", ApiId=ref("Api"), IntegrationUri=ref("Http")),
            "Route": of("ApiGatewayV2::Route", ApiId=ref("Api"), RouteKey="GET /a"),
            "Cdn": of(
                "CloudFront::Distribution",
                DistributionConfig={
                    "Aliases": ["b.example.com"],
                    "Origins": [{"VpcOriginConfig": {"VpcOriginId": ref("At")}}],
                },
            ),
            "At": of("CloudFront::VpcOrigin", VpcOriginEndpointConfig={"Arn": ref("Lb")}),
            "Fast": of("GlobalAccelerator::Accelerator"),
            "FastPort": of("GlobalAccelerator::Listener", AcceleratorArn=ref("Fast")),
            "Ends": of(
                "GlobalAccelerator::EndpointGroup",
                ListenerArn=ref("FastPort"),
                EndpointConfigurations=[{"EndpointId": ref("Lb")}],
            ),
        }
    )

    assert card(diagram, "Api").rows == (Row("Shop/Route", "GET /a"),)
    assert card(diagram, "Cdn").facts == ("b.example.com",)
    assert ways(diagram)[:6] == [
        ("Cdn", "Lb"),
        ("callers:internet", "Cdn"),
        ("Fast", "Lb"),
        ("callers:internet", "Fast"),
        ("Api", "Lb"),
        ("callers:internet", "Api"),
    ]
    assert not [link for link in diagram.links if link.source.startswith("callers:") and link.target == "Shop/Lb"]


VPC = {
    "Vpc": of("EC2::VPC", CidrBlock="10.0.0.0/16"),
    "Inner": of("EC2::Subnet", VpcId=ref("Vpc")),
    "Outer": of("EC2::Subnet", VpcId=ref("Vpc")),
    "Table": of("EC2::RouteTable"),
    "Of": of("EC2::SubnetRouteTableAssociation", SubnetId=ref("Inner"), RouteTableId=ref("Table")),
    "Task": task(),
    "Igw": of("EC2::InternetGateway"),
}


def route(**target: Any) -> dict[str, Any]:  # noqa: ANN401 - pieces of a template
    """Return a default route."""
    return of("EC2::Route", RouteTableId=ref("Table"), DestinationCidrBlock="0.0.0.0/0", **target)


def rows_of(diagram: Diagram, title: str) -> list[tuple[str, str]]:
    """Return the texts of a card's rows."""
    return [(row.text, row.detail) for row in card(diagram, title).rows]


def test_the_way_out() -> None:
    """NAT gateways with their addresses, also those in the VPC that no task uses, and the endpoints."""
    nat = {"SubnetId": ref("Outer")}
    diagram = read(
        {
            **VPC,
            "Web": service(NetworkConfiguration=in_network(subnets=[ref("Inner"), ref("Outer")])),
            "Ip": of("EC2::EIP"),
            "Spare": of("EC2::EIP"),
            "Nat": of("EC2::NatGateway", AllocationId={"Fn::GetAtt": ["Ip", "AllocationId"]}, **nat),
            "Unused": of("EC2::NatGateway", AllocationId="eipalloc-1", **nat),
            "Inside": of("EC2::NatGateway", ConnectivityType="private", **nat),
            "Default": route(NatGatewayId=ref("Nat")),
            "Private": route(NatGatewayId=ref("Inside")),
            "Local": route(GatewayId="local"),
            "Hub": route(TransitGatewayId=ref("Hubs")),
            "Six": route(EgressOnlyInternetGatewayId="eigw-1"),
            "S3": of("EC2::VPCEndpoint", VpcId=ref("Vpc"), ServiceName={"Fn::Sub": "com.amazonaws.${AWS::Region}.s3"}),
            "Ecr": of(
                "EC2::VPCEndpoint",
                VpcId=ref("Vpc"),
                ServiceName="com.amazonaws.eu-west-1.ecr.api",
                VpcEndpointType="Interface",
            ),
            "Own": of("EC2::VPCEndpoint", VpcId=ref("Vpc"), ServiceName="own", VpcEndpointType="Interface"),
            "Other": of("EC2::VPCEndpoint", VpcId="vpc-1"),
        }
    )

    assert card(diagram, "Vpc")[2:5] == ("VPC 10.0.0.0/16", "Vpc", ("tasks in 2 subnets",))
    assert rows_of(diagram, "Vpc") == [
        ("NAT gateway", "Nat"),
        ("Private NAT gateway", "Inside"),
        ("transit gateway", "for 0.0.0.0/0"),
        ("egress-only internet gateway (IPv6)", "for 0.0.0.0/0"),
        ("NAT gateway", "Unused"),
        ("Gateway endpoint", "s3"),
        ("Interface endpoints", "ecr.api, own"),
    ]
    assert rows_of(diagram, "Fixed addresses") == [
        ("Elastic IP, assigned by AWS", "Ip"),
        ("Elastic IP outside of this app", "eipalloc-1"),
    ]
    assert rows_of(diagram, "Not in use here") == [("Elastic IP, assigned by AWS", "Spare")]


def test_other_ways_out() -> None:
    """Public addresses, a regional NAT gateway, one without a fixed address, and networks outside of the app."""
    public = read(
        {
            **VPC,
            "Out": route(GatewayId=ref("Igw")),
            "Web": service(NetworkConfiguration=in_network(subnets=[ref("Inner")], public="ENABLED")),
            "Two": service(NetworkConfiguration=in_network(subnets=[ref("Inner")], public="ENABLED")),
        }
    )
    assert rows_of(public, "Vpc") == [("internet gateway", "")]
    assert rows_of(public, "Addresses") == [("Public address of each task", "AWS picks it at each start")]

    forgotten = read(
        {
            **VPC,
            "Vpc": of("EC2::VPC", CidrBlock=ref("Cidr")),
            "Out": route(GatewayId=ref("Igw")),
            "Six": of("EC2::Route", RouteTableId=ref("Table"), NatGatewayId=ref("Picks")),
            "Picks": of("EC2::NatGateway", AvailabilityMode="regional", VpcId=ref("Vpc")),
            "Web": service(NetworkConfiguration=in_network(subnets=[ref("Inner")])),
        }
    )
    assert card(forgotten, "Vpc").label == "VPC"
    assert rows_of(forgotten, "Vpc") == [
        ("internet gateway", "for 0.0.0.0/0"),
        ("Regional NAT gateway, AWS picks its address", "Picks"),
    ]

    outside = read(
        {
            "Task": task(),
            "Web": service(NetworkConfiguration=in_network()),
            "Two": service(NetworkConfiguration=in_network(subnets=ref("Subnets"))),
        }
    )
    assert [node.facts for node in outside.nodes if node.kind is Kind.NETWORK] == [("subnet-1",), ()]


def logs(driver: Any, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - pieces of a template
    """Return a container with a log driver."""
    return {"Name": "web", "LogConfiguration": {"LogDriver": driver, "Options": options}}


def test_logs() -> None:
    """Each log driver, log group and subscription; an archive outside of the app, too."""
    subscription = {"LogGroupName": ref("Lines"), "FilterPattern": ""}
    diagram = read(
        {
            "Task": task(
                logs("awslogs", **{"awslogs-group": ref("Lines")}),
                logs("awslogs", **{"awslogs-group": "elsewhere"}),
                logs("awslogs", **{"awslogs-group": ref("Forever")}),
                logs("awsfirelens", Name="s3"),
                logs("awsfirelens"),
                logs("splunk"),
                logs(ref("Driver")),
                {"Name": "silent"},
            ),
            "Web": service(),
            "Lines": of("Logs::LogGroup", RetentionInDays=7),
            "Forever": of("Logs::LogGroup"),
            "Unused": of("Logs::LogGroup"),
            "Sub": of("Logs::SubscriptionFilter", **subscription, DestinationArn={"Fn::GetAtt": ["Ship", "Arn"]}),
            "Errors": of(
                "Logs::SubscriptionFilter",
                LogGroupName=ref("Forever"),
                FilterPattern="ERROR",
                DestinationArn="arn:aws:logs:eu-west-1:111122223333:destination:central",
            ),
            "Ship": of("Lambda::Function", Environment={"Variables": {"A": ref("Store"), "B": ref("Ship2")}}),
            "Ship2": of("Lambda::Function"),
            "Hose": of(
                "KinesisFirehose::DeliveryStream",
                ExtendedS3DestinationConfiguration={"BucketARN": {"Fn::GetAtt": ["Store", "Arn"]}},
            ),
            "Store": of("S3::Bucket"),
            "All": of(
                "Logs::AccountPolicy",
                PolicyType="SUBSCRIPTION_FILTER_POLICY",
                PolicyDocument={"Fn::Sub": '{"DestinationArn":"${Hose.Arn}","Role":"${Store.Arn}"}'},
            ),
            "Masked": of("Logs::AccountPolicy", PolicyType="DATA_PROTECTION_POLICY", PolicyDocument="{}"),
        }
    )

    assert rows_of(diagram, "Log groups") == [
        ("Lines", "kept 7 days"),
        ("elsewhere", "outside of this app"),
        ("Forever", "never expires"),
        ("FireLens router", "to s3"),
        ("FireLens router", "to as its configuration says"),
        ("log driver splunk", ""),
        ("log driver known at deployment", ""),
        ("all log groups of the account", ""),
    ]
    assert rows_of(diagram, "Ship") == [("S3 bucket Store", "")]
    assert rows_of(diagram, "Hose") == [("S3 bucket Store", "")]
    assert card(diagram, "destination:central").label == "Destination outside of this app"
    assert ways(diagram)[-3:] == [
        ("Lines", "Ship"),
        ("Forever", "shipper:destination:central", "only ERROR"),
        ("All", "Hose"),
    ]


def test_what_tasks_use() -> None:
    """What the role, containers and volumes refer to, and what security groups allow; a queue leads to its worker."""
    receive = {"Action": ["sqs:ReceiveMessage"], "Resource": {"Fn::GetAtt": ["Jobs", "Arn"]}}
    connect = {
        "Enabled": True,
        "Services": [
            {"PortName": "http", "ClientAliases": [{"Port": 80, "DnsName": "api"}]},
            {"PortName": "more", "ClientAliases": [{"Port": 81}]},
        ],
    }
    ports = [{"Name": "http", "ContainerPort": 8080}, {"Name": "more", "ContainerPort": 8081}]
    diagram = read(
        {
            "Task": task(
                {"Name": "a", "Environment": [{"Name": "T", "Value": ref("Table")}], "PortMappings": ports},
                Volumes=[{"EFSVolumeConfiguration": {"AuthorizationConfig": {"AccessPointId": ref("Point")}}}],
                TaskRoleArn={"Fn::GetAtt": ["Role", "Arn"]},
            ),
            "Web": service(NetworkConfiguration=in_network("Of")),
            "Api": service(NetworkConfiguration=in_network("OfApi"), ServiceConnectConfiguration=connect),
            "Twin": service(NetworkConfiguration=in_network("OfApi", "sg")),
            "Lost": service(TaskDefinition="elsewhere"),
            "Of": of("EC2::SecurityGroup"),
            "OfApi": of("EC2::SecurityGroup"),
            "OfData": of("EC2::SecurityGroup"),
            "Role": of("IAM::Role", Policies=[{"PolicyDocument": {"Statement": [receive]}}]),
            "Policy": of(
                "IAM::Policy",
                Roles=[ref("Role")],
                PolicyDocument={"Statement": [{"Action": "s3:*", "Resource": {"Fn::Sub": "${Files.Arn}/*"}}]},
            ),
            "Others": of("IAM::Policy", Roles=["x"], PolicyDocument={"Statement": [{"Resource": ref("Hidden")}]}),
            "Hidden": of("S3::Bucket"),
            "Files": of("S3::Bucket"),
            "Table": of("DynamoDB::Table"),
            "Point": of("EFS::AccessPoint", FileSystemId=ref("Disk")),
            "Disk": of("EFS::FileSystem"),
            "Jobs": of("SQS::Queue", RedrivePolicy={"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}}),
            "Dead": of("SQS::Queue"),
            "Data": of("RDS::DBInstance", VPCSecurityGroups=[ref("OfData"), "sg-1"]),
            "Same": ingress("OfData", SourceSecurityGroupId=ref("Of")),
            "Call": of(
                "EC2::SecurityGroupIngress", GroupId=ref("OfApi"), SourceSecurityGroupId=ref("Of"), FromPort=8080
            ),
            "Any": of("EC2::SecurityGroupIngress", GroupId=ref("OfApi"), SourceSecurityGroupId=ref("Of")),
        }
    )

    assert {node.title for node in diagram.nodes if node.kind is Kind.DATA} == {
        "Files",
        "Table",
        "Disk",
        "Jobs",
        "Data",
    }
    found = set(ways(diagram))
    assert found >= {("Jobs", "Web"), ("Web", "Files"), ("Web", "Table"), ("Web", "Disk"), ("Web", "Data")}
    assert found >= {("Web", "Api", "api:80"), ("Web", "Twin", "port 8080"), ("Web", "Twin")}
    assert rows_of(diagram, "Jobs") == [("failed messages", "to Dead")]


def test_across_stacks() -> None:
    """An export leads to what is in another stack, whose name is in front of each name."""
    outputs = {"Group": {"Value": ref("Group"), "Export": {"Name": "group"}}}
    web = service(LoadBalancers=[{"TargetGroupArn": {"Fn::ImportValue": "group"}}])
    first = {key: LB[key] for key in ("Lb", "Http", "Group")} | {"All": rule(1, [path("/*")])}
    stacks = [
        StoredStack("Prod-Shop", TemplateTree({"Resources": first, "Outputs": outputs}), "Prod/Shop"),
        StoredStack("Prod-Blog", TemplateTree({"Resources": {"Web": web, "Task": task()}}), "Prod/Blog"),
    ]
    diagram = diagram_of(stacks, "All of it")

    assert (diagram.title, card(diagram, "Blog/Web").id) == ("All of it", "Prod/Blog/Web")
    assert Link("Prod/Shop/All", "Prod/Blog/Web") in diagram.links


def test_the_description_is_the_drawing_in_words() -> None:
    """Each card by what it is and its name, and each way between two."""
    text = read(LB).describe()

    assert text.startswith("Callers The internet; Application Load Balancer Lb; ECS service Web. Arrows: ")
    assert "The internet to Lb" in text


def test_names() -> None:
    """The end of a path that CDK adds is left out; a parameter has its default or its name."""
    paths = {"Web": "Shop/Web/Service/Service", "Task": "Shop/Web/TaskDef/Resource"}
    resources = {
        "Web": service(NetworkConfiguration=in_network(subnets=[ref("Given"), ref("Other"), ref("Ssm")])),
        "Task": task(),
    }
    parameters = {
        "Given": {"Type": "String", "Default": "subnet-1"},
        "Other": {"Type": "String"},
        "Ssm": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/a"},
    }
    tree = TemplateTree({"Resources": resources, "Parameters": parameters}, paths)
    diagram = diagram_of([StoredStack("Shop", tree, "Shop")])

    assert card(diagram, "Web").id == "Shop/Web/Service/Service"
    assert card(diagram, "Outside of this app").facts == ("subnet-1 by default", "<Other>", "<Ssm>")


def test_the_title_of_many_stacks() -> None:
    """It names the first ones."""
    stacks = [StoredStack(f"Stack{number}", TemplateTree({"Resources": {}})) for number in range(6)]

    assert diagram_of(stacks).title == "Stack0, Stack1, Stack2, Stack3 and 2 more"


def test_nothing_to_draw() -> None:
    """A template without any of it makes an empty diagram."""
    diagram = read({"Topic": of("SNS::Topic")})

    assert (diagram.nodes, diagram.links) == ((), ())
    assert diagram.describe() == "Nothing to draw. Arrows: none."
