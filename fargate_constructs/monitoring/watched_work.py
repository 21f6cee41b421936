"""Work that no caller waits for: queues and jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fargate_constructs._core.construct_paths import path_of
from fargate_constructs.monitoring.watched import MINUTE, Section, Severity, Watched

if TYPE_CHECKING:
    from fargate_constructs.service.jobs.job import Job
    from fargate_constructs.service.queues.queue_worker import QueueWorker

WORK = Section.WORK


def watch_queue(watched: Watched, worker: QueueWorker) -> None:
    """Let the worker's own alarms call, and show its queue."""
    watched.adopt([worker.age_alarm], Severity.PAGE)
    watched.adopt([worker.dead_letter_alarm] if worker.dead_letter_alarm else [], Severity.TICKET)
    queue, name = worker.queue, worker.node.id
    age = queue.metric_approximate_age_of_oldest_message(statistic="Maximum", period=MINUTE)
    watched.graph(WORK, f"{name}: age of the oldest message", {"age": age}, unit="seconds")
    waiting = queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=MINUTE)
    in_flight = queue.metric_approximate_number_of_messages_not_visible(statistic="Maximum", period=MINUTE)
    rates = {
        "sent a minute": queue.metric_number_of_messages_sent(period=MINUTE),
        "done a minute": queue.metric_number_of_messages_deleted(period=MINUTE),
    }
    watched.graph(WORK, f"{name}: messages", {"waiting": waiting, "in work": in_flight}, rates)
    if dead := worker.dead_letter_queue:
        letters = dead.metric_approximate_number_of_messages_visible(statistic="Maximum", period=MINUTE)
        watched.graph(WORK, f"{name}: dead letters", {"messages": letters})


def watch_job(watched: Watched, job: Job) -> None:
    """Let the job's own alarm call, and show its failed runs."""
    watched.adopt([job.alarm], Severity.TICKET)
    watched.text(WORK, f"**{path_of(job)}**\n\nlines: `{job.logs_command}`\n\nrun now: `{job.run_command}`")
    watched.graph(WORK, f"{job.node.id}: failed runs", {"messages": job.metric_failed_runs()})
