"""The calls of AWS's APIs in the deployed code of a Lambda function, and their IAM actions."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import boto3

# Where the name of the action differs from the name of the operation
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html,
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html).
ACTIONS = {
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:UploadPart": "s3:PutObject",
    "lambda:Invoke": "lambda:InvokeFunction",
}


class UnreadableCodeError(Exception):
    """Code makes, passes on or uses a client in a way that hides its calls."""


@cache
def operations(asset: Path, handler: str) -> frozenset[str]:
    """Return the operations that a function calls, such as `s3:UploadPart`, from its folder and handler."""
    trees = list(_modules(asset, handler.rpartition(".")[0]))
    clients = dict(client for tree in trees for client in _clients(tree))
    if not clients:
        raise UnreadableCodeError(f"{asset}: {handler} has no client of boto3 that could be found")
    return frozenset(
        f"{clients[name]}:{_operation(clients[name], method)}"
        for tree in trees
        for name, method in _calls(tree, clients)
    )


def _modules(asset: Path, module: str) -> Iterator[ast.Module]:
    """Yield the syntax tree of a module and of the modules of its package that it imports."""
    found: dict[str, ast.Module] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = asset / f"{name.replace('.', '/')}.py"
        if name in found or not path.is_file():  # `from . import name` may name a function of the package
            continue
        found[name] = ast.parse(path.read_text())
        package = name.rpartition(".")[0]
        waiting += [f"{package}.{imported}" for imported in _imports(found[name])]
    if not found:
        raise UnreadableCodeError(f"{asset} has no module {module}")
    yield from found.values()


def _imports(tree: ast.Module) -> Iterator[str]:
    """Yield the modules of its own package that a module imports."""
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module), level=1):
                yield module
            case ast.ImportFrom(module=None, names=names, level=1):
                yield from (each.name for each in names)


def _clients(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the name and the service of each client that a module makes."""
    made = 0
    for node in tree.body:
        match node:
            case (
                ast.Assign(
                    targets=[ast.Name(id=name)], value=ast.Call(func=func, args=[ast.Constant(value=str(service))])
                )
                | ast.AnnAssign(
                    target=ast.Name(id=name), value=ast.Call(func=func, args=[ast.Constant(value=str(service))])
                )
            ) if ast.unparse(func) == "boto3.client":
                made += 1
                yield name, service
    uses = sum(isinstance(node, ast.Name) and node.id == "boto3" for node in ast.walk(tree))
    if uses != made:
        raise UnreadableCodeError("boto3 is used otherwise than for a module's own client: NAME = boto3.client('s3')")


def _calls(tree: ast.Module, clients: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each call of a client's method. For `get_paginator` yield the operation that it repeats."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Name | ast.Attribute) or isinstance(node.ctx, ast.Store):
            continue
        name = node.id if isinstance(node, ast.Name) else node.attr
        if name not in clients:
            continue
        method = parents[node]
        call = parents.get(method)
        match (method, call):
            case (ast.Attribute(attr="meta" | "exceptions"), _):
                continue
            case (ast.Attribute(attr="get_paginator"), ast.Call(args=[ast.Constant(value=str(repeated))])):
                yield name, repeated
            case (ast.Attribute(attr=attr), ast.Call(func=func)) if func is method and not attr.startswith(
                "get_waiter"
            ):
                yield name, attr
            case _:
                raise UnreadableCodeError(f"line {node.lineno}: {ast.unparse(method)} hides its call of AWS")


@cache
def _names(service: str) -> dict[str, str]:
    """Return the operations of a service by the names of the client's methods."""
    client = boto3.client(service, region_name="eu-west-1")  # type: ignore[call-overload] # of any service
    names: dict[str, str] = client.meta.method_to_api_mapping
    return names


def _operation(service: str, method: str) -> str:
    if method not in _names(service):
        raise UnreadableCodeError(f"{service} has no operation {method}")
    return _names(service)[method]
