"""How a worker's tasks follow its messages: the template's policies, played on a model of CloudWatch and scaling."""

from dataclasses import replace
from functools import partial
from itertools import chain, repeat
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk.assertions import Template
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fargate_constructs import QueueWorker
from tests.modes.made_elsewhere import IMAGE, network_in
from tests.service.queues.scaling_model import ACTIVE_MINUTES, Policies, Simulation

WAIT = 10  # minutes that are accepted
MESSAGES = {"short": 1 / 6, "long": 10.0}  # minutes
MAX_TASKS = 10


@pytest.fixture(scope="module")
def policies() -> dict[str, Policies]:
    """The policies of workers with short and long messages, with a minimum of zero tasks and of one."""
    app = App(builtin_cloud_formation_validation=False)
    elsewhere = Stack(app, "Elsewhere")
    network = network_in(elsewhere)
    worker = partial(
        QueueWorker,
        network=network,
        cluster=ecs.Cluster.from_cluster_attributes(elsewhere, "Cluster", cluster_name="shop", vpc=network.vpc),
        image=IMAGE,
        acceptable_wait=Duration.minutes(WAIT),
        visibility_timeout=Duration.hours(1),
        max_tasks=MAX_TASKS,
    )
    stacks = []
    for name, minutes in MESSAGES.items():
        for least in (0, 1):
            stacks.append(stack := Stack(app, f"{name}{least}"))
            worker(stack, "Orders", message_duration=Duration.seconds(round(minutes * 60)), min_tasks=least)
    templates = {each.stack_name: Template.from_stack(each).to_json() for each in stacks}
    return {name: Policies.of(template["Resources"]) for name, template in templates.items()}


def simulation(policies: dict[str, Policies], name: str, **settings: Any) -> Simulation:  # noqa: ANN401 - of the model
    """Return a service with short or long messages."""
    return Simulation(policies[name], message=MESSAGES[name[:-1]], **settings)


@pytest.mark.parametrize("name", ["short0", "long0"])
@pytest.mark.parametrize("is_lenient", [False, True])
def test_one_message_starts_one_task_and_the_last_stops_it(
    policies: dict[str, Policies], name: str, *, is_lenient: bool
) -> None:
    """Within minutes; it stops a quarter of an hour after its work, not during it; and so again and again."""
    service = simulation(policies, name, is_lenient=is_lenient)
    for _ in range(3):
        service.counts.clear()
        for sent in (1, *repeat(0, 60)):
            service.minute(sent)
        assert (max(service.counts), service.counts[-1]) == (1, 0)
        assert 15 <= sum(service.counts) <= 15 + MESSAGES[name[:-1]] + 6

    assert len(service.waits) == 3
    assert max(service.waits) <= 3
    assert service.stopped_at_work == []


def test_after_a_quiet_night(policies: dict[str, Policies]) -> None:
    """SQS reports the first message up to 15 minutes late: the guide's 20 minutes are enough."""
    service = simulation(policies, "short0", wake_delay=15, delay=2, start=2)
    for sent in (*repeat(0, ACTIVE_MINUTES + 10), 1, *repeat(0, 40)):
        service.minute(sent)

    assert 15 < service.waits[0] <= 20
    assert service.counts[-1] == 0


def test_a_trickle_keeps_one_task(policies: dict[str, Policies]) -> None:
    """Short messages that no metric sees waiting: the number received keeps the task, and starts no other."""
    service = simulation(policies, "short0")
    for sent in repeat(1, 120):
        service.minute(sent)

    assert set(service.counts[5:]) == {1}
    assert max(service.waits[5:]) == 0


def test_a_burst_starts_many(policies: dict[str, Policies]) -> None:
    """A thousand messages start the eight tasks at once that they need, and target tracking adds the rest."""
    service = simulation(policies, "short0")
    for sent in (1000, *repeat(0, 90)):
        service.minute(sent)

    assert service.counts[2] == 8
    assert max(service.counts) == MAX_TASKS
    assert max(service.waits) < 1.5 * 1000 / 6 / MAX_TASKS + 5
    assert service.counts[-1] == 0
    assert service.stopped_at_work == []


@pytest.mark.parametrize("name", ["short0", "short1"])
def test_a_steady_load_waits_as_long_as_accepted(policies: dict[str, Policies], name: str) -> None:
    """Thirty short messages a minute need five tasks: the wait settles near the accepted one."""
    service = simulation(policies, name)
    for sent in repeat(30, 400):
        service.minute(sent)

    assert max(service.waits[-3000:]) <= 2 * WAIT
    assert 4 <= min(service.counts[-100:]) <= max(service.counts[-100:]) <= MAX_TASKS


def test_long_messages_get_a_task_each(policies: dict[str, Policies]) -> None:
    """Ten minutes of work with ten accepted: five messages need five tasks, and none is stopped while it works."""
    service = simulation(policies, "long0")
    for sent in (5, *repeat(0, 60)):
        service.minute(sent)

    assert 5 <= max(service.counts) <= 7
    assert service.stopped_at_work == []
    assert max(service.waits) <= WAIT


def test_with_one_task_there_is_no_step(policies: dict[str, Policies]) -> None:
    """It takes messages at once, and stays."""
    assert policies["short1"].steps == []
    service = simulation(policies, "short1")
    for sent in (1, *repeat(0, 30)):
        service.minute(sent)

    assert (service.waits, set(service.counts)) == ([0], {1})


def test_the_model_finds_faults_of_other_policies(policies: dict[str, Policies]) -> None:
    """Of target tracking of visible messages to zero, which stops a task at work, and without a step to start one."""
    right = policies["long0"]
    out_alarm, in_alarm = (replace(each, expression="waiting / tasks") for each in (right.out_alarm, right.in_alarm))
    visible = replace(right, out_alarm=out_alarm, in_alarm=in_alarm, steps=right.steps[:1])
    stopped = Simulation(visible, message=30.0)
    stuck = Simulation(replace(right, steps=right.steps[1:]), message=10.0)
    for service in (stopped, stuck, simulation(policies, "long0")):
        for sent in (1, *repeat(0, 60)):
            service.minute(sent)

    assert stopped.stopped_at_work
    assert stuck.waits == []


loads = st.lists(st.tuples(st.sampled_from([0, 0, 0, 1, 2, 20, 200]), st.integers(1, 40)), min_size=1, max_size=6)


@settings(max_examples=25)
@given(
    name=st.sampled_from(["short0", "long0", "short1", "long1"]),
    delay=st.integers(0, 3),
    start=st.integers(1, 4),
    is_lenient=st.booleans(),
    loads=loads,
)
@example(name="long0", delay=2, start=3, is_lenient=True, loads=[(1, 1), (0, 30), (1, 1)])
def test_any_load(
    policies: dict[str, Policies], name: str, delay: int, start: int, *, is_lenient: bool, loads: list[tuple[int, int]]
) -> None:
    """All messages are worked off, within the limits; without messages the minimum is left.

    All tasks stop at once only if no metric could have shown the work: it began after the last that had come.
    """
    service = simulation(policies, name, delay=delay, start=start, is_lenient=is_lenient)
    sent = 0
    stops = partial(len, service.stopped_at_work)
    most = 200 if name.startswith("short") else 2  # a minute; ten tasks work off one of the long ones
    for wanted in chain.from_iterable(repeat(*load) for load in loads):
        messages = min(wanted, most)
        before, had = service.capacity, stops()
        service.minute(messages)
        sent += messages
        if before and not service.capacity:
            assert all(began >= service.now - delay - 2 for began in service.stopped_at_work[had:])
    quiet = 0
    while quiet < 60:
        service.minute()
        is_busy = service.waiting or any(task.free_at > service.now for task in service.tasks)
        quiet = 0 if is_busy else quiet + 1
        assert service.now < 5_000, "messages stay"

    assert len(service.waits) == sent + len(service.stopped_at_work)
    assert max(service.counts) <= MAX_TASKS
    assert service.capacity == service.policies.least
