"""Value objects that only their named constructors make, such as `Egress.per_az(...)`."""

from dataclasses import MISSING, fields
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, Self, cast


class NamedConstructors:
    """The base of a `@dataclass(frozen=True, init=False)` whose constructor does not take its fields."""

    if TYPE_CHECKING:

        def __init__(self) -> None: ...

    else:

        def __init__(self, *args: object, **kwargs: object) -> None:
            """Refuse a call of the class itself."""
            name = type(self).__name__
            named = [key for key, each in vars(type(self)).items() if isinstance(each, classmethod) and key[0] != "_"]
            given = ", ".join([*map(repr, args), *(f"{key}={value!r}" for key, value in kwargs.items())])
            ways = " or ".join(f"{name}.{each}(...)" for each in named)
            raise TypeError(f"{name} is made by a named constructor, got: {name}({given}); write {ways}")

        __init__.__signature__ = Signature([Parameter("self", Parameter.POSITIONAL_ONLY)])

    @classmethod
    def _make(cls, **values: Any) -> Self:  # noqa: ANN401 - of any field
        made = object.__new__(cls)
        for field in fields(cast(Any, cls)):
            default = field.default if field.default_factory is MISSING else field.default_factory()
            value = values.pop(field.name, default)
            assert value is not MISSING, f"{cls.__name__} needs {field.name}"
            object.__setattr__(made, field.name, value)
        assert not values, f"{cls.__name__} has no {values}"
        return made

    def _replace(self, **changes: Any) -> Self:  # noqa: ANN401 - of any field
        values = {field.name: getattr(self, field.name) for field in fields(cast(Any, self))}
        return self._make(**values | changes)
