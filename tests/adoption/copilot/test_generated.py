"""The app that is written for a workspace with every field: as a person writes it, and sound."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from fargate_constructs.adoption.copilot import Conversion
from tests.adoption.copilot.generated import app_in, conversion_of, write
from tests.audit import findings

ROOT = Path(__file__).parents[3]


class Lab(NamedTuple):
    """A conversion, its folder, what cdk-nag finds in prod, and its templates by environment and name."""

    conversion: Conversion
    folder: Path
    nag: list[tuple[str, str]]
    templates: Mapping[tuple[str, str], dict[str, Any]]

    def resources(self, environment: str, name: str, type_: str) -> list[dict[str, Any]]:
        """Return the properties of all resources of a type."""
        resources = self.templates[environment, name]["Resources"].values()
        return [each.get("Properties", {}) for each in resources if each["Type"] == type_]

    def one(self, environment: str, name: str, type_: str) -> dict[str, Any]:
        """Return the properties of the only resource of a type."""
        (found,) = self.resources(environment, name, type_)
        return found

    def containers(self, environment: str, name: str) -> dict[str, dict[str, Any]]:
        """Return the containers of a workload by name."""
        definition = self.one(environment, name, "AWS::ECS::TaskDefinition")
        return {each["Name"]: each for each in definition["ContainerDefinitions"]}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """One synthesis, which most tests read."""
    folder = tmp_path_factory.mktemp("app")
    conversion = conversion_of()
    files = {
        name: text.replace("Path(__file__).parents[1]", f"Path({str(Path(__file__).with_name('workspace'))!r})")
        for name, text in conversion.files.items()
    }
    write(Conversion(conversion.application, conversion.environments, files, conversion.findings), folder)
    app = app_in(folder)
    assembly = app.synth()
    templates = {
        (stack.hierarchical_id.split("/")[0], stack.hierarchical_id.split("/")[1]): stack.template
        for name in conversion.environments
        for stack in assembly.get_nested_assembly(f"assembly-{name}").stacks
    }
    return Lab(conversion, folder, findings(app.node.find_child("prod")), templates)


def names_and_values(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the variables of a container."""
    return {each["Name"]: each["Value"] for each in pairs}


def test_it_is_formatted_as_ruff_does(lab: Lab, tmp_path: Path) -> None:
    """Ruff's formatter with its own settings changes nothing."""
    write(lab.conversion, tmp_path)
    program = [str(Path(sys.executable).with_name("ruff")), "format", "--isolated", "--check", str(tmp_path)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


@pytest.mark.long
def test_its_types_are_right(lab: Lab) -> None:
    """`mypy --strict` finds nothing."""
    program = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--follow-imports", "silent"]
    done = subprocess.run(
        [*program, "--cache-dir", str(ROOT / ".mypy_cache" / "generated"), "app.py"],
        cwd=lab.folder,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


def test_cdk_nag_finds_nothing(lab: Lab) -> None:
    """What the app makes is as safe as what the constructs make."""
    assert lab.nag == []


@pytest.mark.long
def test_cfn_lint_finds_nothing(lab: Lab) -> None:
    """The templates have the form that CloudFormation wants; W3005 is in tests/test_security.py."""
    matches = {
        (name, str(match))
        for (environment, name), template in lab.templates.items()
        if environment == "prod"
        for match in lint(json.dumps(template), regions=["eu-west-1"], config=ManualArgs(ignore_checks=["W3005"]))
    }
    assert matches == set()


def test_each_environment_has_its_values(lab: Lab) -> None:
    """The section `environments` applies to one of them; the names of variables are Copilot's."""
    variables = {name: names_and_values(lab.containers(name, "api")["web"]["Environment"]) for name in ("test", "prod")}
    assert (
        variables["test"].items() >= {"LOG_LEVEL": "info", "FEATURE": "on", "COPILOT_ENVIRONMENT_NAME": "test"}.items()
    )
    assert variables["prod"].items() >= {"LOG_LEVEL": "warning", "ONLY_PROD": "1"}.items()
    assert "ONLY_PROD" not in variables["test"]
    assert variables["test"]["COPILOT_SERVICE_NAME"] == "api"
    assert variables["test"]["COPILOT_SERVICE_DISCOVERY_ENDPOINT"] == "test.shop.local"
    assert variables["test"]["TABLE"] == {"Fn::ImportValue": "shop-table"}
    assert variables["test"]["COPILOT_LB_DNS"] == {"Fn::ImportValue": "shop-test-PublicLoadBalancerDNS"}
    assert [lab.one(name, "report", "AWS::ECS::TaskDefinition")["Cpu"] for name in ("test", "prod")] == ["512", "2048"]
    assert lab.resources("test", "site", "AWS::ElasticLoadBalancingV2::ListenerRule") == []
    assert len(lab.resources("prod", "site", "AWS::ElasticLoadBalancingV2::ListenerRule")) == 6


def test_what_copilot_made_is_imported_by_name(lab: Lab) -> None:
    """VPC, subnets, cluster, security group, listeners, file system and namespace are exports of its stack."""
    text = json.dumps({f"{environment}/{name}": each for (environment, name), each in lab.templates.items()})
    names = {
        "ClusterId",
        "EnvironmentSecurityGroup",
        "FilesystemID",
        "HTTPListenerArn",
        "HTTPSListenerArn",
        "InternalHTTPListenerArn",
        "PrivateSubnets",
        "PublicLoadBalancerDNS",
        "PublicSubnets",
        "ServiceDiscoveryNamespaceID",
        "VpcId",
    }
    assert {name for name in names if f"shop-prod-{name}" in text} == names
    service = lab.one("prod", "worker", "AWS::ECS::Service")
    subnets = service["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"]
    assert len(subnets) == 3  # as the manifest of the environment has
    assert service["Cluster"] == {"Fn::ImportValue": "shop-prod-ClusterId"}


def test_containers(lab: Lab) -> None:
    """The image, the program, checks, labels, files, and the order in which the containers start."""
    main = lab.containers("test", "api")["web"]
    assert main["EntryPoint"] == ["/bin/entry", "--flag", "two words"]
    assert main["Command"] == ["serve", "--port=8080"]
    assert main["DockerLabels"] == {"team": "shop"}
    assert main["ReadonlyRootFilesystem"] is True
    assert main["HealthCheck"]["Command"][0] == "CMD-SHELL"
    assert main["Ulimits"] == [{"Name": "nofile", "SoftLimit": 65536, "HardLimit": 65536}]
    assert len(main["EnvironmentFiles"]) == 1
    order = {each["ContainerName"]: each["Condition"] for each in main["DependsOn"]}
    assert order.items() >= {"envoy": "HEALTHY", "migrate": "SUCCESS"}.items()

    prod = lab.containers("prod", "api")["web"]
    assert prod["Image"] == "registry.example.com/api:1.4.2"
    assert "RepositoryCredentials" in prod

    envoy = lab.containers("test", "api")["envoy"]
    assert envoy["HealthCheck"] == {
        "Command": ["CMD", "true"],
        "Interval": 12,
        "Retries": 3,
        "StartPeriod": 15,
        "Timeout": 4,
    }
    assert [(each["ContainerPort"], each["Protocol"]) for each in envoy["PortMappings"]] == [
        (8443, "tcp"),
        (8444, "udp"),
    ]
    assert {each["ContainerPath"]: each["ReadOnly"] for each in envoy["MountPoints"]} == {
        "/scratch": True,
        "/shared": False,
    }
    paths = names_and_values(envoy["Environment"])["COPILOT_MOUNT_POINTS"]
    assert json.loads(paths) == {"scratch": "/scratch", "shared": "/shared"}
    assert {"COPILOT_LB_DNS", "COPILOT_SNS_TOPIC_ARNS"} <= set(names_and_values(envoy["Environment"]))
    paths = names_and_values(main["Environment"])["COPILOT_MOUNT_POINTS"]
    assert set(json.loads(paths)) == {"archive", "files", "scratch", "shared"}
    migrate = lab.containers("test", "api")["migrate"]
    assert migrate["Essential"] is False
    assert migrate["Image"].endswith("/migrate:1.4.2")


def test_secrets(lab: Lab) -> None:
    """Of the parameter store by name, of Secrets Manager by name and key, and of an export."""
    secrets = {each["Name"]: json.dumps(each["ValueFrom"]) for each in lab.containers("prod", "api")["web"]["Secrets"]}
    assert "parameter/GITHUB_TOKEN" in secrets["GITHUB_TOKEN"]
    assert "parameter/copilot/shop/prod/secrets/db_password" in secrets["DB_PASSWORD"]
    assert ":secret:mysql:password::" in secrets["MYSQL"]
    assert json.loads(secrets["STRIPE"]) == {"Fn::ImportValue": "shop-stripe"}


def test_storage(lab: Lab) -> None:
    """Copilot's file system in the folder and with the user that Copilot has, and file systems made elsewhere."""
    points = {each["RootDirectory"]["Path"]: each for each in lab.resources("prod", "api", "AWS::EFS::AccessPoint")}
    assert points["/api"]["PosixUser"] == {"Uid": "1001", "Gid": "1002"}
    assert set(points) == {"/api", "/uploads"}
    (of_test,) = [
        each
        for each in lab.resources("test", "api", "AWS::EFS::AccessPoint")
        if each["RootDirectory"]["Path"] == "/api"
    ]
    assert of_test["PosixUser"]["Uid"] == "2902841359"  # CRC-32 of the name
    definition = lab.one("prod", "api", "AWS::ECS::TaskDefinition")
    assert definition["EphemeralStorage"] == {"SizeInGiB": 100}
    volumes = {
        each["Name"]: each.get("EFSVolumeConfiguration", {}).get("FilesystemId") for each in definition["Volumes"]
    }
    assert {"Fn::ImportValue": "shop-prod-FilesystemID"} in volumes.values()
    assert {"Fn::ImportValue": "shop-files"} in volumes.values()
    assert "fs-0123456789abcdef0" in volumes.values()
    assert volumes["scratch"] is None


def test_routes(lab: Lab) -> None:
    """Hosts, paths and source IPs of each rule; the port, check and settings of each target group."""
    rules = lab.resources("test", "api", "AWS::ElasticLoadBalancingV2::ListenerRule")
    conditions = {
        json.dumps(sorted(json.dumps(each, sort_keys=True) for each in rule["Conditions"])): rule["Actions"][0]["Type"]
        for rule in rules
    }
    assert (
        sum("/admin/*" in each and "admin.example.com" in each and "198.51.100.0/24" in each for each in conditions)
        == 1
    )
    assert sum("shop.example.com" in each and "192.0.2.0/24" in each for each in conditions) == 1
    assert sorted(conditions.values()) == ["forward", "forward", "redirect", "redirect"]
    groups = {
        each.get("HealthCheckPath"): each
        for each in lab.resources("test", "api", "AWS::ElasticLoadBalancingV2::TargetGroup")
    }
    main, admin = groups["/healthz"], groups["/ready"]
    assert main["HealthCheckPort"] == "9000"
    assert main["Matcher"] == {"HttpCode": "200,301"}
    assert [main["HealthyThresholdCount"], main["UnhealthyThresholdCount"]] == [3, 4]
    assert [main["HealthCheckIntervalSeconds"], main["HealthCheckTimeoutSeconds"]] == [15, 10]
    assert main["ProtocolVersion"] == admin["ProtocolVersion"] == "HTTP2"
    attributes = {each["Key"]: each["Value"] for each in main["TargetGroupAttributes"]}
    assert attributes["deregistration_delay.timeout_seconds"] == "50"
    assert attributes["stickiness.enabled"] == "true"
    service = lab.one("test", "api", "AWS::ECS::Service")
    assert service["HealthCheckGracePeriodSeconds"] == 120
    ports = {(each["ContainerName"], each["ContainerPort"]) for each in service["LoadBalancers"]}
    assert ports == {("web", 8081), ("envoy", 8443), ("web", 7001), ("envoy", 8444)}
    backend = lab.one("test", "backend", "AWS::ElasticLoadBalancingV2::TargetGroup")
    assert [backend["Protocol"], backend["HealthCheckPath"]] == ["HTTPS", "/live"]


def test_listeners(lab: Lab) -> None:
    """TCP and UDP with their checks; one that ends TLS is listed."""
    listeners = lab.resources("test", "api", "AWS::ElasticLoadBalancingV2::Listener")
    assert {(each["Port"], each["Protocol"]) for each in listeners} == {(7000, "TCP"), (7002, "UDP")}
    groups = {
        each["Protocol"]: each
        for each in lab.resources("test", "api", "AWS::ElasticLoadBalancingV2::TargetGroup")
        if each["Protocol"] in {"TCP", "UDP"}
    }
    assert [groups["TCP"][key] for key in ("HealthCheckPort", "HealthyThresholdCount")] == ["9000", 3]
    assert [groups["UDP"][key] for key in ("HealthCheckIntervalSeconds", "HealthCheckTimeoutSeconds")] == [30, 5]
    assert {"Key": "stickiness.enabled", "Value": "true"} in groups["TCP"]["TargetGroupAttributes"]
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "200"} in groups["TCP"]["TargetGroupAttributes"]


def test_scaling(lab: Lab) -> None:
    """The range, Spot above a base, and each metric with its times."""
    target = lab.one("prod", "api", "AWS::ApplicationAutoScaling::ScalableTarget")
    assert [target["MinCapacity"], target["MaxCapacity"]] == [2, 12]
    policies = [
        each["TargetTrackingScalingPolicyConfiguration"]
        for each in lab.resources("prod", "api", "AWS::ApplicationAutoScaling::ScalingPolicy")
    ]
    times = {each["TargetValue"]: (each["ScaleInCooldown"], each["ScaleOutCooldown"]) for each in policies}
    assert times == {60: (70, 20), 80: (80, 160), 5000: (90, 45), 0.5: (50, 40)}
    strategy = lab.one("prod", "api", "AWS::ECS::Service")["CapacityProviderStrategy"]
    assert {each["CapacityProvider"]: each.get("Base") for each in strategy} == {"FARGATE": 3, "FARGATE_SPOT": None}
    backend = lab.one("prod", "backend", "AWS::ApplicationAutoScaling::ScalableTarget")
    assert [backend["MinCapacity"], backend["MaxCapacity"]] == [2, 2]
    assert lab.one("test", "site", "AWS::ECS::Service")["DesiredCount"] == 0


def test_deployments(lab: Lab) -> None:
    """Recreate, alarms by name, and alarms that Copilot made."""
    backend = lab.one("prod", "backend", "AWS::ECS::Service")["DeploymentConfiguration"]
    assert [backend["MinimumHealthyPercent"], backend["MaximumPercent"]] == [0, 100]
    assert backend["BakeTimeInMinutes"] == 3
    assert "Backend-5xx" in backend["Alarms"]["AlarmNames"]
    alarms = {each.get("AlarmName"): each for each in lab.resources("prod", "worker", "AWS::CloudWatch::Alarm")}
    for name, threshold in (("cpu", 70), ("memory", 50), ("delayed", 5)):
        alarm = alarms[f"shop-prod-worker-{name}-rollback"]
        assert [alarm["Threshold"], alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]] == [threshold, 3, 2]


def test_messages(lab: Lab) -> None:
    """Topics of the publisher, queues of the worker, filters, and the variables with their addresses."""
    topics = lab.resources("prod", "api", "AWS::SNS::Topic")
    assert sorted(bool(each.get("FifoTopic")) for each in topics) == [False, True]
    queues = lab.resources("prod", "worker", "AWS::SQS::Queue")
    events = next(each for each in queues if each.get("DelaySeconds") == 5)
    assert [events["VisibilityTimeout"], events["MessageRetentionPeriod"]] == [45, 345600]
    assert events["RedrivePolicy"]["maxReceiveCount"] == 10
    fifo = next(each for each in queues if each.get("FifoThroughputLimit"))
    assert [fifo["FifoThroughputLimit"], fifo["DeduplicationScope"]] == ["perMessageGroupId", "messageGroup"]
    policies = [each.get("FilterPolicy") for each in lab.resources("prod", "worker", "AWS::SNS::Subscription")]
    assert {"store": ["example_corp", "other_corp"]} in policies
    assert {"event": [{"anything-but": "order_cancelled"}], "price_usd": [{"numeric": [">=", 100]}]} in policies
    (main,) = lab.containers("prod", "worker").values()
    variables = names_and_values(main["Environment"])
    assert "apiPaymentsfifoEventsQueue" in json.dumps(variables["COPILOT_TOPIC_QUEUE_URIS"])
    assert "COPILOT_QUEUE_URI" in variables
    api = names_and_values(lab.containers("prod", "api")["web"]["Environment"])
    assert "payments.fifo" in json.dumps(api["COPILOT_SNS_TOPIC_ARNS"])


def test_jobs(lab: Lab) -> None:
    """The schedule is Copilot's, by the environment; `none` turns it off."""
    schedules = {name: lab.one(name, "report", "AWS::Scheduler::Schedule") for name in ("test", "prod")}
    assert schedules["prod"]["ScheduleExpression"] == "cron(0 9 ? * 2 *)"
    assert [schedules[name]["State"] for name in ("test", "prod")] == ["DISABLED", "ENABLED"]


def test_service_connect(lab: Lab) -> None:
    """The alias is a name in Copilot's namespace, by which the old callers reach the new tasks, too."""
    connect = lab.one("prod", "api", "AWS::ECS::Service")["ServiceConnectConfiguration"]
    assert "shop-prod-ServiceDiscoveryNamespaceID" in json.dumps(connect["Namespace"])
    assert {alias["DnsName"] for each in connect["Services"] for alias in each["ClientAliases"]} == {"web"}


def test_logs_and_traces(lab: Lab) -> None:
    """The router has the image, options and secrets of the manifest; the collector sends traces."""
    containers = lab.containers("prod", "api")
    main = containers["web"]["LogConfiguration"]
    assert main["LogDriver"] == "awsfirelens"
    assert main["Options"].items() >= {"Name": "loki", "host": "loki.example.com"}.items()
    assert [each["Name"] for each in main["SecretOptions"]] == ["http_passwd"]
    assert any("aws-for-fluent-bit:2.32.0" in json.dumps(each["Image"]) for each in containers.values())
    assert any("opentelemetry" in name or "otel" in name or "collector" in name for name in containers)
    assert {each["RetentionInDays"] for each in lab.resources("prod", "api", "AWS::Logs::LogGroup")} == {90}
