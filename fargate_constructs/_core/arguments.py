"""Functions that check the types of their arguments, and forward them."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from constructs import Construct

from fargate_constructs._core.argument_messages import binding_error, unknown_argument, wrong_one_of, wrong_value
from fargate_constructs._core.argument_types import is_in_a_tree, matches, types_of
from fargate_constructs._core.construct_paths import keep_place, path_of
from fargate_constructs._core.environment_checks import validate_environment
from fargate_constructs._core.unresolved import TOKEN, with_names

NOTE = "raised by "
# The arguments of the checked calls that are running. A call does not check again what the call around it passes on.
_RUNNING: list[Mapping[str, object]] = [{}]

Checked = TypeVar("Checked", bound=Callable[..., Any])


def checked(target: Checked) -> Checked:
    """Let a function, or the constructor of a class, refuse arguments of another type than their annotation.

    CDK would refuse most of them too, later and in other words. Tokens pass. Arguments that are in another region or
    account than the construct that gets them are refused as well: see `validate_environment`.

    Raises:
        TypeError: By the function: with the argument's name, what it may be, and what it got; or with the name that was
            probably meant, if it has no such argument. Each TypeError and ValueError has a note that says which
            construct raised it: Python prints the note below the message.
        ValueError: By the function: with the argument that is in another region or account.
    """
    if isinstance(target, type):
        target.__init__ = checked(target.__init__)  # type: ignore[misc] # of this very class
        return cast(Checked, target)
    signature = inspect.signature(target)

    @functools.wraps(target)
    def wrapper(*args: object, **kwargs: object) -> object:
        call = _Call(target, signature, args, kwargs)
        try:
            _RUNNING.append(call.check())
            try:
                return target(*args, **kwargs)
            finally:
                _RUNNING.pop()
        except (TypeError, ValueError) as error:
            # A person wrote the outermost call; its note replaces those of the calls within it.
            others = [note for note in getattr(error, "__notes__", []) if not note.startswith(NOTE)]
            error.__notes__ = [*others, f"{NOTE}{call.describe()}"]
            if TOKEN.search(str(error)):
                error.args = (with_names(str(error)),)
            raise

    return cast(Checked, wrapper)


def forward(target: Callable[..., object], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword-only arguments of a function from the local variables of a caller that has the same.

    ```python
    super().__init__(scope, id, **forward(FargateTask.__init__, locals()))
    ```
    """
    return {name: given[name] for name in _keyword_only(target)}


@functools.cache
def _keyword_only(target: Callable[..., object]) -> list[str]:
    return [each.name for each in inspect.signature(target).parameters.values() if each.kind is each.KEYWORD_ONLY]


@dataclass(frozen=True)
class _Call:
    """A call of a checked function."""

    target: Callable[..., object]
    signature: inspect.Signature
    args: Sequence[object]
    kwargs: Mapping[str, object]

    def check(self) -> Mapping[str, object]:
        """Refuse wrong arguments, and return all of them by their names."""
        types = types_of(self.target)
        for name in self.kwargs.keys() - self.signature.parameters.keys():
            raise TypeError(unknown_argument(self.name, name, types))
        try:
            given = self.signature.bind(*self.args, **self.kwargs).arguments
        except TypeError as error:
            raise TypeError(binding_error(self.name, self.signature, self.args, self.kwargs, str(error))) from None
        around = _RUNNING[-1]
        new = {name: each for name, each in given.items() if name in types and around.get(name, around) is not each}
        for name, value in new.items():
            if value is not self.signature.parameters[name].default and not matches(value, types[name]):
                is_variadic = self.signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL
                message = wrong_one_of if is_variadic else wrong_value
                raise TypeError(message(self.name, name, cast(Any, value), types[name]))
        self._validate_environment(given, new)
        return given

    def _validate_environment(self, given: Mapping[str, object], new: Mapping[str, object]) -> None:
        """Refuse what is in another region or account than the construct that gets it."""
        owner = next(iter(self.args), None)  # of a constructor, not in the tree yet
        if isinstance(scope := given.get("scope"), Construct):
            others = {name: each for name, each in new.items() if name != "scope"}
            validate_environment(scope, type(owner), str(given.get("id")), others)
            if self.target.__name__ == "__init__" and isinstance(owner, Construct):
                keep_place(owner, scope, str(given["id"]))
        elif isinstance(owner, Construct):
            validate_environment(owner, type(owner), path_of(owner), new)

    @property
    def name(self) -> str:
        """How a person calls the function: by the class of what it is called on, not by where it was written."""
        owner, _, method = self.target.__qualname__.removesuffix(".__init__").rpartition(".")
        if self.args and next(iter(self.signature.parameters)) == "self":
            owner = type(self.args[0]).__name__
            return owner if self.target.__name__ == "__init__" else f"{owner}.{method}"
        return f"{owner}.{method}".removeprefix(".")

    def describe(self) -> str:
        """Return what was called, with the ID that was given and the path of the construct that it was called on."""
        given = dict(zip(self.signature.parameters, self.args, strict=False)) | dict(self.kwargs)
        id_ = repr(given["id"]) if isinstance(given.get("id"), str) else ""
        above = given.get("scope", given.get("self"))
        place = f"in {path_of(above) or 'the app'}" if is_in_a_tree(above) else ""
        return " ".join(filter(None, [self.name, id_, place]))
