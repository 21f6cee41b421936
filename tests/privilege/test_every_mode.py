"""Every permission of every mode: no wider than necessary, for this account only, and used."""

from pathlib import Path

import pytest

from tests.modes import app, templates
from tests.privilege import page, rules, secrets_in_templates, task_start
from tests.privilege.policies import Policies
from tests.privilege.roles import Roles


@pytest.fixture(scope="module")
def policies() -> Policies:
    """What the templates of all modes allow."""
    return page.policies()


def test_no_policy_breaks_a_rule(policies: Policies) -> None:
    """`rules.ACCEPTED` has the exceptions, each with its reason. Every exception is needed."""
    assert rules.faults(policies) == []
    assert rules.accepted(policies) == {*rules.ACCEPTED}


def test_roles_are_used_and_allow_what_code_calls(policies: Policies) -> None:
    """The role of a function allows what the deployed code calls, no more and no less."""
    assert Roles(policies, Path(app().synth().directory)).faults() == []


def test_a_task_can_read_all_that_it_starts_with(policies: Policies) -> None:
    """Secrets, parameters, environment files, images and log groups, and the keys of these."""
    assert task_start.faults(policies) == []


def test_no_template_shows_a_secret() -> None:
    """Templates name secrets and never contain one."""
    assert [fault for template in templates().values() for fault in secrets_in_templates.faults(template)] == []


def test_the_page_lists_every_permission(policies: Policies) -> None:
    """Review the difference, then accept it by `python -m tests.privilege.page`."""
    assert page.PAGE.read_text() == page.page(policies)
