"""Applies the section `environments` of a manifest as Copilot does.

https://aws.github.io/copilot-cli/docs/manifest/overview/ and the transformers in internal/pkg/manifest/transform.go of
aws/copilot-cli: a map is merged key by key, a list or a single value replaces the old one, a value that is left out
changes nothing, and of fields that exclude each other the one of the environment stays.
"""

from fargate_constructs.adoption.copilot.source import Block, Scalar, Value

# If an environment says one of the first, the second ones are gone, and the other way around.
EXCLUSIVE: dict[str, list[tuple[set[str], set[str]]]] = {
    "image": [({"build"}, {"location"})],
    "sidecars.*.image": [({"build"}, {"location"})],
    "count": [
        (
            {"spot"},
            {
                "range",
                "cooldown",
                "cpu_percentage",
                "memory_percentage",
                "requests",
                "response_time",
                "queue_delay",
            },
        )
    ],
    "storage.volumes.*.efs": [({"uid", "gid"}, {"id", "root_dir", "auth"})],
}
# Maps of single values: a value is a text or a map, and replaces the old one as a whole.
WHOLE = ("variables", "secrets", "secretOptions")


def with_overrides(manifest: Block, environment: str) -> Block:
    """Return the manifest of one environment, without the section `environments`."""
    own = {key: value for key, value in manifest.items() if key != "environments"}
    base = Block(own, manifest.line, manifest.lines)
    environments = manifest.get("environments")
    override = environments.get(environment) if isinstance(environments, Block) else None
    return _merged_blocks(base, override, "") if isinstance(override, Block) else base


def _merged(old: Value | None, new: Value, field: str) -> Value:
    if isinstance(new, Scalar) and new.is_null and old is not None:
        return old
    is_whole = field.rpartition(".")[0].rpartition(".")[2] in WHOLE
    if is_whole or not isinstance(old, Block) or not isinstance(new, Block):
        return new
    return _merged_blocks(old, new, field)


def _merged_blocks(old: Block, new: Block, field: str) -> Block:
    kept = dict(old)
    for first, second in EXCLUSIVE.get(field, ()):
        for chosen, gone in ((first, second), (second, first)):
            if chosen & set(new):
                kept = {key: value for key, value in kept.items() if key not in gone}
    values = dict(kept)
    for key, value in new.items():
        inner = f"{field}.*" if field in {"sidecars", "storage.volumes"} else f"{field}.{key}".lstrip(".")
        values[key] = _merged(kept.get(key), value, inner)
    return Block(values, old.line, old.lines | new.lines)
