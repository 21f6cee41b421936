"""One object for an app, which its parts share in all stacks."""

from collections.abc import Callable
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from constructs import Construct, IConstruct

from fargate_constructs._core.construct_paths import node_of, root_of

ID = "@fargate-constructs"  # no stack's name
T = TypeVar("T")


class AppSingletons(Construct):
    """A construct without resources that has the singletons of an app, by what makes them."""

    def __init__(self, scope: Construct) -> None:
        super().__init__(scope, ID)
        self.objects: dict[Callable[[], Any], Any] = {}


def app_singleton(construct: IConstruct, make: Callable[[], T]) -> T:
    """Return the only object of a class, or other factory, in the app of a construct; the first call makes it.

    It is in the construct tree and not in a dictionary of apps, because the app that CDK makes for a stack without one
    is a new Python object at each call.
    """
    root = root_of(construct)
    singletons = _singletons_of(root) or AppSingletons(cast(Construct, root))
    if make not in singletons.objects:
        singletons.objects[make] = make()
    return cast(T, singletons.objects[make])


def existing_app_singleton(app: IConstruct, make: Callable[[], T]) -> T | None:
    """Return it if it exists. Nothing can be added to a tree during its validation."""
    singletons = _singletons_of(app)
    return cast("T | None", singletons.objects.get(make)) if singletons else None


def _singletons_of(app: IConstruct) -> AppSingletons | None:
    if app not in _SINGLETONS and (found := node_of(app).try_find_child(ID)):
        _SINGLETONS[app] = cast(AppSingletons, found)
    return _SINGLETONS.get(app)


_SINGLETONS: WeakKeyDictionary[IConstruct, AppSingletons] = WeakKeyDictionary()
