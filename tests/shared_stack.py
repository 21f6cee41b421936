"""Tests whose constructs are in one stack, which is synthesized once for all tests of a file.

A test that is marked `@in_shared_stack` makes constructs in a part of its own, yields, and then reads the template:

```python
@in_shared_stack
def test_a_worker_has_no_port(part: Part) -> Steps:
    worker = part.service("Worker", port=None)
    yield  # for synthesis
    assert "PortMappings" not in part.of(worker.task_definition)["ContainerDefinitions"][0]
```

The first of these tests runs the first half of all of them. A test whose first half fails does not disturb the others.
"""

import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, TypeVar, cast

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk.assertions import Template
from constructs import Construct, IConstruct

from fargate_constructs import FargateService, HttpEndpoint
from fargate_constructs.service.fargate_task import FargateTask
from tests.modes.made_elsewhere import IMAGE, network_in
from tests.templates import properties_of, resources_of

Steps = Iterator[None]
# What ends a test. Those of pytest, such as of `pytest.raises` without an error, are no `Exception`.
ERRORS = (Exception, pytest.fail.Exception, pytest.skip.Exception)
NO_YIELD = "a test in a shared stack must yield; write `yield  # for synthesis` before what reads the template"
Task = TypeVar("Task", bound=FargateTask)


class SharedStack:
    """The stack, its app, and what all tests use."""

    def __init__(self) -> None:
        # The context lifts CDK's limit of resources: the stack is not deployed.
        self.app = App(context={"@aws-cdk/core:stackResourceLimit": 0})
        self.stack = Stack(self.app, "Test")
        self.network = network_in(self.stack)
        self.cluster = ecs.Cluster(self.stack, "Cluster", vpc=self.network.vpc)
        self._templates: dict[Stack, Template] = {}

    @cached_property
    def warnings(self) -> list[tuple[str, str]]:
        """The warnings of synthesis."""
        return warnings_of(self.app)

    @cached_property
    def endpoint(self) -> HttpEndpoint:
        """The endpoint of routes that are not about their endpoint."""
        return HttpEndpoint(self.stack, "Endpoint", network=self.network)

    def template(self, stack: Stack) -> Template:
        """Return the template of a stack of the app."""
        if stack not in self._templates:
            self._templates[stack] = Template.from_stack(stack)
        return self._templates[stack]


def warnings_of(app: App) -> list[tuple[str, str]]:
    """Return the warnings of synthesis: the path of a construct, and the text. `Annotations` would synthesize again."""
    messages = [each for stack in app.synth().stacks for each in stack.messages]
    return [(each.id.removeprefix("/"), str(each.entry.data)) for each in messages]


class Part(Construct):
    """What one test makes."""

    def __init__(self, shared: SharedStack, id: str) -> None:  # noqa: A002 - what CDK calls it
        super().__init__(shared.stack, id)
        self._id = id
        self._shared = shared
        self.app, self.stack, self.network = shared.app, shared.stack, shared.network

    def make(self, kind: type[Task], id: str, *, scope: Construct | None = None, **options: Any) -> Task:  # noqa: A002, ANN401 - what the construct takes
        """Make a service or a job, by default in the network and the cluster that all tests share."""
        common: dict[str, Any] = {"network": self.network, "cluster": self._shared.cluster, "image": IMAGE}
        return kind(scope or self, id, **(common | options))

    def one(self, kind: type[Task]) -> Task:
        """Return the one of its kind that several tests use, with all defaults."""
        found = self.stack.node.try_find_child(kind.__name__)
        return cast("Task | None", found) or self.make(kind, kind.__name__, scope=self.stack)

    def service(self, id: str, **options: Any) -> FargateService:  # noqa: A002, ANN401 - what the construct takes
        """Make a service."""
        return self.make(FargateService, id, **options)

    def add_route(self, service: FargateService, **options: Any) -> None:  # noqa: ANN401 - what a route takes
        """Add a route to a service, at the endpoint that all tests share."""
        id_ = f"{self._id}{service.node.id}"
        self._shared.endpoint.add_route(id_, service=service, paths=[f"/{id_}/*"], **options)

    def other_stack(self, name: str) -> Stack:
        """Make another stack of the app."""
        return Stack(self.app, f"{self._id}{name}")

    def template(self, stack: Stack | None = None) -> Template:
        """Return the template of the shared stack, or of another one."""
        return self._shared.template(stack or self.stack)

    def of(self, construct: IConstruct) -> dict[str, Any]:
        """Return the properties of an L1's or L2's resource."""
        return properties_of(self.template(Stack.of(construct)), construct)

    def resources(self, type_: str) -> dict[str, dict[str, Any]]:
        """Return the resources of a type that this test made in the shared stack, by their logical IDs."""
        found = resources_of(self.template())
        return {name: each for name, each in found.items() if name.startswith(self._id) and each["Type"] == type_}

    def properties(self, type_: str) -> list[dict[str, Any]]:
        """Return the properties of these resources."""
        return [each["Properties"] for each in self.resources(type_).values()]

    def warnings(self, of: IConstruct) -> list[str]:
        """Return the warnings at a construct and below it."""
        return [text for path, text in self._shared.warnings if f"{path}/".startswith(f"{of.node.path}/")]

    def resolve(self, value: object) -> Any:  # noqa: ANN401 - a piece of a template
        """Return a value as the template of the shared stack has it."""
        return self.stack.resolve(value)


def in_shared_stack(steps: Callable[..., Steps]) -> Callable[..., None]:
    """Let a test share its stack with the other tests of its file. It may have parameters, but no fixtures."""

    def test(request: pytest.FixtureRequest, halves: "FirstHalves", **_: object) -> None:
        halves.finish(request.node.name)

    parameters = [each for each in inspect.signature(steps).parameters.values() if each.name != "part"]
    own = [each for name, each in inspect.signature(test).parameters.items() if name != "_"]
    test.__name__, test.__doc__, test.__module__ = steps.__name__, steps.__doc__, steps.__module__
    test.__dict__ |= {**steps.__dict__, "steps": steps, "__signature__": inspect.Signature([*own, *parameters])}
    return test


class FirstHalves:
    """Tests that wait at their `yield`, or the errors that ended their first halves."""

    def __init__(self, items: list[pytest.Function]) -> None:
        shared = SharedStack()
        self._waiting: dict[str, Steps | BaseException] = {}
        numbers = Counter[str]()
        for item in items:
            words = item.function.__name__.removeprefix("test_").title().replace("_", "")
            part = Part(shared, f"{words}{numbers[words]:02}")
            numbers[words] += 1
            try:
                steps: Steps = item.function.steps(part, **_case_of(item)) or iter(())
                assert next(steps, part) is None, NO_YIELD
            except ERRORS as error:  # the test raises it
                self._waiting[item.name] = error
            else:
                self._waiting[item.name] = steps

    def finish(self, name: str) -> None:
        """Run the second half of a test."""
        steps = self._waiting.pop(name)
        if isinstance(steps, BaseException):
            raise steps
        assert next(steps, self) is self, "a test in a shared stack yields once"


def _case_of(item: pytest.Function) -> Mapping[str, object]:
    return item.callspec.params if hasattr(item, "callspec") else {}


@pytest.fixture(scope="module")
def halves(request: pytest.FixtureRequest) -> FirstHalves:
    """The tests of a file that share a stack."""
    items = [each for each in request.session.items if isinstance(each, pytest.Function)]
    shared = [each for each in items if each.module is request.module and hasattr(each.function, "steps")]
    return FirstHalves(sorted(shared, key=lambda each: each.name))
