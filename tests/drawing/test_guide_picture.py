"""The picture in the guides."""

from tests.drawing.picture import PICTURE, picture


def test_the_picture_is_the_example() -> None:
    """docs/pictures/architecture.svg is drawn from the example's template as it is now."""
    assert PICTURE.read_text() == picture(), "run `python -m tests.drawing.picture`"
