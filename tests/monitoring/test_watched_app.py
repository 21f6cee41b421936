"""Each alarm is raised by the fault that it is for; all fit into AWS's limits; the guide and its picture show them."""

import json
from xml.etree import ElementTree as ET

import pytest

from fargate_constructs.monitoring import dashboards, fargate_monitoring
from tests.monitoring.alarm_model import Outcome, play, text_of
from tests.monitoring.guide import GUIDE, costs, table, written
from tests.monitoring.picture import PICTURE, body_of, chart, draw
from tests.monitoring.scenarios import BURNS, FAULTS, QUIET, Scenario
from tests.monitoring.watched_app import watched_app, web_service_app


def outcome_of(scenario: Scenario) -> Outcome:
    """Return what happens in the app."""
    app = watched_app()
    return play(app.alarms, app.composites, scenario.world, scenario.usual, scenario.minutes)


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
    alarms = {each.id for each in app.alarms.values()}
    composites = {each.id for each in app.composites.values()}
    raised = set().union(*(each.raised for each in FAULTS.values()))
    called = {f"Monitoring/Shop {call}" for each in FAULTS.values() for call in each.calls}

    assert {each for each in alarms if "/Burn" not in each} == raised
    assert composites == called


def test_the_richest_parts_fit_into_a_stack() -> None:
    """With each option, as many services as a stack and a dashboard hold are within AWS's limits."""
    app = watched_app()
    units = fargate_monitoring.UNITS_OF_STACK
    names = {name for name, path in app.ids.items() if path.startswith("Monitoring/Shop Web/")}
    (web,) = (each for each in app.monitoring._watched if each.path == "Shop/Web")  # noqa: SLF001 - to measure it
    widgets = [widget for panel in web.panels for widget in app.stack.resolve(panel.widget.to_json())]
    # As CDK writes a template. An import of another stack is longer than a reference: by less than 40 %, as measured.
    resources = json.dumps({name: app.resources[name] for name in names}, indent=1)
    size = len(resources) + len(json.dumps(json.dumps(widgets)))

    assert len(names) == 20
    assert units * (len(names) + 1) < 500
    assert units * len(widgets) < dashboards.MAX_WIDGETS
    assert units * sum(map(dashboards.count_metrics, widgets)) < dashboards.MAX_METRICS
    assert units * size * 1.4 < 1_000_000


def test_texts_fit() -> None:
    """A description has at most 1,024 characters, begins with the path of a part, and says what to do."""
    descriptions = [
        text_of(each["Properties"]["AlarmDescription"])
        for name, each in watched_app().resources.items()
        if "CloudWatch" in each["Type"] and name.startswith("Monitoring") and "Alarm" in each["Type"]
    ]

    assert len(descriptions) > 40
    assert all(each.startswith("Shop/") and 60 < len(each) < 900 for each in descriptions)


def test_the_guide_lists_each_alarm_and_its_price() -> None:
    """The table has each alarm of each part with its numbers, and the costs are those of the templates."""
    assert dict(written(GUIDE.read_text())) == {"alarms": table(), "costs": costs()}


def test_the_picture_is_current() -> None:
    """It shows the widgets of the template; `python -m tests.monitoring.picture` draws it again."""
    assert draw(body_of(web_service_app().shop)) == PICTURE.read_text()


def test_the_picture_is_readable_on_light_and_dark() -> None:
    """It has no background, its texts have the colors of the reader's scheme, and no script or date is in it."""
    text = PICTURE.read_text()
    root = ET.fromstring(text)  # noqa: S314 - our own

    assert "prefers-color-scheme:dark" in text
    assert not {"script", "image"} & {each.tag.rpartition("}")[2] for each in root.iter()}
    assert len([each for each in root.iter() if each.get("class") == "card"]) > 20
    assert len(text) < 100_000


def test_legends_have_room() -> None:
    """Also that of one line is within its chart."""
    metrics = [["Shop", "ProcessedBytes", {"label": "bytes"}]]
    drawn = chart({"properties": {"title": "Bytes", "metrics": metrics}}, 300, 150)
    (legend,) = (each for each in drawn.iter() if each.get("class", "").startswith("legends"))
    text = next(each for each in legend.iter() if each.tag.endswith("}text"))

    y = float(legend.get("transform", "").partition(",")[2].rstrip(") ")) + float(text.get("y", ""))
    assert y < 150
