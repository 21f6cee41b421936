"""The pictures of the guides are those of today's templates; tests/test_recipes.py has those of the recipes."""

from xml.etree import ElementTree as ET

import pytest

from tests.pictures.files import PICTURES, pictures
from tests.pictures.timeline import Line, as_svg


@pytest.mark.long
def test_they_are_up_to_date() -> None:
    """`python -m tests.pictures` writes them."""
    assert {name: (PICTURES / name).read_text() for name in pictures()} == pictures()


def test_the_timeline_has_a_bar_for_each_part() -> None:
    """A long and a short one are within the picture, and the description has the seconds."""
    root = ET.fromstring(as_svg([Line("ours", 10, 30), Line("theirs", 150, 300)]))  # noqa: S314 - our own
    bars = [each for each in root.iter("{http://www.w3.org/2000/svg}rect") if each.get("class") != "bg"]

    assert len(bars) == 4
    assert all(float(each.attrib["x"]) + float(each.attrib["width"]) < 760 for each in bars)
    assert root[1].text == "ours: checks 10 s, drain 30 s; theirs: checks 150 s, drain 300 s"
