"""The picture of the example in the guides: `python -m tests.drawing.picture` writes docs/pictures/architecture.svg."""

from pathlib import Path

from aws_cdk import App

from app import Example
from fargate_constructs.drawing.architecture import diagram_of
from fargate_constructs.drawing.svg import as_svg
from fargate_constructs.synthesized.stored_templates import read_app

PICTURE = Path(__file__).parents[2] / "docs/pictures/architecture.svg"


def picture() -> str:
    """Return the picture."""
    app = App(builtin_cloud_formation_validation=False)
    Example(app, "Example")
    return as_svg(diagram_of(read_app(Path(app.synth().directory))))


if __name__ == "__main__":
    PICTURE.write_text(picture())
