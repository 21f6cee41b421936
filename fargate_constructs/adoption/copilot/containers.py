"""What a container has: image, variables, secrets, checks, labels; the main one and the sidecars."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from fargate_constructs.adoption.copilot.code import (
    Call,
    Expression,
    Listed,
    Mapped,
    call,
    made,
    mapping,
    text,
    texts,
)
from fargate_constructs.adoption.copilot.draft import Draft, durations, safe_name, text_map
from fargate_constructs.adoption.copilot.images import FROM_REGISTRY, image, registry_credentials, secret_by_arn
from fargate_constructs.adoption.copilot.sections import Note, Section
from fargate_constructs.adoption.copilot.source import VARIABLE
from fargate_constructs.adoption.copilot.values import construct_id, port_and_protocol


@dataclass(frozen=True)
class PortName:
    """The name of a sidecar's port, to which a route or listener leads."""

    name: str
    is_udp: bool


CONDITIONS = ("start", "healthy", "complete", "success")


def main_container(draft: Draft, platform: str) -> None:
    """Add the main container's arguments."""
    root, arguments = draft.root, draft.arguments
    section = root.section("image")
    found = image(draft, section, platform=platform, credentials=section.text("credentials"), owner="")
    if found is None:
        raise root.ledger.error(root.line("image"), "image needs build or location")
    arguments["image"] = found
    if labels := text_map(section.section("labels")):
        arguments["docker_labels"] = labels
    arguments |= _program(root)
    draft.variables |= variables(root.section("variables"))
    if file := root.text("env_file"):
        arguments["environment_files"] = _files(file)
    if found_secrets := secrets(draft, root.section("secrets")):
        arguments["secrets"] = mapping(found_secrets)
    if draft.root.section("storage").flag("readonly_fs"):
        arguments["read_only"] = "True"


def variables(section: Section) -> dict[str, Expression]:
    """Return the variables of a container."""
    return {key: _text_or_export(section, key) for key in section.keys}


def _text_or_export(section: Section, key: str) -> Expression:
    if section.is_map(key):
        name = section.section(key).text("from_cfn")
        if name is None:
            raise section.wrong(key, "a text or from_cfn", section.raw(key))
        return call("Fn.import_value", text(name))
    return text(section.text(key) or "")


def mount_points(paths: Mapping[str, str]) -> dict[str, Expression]:
    """Return the variable in which Copilot tells a container the paths of its volumes."""
    value = json.dumps(paths, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {"COPILOT_MOUNT_POINTS": text(value)} if paths else {}


def _program(section: Section) -> dict[str, Expression]:
    """Return command and entry point. Copilot splits a text as a shell does."""
    found: dict[str, Expression] = {}
    for key, argument in (("entrypoint", "entry_point"), ("command", "command")):
        if key in section:
            is_text = not isinstance(section.raw(key), list)
            words = section.texts(key) or []
            found[argument] = _words(words[0]) if is_text else texts(words)
    return found


def _words(line: str) -> Expression:
    if match := VARIABLE.fullmatch(line):
        return f"{match[1]}.split()"
    words = re.findall(r"""(?:[^\s"']|"[^"]*"|'[^']*')+""", line)
    return Listed(tuple(text(re.sub(r"""["']""", "", word)) for word in words))


def _files(path: str) -> Expression:
    return Listed((call("ecs.EnvironmentFile.from_asset", f"str(WORKSPACE / {text(path)})"),))


def secrets(draft: Draft, section: Section, owner: str = "") -> dict[str, Expression]:
    """Return the secrets of a container by variable; what they are in AWS is imported."""
    return {key: _secret(draft, section, key, owner) for key in section.keys}


def _secret(draft: Draft, section: Section, key: str, owner: str) -> Expression:
    if not section.is_map(key):
        return _parameter(draft, f"{owner}{key}", section.text(key) or "")
    inner = section.section(key)
    if export := inner.text("from_cfn"):
        section.ledger.notes.append(
            inner_note(section, key, "the export is taken as the ARN of a secret of Secrets Manager; check that")
        )
        value = call("Fn.import_value", text(export))
        imported = draft.imported(
            f"{owner}{key}", made("secretsmanager.Secret.from_secret_complete_arn", _secret_id(f"{owner}{key}"), value)
        )
        return call("ecs.Secret.from_secrets_manager", imported)
    name = inner.text("secretsmanager")
    if name is None:
        raise section.wrong(key, "a text, secretsmanager or from_cfn", section.raw(key))
    return _managed(draft, f"{owner}{key}", name)


def _secret_id(key: str) -> str:
    return f"{construct_id(key)}Secret"


def inner_note(section: Section, key: str, todo: str) -> Note:
    """Return a note about a value that was read."""
    return Note(f"{section.path}.{key}", section.line(key), todo)


def _parameter(draft: Draft, key: str, name: str) -> Expression:
    """Return a secret from the parameter store, by name or ARN."""
    if name.startswith("arn:"):
        service, resource = name.split(":")[2], name.split(":", 5)[5]
        if service == "secretsmanager":
            return call("ecs.Secret.from_secrets_manager", draft.imported(key, secret_by_arn(_secret_id(key), name)))
        path = resource.removeprefix("parameter/")
        name = f"/{path}" if "/" in path else path
    value = made(
        "ssm.StringParameter.from_secure_string_parameter_attributes", _secret_id(key), parameter_name=text(name)
    )
    return call("ecs.Secret.from_ssm_parameter", draft.imported(key, value))


def _managed(draft: Draft, key: str, name: str) -> Expression:
    """Return a secret of Secrets Manager: `name`, or `name:key:stage:version`."""
    if name.startswith("arn:"):
        parts = name.split(":", 7)
        arn, rest = ":".join(parts[:7]), (parts[7:] or [""])[0]
        secret = secret_by_arn(_secret_id(key), arn)
        options = rest.split(":")
    else:
        first, *options = name.split(":")
        secret = made("secretsmanager.Secret.from_secret_name_v2", _secret_id(key), text(first))
    json_key, stage, version = (*options, "", "", "")[:3]
    variable = draft.imported(key, secret)
    named = (text(json_key),) if json_key else ()
    if not stage and not version:
        return call("ecs.Secret.from_secrets_manager", variable, *named)
    info = call(
        "ecs.SecretVersionInfo",
        version_stage=text(stage) if stage else None,
        version_id=text(version) if version else None,
    )
    return call("ecs.Secret.from_secrets_manager_version", variable, info, *named)


def health_options(section: Section) -> dict[str, Expression]:
    """Return the times and counts of a container's check, as `ecs.HealthCheck` names them."""
    options: dict[str, Expression] = {}
    if command := section.texts("command"):
        options["command"] = texts(command)
    options |= durations(section, {key: key for key in ("interval", "timeout", "start_period")})
    if (retries := section.number("retries")) is not None:
        options["retries"] = str(retries)
    return options


def health_check(section: Section) -> Call | None:
    """Return the check of a sidecar or job, with Copilot's default times."""
    options = health_options(section)
    if not options:
        return None
    defaults: Mapping[str, Expression] = {
        "interval": "Duration.seconds(10)",
        "timeout": "Duration.seconds(5)",
        "retries": "2",
    }
    return call("ecs.HealthCheck", **{**options, **{k: v for k, v in defaults.items() if k not in options}})


def sidecars(draft: Draft, platform: str, port_names: Mapping[tuple[str, int], PortName]) -> None:
    """Add the sidecars, each after those it waits for, and what the main container waits for."""
    children = draft.root.children("sidecars")
    waits = draft.root.section("image").section("depends_on")
    conditions = {key: waits.choice(key, CONDITIONS) for key in waits.keys}
    unknown = [key for key in conditions if key not in children]
    if unknown:
        raise waits.wrong(
            unknown[0], f"a container of the task ({', '.join(children) or 'there is no sidecar'})", unknown[0]
        )
    for name in _in_order(draft, children):
        _sidecar(draft, name, children[name], conditions.get(name), platform)
        _open_ports(draft, name, children[name], port_names)


def _in_order(draft: Draft, children: Mapping[str, Section]) -> list[str]:
    order: list[str] = []
    waiting = dict(children)
    while waiting:
        ready = [
            name for name, each in waiting.items() if not set(each.section("depends_on").keys) & (set(waiting) - {name})
        ]
        if not ready:
            raise draft.root.ledger.error(draft.root.line("sidecars"), "sidecars wait for each other in a circle")
        order += ready
        waiting = {name: each for name, each in waiting.items() if name not in ready}
    return order


def _sidecar(draft: Draft, name: str, section: Section, condition: str | None, platform: str) -> None:
    options: dict[str, Expression | None] = {"image": _sidecar_image(draft, name, section, platform)}
    mounts = {each.text("source_volume") or "": each.text("path") or "" for each in section.sections("mount_points")}
    values = variables(section.section("variables")) | mount_points(mounts)
    options["environment"] = environment_argument(draft, values)
    if file := section.text("env_file"):
        options["environment_files"] = _files(file)
    if found := secrets(draft, section.section("secrets"), f"{name}_"):
        options["secrets"] = mapping(found)
    options |= _program(section)
    options["health_check"] = health_check(section.section("healthcheck"))
    options["docker_labels"] = text_map(section.section("labels"))
    essential = section.flag("essential")
    if essential is not None and not (essential is False and condition in {"complete", "success"}):
        options["essential"] = str(essential)
    if condition:
        options["condition"] = _condition(condition)
    depends_on = section.section("depends_on")
    waits = {key: depends_on.choice(key, CONDITIONS) or "start" for key in depends_on.keys}
    if waits:
        options["depends_on"] = mapping({key: _condition(each) for key, each in waits.items()})
    variable = safe_sidecar(draft, name)
    value = call(draft.of_service("add_sidecar"), text(name), **options)
    draft.do(f"sidecar {name}", value, target=variable, owns=f"sidecars.{name}")


def _open_ports(draft: Draft, name: str, section: Section, port_names: Mapping[tuple[str, int], PortName]) -> None:
    """Map the sidecar's own port, and those to which routes lead."""
    port = section.text("port")
    parsed = port_and_protocol(port) if port else None
    if port and (parsed is None or parsed[1] == "tls"):
        raise section.wrong("port", "a port such as 8080 or 8080/udp", port)
    numbers = dict.fromkeys(([parsed[0]] if parsed else []) + [number for owner, number in port_names if owner == name])
    udp = {key for key, each in port_names.items() if each.is_udp}
    mappings = [
        call(
            "ecs.PortMapping",
            name=text(port_names[name, number].name) if (name, number) in port_names else None,
            container_port=str(number),
            protocol="ecs.Protocol.UDP" if parsed == (number, "udp") or (name, number) in udp else None,
        )
        for number in numbers
    ]
    if mappings:
        draft.do(f"ports of {name}", call(f"{safe_sidecar(draft, name)}.add_port_mappings", *mappings))


def safe_sidecar(draft: Draft, name: str) -> str:
    """Return the variable of a sidecar."""
    variable = safe_name(name)
    return f"{variable}_sidecar" if variable == draft.variable else variable


def _sidecar_image(draft: Draft, name: str, section: Section, platform: str) -> Expression:
    credentials = section.text("credentialsParameter")
    if section.is_map("image"):
        found = image(draft, section.section("image"), platform=platform, credentials=credentials, owner=name)
    elif location := section.text("image"):
        found = call(FROM_REGISTRY, text(location), credentials=registry_credentials(draft, credentials, name))
    else:
        found = None
    if found is None:
        raise section.ledger.error(section.line("image"), f"{section.path}.image needs an image")
    return found


def _condition(name: str) -> str:
    return f"ecs.ContainerDependencyCondition.{name.upper()}"


def environment_argument(draft: Draft, values: Mapping[str, Expression]) -> Mapped:
    """Return the variables that Copilot gives each container, and its own."""
    common = f"environment.variables({text(draft.name)})"
    return Mapped((("**", common), *mapping({**values, **draft.common_variables}).entries))
