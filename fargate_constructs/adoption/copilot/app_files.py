"""Writes the files of the app: app.py, copilot_environment.py, a module for each workload, and settings."""

import ast
import builtins
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fargate_constructs.adoption.copilot.code import INDENT, WIDTH, text
from fargate_constructs.adoption.copilot.draft import Topic, in_order, safe_name
from fargate_constructs.adoption.copilot.environment_file import MODULES
from fargate_constructs.adoption.copilot.statements import Statements, merged_lines
from fargate_constructs.adoption.copilot.values import construct_id, variable_name

CORE = ("App", "Duration", "Fn", "Stack", "Stage")
LIBRARY = (
    *("Capacity", "Deployment", "FargateService", "FireLens", "FixedEgressNetwork", "Health", "HttpEndpoint"),
    *("LoadBalancing", "Metrics", "QueueWorker", "Rollback", "Scaling", "ScheduledTask", "ServiceConnect"),
    "TcpEndpoint",
)
LOCAL = {"WORKSPACE", "CopilotEnvironment"}
ENVIRONMENT_FILE = "copilot_environment.py"


@dataclass(frozen=True)
class Module:
    """One workload, as a module of the app."""

    name: str
    kind: str
    source: str
    """The path of the manifest, for the docstring."""
    statements: Mapping[str, Statements]
    topics: tuple[Topic, ...]
    """The topics of other stacks that it takes."""

    @property
    def file(self) -> str:
        """The name of the file; the suffix keeps it apart from Python's own modules, such as `site`."""
        return f"{variable_name(self.name)}_stack.py"

    @property
    def class_name(self) -> str:
        """The class of its stack."""
        return f"{construct_id(self.name)}Stack"


def workload_module(module: Module) -> str:
    """Return the code of one workload."""
    topics = [f"{each.variable}: sns.ITopic" for each in module.topics]
    parameters = ["self", "scope: Construct", "id: str", "*", "environment_name: str", *topics]
    body = [
        f"class {module.class_name}(Stack):",
        f'{INDENT}"""{module.name} of Copilot, in one environment."""',
        "",
        *_fitted("def __init__(", parameters, ") -> None:", 1),
        f"{INDENT * 2}super().__init__(scope, id)",
        f'{INDENT * 2}environment = CopilotEnvironment(self, "Environment", environment_name)',
        *merged_lines(module.statements, 2),
    ]
    title = f'"""The {module.kind} {module.name}, from {module.source}."""'
    return _module(title, body)


def _fitted(opening: str, items: Sequence[str], closing: str, indent: int) -> list[str]:
    """Return items between two texts: on one line if it fits, or each on its own."""
    space = INDENT * indent
    one = f"{space}{opening}{', '.join(items)}{closing}"
    if len(one) <= WIDTH:
        return [one]
    return [f"{space}{opening}", *(f"{space}{INDENT}{each}," for each in items), f"{space}{closing}"]


def _module(title: str, body: Sequence[str]) -> str:
    code = "\n".join(body)
    nodes = list(ast.walk(ast.parse(code)))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    variables = sorted(_shell_variables(nodes))
    blocks = [title, "\n".join(_imports(names, has_variables=bool(variables)))]
    if variables:
        comment = "# From the shell, as in Copilot's manifest."
        blocks.append("\n".join([comment, *(f"{each} = os.environ[{text(each)}]" for each in variables)]))
    return "\n\n".join(blocks) + "\n\n\n" + code + "\n"


def _shell_variables(nodes: Sequence[ast.AST]) -> set[str]:
    """Return the names that are read but never defined: variables of the shell."""
    names = [node for node in nodes if isinstance(node, ast.Name)]
    defined = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    defined |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    known = {*MODULES, *CORE, *LIBRARY, *LOCAL, "Construct", "cast", "json", *dir(builtins)}
    return {node.id for node in names} - defined - known


def _imports(names: set[str], *, has_variables: bool) -> Iterator[str]:
    standard = [*(["import json"] if "json" in names else []), *(["import os"] if has_variables else [])]
    if "cast" in names:
        standard.append("from typing import cast")
    if standard:
        yield from standard
        yield ""
    yield f"from aws_cdk import {', '.join(name for name in CORE if name in names)}"
    for alias, module in sorted(MODULES.items(), key=lambda item: item[1]):
        if alias in names:
            yield f"from aws_cdk import {module} as {alias}"
    yield "from constructs import Construct"
    library = [name for name in LIBRARY if name in names]
    one = f"from fargate_constructs import {', '.join(library)}"
    yield from [one] if len(one) <= WIDTH else _fitted("from fargate_constructs import (", library, ")", 0)
    yield ""
    yield f"from {ENVIRONMENT_FILE.removesuffix('.py')} import {', '.join(sorted(LOCAL & names))}"


def app_module(application: str, environments: Sequence[str], modules: Sequence[Module]) -> str:
    """Return app.py."""
    by_name = {each.name: each for each in modules}
    waits = {each.name: {topic.publisher for topic in each.topics} for each in modules}
    publishers, order = set().union(*waits.values()), in_order(waits)
    if circle := [name for name in by_name if name not in order]:
        raise ValueError(
            f"the stacks of {', '.join(circle)} would need each other, because each takes a topic of another; convert "
            "one of them by its own manifest, so that it takes Copilot's topics"
        )
    names = "".join(f"{text(each)}, " for each in environments).strip()
    body = [
        "app = App()",
        "# In another account or region: Stage(app, name, env=Environment(…)).",
        f"for name in ({names if len(environments) == 1 else names[:-1]}):",
        f"{INDENT}stage = Stage(app, name)",
    ]
    for module in map(by_name.__getitem__, order):
        topics = [f"{each.variable}={safe_name(each.publisher)}.{each.attribute}" for each in module.topics]
        arguments = ["stage", text(module.name), "environment_name=name", *topics]
        target = f"{safe_name(module.name)} = " if module.name in publishers else ""
        body += _fitted(f"{target}{module.class_name}(", arguments, ")", 1)
    body.append("app.synth()")
    imports = sorted(f"from {module.file.removesuffix('.py')} import {module.class_name}" for module in modules)
    title = f'"""The services and jobs of {application}, beside those of Copilot."""'
    return f"{title}\n\nfrom aws_cdk import App, Stage\n\n" + "\n".join(imports) + "\n\n" + "\n".join(body) + "\n"


def root_code(output: Path, root: Path) -> str:
    """Return the code of the path from the app to the root of the workspace."""
    relative = os.path.relpath(root.resolve(), output.resolve())
    parts = Path(relative).parts
    if all(part == ".." for part in parts):
        return f"Path(__file__).parents[{len(parts)}]"
    return f"Path(__file__).parent / {text(relative)}" if relative != "." else "Path(__file__).parent"


def settings() -> dict[str, str]:
    """Return cdk.json and requirements.txt."""
    cdk = {"app": "python app.py"}
    requirements = "aws-cdk-lib>=2.270.0,<3\nconstructs>=10.5.1,<11\nfargate-constructs\n"
    return {"cdk.json": json.dumps(cdk, indent=2) + "\n", "requirements.txt": requirements}
