"""The picture of the dashboard in the guide."""

from xml.etree import ElementTree as ET

from tests.monitoring.picture import PICTURE, body_of, draw
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
