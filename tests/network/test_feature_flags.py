"""The way out under the feature flags of a team's own app."""

import pytest

from tests.audit import Template, all_feature_flags, spread_policies
from tests.modes import app_of, network


def templates_of(context: dict[str, object]) -> dict[str, Template]:
    """Return the template of each mode of the network, all in one app."""
    stacks = app_of(network.MODES, context).synth().stacks_recursively
    return {stack.stack_name: spread_policies(stack.template) for stack in stacks}


@pytest.fixture(scope="module")
def templates() -> tuple[dict[str, Template], dict[str, Template]]:
    """The modes without a flag, and with all."""
    return templates_of({}), templates_of(all_feature_flags())


@pytest.mark.parametrize("mode", network.MODES)
def test_feature_flags_change_nothing(templates: tuple[dict[str, Template], dict[str, Template]], mode: str) -> None:
    """The same template with no flag and with all, but for merged policy statements."""
    plain, flagged = templates

    assert flagged[f"{mode}-Test"] == plain[f"{mode}-Test"]
