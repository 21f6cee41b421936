"""What single values of a manifest mean: durations, booleans, ranges, ports, schedules."""

import re

# https://pkg.go.dev/time#ParseDuration, which Copilot uses.
DURATION = re.compile(r"(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+")
UNITS = {"ns": 1e-6, "us": 1e-3, "µs": 1e-3, "ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}  # milliseconds
# YAML 1.1 has all of these, and Copilot's documents use `on`.
TRUE, FALSE = {"true", "yes", "on", "y"}, {"false", "no", "off", "n"}
# https://aws.github.io/copilot-cli/docs/manifest/scheduled-job/#on-schedule
PRESETS = {
    "@hourly": "0 * * * ? *",
    "@daily": "0 0 * * ? *",
    "@midnight": "0 0 * * ? *",
    "@weekly": "0 0 ? * 1 *",
    "@monthly": "0 0 1 * ? *",
    "@yearly": "0 0 1 1 ? *",
    "@annually": "0 0 1 1 ? *",
}
FIELDS = 5  # of a line of crontab
DAY, WEEKDAY = 2, 4


def milliseconds(text: str) -> int | None:
    """Return the length of a Go duration such as `1h30m`, or None if it is none."""
    if not DURATION.fullmatch(text):
        return None
    return round(sum(float(number) * UNITS[unit] for number, unit in re.findall(r"([\d.]+)(\D+)", text)))


def duration_code(length: int) -> str:
    """Return milliseconds as a call of CDK's Duration, in the largest whole unit."""
    for unit, size in (("days", 86_400_000), ("hours", 3_600_000), ("minutes", 60_000), ("seconds", 1_000)):
        if length and length % size == 0:
            return f"Duration.{unit}({length // size})"
    return f"Duration.millis({length})" if length else "Duration.seconds(0)"


def flag(text: str) -> bool | None:
    """Return a boolean, or None if the text is none."""
    return True if text.lower() in TRUE else False if text.lower() in FALSE else None


def cron_expression(schedule: str) -> str | None:
    """Return the expression of EventBridge for a schedule of Copilot, or None if it has none.

    The rules are Copilot's own: a day of the month and a day of the week exclude each other, and Sunday is 1.
    """
    if re.fullmatch(r"(?:rate|cron)\(.*\)", schedule):
        return schedule
    if schedule.startswith("@every "):
        length = milliseconds(schedule.removeprefix("@every ").strip())
        if not length or length % 60_000:
            return None
        minutes = length // 60_000
        return f"rate({minutes} minute{'' if minutes == 1 else 's'})"
    if schedule in PRESETS:
        return f"cron({PRESETS[schedule]})"
    return _from_crontab(schedule.split())


def _from_crontab(fields: list[str]) -> str | None:
    is_open = {index for index in (DAY, WEEKDAY) if len(fields) == FIELDS and fields[index] in {"*", "?"}}
    if not is_open:
        return None
    if DAY in is_open and WEEKDAY not in is_open:
        fields[DAY] = "?"
    else:
        fields[WEEKDAY] = "?"
    fields[WEEKDAY] = re.sub(r"(?<![/#])\d", lambda digit: str(int(digit[0]) % 7 + 1), fields[WEEKDAY])
    return f"cron({' '.join(fields)} *)"


def port_and_protocol(text: str) -> tuple[int, str] | None:
    """Return port and protocol of a text such as `80/udp`, or None."""
    match = re.fullmatch(r"(\d{1,5})(?:/(tcp|udp|tls))?", text.lower())
    return (int(match[1]), match[2] or "tcp") if match else None


def absolute_path(path: str) -> str:
    """Return the path of a request, which begins with a slash."""
    return path if path.startswith("/") else f"/{path}"


def construct_id(name: str) -> str:
    """Return a name as CDK writes IDs: `order-api` and `ORDER_API` become `OrderApi`."""
    parts = re.split(r"[^A-Za-z0-9]+", name)
    words = [part.capitalize() if part.isupper() else part[:1].upper() + part[1:] for part in parts]
    return "".join(words) or "Item"


def variable_name(name: str) -> str:
    """Return a name as Python writes variables: `order-api` and `orderApi` become `order_api`."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    snake = re.sub(r"[^A-Za-z0-9]+", "_", snake).strip("_").lower() or "item"
    return f"the_{snake}" if snake[0].isdigit() else snake
