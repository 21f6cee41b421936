"""One workload in one environment, while its statements are collected."""

import keyword
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from fargate_constructs.adoption.copilot.code import Call, Expression, Mapped, call, mapping, text, with_number
from fargate_constructs.adoption.copilot.sections import Section
from fargate_constructs.adoption.copilot.statements import Statement, Statements
from fargate_constructs.adoption.copilot.values import duration_code, variable_name

RESERVED = {"self", "environment", "cluster", "app", "stack", "id", "scope", "json", "os"}


@dataclass(frozen=True)
class Topic:
    """A topic that a workload of the application publishes."""

    publisher: str
    name: str

    @property
    def attribute(self) -> str:
        """The attribute of the publisher's stack that holds it."""
        return f"{safe_name(self.name)}_topic"

    @property
    def variable(self) -> str:
        """The variable of it in the stack of a subscriber."""
        return f"{safe_name(self.publisher)}_{self.attribute}"


@dataclass
class Draft:
    """What the readers of single fields add to."""

    name: str
    kind: str
    application: str
    root: Section
    topics: frozenset[Topic]
    """The topics that this conversion makes."""
    workspace: str = ""
    """The root of the workspace."""
    output: str = ""
    """The folder of the app."""
    function: str = "FargateService"
    alias: str = ""
    platform: str = "LINUX_AMD64"
    """That of images, as `ecr_assets.Platform` names it."""
    arguments: dict[str, Expression] = field(default_factory=dict)
    """The arguments of the service or job."""
    variables: dict[str, Expression] = field(default_factory=dict)
    """The variables of the main container."""
    common_variables: dict[str, Expression] = field(default_factory=dict)
    """The variables that Copilot gives each container, beside those of its environment."""
    before: Statements = field(default_factory=dict)
    after: Statements = field(default_factory=dict)
    subscribed: set[Topic] = field(default_factory=set)
    """The topics of other stacks that it takes."""
    names: dict[str, Call] = field(default_factory=dict)
    """The variables that are taken, and what each is."""

    @property
    def variable(self) -> str:
        """The variable of the service or job."""
        return safe_name(self.name)

    def imported(self, name: str, value: Call, *, owns: str | None = None) -> str:
        """Add a statement that imports a resource, and return its variable."""
        return self.make(name, value, owns=owns, is_import=True)

    def make(self, name: str, value: Call, *, owns: str | None = None, is_import: bool = False) -> str:
        """Add a statement before the service that makes a resource in the template, and return its variable."""
        variable, namesakes = safe_name(name), 0
        while variable == self.variable or self.names.get(variable, value) != value:
            namesakes += variable in self.names
            variable += "_"
        self.names[variable] = value
        if namesakes:
            value = with_number(value, namesakes + 1)
        self.before.setdefault(f"before {variable}", Statement(value, variable, is_import=is_import, owns=owns))
        return variable

    def do(self, key: str, value: Call, *, target: str = "", owns: str | None = None) -> None:
        """Add a statement after the service, unless one with the key is there."""
        self.after.setdefault(key, Statement(value, target, owns=owns))

    def override(self, variable: str, kind: str, path: str, values: Mapping[str, Expression], *, owns: str) -> None:
        """Add statements after the service that set properties of the resource of a construct."""
        resource = call("cast", kind, f"{path}.node.default_child")
        self.do(f"resource {variable}", resource, target=variable, owns=owns)
        for name, value in values.items():
            self.do(f"{variable} {name}", call(f"{variable}.add_property_override", text(name), value))

    def of_service(self, path: str) -> str:
        """Return an attribute of the service or job."""
        return f"{self.variable}.{path}"


def text_map(section: Section) -> Mapped | None:
    """Return a map of texts, or None if it is empty."""
    values = {key: text(section.text(key) or "") for key in section.keys}
    return mapping(values) if values else None


def durations(section: Section, names: Mapping[str, str]) -> dict[str, Expression]:
    """Return the durations of a section by the names of arguments."""
    lengths = {name: section.milliseconds(key) for key, name in names.items()}
    return {name: duration_code(length) for name, length in lengths.items() if length is not None}


def numbers(section: Section, names: Mapping[str, str]) -> dict[str, Expression]:
    """Return the whole numbers of a section by the names of arguments."""
    found = {name: section.number(key) for key, name in names.items()}
    return {name: str(number) for name, number in found.items() if number is not None}


def in_order(waits: Mapping[str, Collection[str]]) -> list[str]:
    """Return names, each after those that it waits for; without those that wait for each other in a circle."""
    order: list[str] = []
    while ready := [
        name for name, others in waits.items() if name not in order and not set(others) & waits.keys() - {name, *order}
    ]:
        order += ready
    return order


def safe_name(name: str) -> str:
    """Return a variable's name that Python allows and that the app does not use itself."""
    variable = variable_name(name)
    return f"{variable}_" if keyword.iskeyword(variable) or variable in RESERVED else variable
