"""The section `environments` is merged as Copilot merges it: internal/pkg/manifest/transform.go and its tests."""

from pathlib import Path
from textwrap import dedent

import pytest

from fargate_constructs.adoption.copilot.overrides import with_overrides
from fargate_constructs.adoption.copilot.source import read_yaml
from fargate_constructs.adoption.copilot.task_fields import plain

# What the manifest has, what the environment says, and what Copilot makes of it.
CASES = {
    "a value replaces a value": ("cpu: 256", "cpu: 1024", {"cpu": 1024}),
    "what is left out stays": ("cpu: 256\nmemory: 512", "cpu: 1024", {"cpu": 1024, "memory": 512}),
    "null changes nothing": ("cpu: 256", "cpu: null", {"cpu": 256}),
    "maps are merged": ("variables: {A: 1, B: 2}", "variables: {B: 3, C: 4}", {"variables": {"A": 1, "B": 3, "C": 4}}),
    "lists are replaced": ("command: [a, b]", "command: [c]", {"command": ["c"]}),
    "a text replaces a list": ("command: [a, b]", "command: c", {"command": "c"}),
    "a location replaces a build": (
        "image: {build: Dockerfile, port: 80}",
        "image: {location: nginx}",
        {"image": {"location": "nginx", "port": 80}},
    ),
    "a build replaces a location": (
        "image: {location: nginx}",
        "image: {build: {dockerfile: Dockerfile}}",
        {"image": {"build": {"dockerfile": "Dockerfile"}}},
    ),
    "build arguments are merged": (
        "image: {build: {dockerfile: A, target: b}}",
        "image: {build: {dockerfile: C}}",
        {"image": {"build": {"dockerfile": "C", "target": "b"}}},
    ),
    "a text replaces build arguments": (
        "image: {build: {dockerfile: A, target: b}}",
        "image: {build: C}",
        {"image": {"build": "C"}},
    ),
    "a number replaces a range": ("count: {range: 1-10, cpu_percentage: 70}", "count: 2", {"count": 2}),
    "a range replaces a number": ("count: 2", "count: {range: 1-10}", {"count": {"range": "1-10"}}),
    "spot replaces scaling": ("count: {range: 1-10, cpu_percentage: 70}", "count: {spot: 3}", {"count": {"spot": 3}}),
    "scaling replaces spot": ("count: {spot: 3}", "count: {range: 1-10}", {"count": {"range": "1-10"}}),
    "a range as a map replaces one as a text": (
        "count: {range: 1-10, requests: 5}",
        "count: {range: {min: 2, max: 4}}",
        {"count": {"range": {"min": 2, "max": 4}, "requests": 5}},
    ),
    "a metric with a cooldown replaces a number": (
        "count: {cpu_percentage: 70}",
        "count: {cpu_percentage: {value: 50, cooldown: {in: 5s}}}",
        {"count": {"cpu_percentage": {"value": 50, "cooldown": {"in": "5s"}}}},
    ),
    "http may be turned off": ("http: {path: /}", "http: false", {"http": False}),
    "http may be turned on": ("http: false", "http: {path: /}", {"http": {"path": "/"}}),
    "an alias as a list replaces a text": (
        "http: {path: /, alias: a.com}",
        "http: {alias: [{name: b.com, hosted_zone: Z1}]}",
        {"http": {"path": "/", "alias": [{"name": "b.com", "hosted_zone": "Z1"}]}},
    ),
    "a check as a text replaces a map": (
        "http: {healthcheck: {path: /a, interval: 5s}}",
        "http: {healthcheck: /b}",
        {"http": {"healthcheck": "/b"}},
    ),
    "placement as a map replaces a text": (
        "network: {vpc: {placement: private}}",
        "network: {vpc: {placement: {subnets: [s-1]}}}",
        {"network": {"vpc": {"placement": {"subnets": ["s-1"]}}}},
    ),
    "security groups as a list replace a map": (
        "network: {vpc: {security_groups: {deny_default: true, groups: [sg-1]}}}",
        "network: {vpc: {security_groups: [sg-2]}}",
        {"network": {"vpc": {"security_groups": ["sg-2"]}}},
    ),
    "an alias of connect replaces true": (
        "network: {connect: true}",
        "network: {connect: {alias: web}}",
        {"network": {"connect": {"alias": "web"}}},
    ),
    "sidecars are merged": (
        "sidecars: {a: {image: x, port: 80}}",
        "sidecars: {a: {port: 81}, b: {image: y}}",
        {"sidecars": {"a": {"image": "x", "port": 81}, "b": {"image": "y"}}},
    ),
    "an image of a sidecar that is built": (
        "sidecars: {a: {image: {location: x}}}",
        "sidecars: {a: {image: {build: Dockerfile}}}",
        {"sidecars": {"a": {"image": {"build": "Dockerfile"}}}},
    ),
    "volumes are merged": (
        "storage: {volumes: {a: {path: /a, efs: {id: fs-1, auth: {iam: true}}}}}",
        "storage: {volumes: {a: {efs: {auth: {access_point_id: ap-1}}}}}",
        {
            "storage": {
                "volumes": {
                    "a": {"path": "/a", "efs": {"id": "fs-1", "auth": {"iam": True, "access_point_id": "ap-1"}}}
                }
            }
        },
    ),
    "a managed file system replaces one made elsewhere": (
        "storage: {volumes: {a: {efs: {id: fs-1, root_dir: /b}}}}",
        "storage: {volumes: {a: {efs: {uid: 1, gid: 2}}}}",
        {"storage": {"volumes": {"a": {"efs": {"uid": 1, "gid": 2}}}}},
    ),
    "a file system made elsewhere replaces a managed one": (
        "storage: {volumes: {a: {efs: {uid: 1, gid: 2}}}}",
        "storage: {volumes: {a: {efs: {id: fs-1}}}}",
        {"storage": {"volumes": {"a": {"efs": {"id": "fs-1"}}}}},
    ),
    "a secret of Secrets Manager replaces one of the parameter store": (
        "secrets: {A: PARAMETER}",
        "secrets: {A: {secretsmanager: mysql}}",
        {"secrets": {"A": {"secretsmanager": "mysql"}}},
    ),
    "a secret of an export replaces one of Secrets Manager": (
        "secrets: {A: {secretsmanager: mysql}}",
        "secrets: {A: {from_cfn: export}}",
        {"secrets": {"A": {"from_cfn": "export"}}},
    ),
    "a variable of an export replaces a text": (
        "variables: {A: a}",
        "variables: {A: {from_cfn: export}}",
        {"variables": {"A": {"from_cfn": "export"}}},
    ),
    "rules are replaced as a whole": (
        "taskdef_overrides: [{path: Cpu, value: 1}]",
        "taskdef_overrides: [{path: Memory, value: 2}]",
        {"taskdef_overrides": [{"path": "Memory", "value": 2}]},
    ),
}


@pytest.mark.parametrize(("base", "override", "wanted"), CASES.values(), ids=CASES)
def test_merging(base: str, override: str, wanted: dict[str, object], tmp_path: Path) -> None:
    """The environment's values apply, and those of another environment do not."""
    file = tmp_path / "manifest.yml"
    other = "  other: {cpu: 4096}\n"
    indented = "".join(f"    {line}\n" for line in override.splitlines())
    file.write_text(f"{dedent(base)}\nenvironments:\n  prod:\n{indented}{other}")
    manifest = read_yaml(file, "shop")

    assert plain(with_overrides(manifest, "prod")) == wanted
    assert "environments" not in with_overrides(manifest, "test")


@pytest.mark.parametrize("text", ["", "environments:\n", "environments:\n  prod:\n"])
def test_without_overrides(text: str, tmp_path: Path) -> None:
    """The manifest holds as it is."""
    file = tmp_path / "manifest.yml"
    file.write_text(f"cpu: 256\n{text}")

    assert plain(with_overrides(read_yaml(file, "shop"), "prod")) == {"cpu": 256}
