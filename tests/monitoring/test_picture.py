"""The picture of the dashboard in the guide."""

from xml.etree import ElementTree as ET

from tests.monitoring.picture import PICTURE, body_of, draw
from tests.monitoring.picture import chart as picture_of
from tests.monitoring.watched_app import web_service_app


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
    chart = picture_of({"properties": {"title": "Bytes", "metrics": metrics}}, 300, 150)
    (legend,) = (each for each in chart.iter() if each.get("class", "").startswith("legends"))
    text = next(each for each in legend.iter() if each.tag.endswith("}text"))

    y = float(legend.get("transform", "").partition(",")[2].rstrip(") ")) + float(text.get("y", ""))
    assert y < 150
