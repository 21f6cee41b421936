"""More than one property changed: what that breaks, and what it does not."""

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.caveats.lab import TemplateLab

# What only the deployment knows.
PARAMETER = {"Ref": "Parameter"}
EITHER = {"Fn::If": ["Condition", "ENABLED", "DISABLED"]}
NOTHING = {"Ref": "AWS::NoValue"}
DEFINITION = {"Ref": "Definition"}

ON_FARGATE = ["ContainerLinks", "CountReset", "NoCircuitBreaker", "NoExec", "NoLogs", "NoSuchSize"]

NETWORK = "NetworkConfiguration.AwsvpcConfiguration"
TARGET = "Target.EcsParameters"
DEPLOYMENT = "DeploymentConfiguration"
BREAKER = f"{DEPLOYMENT}.DeploymentCircuitBreaker"
CONTAINER = "ContainerDefinitions.0"
OPTIONS = f"{CONTAINER}.LogConfiguration.Options"
ATTRIBUTES = "TargetGroupAttributes"


def variable(value: Any, name: str = "SETTING") -> list[dict[str, Any]]:  # noqa: ANN401 - a piece of a template
    """Return an environment of one variable."""
    return [{"Name": name, "Value": value}]


def mounts(*paths: str) -> list[dict[str, str]]:
    """Return the mount points of volumes."""
    return [{"ContainerPath": path, "SourceVolume": "volume"} for path in paths]


def overriding(*changes: tuple[str, str, Any]) -> Callable[[TemplateLab], None]:
    """Return what changes some properties: of which resource, which, to what."""

    def change(lab: TemplateLab) -> None:
        for resource, path, value in changes:
            lab.override(resource, path, value)

    return change


def sidecar(lab: TemplateLab, **container: Any) -> None:  # noqa: ANN401 - a piece of a template
    """Add a container without anything."""
    lab.override("Definition", "ContainerDefinitions.1", {"Name": "sidecar", "Image": "x", **container})


def with_router(lab: TemplateLab) -> None:
    """Send the lines to FireLens; the router's own are of no matter, but its secrets are."""
    lab.override("Definition", f"{CONTAINER}.LogConfiguration", {"LogDriver": "awsfirelens"})
    lab.override("Subscription", "LogGroupName", "another")
    options = {"awslogs-group": {"Ref": "LogGroup"}, "awslogs-region": "eu-west-1"}
    configuration = {"LogDriver": "awslogs", "Options": options}
    sidecar(
        lab,
        FirelensConfiguration={"Type": "fluentbit"},
        LogConfiguration=configuration,
        Environment=variable("hunter2", "SINK_TOKEN"),
    )


def on_instances(lab: TemplateLab, **service: Any) -> None:  # noqa: ANN401 - a piece of a template
    """Run the service on EC2 instances, with everything that is wrong on Fargate."""
    lab.remove("Schedule")
    for path, value in {"EnableExecuteCommand": None, DEPLOYMENT: None, "DesiredCount": 3, **service}.items():
        lab.override("Service", path, value)
    for path, value in {"Links": ["other"], "LinuxParameters": None, "LogConfiguration": None}.items():
        lab.override("Definition", f"{CONTAINER}.{path}", value)
    lab.override("Definition", "Cpu", "300")


def on_either(lab: TemplateLab, **service: Any) -> None:  # noqa: ANN401 - a piece of a template
    """Run the service by a definition that is for instances, too."""
    on_instances(lab, **service)
    lab.override("Definition", "RequiresCompatibilities", ["EC2", "FARGATE"])


def by_default(lab: TemplateLab, provider: str) -> None:
    """Let the cluster's default decide where the service runs."""
    by_its_cluster(lab, ["EC2", "FARGATE"])
    lab.add("Cluster", "AWS::ECS::Cluster")
    strategy = [{"CapacityProvider": provider}]
    lab.add(
        "Providers",
        "AWS::ECS::ClusterCapacityProviderAssociations",
        Cluster={"Ref": "Cluster"},
        DefaultCapacityProviderStrategy=strategy,
    )
    lab.override("Service", "Cluster", {"Ref": "Cluster"})


def on_capacity(lab: TemplateLab, provider: Any) -> None:  # noqa: ANN401 - a piece of a template
    """Run the service by a capacity provider, and without a shell."""
    lab.override("Service", "LaunchType", None)
    lab.override("Service", "CapacityProviderStrategy", provider)
    lab.override("Service", "EnableExecuteCommand", None)


def service_connect(lab: TemplateLab, options: Any) -> None:  # noqa: ANN401 - a piece of a template
    """Let the proxy of Service Connect log."""
    configuration = {"LogDriver": "awslogs", "Options": {"awslogs-group": "proxy", **options}}
    lab.override("Service", "ServiceConnectConfiguration", {"Enabled": True, "LogConfiguration": configuration})


def rule_with_target(lab: TemplateLab, parameters: Any, *, is_public: bool = True) -> None:  # noqa: ANN401 - a piece of a template
    """Start a task by an EventBridge rule."""
    network = {"AwsVpcConfiguration": {"AssignPublicIp": "ENABLED" if is_public else "DISABLED", "Subnets": ["s-1"]}}
    definition = {"TaskDefinitionArn": DEFINITION}
    target = {"Arn": "arn", "Id": "t", "EcsParameters": {"NetworkConfiguration": network} | definition | parameters}
    lab.add("Rule", "AWS::Events::Rule", Targets=[{"Arn": "arn", "Id": "other"}, PARAMETER, target])


def pipe(lab: TemplateLab, network: Any) -> None:  # noqa: ANN401 - a piece of a template
    """Start a task by an EventBridge pipe."""
    definition = {"LaunchType": "FARGATE", "TaskDefinitionArn": DEFINITION, "NetworkConfiguration": network}
    lab.add("Pipe", "AWS::Pipes::Pipe", TargetParameters={"EcsTaskParameters": definition})
    lab.add("Other", "AWS::Pipes::Pipe", Target="arn")


def task_set(lab: TemplateLab, launch_type: str) -> None:
    """Start tasks as a deployer of one's own does, of whose service nothing else is known."""
    network = {"AwsVpcConfiguration": {"AssignPublicIp": "ENABLED", "Subnets": ["s-1"]}}
    properties = {"Cluster": "c", "Service": "s", "TaskDefinition": DEFINITION, "LaunchType": launch_type}
    lab.add("TaskSet", "AWS::ECS::TaskSet", NetworkConfiguration=network, **properties)


def made_raw(lab: TemplateLab) -> None:
    """Write the service as a resource of any type."""
    properties = {"LaunchType": "FARGATE", "TaskDefinition": DEFINITION, "EnableExecuteCommand": True}
    lab.add("Raw", "AWS::ECS::Service", **properties)


def secret_parameter(lab: TemplateLab) -> None:
    """Pass a parameter that CloudFormation hides, and ECS does not."""
    lab.template["Parameters"] = {"Hidden": {"Type": "String", "NoEcho": True}}
    lab.override("Definition", f"{CONTAINER}.Environment", variable({"Ref": "Hidden"}))


def part_of_text(lab: TemplateLab, value: Any) -> None:  # noqa: ANN401 - a piece of a template
    """Pass a text that such a parameter, or another, is part of."""
    lab.template["Parameters"] = {"Hidden": {"Type": "String", "NoEcho": True}, "Shown": {"Type": "String"}}
    lab.override("Definition", f"{CONTAINER}.Environment", variable(value))


def refers_by_text(lab: TemplateLab) -> None:
    """Refer to resources by what only puts texts together, as people do in YAML."""
    lab.override("Service", "TaskDefinition", {"Fn::Sub": "${Definition}"})
    lab.override("Service", "LoadBalancers.0.TargetGroupArn", {"Fn::Join": ["", [{"Ref": "TargetGroup"}]]})
    lab.override("Subscription", "LogGroupName", {"Fn::Sub": ["${Group}", {"Group": {"Ref": "LogGroup"}}]})
    lab.override("Definition", f"{OPTIONS}.awslogs-group", {"Fn::Sub": "${LogGroup}"})
    lab.override("TargetGroup", ATTRIBUTES, None)


def retained_by(lab: TemplateLab, **retention: int) -> None:
    """Let CDK's custom resource, `logs.LogRetention`, set the retention of the log group."""
    lab.override("LogGroup", "RetentionInDays", None)
    lab.add("Retention", "Custom::LogRetention", LogGroupName={"Ref": "LogGroup"}, **retention)


def by_its_cluster(lab: TemplateLab, compatibilities: list[str]) -> None:
    """Let the cluster decide where the service runs."""
    lab.override("Service", "LaunchType", None)
    lab.override("Service", "EnableExecuteCommand", None)
    lab.override("Definition", "RequiresCompatibilities", compatibilities)
    lab.remove("Schedule")


def started_by_nobody(lab: TemplateLab, compatibility: str) -> None:
    """Make a task definition that only a program or a state machine would start."""
    definition = lab.template["Resources"]["Definition"]["Properties"]
    lab.add("Another", "AWS::ECS::TaskDefinition", **definition | {"RequiresCompatibilities": [compatibility]})
    lab.override("Another", "Cpu", "300")


def read_only(lab: TemplateLab, *paths: str, exec_on: bool = True) -> None:
    """Make the root file system read-only, and mount volumes."""
    lab.override("Definition", f"{CONTAINER}.ReadonlyRootFilesystem", True)  # noqa: FBT003 - a piece of a template
    lab.override("Definition", f"{CONTAINER}.MountPoints", mounts(*paths))
    lab.override("Service", "EnableExecuteCommand", exec_on)


def both(lab: TemplateLab) -> None:
    """Give two containers the same fault."""
    sidecar(lab, Links=["web"], Essential=False)
    lab.override("Definition", f"{CONTAINER}.Links", ["sidecar"])


# More than one property changed.
CHANGES: dict[str, tuple[Callable[[TemplateLab], None], list[str]]] = {
    "a log group known by its name": (
        overriding(
            ("LogGroup", "LogGroupName", "shop"),
            ("Subscription", "LogGroupName", "shop"),
            ("Definition", f"{OPTIONS}.awslogs-group", "shop"),
        ),
        [],
    ),
    "a log group made by ECS": (
        overriding(
            ("Definition", f"{OPTIONS}.awslogs-group", "made-by-ecs"),
            ("Definition", f"{OPTIONS}.awslogs-create-group", "true"),
        ),
        ["LogsNeverExpire"],
    ),
    "a log group that is not named": (overriding(("Definition", OPTIONS, {"mode": "blocking"})), []),
    "a state machine whose definition is none": (
        lambda lab: lab.add("Machine", "AWS::StepFunctions::StateMachine", DefinitionString="{"),
        [],
    ),
    "a retention of another set when deployed": (
        lambda lab: lab.add("Retention", "Custom::LogRetention", LogGroupName="another", RetentionInDays=7),
        [],
    ),
    "a state machine whose definition is a file": (
        lambda lab: lab.add("Machine", "AWS::StepFunctions::StateMachine", DefinitionS3Location={"Bucket": "b"}),
        [],
    ),
    "a retention set when deployed": (partial(retained_by, RetentionInDays=7), []),
    "none set when deployed": (retained_by, ["LogsNeverExpire"]),
    "a sidecar without logs": (sidecar, ["NoInitProcess", "NoLogs"]),
    "a sidecar that may end without logs": (partial(sidecar, Essential=False), ["NoInitProcess"]),
    "a log router": (with_router, ["SecretInEnvironment[SINK_TOKEN]"]),
    "a proxy's log without a mode": (partial(service_connect, options={}), ["LogsMayDrop"]),
    "a proxy's log with a mode": (partial(service_connect, options={"mode": "blocking"}), []),
    "on instances": (partial(on_instances, LaunchType="EC2"), []),
    "on instances by a capacity provider": (
        partial(on_instances, LaunchType=None, CapacityProviderStrategy=[{"CapacityProvider": "Own"}]),
        [],
    ),
    "by a capacity provider that only the deployment knows": (
        partial(on_instances, LaunchType=None, CapacityProviderStrategy=[{"CapacityProvider": PARAMETER}]),
        ON_FARGATE,
    ),
    "at one's own site": (partial(on_instances, LaunchType="EXTERNAL"), []),
    # The definition is for Fargate alone.
    "on what only the deployment knows": (partial(on_instances, LaunchType=PARAMETER), ON_FARGATE),
    "on what a choice decides": (partial(on_instances, LaunchType=EITHER), ON_FARGATE),
    "by providers that a choice decides": (
        partial(on_instances, LaunchType=None, CapacityProviderStrategy={"Fn::If": ["Spot", [], []]}),
        ON_FARGATE,
    ),
    "for all that is known on instances": (partial(on_either, LaunchType=PARAMETER), []),
    "by the default of its cluster": (partial(by_default, provider="FARGATE_SPOT"), ["NoExec"]),
    "on instances by the default of its cluster": (partial(by_default, provider="Own"), []),
    "on spot": (partial(on_capacity, provider=[{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}]), ["NoExec"]),
    "on a capacity that only the deployment knows": (partial(on_capacity, provider=PARAMETER), ["NoExec"]),
    "on no capacity provider": (partial(on_capacity, provider=[]), ["NoExec"]),
    "as the cluster decides, on fargate alone": (partial(by_its_cluster, compatibilities=["FARGATE"]), ["NoExec"]),
    "as the cluster decides, perhaps on instances": (partial(by_its_cluster, compatibilities=["EC2", "FARGATE"]), []),
    "a rule that starts tasks": (partial(rule_with_target, parameters={"LaunchType": "FARGATE"}), ["PublicAddress"]),
    "a rule that starts tasks in private": (
        partial(rule_with_target, parameters={"LaunchType": "FARGATE"}, is_public=False),
        [],
    ),
    "a rule that starts tasks on instances": (partial(rule_with_target, parameters={"LaunchType": "EC2"}), []),
    "a pipe that starts tasks": (
        partial(pipe, network={"AwsvpcConfiguration": {"AssignPublicIp": "ENABLED", "Subnets": ["s-1"]}}),
        ["PublicAddress"],
    ),
    "a pipe that starts tasks in private": (partial(pipe, network=PARAMETER), []),
    "a task set": (partial(task_set, launch_type="FARGATE"), ["PublicAddress"]),
    "a task set on instances": (partial(task_set, launch_type="EC2"), []),
    "a raw service": (made_raw, ["NoCircuitBreaker"]),
    "a hidden parameter": (secret_parameter, ["SecretInEnvironment[SETTING]"]),
    **{
        f"a hidden parameter in {name}": (partial(part_of_text, value=value), ["SecretInEnvironment[SETTING]"])
        for name, value in {
            "a join": {"Fn::Join": ["", ["https://shop:", {"Ref": "Hidden"}, "@example.com"]]},
            "a text": {"Fn::Sub": "https://shop:${Hidden}@example.com"},
            "a text's variable": {"Fn::Sub": ["https://shop:${Pw}@example.com", {"Pw": {"Ref": "Hidden"}}]},
            "a choice": {"Fn::If": ["Condition", {"Fn::Sub": "${Hidden}"}, "x"]},
        }.items()
    },
    **{
        f"no hidden parameter in {name}": (partial(part_of_text, value=value), [])
        for name, value in {
            "a text with another": {"Fn::Sub": "https://shop:${Shown}@example.com"},
            "a text that only looks so": {"Fn::Sub": "https://shop:${!Hidden}@example.com"},
            "a variable that is not used": {"Fn::Sub": ["x", {"Pw": {"Ref": "Hidden"}}]},
        }.items()
    },
    "references by texts": (refers_by_text, ["SlowDrain"]),
    "a definition that nobody is seen to start": (partial(started_by_nobody, compatibility="FARGATE"), ["NoSuchSize"]),
    "a definition that nobody starts on fargate": (partial(started_by_nobody, compatibility="EC2"), []),
    "read-only with volumes": (
        lambda lab: read_only(lab, "/var/lib/amazon", "/var/log/amazon/"),
        [],
    ),
    "read-only with a volume above": (lambda lab: read_only(lab, "/var"), []),
    "read-only with a volume elsewhere": (lambda lab: read_only(lab, "/var/lib"), ["ExecCannotWrite"]),
    "read-only without exec": (lambda lab: read_only(lab, exec_on=False), ["NoExec"]),
    "two containers, one finding": (both, ["ContainerLinks", "NoInitProcess"]),
    # https://github.com/aws-cloudformation/cfn-lint/pull/4668
    "32 vCPU": (overriding(("Definition", "Cpu", "32 vCPU"), ("Definition", "Memory", "60 GB")), []),
    "no cpu and no memory": (
        overriding(("Definition", "Cpu", None), ("Definition", "Memory", None)),
        ["NoSuchSize"],
    ),
}
