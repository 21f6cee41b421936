"""Every rule fires on what breaks it, and on nothing else."""

from typing import Any

import pytest

from fargate_constructs.caveats import Rule
from tests.caveats.changes import (
    ATTRIBUTES,
    BREAKER,
    CHANGES,
    CONTAINER,
    DEPLOYMENT,
    EITHER,
    NETWORK,
    NOTHING,
    OPTIONS,
    PARAMETER,
    TARGET,
    overriding,
    variable,
)
from tests.caveats.deployments import DEPLOYMENTS
from tests.caveats.endpoints import ENDPOINTS
from tests.caveats.lab import rules_of_each

# One property changed: of which resource, which, to what, and which rules that breaks.
OVERRIDES: list[tuple[str, str, Any, list[str]]] = [
    ("Service", "Tags", [], []),
    ("Service", f"{NETWORK}.AssignPublicIp", "ENABLED", ["PublicAddress"]),
    ("Service", f"{NETWORK}.AssignPublicIp", PARAMETER, []),
    ("Service", f"{NETWORK}.AssignPublicIp", EITHER, []),
    ("Service", f"{NETWORK}.AssignPublicIp", None, []),
    ("Service", "NetworkConfiguration", PARAMETER, []),
    ("Service", f"{NETWORK}.Subnets", PARAMETER, []),
    ("Service", f"{NETWORK}.SecurityGroups", PARAMETER, []),
    ("Schedule", f"{TARGET}.{NETWORK}.AssignPublicIp", "ENABLED", ["PublicAddress"]),
    ("Schedule", f"{TARGET}.{NETWORK}.AssignPublicIp", PARAMETER, []),
    ("Schedule", "Target.EcsParameters", None, []),
    # Logs.
    ("LogGroup", "RetentionInDays", None, ["LogsNeverExpire"]),
    ("LogGroup", "RetentionInDays", NOTHING, ["LogsNeverExpire"]),
    ("LogGroup", "RetentionInDays", PARAMETER, []),
    ("Subscription", "LogGroupName", "another", ["LogsStayInCloudWatch"]),
    ("Definition", f"{CONTAINER}.LogConfiguration", None, ["NoLogs"]),
    ("Definition", f"{CONTAINER}.LogConfiguration", PARAMETER, []),
    ("Definition", f"{CONTAINER}.LogConfiguration.LogDriver", "splunk", []),
    ("Definition", OPTIONS, PARAMETER, []),
    ("Definition", f"{OPTIONS}.mode", None, ["LogsMayDrop"]),
    ("Definition", f"{OPTIONS}.mode", "blocking", []),
    ("Definition", f"{OPTIONS}.mode", PARAMETER, []),
    ("Definition", f"{OPTIONS}.max-buffer-size", None, ["LogsMayDrop"]),
    ("Definition", f"{OPTIONS}.awslogs-group", "another", []),
    ("Definition", f"{OPTIONS}.awslogs-group", {"Ref": "Service"}, []),
    # Debugging.
    ("Service", "EnableExecuteCommand", None, ["NoExec"]),
    ("Service", "EnableExecuteCommand", "false", ["NoExec"]),
    ("Service", "EnableExecuteCommand", PARAMETER, []),
    ("Definition", f"{CONTAINER}.LinuxParameters", None, ["NoInitProcess"]),
    ("Definition", f"{CONTAINER}.LinuxParameters.InitProcessEnabled", PARAMETER, []),
    ("Definition", f"{CONTAINER}.ReadonlyRootFilesystem", True, ["ExecCannotWrite"]),
    ("Definition", f"{CONTAINER}.ReadonlyRootFilesystem", PARAMETER, []),
    # Deployments.
    ("TargetGroup", "HealthCheckIntervalSeconds", None, []),
    ("TargetGroup", "HealthCheckIntervalSeconds", "31", ["SlowHealthCheck"]),
    ("TargetGroup", "HealthCheckIntervalSeconds", PARAMETER, []),
    ("TargetGroup", "HealthyThresholdCount", 10, []),
    ("TargetGroup", ATTRIBUTES, None, ["SlowDrain"]),
    ("TargetGroup", ATTRIBUTES, PARAMETER, []),
    ("TargetGroup", ATTRIBUTES, [PARAMETER], []),
    ("TargetGroup", f"{ATTRIBUTES}.1.Value", "61", ["SlowDrain"]),
    ("TargetGroup", f"{ATTRIBUTES}.1.Value", PARAMETER, []),
    ("Service", DEPLOYMENT, None, ["NoCircuitBreaker"]),
    ("Service", DEPLOYMENT, PARAMETER, []),
    ("Service", BREAKER, None, ["NoCircuitBreaker"]),
    ("Service", f"{BREAKER}.Enable", False, ["NoCircuitBreaker"]),
    ("Service", f"{BREAKER}.Enable", PARAMETER, []),
    ("Service", f"{BREAKER}.Rollback", None, ["NoRollback"]),
    ("Service", f"{BREAKER}.Rollback", PARAMETER, []),
    ("Service", f"{DEPLOYMENT}.MinimumHealthyPercent", 50, ["TooFewTasks"]),
    ("Service", f"{DEPLOYMENT}.MinimumHealthyPercent", PARAMETER, []),
    ("Service", f"{DEPLOYMENT}.Strategy", "BLUE_GREEN", ["LongBake"]),
    ("Service", f"{DEPLOYMENT}.Strategy", PARAMETER, []),
    ("Service", "DesiredCount", 3, ["CountReset"]),
    ("Service", "DesiredCount", PARAMETER, ["CountReset"]),
    ("Service", "DesiredCount", NOTHING, []),
    ("Service", "DesiredCount", {"Fn::If": ["Condition", 3, NOTHING]}, []),
    # Task definitions.
    ("Definition", f"{CONTAINER}.Links", ["other"], ["ContainerLinks"]),
    ("Definition", f"{CONTAINER}.Links", [], []),
    ("Definition", f"{CONTAINER}.PortMappings.0.HostPort", 80, []),
    ("Definition", f"{CONTAINER}.PortMappings.0.HostPort", "80", []),
    ("Definition", f"{CONTAINER}.PortMappings.0.HostPort", 8080, ["HostPorts"]),
    ("Definition", f"{CONTAINER}.PortMappings.0.HostPort", PARAMETER, []),
    ("Definition", "ContainerDefinitions", PARAMETER, []),
    ("Definition", "Cpu", "300", ["NoSuchSize"]),
    ("Definition", "Cpu", 256, []),
    ("Definition", "Cpu", ".25 vCPU", []),
    ("Definition", "Cpu", "a quarter", ["NoSuchSize"]),
    ("Definition", "Cpu", PARAMETER, []),
    ("Definition", "Cpu", None, ["NoSuchSize"]),
    ("Definition", "Memory", "1 GB", []),
    ("Definition", "Memory", "0.5GB", []),
    # https://github.com/aws-cloudformation/cfn-lint/issues/3879
    ("Definition", "Memory", "1GB", []),
    ("Definition", "Memory", "4 GB", ["NoSuchSize"]),
    ("Definition", "RuntimePlatform.OperatingSystemFamily", "WINDOWS_SERVER_2022_CORE", ["NoSuchSize"]),
    ("Definition", "EphemeralStorage.SizeInGiB", 20, ["NoSuchSize"]),
    ("Definition", "EphemeralStorage.SizeInGiB", 100, []),
    ("Definition", "EphemeralStorage.SizeInGiB", "30", []),
    ("Definition", "EphemeralStorage.SizeInGiB", "30 GB", ["NoSuchSize"]),
    ("Definition", "EphemeralStorage.SizeInGiB", "much", ["NoSuchSize"]),
    ("Definition", "EphemeralStorage.SizeInGiB", PARAMETER, []),
    # Secrets.
    ("Definition", f"{CONTAINER}.Environment", variable("plain"), []),
    ("Definition", f"{CONTAINER}.Environment", PARAMETER, []),
    *(
        ("Definition", f"{CONTAINER}.Environment", variable(value, name), ["SecretInEnvironment[SETTING]"])
        for name, value in [
            ("SETTING", "{{resolve:secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:x}}"),
            ("SETTING", {"Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": "Secret"}, "}}"]]}),
            ("SETTING", "postgres://shop:hunter2@db.example.com/shop"),
            ("SETTING", "AKIAIOSFODNN7EXAMPLE"),
            ("SETTING", "-----BEGIN RSA PRIVATE KEY-----\nMIIE"),
            ("SETTING", "ghp_" + "a1B2" * 9),
            ("SETTING", "xoxb-123456789012-abcdef"),
            ("SETTING", "glpat-" + "a1B2" * 5),
            ("SETTING", "AIza" + "a1B2-" * 7),
            ("SETTING", "sk-proj-" + "a1B2" * 5),
            ("SETTING", "Bearer abcdef"),
        ]
    ),
    *(
        ("Definition", f"{CONTAINER}.Environment", variable(value, name), [f"SecretInEnvironment[{name}]"])
        for name, value in [
            ("DB_PASSWORD", "hunter2"),
            ("DB_PASSWORD", "correct-horse-battery-staple"),
            ("DB_PASSWORD", "1234abcd-12ab-34cd-56ef-1234567890ab"),
            ("DB_PASSWORD", "/w8zK+2"),
            ("DB_PASSWORD", ".x3K"),
            ("DB_PASS", "hunter2"),
            ("DB_PWD", "hunter2"),
            ("PGPASS", "hunter2"),
            ("dbPass", "hunter2"),
            ("BASIC_AUTH", "admin:hunter2"),
            ("SECRET_KEY_BASE", "a8f9e7d6c5b4"),
            ("APP_KEY", "base64:AAAA"),
            ("stripeApiKey", "x1"),
        ]
    ),
    ("Definition", f"{CONTAINER}.Environment", variable("x1", "A[B]TOKEN"), ["SecretInEnvironment[A-B-TOKEN]"]),
    *(
        ("Definition", f"{CONTAINER}.Environment", variable(value, name), [])
        for name, value in [
            ("DB_PASSWORD", PARAMETER),
            ("DB_PASSWORD", "/run/secrets/password"),
            ("DB_PASSWORD", ""),
            ("DB_PASSWORD_FILE", "password"),
            ("SECRET_ARN", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x"),
            ("API_TOKEN", "https://auth.example.com/token"),
            ("ENCRYPTION_KEY", "alias/shop"),
            ("NEXT_PUBLIC_API_KEY", "x1"),
            ("MAX_TOKEN", "32000"),
            ("DB_PASSWORD", "./password"),
            ("DB_PASSWORD", "/password.txt"),
            ("RESET_PASSWORD", "enabled"),
            ("REQUIRE_TOKEN", "optional"),
            ("VAULT_TOKEN", "file"),
            ("DB_SECRET", "prod/db/main"),
            ("SECRET", "my-app-secret-name"),
            ("CSRF_TOKEN", "X-CSRF-Token"),
            ("KMS_ENCRYPTION_KEY", "1234abcd-12ab-34cd-56ef-1234567890ab"),
            ("BYPASS", "cache"),
            ("PWD", "/srv/app"),
            ("SETTING", "The Bearer of this"),
            ("SETTING", "postgres://shop:${PASSWORD}@db.example.com/shop"),
            ("SETTING", "https://example.com:8080/@scope"),
        ]
    ),
]
CASES = {
    f"{resource}.{path}={value}": (overriding((resource, path, value)), rules)
    for resource, path, value, rules in OVERRIDES
}
CASES |= CHANGES | ENDPOINTS | DEPLOYMENTS


@pytest.fixture(scope="module")
def broken() -> dict[str, list[str]]:
    """The rules that each case breaks."""
    return rules_of_each({name: change for name, (change, _) in CASES.items()})


@pytest.mark.parametrize("case", CASES)
def test_it_breaks_what_it_breaks(broken: dict[str, list[str]], case: str) -> None:
    """A case breaks the rules it is about, and no other."""
    _, rules = CASES[case]

    assert broken[case] == rules


def test_every_rule_has_a_case() -> None:
    """Those of the ways out are told in test_addresses.py."""
    told = {rule.split("[")[0] for _, rules in CASES.values() for rule in rules}

    others = {"PublicSubnet", "UnknownEgress", "Ipv6Egress", "LogsStayInCloudWatch", "Undecided"}
    assert told | others == {rule.name for rule in Rule}
