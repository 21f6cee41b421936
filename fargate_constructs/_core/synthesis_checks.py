"""Checks that run at synthesis, when all constructs of an app are made."""

from collections.abc import Callable, Iterable
from typing import cast

import jsii
from constructs import IValidation

from fargate_constructs._core.construct_paths import Placed, node_of


def check_at_synthesis(construct: Placed, check: Callable[[], Iterable[str]]) -> None:
    """Let synthesis fail with the errors that a function returns. It may add warnings, and return no error."""
    node_of(construct).add_validation(cast(IValidation, _Validation(check)))


@jsii.implements(IValidation)
class _Validation:
    """What CDK calls."""

    def __init__(self, check: Callable[[], Iterable[str]]) -> None:
        self._check = check

    def validate(self) -> list[str]:
        """Return the errors."""
        return list(self._check())
