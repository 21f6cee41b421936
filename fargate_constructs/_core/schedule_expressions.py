"""Schedules that EventBridge Scheduler would refuse, refused at synth."""

import re

from aws_cdk import aws_scheduler as scheduler

from fargate_constructs._core.time_zones import wrong_time_zone
from fargate_constructs._core.unresolved import is_known

# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
FORMS = re.compile(
    r"cron\((?P<fields>[^()]*)\)|rate\([1-9]\d* (minute|hour|day)s?\)|at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)"
)
FIELDS = {
    "minute": (0, 59),
    "hour": (0, 23),
    "day of month": (1, 31),
    "month": (1, 12),
    "day of week": (1, 7),
    "year": (1970, 2199),
}
NUMBERS = re.compile(r"(?<![/#\d])\d+")  # neither a step nor the week of a month


def validate_schedule(name: str, schedule: scheduler.ScheduleExpression) -> None:
    """Refuse what CDK does not check, such as a line of crontab in `ScheduleExpression.expression(...)`."""
    if (zone := schedule.time_zone) and (wrong := wrong_time_zone(zone.timezone_name)):
        raise ValueError(f"{wrong}, in {name}")
    expression = schedule.expression_string
    if not is_known(expression):
        return
    form = FORMS.fullmatch(expression)
    if not form:
        raise ValueError(
            f"{name} must be a cron(...), rate(...) or at(...) of EventBridge Scheduler's, got: {expression!r}; "
            'write ScheduleExpression.cron(minute="0", hour="3") or .rate(Duration.hours(1))'
        )
    if form["fields"] is None:
        return
    fields = form["fields"].split()
    if len(fields) != len(FIELDS):
        raise ValueError(
            f"{name} must have the six fields {', '.join(FIELDS)}, got {len(fields)}: {expression!r}; "
            'write ScheduleExpression.cron(minute="0", hour="3")'
        )
    for (field, (low, high)), value in zip(FIELDS.items(), fields, strict=True):
        for number in NUMBERS.findall(value):
            if not low <= int(number) <= high:
                sunday = ", and 1 is Sunday" if field == "day of week" else ""
                raise ValueError(f"{field} of {name} must be {low} to {high}{sunday}, got: {number} in {expression!r}")
    _, _, day, _, week_day, _ = fields
    if (day == "?") == (week_day == "?"):
        raise ValueError(f"{name} must have a '?' for the day of month or for the day of week, got: {expression!r}")
