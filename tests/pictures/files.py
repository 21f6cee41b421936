"""The pictures, by the names of their files."""

from pathlib import Path

from fargate_constructs.drawing.svg import as_svg
from tests.pictures import timeline
from tests.pictures.architectures import ARCHITECTURES, drawn, egress_modes
from tests.test_recipes import NAMES, built, picture, program

PICTURES = Path(__file__).parents[2] / "docs/pictures"


def pictures() -> dict[str, str]:
    """Return each picture as SVG."""
    architectures = {f"{name}.svg": as_svg(drawn(build)) for name, build in ARCHITECTURES.items()}
    return {
        **architectures,
        "egress-modes.svg": as_svg(egress_modes()),
        "timeline.svg": timeline.as_svg(timeline.lines()),
    }


def pictures_of_recipes() -> dict[str, str]:
    """Return the picture of each recipe."""
    return {f"recipes/{name}.svg": picture(built(name, program(name))) for name in NAMES}
