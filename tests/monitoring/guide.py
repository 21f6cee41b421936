"""What docs/monitoring.md says of alarms and costs. `python -m tests.monitoring.guide` writes both again."""

import re
from collections.abc import Iterator
from pathlib import Path

from aws_cdk import Duration
from aws_cdk.assertions import Template

from benchmarks import bills
from tests.monitoring.alarm_model import Alarm
from tests.monitoring.watched_app import watched_app, web_service_app

GUIDE = Path(__file__).parents[2] / "docs/monitoring.md"
PARTS = {
    "Endpoint": "`HttpEndpoint`",
    "Mail": "`TcpEndpoint`",
    "Web": "services",
    "Api": "services",
    "Smtp": "services behind a `TcpEndpoint`",
    "Orders": "`QueueWorker`",
    "Report": "jobs",
    "Network": "NAT gateways",
    "Cheap": "NAT instances",
    "Archive": "`LogArchive`",
}


def table() -> str:
    """Return the table of alarms: one row for each kind, in the order of the parts."""
    app = watched_app()
    rules = {name: each.rule for name, each in app.composites.items()}
    rows: dict[tuple[str, str], str] = {}
    order = [*PARTS]
    for name, alarm in app.alarms.items():
        path = alarm.id.removeprefix("Monitoring/Shop ")
        part, id_ = path.split("/", 1)
        id_ = re.sub(r"^RollbackAlarms/|(?<=.)/?Alarm$|\d$|(?<=LinkTo)\w+", "", id_).replace("Smtp", "")
        calls = {app.ids[each].rpartition("/")[2].lower() for each, rule in rules.items() if f'"{name}"' in rule}
        (call,) = calls
        row = f"| {PARTS[part]} | `{id_}` | {call} | {_condition(alarm)} |"
        rows.setdefault((PARTS[part], id_), row)
    services = {id_ for part, id_ in rows if part == "services"}
    repeating = {PARTS["Smtp"], PARTS["Orders"]}
    kept = {key: row for key, row in rows.items() if key[0] not in repeating or key[1] not in services - {"Unhealthy"}}
    parts = [PARTS[each] for each in order]
    lines = sorted(kept, key=lambda key: parts.index(key[0]))
    return "\n".join(["| part | alarm | calls | raised when |", "|---|---|---|---|", *(kept[each] for each in lines)])


def _condition(alarm: Alarm) -> str:
    """Return when an alarm is raised: the metric or the expression, the threshold, and how long."""
    properties = alarm.properties
    name = next(iter(alarm.metrics.values())).name.rpartition(" ")[2]
    if alarm.expression not in alarm.metrics:
        name = alarm.expression
    text = f"`{name}` is {properties['Threshold']:g} or more" if alarm.band is None else f"`{name}` is unusual"
    length = Duration.seconds(alarm.seconds).to_human_string()
    times = f"in {length}" if alarm.periods == 1 else f"in {alarm.datapoints} of {alarm.periods} times {length}"
    held = "; without data it stays as it is" if properties["TreatMissingData"] == "ignore" else ""
    return f"{text} {times}{held}"


def costs() -> str:
    """Return the lines on what the monitoring of a web service and of a further service costs."""
    lines = []
    for text, stack in web_service_app().watched.items():
        is_first = text == "A web service"
        template = Template.from_stack(stack).to_json()
        counts = bills.standing(template)
        usd = bills.standing_usd_a_month(template) - (0 if is_first else bills.BY_THE_MONTH["dashboard"])
        parts = f"{counts['alarm']} metrics, {counts['composite alarm']} composite alarms"
        lines.append(f"- {text}: {usd:.2f} USD, for {parts}{' and a dashboard' if is_first else ''}.")
    return "\n".join(lines)


def written(text: str) -> Iterator[tuple[str, str]]:
    """Yield what the page has at its marks: the table, and the lines on costs."""
    yield "alarms", text.partition("<!-- alarms -->\n\n")[2].partition("\n\n<!-- end of alarms -->")[0]
    yield "costs", text.partition("<!-- costs -->\n")[2].partition("\n- The panel")[0]


if __name__ == "__main__":
    page = GUIDE.read_text()
    page = re.sub(
        r"<!-- alarms -->.*?<!-- end", lambda _: f"<!-- alarms -->\n\n{table()}\n\n<!-- end", page, flags=re.DOTALL
    )
    page = re.sub(
        r"<!-- costs -->\n.*?(?=- The panel)", lambda _: f"<!-- costs -->\n{costs()}\n", page, flags=re.DOTALL
    )
    GUIDE.write_text(page)
