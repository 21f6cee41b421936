"""What a container has: image, variables, secrets, checks, labels; the main one and the sidecars."""

import json
import re
from collections.abc import Mapping

from fargate_constructs.adoption.copilot.code import Call, Expression, Mapped, call, listed, made, mapping, text, texts
from fargate_constructs.adoption.copilot.container_ports import Ports, Target
from fargate_constructs.adoption.copilot.draft import Draft, durations, in_order, numbers, safe_name, text_map
from fargate_constructs.adoption.copilot.images import from_registry, image, secret_by_arn
from fargate_constructs.adoption.copilot.sections import Note, Section
from fargate_constructs.adoption.copilot.source import VARIABLE
from fargate_constructs.adoption.copilot.values import construct_id, port_and_protocol

CONDITIONS = ("start", "healthy", "complete", "success")


def main_container(draft: Draft) -> None:
    """Add the main container's arguments."""
    root, arguments = draft.root, draft.arguments
    section = root.section("image")
    found = image(draft, section, credentials=section.text("credentials"))
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
    found: dict[str, Expression] = {}
    for key in section.keys:
        if not section.is_map(key):
            found[key] = text(section.text(key) or "")
        elif (name := section.section(key).text("from_cfn")) is not None:
            found[key] = call("Fn.import_value", text(name))
        else:
            raise section.wrong(key, "a text or from_cfn", section.raw(key))
    return found


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
    return texts(re.sub(r"""["']""", "", word) for word in words)


def _files(path: str) -> Expression:
    return listed([call("ecs.EnvironmentFile.from_asset", f"str(WORKSPACE / {text(path)})")])


def secrets(draft: Draft, section: Section, owner: str = "") -> dict[str, Expression]:
    """Return the secrets of a container by variable; what they are in AWS is imported."""
    return {key: _secret(draft, section, key, owner) for key in section.keys}


def _secret(draft: Draft, section: Section, key: str, owner: str) -> Expression:
    name = f"{owner}{key}"
    if not section.is_map(key):
        return _parameter(draft, name, section.text(key) or "")
    inner = section.section(key)
    if export := inner.text("from_cfn"):
        todo = "the export is taken as the ARN of a secret of Secrets Manager; check that"
        section.ledger.notes.append(Note(inner.path, section.line(key), todo))
        value = call("Fn.import_value", text(export))
        secret = made("secretsmanager.Secret.from_secret_complete_arn", _secret_id(name), value)
        return call("ecs.Secret.from_secrets_manager", draft.imported(name, secret))
    managed = inner.text("secretsmanager")
    if managed is None:
        raise section.wrong(key, "a text, secretsmanager or from_cfn", section.raw(key))
    return _managed(draft, name, managed)


def _secret_id(key: str) -> str:
    return f"{construct_id(key)}Secret"


def _parameter(draft: Draft, key: str, name: str) -> Expression:
    """Return a secret from the parameter store, by name or ARN."""
    if name.startswith("arn:"):
        if name.split(":")[2] == "secretsmanager":
            return _managed(draft, key, name)
        path = name.split(":", 5)[5].removeprefix("parameter/")
        name = f"/{path}" if "/" in path else path
    method = "ssm.StringParameter.from_secure_string_parameter_attributes"
    imported = draft.imported(key, made(method, _secret_id(key), parameter_name=text(name)))
    return call("ecs.Secret.from_ssm_parameter", imported)


def _managed(draft: Draft, key: str, name: str) -> Expression:
    """Return a secret of Secrets Manager: name or ARN, and after it `:key:stage:version`."""
    if name.startswith("arn:"):
        *arn, options = [*name.split(":", 7), ""][:8]
        secret = secret_by_arn(_secret_id(key), ":".join(arn))
    else:
        first, _, options = name.partition(":")
        secret = made("secretsmanager.Secret.from_secret_name_v2", _secret_id(key), text(first))
    json_key, stage, version = [*options.split(":"), "", ""][:3]
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


def health_check(section: Section) -> Call | None:
    """Return the check of a sidecar or job, with Copilot's default times."""
    command = section.texts("command")
    options: dict[str, Expression] = {"command": texts(command)} if command else {}
    options |= durations(section, {key: key for key in ("interval", "timeout", "start_period")})
    options |= numbers(section, {"retries": "retries"})
    defaults = {"interval": "Duration.seconds(10)", "timeout": "Duration.seconds(5)", "retries": "2"}
    missing = {key: each for key, each in defaults.items() if key not in options}
    return call("ecs.HealthCheck", **options, **missing) if options else None


def sidecars(draft: Draft, ports: Ports) -> None:
    """Add the sidecars, each after those it waits for, and what the main container waits for."""
    children = draft.root.children("sidecars")
    waits = draft.root.section("image").section("depends_on")
    conditions = {key: waits.choice(key, CONDITIONS) for key in waits.keys}
    unknown = [key for key in conditions if key not in children]
    if unknown:
        raise waits.wrong(
            unknown[0], f"a container of the task ({', '.join(children) or 'there is no sidecar'})", unknown[0]
        )
    order = in_order({name: each.section("depends_on").keys for name, each in children.items()})
    if len(order) < len(children):
        raise draft.root.ledger.error(draft.root.line("sidecars"), "sidecars wait for each other in a circle")
    for name in order:
        _sidecar(draft, name, children[name], conditions.get(name))
        _open_ports(draft, name, children[name], ports)


def _sidecar(draft: Draft, name: str, section: Section, condition: str | None) -> None:
    options: dict[str, Expression | None] = {"image": _sidecar_image(draft, name, section)}
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


def _open_ports(draft: Draft, name: str, section: Section, ports: Ports) -> None:
    """Map the sidecar's own port, and those to which routes lead."""
    port = section.text("port")
    own = port_and_protocol(port) if port else None
    if port and (own is None or own[1] == "tls"):
        raise section.wrong("port", "a port such as 8080 or 8080/udp", port)
    targets = [Target(name, own[0])] if own else []
    targets += [each for each in ports.of_sidecars if each.sidecar == name]
    mappings = [
        call(
            "ecs.PortMapping",
            name=text(ports.of_sidecars[each]) if each in ports.of_sidecars else None,
            container_port=str(each.port),
            protocol="ecs.Protocol.UDP" if own == (each.port, "udp") or each in ports.udp else None,
        )
        for each in dict.fromkeys(targets)
    ]
    if mappings:
        draft.do(f"ports of {name}", call(f"{safe_sidecar(draft, name)}.add_port_mappings", *mappings))


def safe_sidecar(draft: Draft, name: str) -> str:
    """Return the variable of a sidecar."""
    variable = safe_name(name)
    return f"{variable}_sidecar" if variable == draft.variable else variable


def _sidecar_image(draft: Draft, name: str, section: Section) -> Expression:
    credentials, found = section.text("credentialsParameter"), None
    if section.is_map("image"):
        found = image(draft, section.section("image"), credentials=credentials, owner=name)
    elif location := section.text("image"):
        found = from_registry(draft, location, credentials, name)
    if found is None:
        raise section.ledger.error(section.line("image"), f"{section.path}.image needs an image")
    return found


def _condition(name: str) -> str:
    return f"ecs.ContainerDependencyCondition.{name.upper()}"


def environment_argument(draft: Draft, values: Mapping[str, Expression]) -> Mapped:
    """Return the variables that Copilot gives each container, and its own."""
    common = f"environment.variables({text(draft.name)})"
    return Mapped((("**", common), *mapping({**values, **draft.common_variables}).entries))
