"""Each alarm is raised by the fault that it is for, and by nothing else."""

import pytest

from tests.monitoring.alarm_model import Outcome, alarms_of, composites_of, play
from tests.monitoring.scenarios import BURNS, FAULTS, QUIET, Scenario
from tests.monitoring.watched_app import watched_app


def outcome_of(scenario: Scenario) -> Outcome:
    """Return what happens in the app."""
    app = watched_app()
    return play(app.resources, app.ids, scenario.world, scenario.usual, scenario.minutes)


def calls(outcome: Outcome) -> dict[str, int]:
    """Return how often each composite alarm acted, of those that did."""
    return {name.removeprefix("Monitoring/Shop "): count for name, count in outcome.calls.items() if count}


@pytest.mark.parametrize("name", QUIET)
def test_what_is_no_fault_calls_no_person(name: str) -> None:
    """A quiet night, the first day, a deployment, zero tasks and missing data raise no alarm that calls."""
    outcome = outcome_of(QUIET[name])

    assert {each for each in outcome.raised if "/Burn" not in each} == set()
    assert calls(outcome) == {}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_raises_its_alarms_and_calls_once(name: str) -> None:
    """A fault raises exactly its own alarms, and each part that it harms pages once, or writes one ticket."""
    scenario = FAULTS[name]
    outcome = outcome_of(scenario)

    assert {each for each in outcome.raised if "/Burn" not in each} == scenario.raised
    assert calls(outcome) == dict.fromkeys(scenario.calls, 1)


@pytest.mark.parametrize("name", BURNS)
def test_the_error_budget(name: str) -> None:
    """Errors page if they use up the budget fast, write a ticket if slowly, and do neither within the budget."""
    assert calls(outcome_of(BURNS[name])) == dict.fromkeys(BURNS[name].calls, 1)


def test_no_alarm_cannot_be_raised() -> None:
    """Some fault raises each alarm of the app, and some makes each composite alarm act."""
    app = watched_app()
    alarms = {each.id for each in alarms_of(app.resources, app.ids).values()}
    composites = {each.id for each in composites_of(app.resources, app.ids).values()}
    raised = set().union(*(each.raised for each in FAULTS.values()))
    called = {f"Monitoring/Shop {call}" for each in FAULTS.values() for call in each.calls}

    assert {each for each in alarms if "/Burn" not in each} == raised
    assert composites == called
