"""The timeline of a rolling deployment beside that of `aws_ecs_patterns`, from the templates of both."""

from collections.abc import Iterator
from typing import NamedTuple

from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from benchmarks.apps import ecs_patterns, ours, tcp
from benchmarks.templates import deployment_seconds
from fargate_constructs.drawing.diagram import Kind
from fargate_constructs.drawing.svg import COLORS, FONT, GROUND

WIDTH, LEFT, TOP, ROW, BAR = 760, 20, 64, 62, 24
SECONDS = 450  # the longest
STEP = 60
TITLE = "A rolling deployment, at most"


class Line(NamedTuple):
    """A deployment: the seconds of its checks and of its drain."""

    name: str
    check: int
    drain: int


def lines() -> list[Line]:
    """Return the four deployments, as the templates have them."""
    app = App()
    stacks: dict[str, Stack] = {
        "HttpEndpoint": ours.Services(app, "Ours", 1),
        "aws_ecs_patterns, Application Load Balancer": ecs_patterns.Services(app, "Theirs", 1),
        "TcpEndpoint": tcp.Ours(app, "OurTcp"),
        "aws_ecs_patterns, Network Load Balancer": tcp.Theirs(app, "TheirTcp"),
    }
    return [Line(name, *deployment_seconds(Template.from_stack(stack).to_json())[:2]) for name, stack in stacks.items()]


def as_svg(drawn: list[Line]) -> str:
    """Return the timeline as SVG, for light and dark."""
    height = TOP + ROW * len(drawn) + 34
    words = "; ".join(f"{each.name}: checks {each.check} s, drain {each.drain} s" for each in drawn)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" id="timeline" viewBox="0 0 {WIDTH} {height}"',
            f'width="{WIDTH}" height="{height}" role="img" aria-labelledby="timeline-t timeline-d">',
            f'<title id="timeline-t">{TITLE}</title>',
            f'<desc id="timeline-d">{words}</desc>',
            f"<style>{_style()}</style>",
            f'<rect class="bg" width="{WIDTH}" height="{height}" rx="14"/>',
            f'<text class="title" x="{LEFT}" y="34">{TITLE}</text>',
            *_axis(height),
            *(part for number, each in enumerate(drawn) for part in _bars(each, TOP + number * ROW)),
            "</svg>",
            "",
        ]
    )


def _style() -> str:
    light, dark = (
        ";".join(
            [
                *(f"--{name}:{colors[index]}" for name, colors in GROUND.items()),
                f"--check:{COLORS[Kind.TASKS][index]}",
                f"--drain:{COLORS[Kind.ENDPOINT][index]}",
            ]
        )
        for index in (0, 1)
    )
    return (
        f"#timeline{{{light};font-family:{FONT};font-size:12px}}"
        f"@media(prefers-color-scheme:dark){{#timeline{{{dark}}}}}"
        "#timeline .bg{fill:var(--bg)}#timeline text{fill:var(--text)}#timeline .muted{fill:var(--muted)}"
        "#timeline .title{font-size:16px;font-weight:600}#timeline .name{font-weight:600}"
        "#timeline .check{fill:var(--check)}#timeline .drain{fill:var(--drain)}"
        "#timeline .grid{stroke:var(--edge);stroke-width:1}"
    )


def _x(seconds: float) -> float:
    return LEFT + seconds * (WIDTH - 2 * LEFT - 60) / SECONDS


def _axis(height: int) -> Iterator[str]:
    for seconds in range(0, SECONDS + 1, STEP):
        x = f"{_x(seconds):.1f}"
        yield f'<line class="grid" x1="{x}" x2="{x}" y1="{TOP - 12}" y2="{height - 30}"/>'
        yield f'<text class="muted" x="{x}" y="{height - 12}" text-anchor="middle">{seconds} s</text>'


def _bars(line: Line, y: int) -> Iterator[str]:
    """Yield a name, a bar for the checks and one for the drain, and the sum."""
    middle, end = line.check, line.check + line.drain
    yield f'<text class="name" x="{LEFT}" y="{y + 4}">{line.name}</text>'
    for name, start, stop in (("check", 0, middle), ("drain", middle, end)):
        width = _x(stop) - _x(start)
        yield f'<rect class="{name}" x="{_x(start):.1f}" y="{y + 12}" width="{width:.1f}" height="{BAR}" rx="3"/>'
    text = f"{end} s: checks {line.check}, drain {line.drain}"
    if _x(end) > WIDTH / 2:  # above the bar, at its end
        yield f'<text class="muted" x="{_x(end):.1f}" y="{y + 4}" text-anchor="end">{text}</text>'
    else:  # beside the bar
        yield f'<text class="muted" x="{_x(end) + 8:.1f}" y="{y + 12 + BAR - 7}">{text}</text>'
