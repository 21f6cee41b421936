"""Every permission of every mode: no wider than it must be, for nobody else, and needed."""

from pathlib import Path

import pytest

from tests.modes import app, templates
from tests.privilege import accepted, doors, secrets_in_templates, task_start
from tests.privilege.duties import Duty
from tests.privilege.policies import Policies
from tests.privilege.roles import Roles
from tests.privilege.rules import Rules


@pytest.fixture(scope="module")
def policies() -> Policies:
    """What the templates of all modes allow."""
    return Policies(templates())


def test_no_policy_breaks_a_rule(policies: Policies) -> None:
    """No `*`, no action that AWS does not know, no service that acts for others, nobody of another account.

    What is accepted is in `accepted.py`, each with its reason; an entry that no mode needs any more must go.
    """
    rules = Rules(policies)

    assert rules.faults() == []
    for table in (
        accepted.ON_EVERYTHING,
        accepted.BY_WILDCARD,
        accepted.WHOLE,
        accepted.UNCONDITIONAL_SERVICES,
        accepted.UNCONDITIONAL_ROLES,
        accepted.MANAGED_POLICIES,
    ):
        assert set(table) <= rules.used, "needed by nothing any more"


def test_every_role_may_do_its_duty_and_no_more(policies: Policies) -> None:
    """What a role may is what its function's code calls, or what AWS says that it takes to do what the role is for.

    A duty or an action of the table that no mode has any more must go.
    """
    roles = Roles(policies, Path(app().synth().directory))

    assert roles.faults() == []
    assert {(duty, action) for duty in Duty for action in duty.actions} == roles.met


def test_a_task_can_read_all_that_it_starts_with(policies: Policies) -> None:
    """Secrets, parameters, environment files, images and log groups, and what they are under a key of."""
    assert task_start.faults(policies) == []


def test_no_service_may_do_more_than_it_is_let_in_for(policies: Policies) -> None:
    """In the policies of buckets, functions, queues and keys; an entry that no mode needs any more must go."""
    assert doors.faults(policies) == []
    assert {(door, action) for door, actions in doors.DOORS.items() for action in actions} == doors.met(policies)


def test_no_template_shows_a_secret() -> None:
    """Secrets are named in templates, and never written there."""
    assert [fault for template in templates().values() for fault in secrets_in_templates.faults(template)] == []
