"""Writes a plan as one HTML page: light and dark, without scripts, and without requests to anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape as escape_html

from fargate_constructs.cli.plan.plan_overview import Overview
from fargate_constructs.cli.plan.plan_overview_report import columns, numbers
from fargate_constructs.cli.plan.plan_report import Report
from fargate_constructs.drawing.diagram import printable
from fargate_constructs.drawing.svg import FONT, as_svg

# Below this part of its size, the text of the drawing would be hard to read.
SMALLEST = 0.8
STYLE = f"""
:root{{color-scheme:light dark;--bg:#fff;--soft:#f6f8fa;--text:#1f2328;--muted:#59636e;--line:#d1d9e0;--good:#1a7f37;
--bad:#b3261e;--warn:#9a6700}}
@media(prefers-color-scheme:dark){{:root{{--bg:#0d1117;--soft:#161b22;--text:#e6edf3;--muted:#9198a1;--line:#30363d;
--good:#3fb950;--bad:#ff7b72;--warn:#d29922}}}}
*{{box-sizing:border-box}}
body{{margin:0;background:var(--bg);color:var(--text);font:15px/1.55 {FONT}}}
main{{max-width:1560px;margin:0 auto;padding:24px 16px 64px}}
h1{{font-size:24px;margin:8px 0 16px}}h2{{font-size:18px;margin:40px 0 12px}}h3{{font-size:15px;margin:20px 0 8px}}
.sums{{display:flex;flex-wrap:wrap;gap:12px;padding:0;margin:0;list-style:none}}
.sums li{{border:1px solid var(--line);border-radius:10px;padding:10px 14px;background:var(--soft)}}
.picture,.table{{overflow-x:auto}}.picture svg{{display:block;max-width:100%;min-width:var(--least);height:auto}}
table{{border-collapse:collapse;width:100%}}.wide table{{min-width:640px}}
.wide td:first-child{{min-width:min(240px,40vw)}}
th,td{{text-align:left;vertical-align:top;padding:7px 12px 7px 0;border-bottom:1px solid var(--line)}}
th{{font-weight:600;color:var(--muted);font-size:13px}}
.n{{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}}th.n{{white-space:normal}}
code{{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}}
small,summary,.muted{{color:var(--muted)}}details{{margin:12px 0}}summary{{cursor:pointer}}
.error{{color:var(--bad)}}.warning{{color:var(--warn)}}.fine{{color:var(--good)}}
tr.changed td{{font-weight:600}}
"""


def as_page(reports: Sequence[Report], overview: Overview) -> str:
    """Return a plan as an HTML page."""
    title = f"Plan of {overview.diagram.title}"
    body = "\n".join(
        [
            f"<h1>{escape(title)}</h1>",
            _sums(reports, overview),
            "<h2>Architecture after the deployment</h2>",
            _picture(overview),
            "<h2>What the deployment replaces</h2>",
            *(part for report in reports for part in _report(report)),
            "<h2>Costs</h2>",
            *_costs(overview),
            "<h2>FargateCaveats</h2>",
            *_caveats(overview),
        ]
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _picture(overview: Overview) -> str:
    """Return the drawing, which shrinks a little to fit, and then scrolls."""
    svg = as_svg(overview.diagram)
    width = float(svg.partition(' width="')[2].partition('"')[0])
    return f'<div class="picture" tabindex="0" style="--least:{SMALLEST * width:.0f}px">{svg}</div>'


def _sums(reports: Sequence[Report], overview: Overview) -> str:
    """Return the results in a line each."""
    entries = [("error" if each.open else "fine", each.summary()) for each in reports]
    entries.append(("", overview.costs.summary()))
    level = "error" if overview.has("error") else "warning" if overview.has("warning") else ""
    entries.append((level, overview.counts()))
    listed = "".join(f'<li class="{name}">{escape(text)}</li>' for name, text in entries)
    return f'<ul class="sums">{listed}</ul>'


def _report(report: Report) -> Iterator[str]:
    """Yield what happens to a stack."""
    yield f"<h3>{escape(report.summary())}</h3>"
    if report.open:
        rows = [
            (_code(each.path, each.type or "export"), _lines(each.problems), _lines(each.remedies))
            for each in report.open
        ]
        yield _table(("resource", "what happens", "what to do"), rows)
    for title, lines in report.sections():
        yield from _details(title, lines)
    yield f'<p class="muted">{escape(report.stays())}</p>'


def _costs(overview: Overview) -> Iterator[str]:
    costs = overview.costs
    yield f"<p>{escape(costs.summary())}</p>"
    rows = []
    for line in costs.lines:
        numeric = "".join(f'<td class="n">{escape(each)}</td>' for each in numbers(costs, line))
        changed = ' class="changed"' if costs.has_before and line.is_changed else ""
        rows.append(f"<tr{changed}><td>{escape(line.name)}</td>{numeric}</tr>")
    sums = [costs.before, costs.after] if costs.has_before else [costs.after]
    blank = "<td></td>" * len(sums)
    rows.append(
        f"<tr class='changed'><td>sum</td>{blank}{''.join(f'<td class=n>{each:,.2f}</td>' for each in sums)}</tr>"
    )
    head = "".join(f'<th class="n" scope="col">{each}</th>' for each in columns(costs))
    yield (
        f'<div class="table" tabindex="0"><table><thead><tr><th scope="col">what</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
    yield f'<p class="muted">{escape(costs.source())}.</p>'
    yield from _details("By use, not counted", costs.by_use())
    yield from _details("Notes on the costs", costs.notes)


def _caveats(overview: Overview) -> Iterator[str]:
    yield f"<p>{escape(overview.counts())}</p>"
    rows = [
        (
            _code(each.path, ""),
            f'<b class="{each.level}">{escape(each.rule)}</b> ({each.level})<br>'
            + _lines([each.why, f"Got: {each.got}"]),
            _lines([each.fix]),
        )
        for each in overview.caveats
    ]
    if rows:
        yield _table(("resource", "finding", "what to do"), rows)


def _details(title: str, texts: Iterable[str]) -> Iterator[str]:
    found = list(texts)
    if found:
        listed = "".join(f"<li>{escape(each)}</li>" for each in found)
        yield f"<details><summary>{escape(title)} ({len(found)})</summary><ul>{listed}</ul></details>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    heads = "".join(f'<th scope="col">{each}</th>' for each in head)
    body = "".join(f"<tr>{''.join(f'<td>{each}</td>' for each in row)}</tr>" for row in rows)
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide table" tabindex="0">{table}</div>'


def _code(text: str, type_: str) -> str:
    below = f"<br><small>{escape(type_)}</small>" if type_ else ""
    return f"<code>{escape(text)}</code>{below}"


def _lines(texts: Iterable[str]) -> str:
    return "<br>".join(map(escape, texts))


def escape(text: str) -> str:
    """Return a text that HTML shows as it is."""
    return escape_html(printable(text))
