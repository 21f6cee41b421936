"""docs/comparison.md: what it says of this library is there, and what it says of aws_ecs_patterns is complete."""

import ast
import inspect
import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import aws_cdk
import pytest
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ecs_patterns
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Node

import fargate_constructs
from fargate_constructs import FargateService, HttpEndpoint, ScheduledTask, TcpEndpoint

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "comparison.md").read_text()
LINES = re.compile(r"no line|one line|([2-9]|\d\d) lines|not")
# What the variables and attributes of the page are.
VARIABLES: dict[str, type] = {
    "api": FargateService,
    "bucket": s3.Bucket,
    "database": rds.DatabaseCluster,
    "edge": TcpEndpoint,
    "endpoint": HttpEndpoint,
    "job": ScheduledTask,
    "listener": elbv2.NetworkListener,
    "service": FargateService,
    "topic": sns.Topic,
    "web": FargateService,
}
VALUES = {"load_balancer", "queue", "secret", "stack", "vpc"}
ATTRIBUTES: dict[str, type] = {
    "container": ecs.ContainerDefinition,
    "listener": elbv2.ApplicationListener,
    "load_balancer": elbv2.ApplicationLoadBalancer,
    "node": Node,
    "scalable_task_count": ecs.ScalableTaskCount,
    "service": ecs.FargateService,
    "task_definition": ecs.FargateTaskDefinition,
}
MODULES = {"elbv2": "elasticloadbalancingv2", "subscriptions": "sns_subscriptions"}


class Row(NamedTuple):
    """A line of a table: a feature of another tool."""

    tool: str
    there: str
    lines: str
    here: str
    guide: str

    @property
    def code(self) -> list[str]:
        """What is written here, as code."""
        return [each.replace("…", "...") for each in re.findall("`([^`]+)`", self.here) if re.search(r"[=(.]", each)]


class Instance(NamedTuple):
    """An object of a class."""

    type: type


def rows() -> Iterator[Row]:
    """Yield the lines of the tables below the headings."""
    for section in PAGE.split("\n## ")[1:]:
        tool, _, text = section.partition("\n")
        if tool == "Measured":
            continue
        for line in text.splitlines():
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            if line.startswith("| ") and cells[0] != "there":
                there, lines, here, guide = [*cells, ""][:4]
                yield Row(tool, there, lines, here, guide)


ROWS = [*rows()]


def names(row: Row) -> list[str]:
    """Return what is wrong with the names in a line's code."""
    wrong = []
    for code in row.code:
        if code.startswith((".", "examples/", "aws ", "443")):
            continue
        try:
            tree = ast.parse(code, mode="eval").body
        except SyntaxError:
            tree = ast.parse(f"FargateService({code})", mode="eval").body
        try:
            check(tree)
        except (AttributeError, KeyError, TypeError) as error:
            wrong.append(f"{row.tool}: {row.there}: {code}: {error!r}")
    return wrong


def check(node: ast.expr) -> Any:  # noqa: ANN401 - a module, a class, a function or an instance
    """Return what an expression is; raise an error if one of its names does not exist."""
    match node:
        case ast.Name(name):
            return None if name in VALUES else known(name)
        case ast.Attribute(owner, name):
            return attribute(check(owner), name)
        case ast.Call(function, positional, keywords):
            return call(check(function), [check(each) for each in positional], keywords)
        case ast.List(parts) | ast.Tuple(parts):
            return [check(each) for each in parts]
        case ast.Dict(_, parts):
            return [check(each) for each in parts]
    return None


def known(name: str) -> Any:  # noqa: ANN401
    """Return what a name is: a variable, a public class, a class of CDK's core, or one of its modules."""
    if name in VARIABLES:
        return Instance(VARIABLES[name])
    for module in (fargate_constructs, aws_cdk):
        if name in vars(module).get("__all__", ()):
            return getattr(module, name)
    try:
        return import_module(f"aws_cdk.aws_{MODULES.get(name, name)}")
    except ModuleNotFoundError as error:
        raise KeyError(name) from error


def attribute(owner: Any, name: str) -> Any:  # noqa: ANN401
    """Return an attribute of a module, a class or an instance."""
    if not isinstance(owner, Instance):
        return getattr(owner, name)
    bases = [each for each in owner.type.__mro__ if each.__module__.startswith("fargate_constructs")]
    is_set = any(re.search(rf"self\.{name}(:[^=\n]+)? = ", inspect.getsource(each)) for each in bases)
    if not is_set:
        found = getattr(owner.type, name)
        if inspect.isfunction(found):
            return found
    return Instance(ATTRIBUTES.get(name, object))


def call(function: Any, positional: list[Any], keywords: list[ast.keyword]) -> Any:  # noqa: ANN401
    """Return what a call returns; raise an error if it has no such arguments."""
    # The metaclass of jsii hides the signature of a class.
    made_by = inspect.getattr_static(function, "__init__") if isinstance(function, type) else function
    parameters = inspect.signature(made_by).parameters
    for keyword in keywords:
        check(keyword.value)
        if keyword.arg not in parameters:
            raise TypeError(f"{function.__qualname__} has no argument {keyword.arg}")
    named = [name for name, each in parameters.items() if each.kind is not each.KEYWORD_ONLY and name != "self"]
    if len(positional) > len(named):
        raise TypeError(f"{function.__qualname__} has not so many positional arguments")
    if isinstance(function, type):
        return Instance(function)
    owner = function.__qualname__.rpartition(".")[0]
    return Instance(getattr(aws_cdk, owner)) if hasattr(aws_cdk, owner) else None


def test_each_name_exists() -> None:
    """Each class, method, argument and attribute that the page writes."""
    assert len(ROWS) > 250
    assert [each for row in ROWS for each in names(row)] == []


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("FargateServices(image=1)", "KeyError"),
        ("service.add_side_car('a')", "AttributeError"),
        ("service.add_sidecar('a', picture=1)", "no argument picture"),
        ("service.add_sidecar('a', 'b')", "not so many positional"),
        ("picture=1", "no argument picture"),
        ("image=ecs.ContainerImage.from_registries('a')", "AttributeError"),
        ("Tags.of(service).put('a', 'b')", "AttributeError"),
        ("service.scalable_task_count.scale('a')", "AttributeError"),
    ],
)
def test_a_wrong_name_is_found(code: str, error: str) -> None:
    """A class, a method, an argument, also within another, and after attributes."""
    (wrong,) = names(Row("tool", "there", "one line", f"`{code}`", ""))

    assert error in wrong


def test_each_line_says_how_or_why() -> None:
    """Code for what takes lines, and a reason for what is not offered."""
    for row in ROWS:
        assert LINES.fullmatch(row.lines), row
        if row.lines == "not":
            assert len(row.here.split()) > 4, row
        elif row.lines != "no line":
            assert row.code or "Python" in row.here, row


def test_each_guide_has_the_section() -> None:
    """The links of the last column lead to headings."""
    anchors = {
        path.name: {
            re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-")
            for heading in re.findall("^#+ (.*)", path.read_text(), re.MULTILINE)
        }
        for path in DOCS.glob("*.md")
    }
    found = [re.search(r"\((\S+\.md)#(\S+)\)", row.guide) for row in ROWS if row.guide]

    assert [f"{each[1]}#{each[2]}" for each in found if each and each[2] not in anchors[each[1]]] == []
    assert all(found)


def test_the_lines_are_counted() -> None:
    """The table at the top has the sums of the others."""
    for tool in dict.fromkeys(row.tool for row in ROWS):
        count = Counter("more" if row.lines.endswith(" lines") else row.lines for row in ROWS if row.tool == tool)
        sums = [count.total(), *(count[each] for each in ("no line", "one line", "more", "not"))]
        assert re.search(rf"\| \[{re.escape(tool)}\]\(\S+\) \| {' [|] '.join(map(str, sums))} \|", PAGE), (tool, sums)


def test_each_argument_of_ecs_patterns_is_there() -> None:
    """Of the six Fargate classes, and of the structures that they take."""
    classes = r"\w+Fargate(Service|Task)|\w+BalancedTaskImage(Options|Props)|ScheduledFargateTask\w+Options"
    structures = r"(Application|Network)(LoadBalancer|Listener|Target)Props"
    arguments = {
        argument
        for name in dir(aws_ecs_patterns)
        if re.fullmatch(f"{classes}|{structures}", name)
        for argument in inspect.signature(getattr(aws_ecs_patterns, name).__init__).parameters
    }

    assert arguments - {"self", "scope", "id"} == {
        name for row in ROWS if row.tool == "aws_ecs_patterns" for name in re.findall("`([^`]+)`", row.there)
    }


def test_each_property_of_express_mode_is_there() -> None:
    """Of the resource, and of the structures that it takes."""
    taken = {"Container", "RepositoryCredentials", "ServiceAwsLogsConfiguration", "ServiceNetworkConfiguration"}
    resource = ecs.CfnExpressGatewayService
    properties = {
        parameter
        for made_by in (resource, *(getattr(resource, f"ExpressGateway{name}Property") for name in taken))
        for parameter in inspect.signature(made_by.__init__).parameters
    }
    # Of a log group, a secret of a registry, and metrics.
    inner = {"log_group", "log_stream_prefix", "credentials_parameter"}
    written = {
        part
        for row in ROWS
        if row.tool == "ECS Express Mode"
        for name in re.findall("`([^`]+)`", row.there)
        for part in name.split(".")
    }

    assert properties - {"self", "scope", "id"} - inner == written


def test_the_measured_figures_are_those_of_the_results() -> None:
    """benchmarks/RESULTS.md has each of them."""
    results = (DOCS.parent / "benchmarks/RESULTS.md").read_text()
    section = PAGE.partition("## Measured")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|")[1:] for line in section.splitlines() if line.startswith("| ")][1:]

    assert len(rows) > 5
    for ours, theirs in rows:
        assert re.search(rf"\| {re.escape(ours.strip())}\b.*\| {re.escape(theirs.strip())}\b", results), ours
