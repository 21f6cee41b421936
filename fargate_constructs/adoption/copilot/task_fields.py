"""The size, platform, network, logs and traces of a task, and overrides of its definition."""

import re
from itertools import pairwise
from typing import Any

from fargate_constructs.adoption.copilot.code import Expression, Listed, call, data, listed, made, mapping, text
from fargate_constructs.adoption.copilot.containers import secrets
from fargate_constructs.adoption.copilot.draft import Draft
from fargate_constructs.adoption.copilot.images import from_registry
from fargate_constructs.adoption.copilot.sections import Note, Section
from fargate_constructs.adoption.copilot.source import Block, Items, Scalar, Value
from fargate_constructs.adoption.copilot.values import construct_id, flag

DEFAULT_CPU, DEFAULT_MEMORY = 256, 512
FREE_STORAGE = 20
# https://aws.github.io/copilot-cli/docs/manifest/lb-web-service/#platform
SYSTEMS = {"windows": "WINDOWS_SERVER_2019_CORE"}
# The log groups' retentions of AWS, by the name that CDK has for each
# (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html).
RETENTIONS = {
    1: "ONE_DAY",
    3: "THREE_DAYS",
    5: "FIVE_DAYS",
    7: "ONE_WEEK",
    14: "TWO_WEEKS",
    30: "ONE_MONTH",
    60: "TWO_MONTHS",
    90: "THREE_MONTHS",
    120: "FOUR_MONTHS",
    150: "FIVE_MONTHS",
    180: "SIX_MONTHS",
    365: "ONE_YEAR",
    400: "THIRTEEN_MONTHS",
    545: "EIGHTEEN_MONTHS",
    731: "TWO_YEARS",
    1096: "THREE_YEARS",
    1827: "FIVE_YEARS",
    2192: "SIX_YEARS",
    2557: "SEVEN_YEARS",
    2922: "EIGHT_YEARS",
    3288: "NINE_YEARS",
    3653: "TEN_YEARS",
}
# What the constructs write into the task definition themselves, so that the index of a list differs.
OWN_LISTS = {
    "ContainerDefinitions",
    "Environment",
    "EnvironmentFiles",
    "MountPoints",
    "PortMappings",
    "Secrets",
    "Volumes",
}


def size(draft: Draft) -> None:
    """Add CPU, memory and disk, if they are not the defaults."""
    for key, name, default in (("cpu", "cpu", DEFAULT_CPU), ("memory", "memory_limit_mib", DEFAULT_MEMORY)):
        if (value := draft.root.number(key)) not in {None, default}:
            draft.arguments[name] = str(value)
    ephemeral = draft.root.section("storage").number("ephemeral")
    if ephemeral and ephemeral > FREE_STORAGE:
        draft.arguments["ephemeral_storage_gib"] = str(ephemeral)


def platform(draft: Draft) -> None:
    """Add the platform."""
    root = draft.root
    if root.is_map("platform"):
        section = root.section("platform")
        system, architecture = section.text("osfamily") or "linux", section.text("architecture") or "x86_64"
    else:
        system, _, architecture = (root.text("platform") or "linux/x86_64").partition("/")
    architecture = architecture.lower()
    if architecture not in {"x86_64", "amd64", "arm64"}:
        raise root.wrong("platform", "a platform such as linux/x86_64 or linux/arm64", architecture)
    family = SYSTEMS.get(system.lower(), system.upper())
    if architecture == "arm64":
        draft.arguments["cpu_architecture"] = "ecs.CpuArchitecture.ARM64"
        draft.platform = "LINUX_ARM64"
    elif family != "LINUX":
        draft.platform = 'custom("windows/amd64")'
    if family != "LINUX":
        draft.arguments["operating_system_family"] = f"ecs.OperatingSystemFamily.{family}"


def network(draft: Draft) -> None:
    """Add network, cluster and security groups."""
    section = draft.root.section("network").section("vpc")
    draft.arguments["network"] = "environment.network"
    draft.arguments["cluster"] = "environment.cluster"
    if section.is_map("placement"):
        placement = section.section("placement")
        if variable := placement.list_variable("subnets"):
            draft.arguments["network"] = _network(draft, f"environment.subnets(json.loads({variable}))")
        elif not placement.is_map("subnets") and (subnets := placement.texts("subnets")):
            draft.arguments["network"] = _network_of(draft, subnets)
    elif (section.choice("placement", ("public", "private")) or "public") == "public":
        section.take("placement")
        line = section.line("placement") if "placement" in section else draft.root.line("type")
        draft.root.ledger.notes.append(Note("network.vpc.placement", line, PUBLIC))
    draft.arguments["security_groups"] = listed(_security_groups(draft, section))


PUBLIC = (
    "tasks have no public address here; they need NAT gateways or VPC endpoints in the private subnets "
    "(docs/from-copilot.md, step 1)"
)


def _network_of(draft: Draft, subnets: list[str]) -> str:
    imported = Listed(
        tuple(
            draft.imported(f"subnet_{number}", made("ec2.Subnet.from_subnet_id", f"Subnet{number}", text(each)))
            for number, each in enumerate(subnets, start=1)
        )
    )
    return _network(draft, imported)


def _network(draft: Draft, subnets: Expression) -> str:
    value = made("FixedEgressNetwork.from_vpc", "Network", "environment.vpc", task_subnets=subnets)
    return draft.imported("network", value, owns="network.vpc.placement")


def _security_groups(draft: Draft, section: Section) -> list[Expression]:
    """Return Copilot's group, unless it is turned off, and those of the manifest."""
    own: list[Expression] = ["environment.security_group"]
    groups: list[Expression] = []
    key = "security_groups"
    if section.is_map(key):
        section, key = section.section(key), "groups"
        own = [] if section.flag("deny_default") else own
        if export := section.text("from_cfn"):
            groups.append(call("Fn.import_value", text(export)))
    value = section.raw(key)
    if isinstance(value, Items) and all(isinstance(each, Block) for each in value):
        groups += [call("Fn.import_value", text(each.text("from_cfn") or "")) for each in section.sections(key)]
    elif isinstance(value, Items):
        section.take(key)
        groups += [_group_id(section, key, each) for each in value]
    elif variable := section.list_variable(key):
        own.append(f"*environment.security_groups(json.loads({variable}))")
    elif names := section.texts(key):
        raise section.wrong(key, "a list of security groups", names[0])
    for number, group in enumerate(groups, start=1):
        name = f"security_group_{number}"
        value_ = made("ec2.SecurityGroup.from_security_group_id", construct_id(name), group, mutable="False")
        own.append(draft.imported(name, value_))
    return own


def _group_id(section: Section, key: str, value: Value) -> Expression:
    if isinstance(value, Scalar):
        return text(value.text)
    name = value.get("from_cfn") if isinstance(value, Block) else None
    if not isinstance(name, Scalar):
        raise section.wrong(key, "a list of security groups or from_cfn", value)
    return call("Fn.import_value", text(name.text))


def exec_access(draft: Draft) -> None:
    """List that ECS Exec is on, if it was off."""
    root = draft.root
    is_on = root.section("exec").flag("enable") if root.is_map("exec") else flag(root.text("exec") or "true")
    if is_on is False and "exec" in root:
        todo = "ECS Exec is on here; to forbid it, deny ecs:ExecuteCommand to people"
        root.differ("exec", todo)


def logs(draft: Draft) -> None:
    """Add retention and log router."""
    section = draft.root.section("logging")
    if (days := section.number("retention")) is not None:
        if days not in RETENTIONS:
            raise section.wrong("retention", f"one of {', '.join(map(str, RETENTIONS))}", str(days))
        draft.arguments["log_retention"] = f"logs.RetentionDays.{RETENTIONS[days]}"
    destination = section.section("destination")
    values = {key: destination.text(key) or "" for key in destination.keys}
    name = next((values.pop(key) for key in list(values) if key.lower() == "name"), None)
    if name is None:
        return
    secret_options = secrets(draft, section.section("secretOptions"), "log_")
    image = section.text("image")
    draft.arguments["log_router"] = call(
        "FireLens.to",
        text(name),
        options=mapping({key: text(value) for key, value in values.items()}) if values else None,
        secret_options=mapping(secret_options) if secret_options else None,
        image=from_registry(draft, image) if image else None,
    )


def traces(draft: Draft) -> None:
    """Add the collector."""
    if draft.root.section("observability").choice("tracing", ("awsxray",)):
        value = call(draft.of_service("add_opentelemetry"), metrics=call("Metrics.none"))
        draft.do("traces", value, owns="observability")


def overrides(draft: Draft) -> None:
    """Add the overrides of the task definition; those of the members of a new list become that list."""
    values: dict[str, Any] = {}
    for rule in draft.root.sections("taskdef_overrides"):
        parts = [name or index for name, index in re.findall(r"([^.\[\]]+)|\[(-|\d+)\]", rule.text("path") or "")]
        value = plain(rule.take("value"))
        split = _list_in(parts)
        if split is None:
            rule.lose("path", "the list has other members here; look at the template, and write add_property_override")
            continue
        if parts[:2] == ["ContainerDefinitions", "0"] and "log_router" in draft.arguments:
            parts[1] = "1"  # the log router is the first container
        key = ".".join(parts[:split])
        values[key] = value if split == len(parts) else _with(values.get(key), parts[split:], value)
    if values:
        path = draft.of_service("task_definition")
        coded = {key: data(value) for key, value in values.items()}
        draft.override("definition", "ecs.CfnTaskDefinition", path, coded, owns="taskdef_overrides")


def _list_in(parts: list[str]) -> int | None:
    """Return the place of the first index of a list, or None if the constructs have other members in it."""
    for place, (before, index) in enumerate(pairwise(parts), start=1):
        if not re.fullmatch(r"-|\d+", index) or (before == "ContainerDefinitions" and index == "0"):
            continue
        return None if before in OWN_LISTS else place
    return len(parts)


def _with(old: Any, parts: list[str], value: object) -> Any:  # noqa: ANN401 - JSON
    """Return JSON with a value at a path; `-` appends."""
    if not parts:
        return value
    first, *rest = parts
    if not re.fullmatch(r"-|\d+", first):
        known = old if isinstance(old, dict) else {}
        return {**known, first: _with(known.get(first), rest, value)}
    items = list(old) if isinstance(old, list) else []
    index = len(items) if first == "-" else min(int(first), len(items))
    items[index : index + 1] = [_with(items[index] if index < len(items) else None, rest, value)]
    return items


def plain(value: Value | None) -> object:
    """Return what YAML means, as JSON has it."""
    if isinstance(value, Block):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, Items):
        return [plain(each) for each in value]
    if value is None or value.is_null:
        return None
    if value.is_plain and value.text in {"true", "false"}:
        return value.text == "true"
    if value.is_plain and re.fullmatch(r"-?\d+", value.text):
        return int(value.text)
    return float(value.text) if value.is_plain and re.fullmatch(r"-?\d+\.\d+", value.text) else value.text
