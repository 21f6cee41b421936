"""The picture of a dashboard in the guide: its body from the template, drawn with synthetic metrics.

```
template ──> body ──> widgets ──> charts of pygal ──> docs/pictures/dashboard.svg
```

`python -m tests.monitoring.picture` writes it. pygal computes scales, lines and legends. Its style and scripts are left
out: one style for all charts follows the reader's light or dark colors.
"""

import json
import math
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from zlib import crc32

import pygal  # type: ignore[import-untyped]
from aws_cdk import Stack
from aws_cdk.assertions import Template
from pygal.formatters import HumanReadable  # type: ignore[import-untyped]
from pygal.style import Style  # type: ignore[import-untyped]

from tests.monitoring.watched_app import web_service_app

PICTURE = Path(__file__).parents[2] / "docs/pictures/dashboard.svg"
COLUMN, ROW, GAP = 46, 30, 6  # pixels
POINTS = 48  # of a day
SVG = "http://www.w3.org/2000/svg"
# Of a day around its mean: the mean, and how much of it comes and goes with the hour.
LEVELS: Mapping[str, tuple[float, float]] = {
    "RequestCount": (900, 0.6),
    "HTTPCode_Target_4XX_Count": (9, 0.6),
    "HTTPCode_Target_5XX_Count": (0.4, 0.6),
    "HTTPCode_ELB_5XX_Count": (0.1, 0.6),
    "ActiveConnectionCount": (160, 0.6),
    "TargetConnectionErrorCount": (0, 0),
    "RejectedConnectionCount": (0, 0),
    "ConsumedLCUs": (0.9, 0.5),
    "HealthyHostCount": (3, 0.3),
    "UnHealthyHostCount": (0, 0),
    "CPUUtilization": (48, 0.3),
    "MemoryUtilization": (57, 0.05),
    "RunningTaskCount": (3, 0.3),
    "DesiredTaskCount": (3, 0.3),
    "DeploymentCount": (1, 0),
    "EphemeralStorageUtilized": (4, 0.05),
    "EphemeralStorageReserved": (20, 0),
    "RestartCount": (0, 0),
    "BytesOutToDestination": (4e6, 0.6),
    "BytesInFromDestination": (9e6, 0.6),
    "ErrorPortAllocation": (0, 0),
    "PacketsDropCount": (0, 0),
    "IdleTimeoutCount": (2, 0.5),
    "Lag": (0, 0),
    "OldestFailureAge": (0, 0),
    "Invocations": (60, 0.6),
    "Errors": (0, 0),
    "Throttles": (0, 0),
    "QuarantinedBatches": (0, 0),
    "BucketSizeBytes": (5e9, 0.02),
    "NumberOfObjects": (9e3, 0.02),
    "ProcessedBytes": (2e7, 0.9),
    # Expressions: the disk, and the percentage of errors.
    "100 * used / reserved": (20, 0.05),
    "IF": (0.04, 0.6),
}
STATISTICS = {"p50": 0.5, "p90": 1.6, "p99": 3.5, "Maximum": 1.1, "Minimum": 0.8}
STYLE = """
svg{font-family:-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;color:#24292f}
@media(prefers-color-scheme:dark){svg{color:#c9d1d9}}
text{fill:currentColor;font-size:10px}.t{font-weight:600;font-size:12px}.h{font-weight:700;font-size:17px}
.card{fill:none;stroke:#8c959f;stroke-opacity:.5}.m{font-family:ui-monospace,Menlo,monospace}
.background{fill:none}.axis .line,.guide{stroke:#8c959f;stroke-opacity:.4;fill:none}
.axis text{font-size:9px}.axis.y text{text-anchor:end}.axis.y2 text{text-anchor:start}.legend text{font-size:10px}
.series path{fill:none;stroke-width:1.6}.ok{fill:#2da44e}
"""
COLORS = ("#0969da", "#cf222e", "#1a7f37", "#bc4c00", "#8250df", "#1b7c83")
STYLE += "".join(f".color-{number}{{stroke:{each};fill:{each}}}" for number, each in enumerate(COLORS))


def body_of(stack: Stack) -> list[dict[str, Any]]:
    """Return the widgets of a stack's dashboard, with names in place of references."""
    resources = Template.from_stack(stack).find_resources("AWS::CloudWatch::Dashboard")
    (dashboard,) = resources.values()
    pieces = dashboard["Properties"]["DashboardBody"]["Fn::Join"][1]
    widgets: list[dict[str, Any]] = json.loads("".join(map(_as_text, pieces)))["widgets"]
    return widgets


def _as_text(piece: Any) -> str:  # noqa: ANN401 - a piece of a template
    match piece:
        case {"Ref": name}:
            return _as_name(name)
        case {"Fn::GetAtt": [name, attribute]}:
            return f"{_as_name(name)}.{attribute}"
        case {"Fn::Join": [_, pieces]}:
            return "".join(map(_as_text, pieces))
        case dict():  # another function, such as one that takes a part of a name
            (arguments,) = piece.values()
            return _as_text(arguments[-1])
    return str(piece)


def _as_name(logical_id: str) -> str:
    return re.sub(r"[0-9A-F]{8}$", "", logical_id).removeprefix("AWS::")


def metrics_of(widget: Mapping[str, Any]) -> Iterator[tuple[str, bool, list[float]]]:
    """Yield the label, the axis and the values of each line of a widget."""
    previous: list[Any] = []
    for row in widget["properties"]["metrics"]:
        # A dot repeats what the row above has at this place.
        full = [previous[at] if each == "." else each for at, each in enumerate(row)]
        previous = full
        options = row[-1] if isinstance(row[-1], dict) else {}
        statistic = options.get("stat", "Average")
        if "expression" in options:
            numbers = synthetic(options["expression"].partition("(")[0], statistic)
        else:
            numbers = synthetic(full[1], statistic)
        if options.get("visible", True):
            yield options.get("label") or f"{full[1]} {statistic}", options.get("yAxis") == "right", numbers


def synthetic(name: str, statistic: str) -> list[float]:
    """Return a day of a metric: low at night, high in the afternoon, and a little noise that is always the same."""
    if name == "TargetResponseTime":
        mean, daily = 0.08, 0.25
    else:
        mean, daily = LEVELS[name]
    scale = STATISTICS.get(statistic, 1)
    return [
        round(
            mean
            * scale
            * (1 - daily * math.cos(2 * math.pi * (each - 4) / POINTS) + 0.06 * daily * _noise(name, each)),
            4,
        )
        for each in range(POINTS)
    ]


def _noise(name: str, number: int) -> float:
    return crc32(f"{name}{number}".encode()) % 2001 / 1000 - 1


def chart(widget: Mapping[str, Any], width: int, height: int) -> ET.Element:
    """Return the drawing of a widget's lines."""
    lines = [*metrics_of(widget)]
    limits = widget["properties"].get("annotations", {}).get("horizontal", [])
    count = len(lines) + len(limits)
    drawing = pygal.Line(
        js=(),
        style=Style(legend_font_size=10, label_font_size=9, major_label_font_size=9),
        value_formatter=HumanReadable(),
        width=width,
        height=height,
        margin=2,
        show_dots=False,
        show_x_labels=False,
        legend_at_bottom=True,
        # With more columns than entries pygal leaves no room for the legend.
        legend_at_bottom_columns=3 if count == 3 else min(count, 2),
        legend_box_size=8,
        truncate_legend=-1,
        include_x_axis=True,
        y_labels_major_count=3,
        show_minor_y_labels=False,
    )
    for label, is_right, numbers in lines:
        drawing.add(label, numbers, secondary=is_right)
    for each in limits:
        drawing.add(each["label"], [each["value"]] * POINTS)
    tree = drawing.render_tree()
    plain = ET.fromstring(re.sub(r"<!--.*?-->", "", _serialized(tree), flags=re.DOTALL))  # noqa: S314 - pygal's own
    for name in ("defs", "title"):
        for each in plain.findall(f"{{{SVG}}}{name}"):
            plain.remove(each)
    for parent in [*plain.iter()]:
        for each in [*parent]:
            is_empty = each.tag.endswith("}g") and not len(each) and not (each.text or "").strip()
            if each.tag.endswith("}title") or is_empty or "text-overlay" in each.get("class", ""):
                parent.remove(each)
    for each in plain.iter():
        for name, value in each.attrib.items():
            each.set(name, re.sub(r"\d+\.\d+", lambda match: f"{float(match[0]):.1f}".removesuffix(".0"), value))
    return plain


def _serialized(tree: Any) -> str:  # noqa: ANN401 - of pygal's own library
    return ET.tostring(tree, encoding="unicode")


def draw(widgets: Sequence[Mapping[str, Any]]) -> str:
    """Return the picture of a dashboard."""
    height = max(each["y"] + each["height"] for each in widgets) * ROW
    size = {"viewBox": f"0 0 {24 * COLUMN} {height}", "width": str(24 * COLUMN), "height": str(height)}
    picture = ET.Element(f"{{{SVG}}}svg", size)
    ET.SubElement(picture, f"{{{SVG}}}title").text = "The dashboard of a web service on a steady day"
    ET.SubElement(picture, f"{{{SVG}}}style").text = STYLE.strip()
    for widget in widgets:
        width, tall = widget["width"] * COLUMN - GAP, widget["height"] * ROW - GAP
        place = {"transform": f"translate({widget['x'] * COLUMN + GAP // 2},{widget['y'] * ROW + GAP // 2})"}
        group = ET.SubElement(picture, f"{{{SVG}}}g", place)
        frame = {"class": "card", "width": str(width), "height": str(tall), "rx": "6"}
        ET.SubElement(group, f"{{{SVG}}}rect", frame)
        DRAWN[widget["type"]](group, widget, width, tall)
    ET.register_namespace("", SVG)
    return ET.tostring(picture, encoding="unicode") + "\n"


def _line(group: ET.Element, text: str, x: float, y: float, kind: str = "") -> None:
    attributes = {"x": f"{x:g}", "y": f"{y:g}"} | ({"class": kind} if kind else {})
    ET.SubElement(group, f"{{{SVG}}}text", attributes).text = text


def _metric(group: ET.Element, widget: Mapping[str, Any], width: int, height: int) -> None:
    _line(group, widget["properties"]["title"], 8, 17, "t")
    inner = chart(widget, width - 8, height - 26)
    place = ET.SubElement(group, f"{{{SVG}}}g", {"transform": "translate(4,24)"})
    place.extend([*inner])


def _text(group: ET.Element, widget: Mapping[str, Any], width: int, _: int) -> None:
    y = 18.0
    for line in widget["properties"]["markdown"].splitlines():
        kind = "h" if line.startswith("## ") else "m" if "`" in line else ""
        for part in textwrap.wrap(line.removeprefix("## ").replace("**", ""), width // (6 if kind == "m" else 5)):
            _line(group, part.replace("`", ""), 10, y, kind)
            y += 20 if kind == "h" else 13


def _alarm(group: ET.Element, widget: Mapping[str, Any], width: int, _: int) -> None:
    _line(group, f"{widget['properties']['title']}: all OK", 8, 17, "t")
    for number, arn in enumerate(widget["properties"]["alarms"]):
        x, y = 10 + number % 6 * (width - 20) / 6, 28 + number // 6 * 27
        name = re.sub(r"^(Monitoring)?(Shop)+(Service|LogArchive)?(RollbackAlarms)?|(Alarm)?\.Arn$", "", arn)
        dot = {"class": "ok", "x": f"{x:g}", "y": f"{y:g}", "width": "9", "height": "9", "rx": "2"}
        ET.SubElement(group, f"{{{SVG}}}rect", dot)
        _line(group, name, round(x + 14), y + 8)


def _log(group: ET.Element, widget: Mapping[str, Any], _: int, __: int) -> None:
    _line(group, widget["properties"]["title"], 8, 17, "t")
    lines = (
        "@timestamp                @message",
        "2026-11-29 14:02:11.482   ERROR order 4711: payment service answered 503, trying again in 2 s",
        "2026-11-29 13:20:54.017   ERROR order 4688: card declined",
        "2026-11-29 09:41:30.903   error: read ECONNRESET",
    )
    for number, line in enumerate(lines):
        _line(group, line, 10, 36 + 14 * number, "m")


DRAWN = {"metric": _metric, "text": _text, "alarm": _alarm, "log": _log}

if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(body_of(web_service_app().shop)))
