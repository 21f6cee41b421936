"""What feeds the API reference: each public name, argument and member, with its documentation."""

import dataclasses
import importlib
import importlib.util
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tools.site.cdk_names import cdk_address
from tools.site.pages import ROOT, sources
from tools.site.public_api import MODULES, Entry, Type, public_api
from tools.site.reference import PAGES, reference_pages

PUBLIC = {
    f"{module}.{name}": getattr(importlib.import_module(module), name)
    for module in MODULES
    for name in importlib.import_module(module).__all__
}


@pytest.fixture(scope="module")
def entries() -> dict[str, Entry]:
    """The public names."""
    return {f"{each.module}.{each.name}": each for each in public_api().entries}


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """The reference's pages."""
    return reference_pages(public_api())


def arguments_of(value: object) -> list[inspect.Parameter]:
    """Return the arguments of a function or of a constructor of this library."""
    made = value.__init__ if inspect.isclass(value) else value
    is_own = callable(made) and inspect.unwrap(made).__module__.startswith("fargate_constructs")
    is_own = is_own or dataclasses.is_dataclass(value)
    if not is_own or not callable(made):
        return []
    return [each for each in inspect.signature(made).parameters.values() if each.name != "self"]


def with_members(entry: Entry) -> Iterator[Entry]:
    """Yield a name and its members."""
    yield entry
    yield from entry.members


def types(entry: Entry) -> Iterator[Type]:
    """Yield the types of a name and its members."""
    for each in with_members(entry):
        yield each.type
        yield from (argument.type for argument in each.arguments or ())


@pytest.mark.parametrize("name", PUBLIC)
def test_each_name_is_documented(entries: dict[str, Entry], name: str) -> None:
    """Itself, each member, each argument and each exception."""
    found = list(with_members(entries[name]))
    undocumented = [each.name for each in found if not each.text]
    undocumented += [
        f"{each.name}({one.name})" for each in found for one in each.arguments or () if not one.description
    ]
    undocumented += [f"{each.name}: {error}" for each in found for error, text in each.raises if not text]

    assert undocumented == []


@pytest.mark.parametrize("name", [name for name, each in PUBLIC.items() if inspect.isclass(each)])
def test_arguments_and_members_are_those_at_run_time(entries: dict[str, Entry], name: str) -> None:
    """The source is read without running it; what runs has the same."""
    entry, class_ = entries[name], PUBLIC[name]
    functions = {
        member
        for member, value in inspect.getmembers(class_, callable)
        if not member.startswith("_") and inspect.unwrap(value).__module__.startswith("fargate_constructs")
    }

    assert [(each.name.strip("*"), each.default is None) for each in entry.arguments or ()] == [
        (each.name, each.default is each.empty and each.kind is not each.VAR_POSITIONAL)
        for each in arguments_of(class_)
    ]
    assert functions - {each.name.rpartition(".")[2] for each in entry.members} == set()


@pytest.mark.parametrize("name", PUBLIC)
def test_attributes_have_types(entries: dict[str, Entry], name: str) -> None:
    """By an annotation, or by what makes them."""
    attributes = [each for each in entries[name].members if each.kind in {"attribute", "property"}]
    is_enumeration = inspect.isclass(PUBLIC[name]) and hasattr(PUBLIC[name], "__members__")

    assert [each.name for each in attributes if not each.type and not is_enumeration] == []


def test_each_public_name_is_on_a_page(pages: dict[str, str]) -> None:
    """With each of its arguments, and what that is."""
    text = "\n".join(pages.values())
    described = {*re.findall(r"\{#(\S+) \.argument\}.*\n: \S", text)}
    missing = []
    for name, value in PUBLIC.items():
        module, _, short = name.rpartition(".")
        heading = re.search(rf"^:+{{py:\w+}} {short}(\(.*)?\n:module: {re.escape(module)}$", text, re.MULTILINE)
        missing += [name] * (heading is None)
        missing += [f"{name}({each.name})" for each in arguments_of(value) if f"{short}-{each.name}" not in described]

    assert len(PUBLIC) > 50
    assert missing == []


def test_an_entry_has_types_defaults_errors_and_its_source(pages: dict[str, str]) -> None:
    """With links to CDK's reference and to this one."""
    service = pages["service"]

    assert "\n[`on_demand_base`]{#Capacity-spot-on_demand_base .argument}`` : int = 2 ``\n: How many tasks" in service
    assert "(https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk.aws_ecs/ContainerImage.html) [required]" in service
    assert "{py:obj}`Scaling <fargate_constructs.Scaling>`" in service
    assert " = elbv2.ApplicationProtocolVersion.HTTP1 ``" in service
    assert "Raises\n: `ValueError`: If a number is out of its range." in service
    assert re.search(r"\[Source\]\(https://github.com/\S+/main/fargate_constructs/service/capacity.py#L\d+\)", service)
    assert "Guides: [Service](../service.md)" in service.partition("{py:class} Capacity")[0]
    assert "::::::{py:method} add_sidecar(" in service  # inherited


def test_a_long_default_is_shown_by_its_name(pages: dict[str, str]) -> None:
    """Such as a whole page in HTML."""
    assert "{#HttpEndpoint-maintenance-html .argument}`` : str = PAGE ``" in pages["endpoint"]


def test_constructs_are_above_what_they_take(pages: dict[str, str]) -> None:
    """In the list of all pages as in each page."""
    for text, first, second in (
        (pages["index"], "fargate_constructs.FargateService>", "fargate_constructs.Capacity>"),
        (pages["service"], "{py:class} FargateService", "{py:class} Capacity"),
    ):
        assert -1 < text.find(first) < text.find(second)


def test_each_page_of_the_reference_has_names(pages: dict[str, str]) -> None:
    """An empty page would mean that a folder has moved."""
    assert [name for name, text in pages.items() if name != "index" and "{py:" not in text] == []
    assert {each[0] for each in PAGES.values()} | {"index"} == pages.keys()


@cache
def classes(module: str) -> set[str]:
    """Return the classes of a module of CDK, without loading it."""
    spec = importlib.util.find_spec(module)
    assert spec, f"CDK has no module {module}"
    assert spec.origin
    return set(re.findall(r"\nclass (\w+)", Path(spec.origin).read_text()))


def test_what_leads_to_the_reference_of_cdk_is_there(entries: dict[str, Entry]) -> None:
    """Types of the reference, and names in the guides such as `ecs.Secret`."""
    named = {path for entry in entries.values() for type_ in types(entry) for _, path in type_ if path}
    modules = public_api().cdk_modules
    code = re.compile(rf"`({'|'.join(modules)})\.([A-Z]\w*)")
    named |= {
        f"{modules[alias]}.{name}" for page in sources() for alias, name in code.findall((ROOT / page).read_text())
    }
    of_cdk = {path for path in named if cdk_address(path)}
    missing = {
        path
        for path in of_cdk
        for module, _, name in [
            re.sub(r"^((?:aws_cdk\.aws_\w+|aws_cdk|constructs)\.\w+).*", r"\1", path).rpartition(".")
        ]
        if name not in classes(module)
    }

    assert len(of_cdk) > 80
    assert missing == set()


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("aws_cdk.aws_ecs.Secret", "aws_cdk.aws_ecs/Secret.html"),
        (
            "aws_cdk.aws_ecs.CpuArchitecture.ARM64",
            "aws_cdk.aws_ecs/CpuArchitecture.html#aws_cdk.aws_ecs.CpuArchitecture.ARM64",
        ),
        ("aws_cdk.Duration", "aws_cdk/Duration.html"),
        ("constructs.Construct", "constructs/Construct.html"),
        ("fargate_constructs._core.lazy_cdk.aws_sqs.Queue", "aws_cdk.aws_sqs/Queue.html"),
    ],
)
def test_addresses_in_the_reference_of_cdk(path: str, address: str) -> None:
    """As Sphinx names pages and anchors there."""
    assert cdk_address(path) == f"https://docs.aws.amazon.com/cdk/api/v2/python/{address}"


@pytest.mark.parametrize("path", ["str", "aws_cdk.aws_ecs", "collections.abc.Mapping", "fargate_constructs.Capacity"])
def test_what_is_not_of_cdk_has_no_address_there(path: str) -> None:
    """Nor has a module."""
    assert cdk_address(path) is None
