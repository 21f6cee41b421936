"""What `help()`, `inspect.signature` and editors show of the arguments."""

import inspect
import pydoc
import re
from collections.abc import Callable, Iterator

import pytest
from constructs import Construct

import fargate_constructs


def functions() -> Iterator[tuple[str, Callable[..., object], str]]:
    """Yield each public constructor and method of this library, with its documentation."""
    for owner in (getattr(fargate_constructs, name) for name in vars(fargate_constructs)["__all__"]):
        for name, function in inspect.getmembers(
            owner, lambda each: inspect.isfunction(each) or inspect.ismethod(each)
        ):
            is_ours = inspect.unwrap(function).__module__.startswith("fargate_constructs")
            documentation = inspect.cleandoc(function.__doc__ or "")
            if name == "__init__" and "Args:" not in documentation:  # of a dataclass
                documentation = inspect.getdoc(owner) or ""
            if is_ours and (name == "__init__" or not name.startswith("_")):
                yield f"{owner.__name__}.{name}", function, documentation


def test_a_class_has_the_signature_of_its_constructor() -> None:
    """Also a subclass of a team's; jsii's metaclass would show `(*args, **kwargs)`."""

    class Api(fargate_constructs.FargateService):
        def __init__(self, scope: Construct, *, size: int) -> None:
            """Never called."""
            raise AssertionError(scope, size)

    web = list(inspect.signature(fargate_constructs.FargateService).parameters)
    assert web[:4] == ["scope", "id", "network", "image"]
    assert list(inspect.signature(Api).parameters) == ["scope", "size"]
    assert list(inspect.signature(fargate_constructs.Scaling).parameters)[:2] == ["min", "max"]
    shown = pydoc.plain(pydoc.render_doc(fargate_constructs.FargateService))
    words = shown.replace("|", "").split()  # from Python 3.13, each argument has a line
    assert "network: 'Network', image: 'ecs.ContainerImage'" in " ".join(words)


FUNCTIONS = {name: (function, documentation) for name, function, documentation in functions()}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_argument_is_shown_and_documented(name: str) -> None:
    """Each has a name, a type and an entry in the docstring; `**` hides none."""
    function, documentation = FUNCTIONS[name]
    parameters = [each for each in inspect.signature(function).parameters.values() if each.name not in {"self", "cls"}]
    documented = re.findall(r"^ {4}(\w+): \S", documentation.partition("Args:")[2].split("\n\n")[0], flags=re.MULTILINE)

    assert [each.name for each in parameters if each.kind is each.VAR_KEYWORD or each.annotation is each.empty] == []
    assert [each.name for each in parameters] == documented
