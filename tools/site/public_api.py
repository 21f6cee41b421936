"""The public names of the package with their arguments, members and documentation, read from the source.

```
fargate_constructs/**/*.py ──> griffe ──> [public_api] ──> Entry for each public class, function and constant
```
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path

import griffe

from tools.site.cdk_names import without_laziness
from tools.site.source_objects import (
    flat,
    is_enumeration,
    kind_of,
    parameters_of,
    path_of,
    required,
    sections_of,
    texts_of_value,
)

ROOT = Path(__file__).parents[2]
PACKAGE = "fargate_constructs"
MODULES = (PACKAGE, f"{PACKAGE}.testing", f"{PACKAGE}.caveats")
LONGEST_VALUE = 80  # characters; a whole page or list is easier to read by its name
Expression = griffe.Expr | str | None


@dataclass(frozen=True)
class Argument:
    """An argument of a constructor, method or function.

    Args:
        name: Its name, with the asterisks of `*targets`.
        type: Its annotation as pieces, each with the path of what it names.
        default: Its default as code; None if it is required.
        description: Its entry in the docstring.
        keyword_only: Whether it is given by name only.
    """

    name: str
    type: "Type"
    default: str | None
    description: str
    keyword_only: bool


@dataclass(frozen=True)
class Entry:
    """A public name or one of its members.

    Args:
        kind: As in Sphinx's Python domain: `class`, `method`, `classmethod`, `property`, `attribute`, `function` or
            `data`.
        module: The module from which it is imported, or that of its class.
        name: Its name there, such as `Capacity.spot`.
        path: Its full path in the source.
        place: File and line, such as `fargate_constructs/service/capacity.py#L16`.
        text: What the docstring says before its sections.
        arguments: Its arguments; None if it takes none because it is no callable.
        type: What it returns, or the type of an attribute.
        returned: What the docstring says of the returned value.
        raises: The exceptions, and when each is raised.
        members: Its own and inherited public members, if it is a class.
    """

    kind: str
    module: str
    name: str
    path: str
    place: str
    text: str
    arguments: list[Argument] | None = None
    type: "Type" = ()
    returned: str = ""
    raises: list[tuple[str, str]] = field(default_factory=list)
    members: list["Entry"] = field(default_factory=list)


# An annotation in pieces: the text, and the full path of what it names if it is a name.
Type = tuple[tuple[str, str | None], ...]


@cache
def public_api() -> "PublicApi":
    """Return the public names, read once."""
    return PublicApi()


class PublicApi:
    """The public names of all modules.

    Args:
        root: The folder that has the package.
    """

    def __init__(self, root: Path = ROOT) -> None:
        logging.getLogger("griffe").setLevel("CRITICAL")  # it reports what it guesses about foreign bases
        package = griffe.load(PACKAGE, search_paths=[root], docstring_parser="google")
        assert isinstance(package, griffe.Module)
        self._package = package
        self._root = root

    @cached_property
    def entries(self) -> list[Entry]:
        """The public names, and the classes that their methods return."""
        public = [self._entry(each, module, each.name) for module in MODULES for each in self._exported(module)]
        paths = dict.fromkeys(path for entry in public for path in _returned_paths(entry) if path.startswith(PACKAGE))
        targets = [self._find(path) for path in paths if path not in self._public_paths]
        return public + [
            _as_returned(self._entry(each, each.module.path, each.name))
            for each in targets
            if isinstance(each, griffe.Class) and not is_enumeration(each)
        ]

    @cached_property
    def _public_paths(self) -> set[str]:
        return {each.path for module in MODULES for each in self._exported(module)}

    @cached_property
    def public_names(self) -> dict[str, str]:
        """The public name of each full path, such as `fargate_constructs.FargateService`."""
        return {each.path: f"{each.module}.{each.name}" for each in self.entries}

    @cached_property
    def cdk_modules(self) -> dict[str, str]:
        """CDK's modules by the names that this library imports them with, such as `ecs`."""
        imports = {
            name: without_laziness(path)
            for module in self._modules(self._package)
            for name, path in module.imports.items()
        }
        return {name: path for name, path in imports.items() if re.fullmatch(r"aws_cdk\.aws_\w+", path)}

    def _modules(self, module: griffe.Module) -> Iterator[griffe.Module]:
        yield module
        for each in module.modules.values():
            if not each.is_alias:
                yield from self._modules(each)

    def _exported(self, path: str) -> list[griffe.Object]:
        module = self._package if path == PACKAGE else self._package[path.removeprefix(f"{PACKAGE}.")]
        if path == PACKAGE:  # __init__.pyi is the list
            stub = griffe.visit(
                "stub", self._root / PACKAGE / "__init__.pyi", (self._root / PACKAGE / "__init__.pyi").read_text()
            )
            paths = [f"{PACKAGE}{each.removeprefix('stub')}" for each in stub.imports.values()]
        else:
            paths = [module.imports.get(str(name), f"{path}.{name}") for name in module.exports or ()]
        return [required(self._find(each), each) for each in paths]

    def _cdk_base(self, class_: griffe.Class) -> tuple[griffe.Expr, griffe.Object] | None:
        """Return the L2 class that a class of this library extends, if that is not public."""
        if class_.path in self._public_paths:
            return None
        for base in class_.bases:
            path = path_of(str(base), class_)
            if path.startswith("aws_cdk.aws_") and isinstance(base, griffe.Expr):
                return base, class_
            own = self._find(path) if path.startswith(PACKAGE) else None
            if isinstance(own, griffe.Class) and (found := self._cdk_base(own)):
                return found
        return None

    def _find(self, path: str) -> griffe.Object | None:
        found: griffe.Object | griffe.Alias = self._package
        for part in path.split(".")[1:]:
            if part not in found.members:
                return None
            found = found.members[part]
        return found.final_target if isinstance(found, griffe.Alias) else found

    def _entry(self, source: griffe.Object, module: str, name: str, kind: str | None = None) -> Entry:
        constructor = self._find(f"{source.path}.__init__")
        sections = (sections_of(constructor) if constructor else {}) | sections_of(source)
        documented = {each.name: each.description for each in sections.get("parameters", ())}
        parameters = parameters_of(source)
        type_ = self._type_expression(source)
        return Entry(
            kind=kind or kind_of(source),
            module=module,
            name=name,
            path=source.path,
            place=f"{source.filepath.relative_to(self._root)}#L{source.lineno}",  # type: ignore[union-attr]
            text="\n\n".join(sections.get("text", ())) or texts_of_value(source),
            arguments=None
            if parameters is None
            else [self._argument(each, source, documented.get(each.name, "")) for each in parameters],
            type=self._type(*type_),
            returned=" ".join(each.description for each in sections.get("returns", ())),
            raises=[(str(each.annotation), flat(each.description)) for each in sections.get("raises", ())],
            members=list(self._members(source, module, name)) if isinstance(source, griffe.Class) else [],
        )

    def _argument(self, parameter: griffe.Parameter, source: griffe.Object, description: str) -> Argument:
        stars = {"variadic positional": "*", "variadic keyword": "**"}.get(
            parameter.kind.value if parameter.kind else "", ""
        )
        default = None if stars or parameter.default is None else self._value(parameter.default, source)
        return Argument(
            name=f"{stars}{parameter.name}",
            type=self._type(parameter.annotation, source),
            default="" if stars else default,
            description=flat(description),
            keyword_only=parameter.kind is griffe.ParameterKind.keyword_only,
        )

    def _members(self, class_: griffe.Class, module: str, name: str) -> Iterator[Entry]:
        arguments = {each.name for each in parameters_of(class_) or ()}
        made_by_name = any(str(base) == "NamedConstructors" for base in class_.bases)
        for member, found in class_.all_members.items():
            target = found.final_target if isinstance(found, griffe.Alias) else found
            if member.startswith("_") or not isinstance(target, griffe.Function | griffe.Attribute):
                continue
            is_field = isinstance(target, griffe.Attribute) and not target.docstring
            if is_field and (made_by_name or ("dataclass" in class_.labels and member in arguments)):
                continue  # what its arguments say
            entry = self._entry(target, module, f"{name}.{member}")
            owner = target.parent if isinstance(target.parent, griffe.Class) else class_
            given = {each.name: (each, of) for of in (class_, owner) for each in parameters_of(of) or ()}
            if is_field and member in given:
                argument, of = given[member]
                type_ = entry.type or self._type(argument.annotation, of)
                entry = replace(entry, text=f"The argument *{member}*, or what it is by default.", type=type_)
            yield entry

    def _type_expression(self, source: griffe.Object) -> tuple[Expression, griffe.Object]:
        """Return a type, and the object in whose module it is written."""
        if isinstance(source, griffe.Function):
            return None if str(source.returns) == "None" else source.returns, source
        owner = source.parent
        if not isinstance(source, griffe.Attribute) or source.annotation or not isinstance(owner, griffe.Class):
            return getattr(source, "annotation", None), source
        if str(source.value) in owner.parameters:  # self.queue = queue
            return owner.parameters[str(source.value)].annotation, owner
        return self._made_type(source, owner) if isinstance(source.value, griffe.ExprCall) else (None, source)

    def _made_type(self, source: griffe.Attribute, owner: griffe.Class) -> tuple[Expression, griffe.Object]:
        """Return the type of what a call makes."""
        assert isinstance(source.value, griffe.ExprCall)
        name = str(source.value.function)
        if re.search(r"\b[A-Z]\w*$", name):  # self.queue = sqs.Queue(...)
            return source.value.function, source
        called = owner.all_members.get(name.removeprefix("self.")) or self._find(path_of(name, source))
        called = called.final_target if isinstance(called, griffe.Alias) else called
        return (called.returns, called) if isinstance(called, griffe.Function) else (None, source)

    def _value(self, expression: griffe.Expr | str, source: griffe.Object) -> str:
        """Return a default as code; for a constant of this library with a short value, that value."""
        text = str(expression)
        if not re.fullmatch(r"_?[A-Z][A-Z0-9_]*", text):
            return text
        found = self._find(path_of(text, source))
        value = str(found.value) if isinstance(found, griffe.Attribute) and found.value else text
        return value if len(value) <= LONGEST_VALUE else text

    def _type(self, expression: Expression, source: griffe.Object) -> Type:
        return tuple(self._pieces(expression, source))

    def _pieces(self, expression: Expression, source: griffe.Object) -> Iterator[tuple[str, str | None]]:
        if expression is None:
            return
        if isinstance(expression, str):
            yield expression, None
        elif isinstance(expression, griffe.ExprName | griffe.ExprAttribute):
            path = path_of(str(expression), source)
            meant = self._find(path) if path.startswith(PACKAGE) else None
            if isinstance(meant, griffe.Attribute) and meant.value is not None:  # an alias
                yield from self._pieces(meant.value, meant)
            elif isinstance(meant, griffe.Class) and (base := self._cdk_base(meant)):
                yield from self._pieces(*base)
            else:
                yield str(expression), path
        else:
            for piece in expression.iterate(flat=False):
                yield from self._pieces(piece, source)


def _returned_paths(entry: Entry) -> Iterator[str]:
    for each in (entry, *entry.members):
        yield from (path for _, path in each.type if path)


def _as_returned(entry: Entry) -> Entry:
    """Return what a class offers that only methods make: the members that are documented in full."""
    offered = [each for each in entry.members if each.text and all(one.description for one in each.arguments or ())]
    return replace(entry, arguments=None, members=offered)
