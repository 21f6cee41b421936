"""The program of docs/workers.md loses no message, whatever happens to its tasks, on a model of SQS and ECS."""

from collections.abc import Callable

import pytest
from hypothesis import event as note
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.service.queues.queue_model import POLL, PROGRAM, Account, Queue

RECEIVES = 5
VISIBILITY_TIMEOUT = 90

Step = Callable[[Account], None]


def turn(number: int) -> Step:
    """Let the program of a task go on."""

    def step(account: Account) -> None:
        if tasks := account.running():
            tasks[number % len(tasks)].turn()

    return step


def stop(cause: str, number: int) -> Step:
    """Stop a task by a Spot interruption or a crash."""

    def step(account: Account) -> None:
        if tasks := account.running():
            task = tasks[number % len(tasks)]
            task.crash() if cause == "crash" else task.stop(cause)

    return step


def pass_time(seconds: int) -> Step:
    """Let time pass."""
    return lambda account: account.pass_time(seconds)


def scale_in(number: int) -> Step:
    """Scale in by one task."""
    return lambda account: account.scale_in(number)


def block(account: Account) -> None:
    """Let ECS protect no further task, or again."""
    account.is_blocked = not account.is_blocked


def send(account: Account) -> None:
    """Send a message."""
    account.send(str(len(account.done) + len(account.queue.messages) + 1000))


numbers = st.integers(0, 5)
times = st.builds(pass_time, st.sampled_from([5, 5, POLL, 30, 120]))
turns = st.builds(turn, numbers)
ends = [
    st.builds(stop, st.sampled_from(["Spot", "crash"]), numbers),
    st.builds(scale_in, numbers),
    st.just(Account.deploy),
]
steps = st.one_of(turns, times, *ends, st.just(Account.start), st.just(send), st.just(block))


def play(account: Account, messages: int, schedule: list[Step]) -> None:
    """Send messages, start two tasks, follow the schedule, then let the rest be worked off in peace."""
    bodies = {str(number) for number in range(messages)}
    for body in sorted(bodies):
        account.send(body)
    for _ in range(2):
        account.start()
    for step in schedule:
        step(account)
        bodies |= {each.body for each in account.queue.messages}
        if len(account.tasks) > 8:
            break
    account.settle()
    dead = {each.body for each in account.queue.dead_letters}
    assert {*account.done} | dead == bodies, "lost"
    assert all(each.receives == RECEIVES for each in account.queue.dead_letters)
    assert account.fails & bodies <= dead


TWO_TURNS = [turn(0), turn(1)] * 12


@settings(max_examples=40)
@given(
    messages=st.integers(1, 4),
    work_time=st.sampled_from([5, 25, 60]),
    is_protecting=st.booleans(),
    schedule=st.lists(steps, min_size=8, max_size=40),
)
@example(messages=1, work_time=10, is_protecting=False, schedule=[*TWO_TURNS, scale_in(0), *TWO_TURNS])
@example(messages=2, work_time=60, is_protecting=False, schedule=[*TWO_TURNS, stop("Spot", 0), pass_time(30)])
@example(messages=2, work_time=60, is_protecting=True, schedule=[*TWO_TURNS, Account.deploy, pass_time(30), *TWO_TURNS])
@example(messages=1, work_time=10, is_protecting=True, schedule=[*TWO_TURNS, stop("crash", 0), *TWO_TURNS])
def test_no_message_is_lost(messages: int, work_time: float, *, is_protecting: bool, schedule: list[Step]) -> None:
    """Each is worked off at least once, or is in the dead-letter queue after five receives; never by two at once.

    With protection neither scale-in nor a deployment interrupts the work on a message, unless ECS refuses to protect.
    """
    account = Account(Queue(VISIBILITY_TIMEOUT, RECEIVES), work_time=work_time, is_protecting=is_protecting)

    play(account, messages, schedule)

    for cause in {*account.interrupted} or {"none"}:
        note(f"protecting: {is_protecting}; cause of an interruption: {cause}")
    assert account.at_once <= 1
    if is_protecting:
        assert not {"scale-in", "deployment"} & {*account.interrupted}


def test_without_protection_a_long_message_is_interrupted() -> None:
    """It is given back before SIGKILL, at once for another task; the model can tell the difference."""
    causes = {}
    for is_protecting in (True, False):
        account = Account(Queue(VISIBILITY_TIMEOUT, RECEIVES), work_time=60, is_protecting=is_protecting)
        play(account, 1, [pass_time(10), scale_in(0), scale_in(0), pass_time(30)])
        causes[is_protecting] = account.interrupted
        assert account.done == {"0": 1}

    assert causes == {True: [], False: ["scale-in"]}


def test_a_message_that_always_fails() -> None:
    """It is tried five times, each time after the visibility timeout, then it is in the dead-letter queue."""
    account = Account(Queue(VISIBILITY_TIMEOUT, RECEIVES), work_time=10, fails=frozenset({"0"}))

    play(account, 2, [])

    assert account.now > RECEIVES * VISIBILITY_TIMEOUT
    assert account.done == {"1": 1}
    assert [each.body for each in account.queue.dead_letters] == ["0"]


WRONG: dict[str, tuple[str, str, list[Step]]] = {
    "it deletes first": (
        '        work(message["Body"])\n        sqs.delete_message(**receipt)\n',
        '        sqs.delete_message(**receipt)\n        work(message["Body"])\n',
        [pass_time(10), stop("crash", 0), stop("crash", 0)],
    ),
    "it protects too late": (
        "protect(True)",
        "True",
        [pass_time(10), scale_in(0), scale_in(0), pass_time(30)],
    ),
    "it does not give back": (
        "        sqs.change_message_visibility(**receipt, VisibilityTimeout=0)\n",
        "        pass\n",
        [pass_time(10), stop("Spot", 0), stop("Spot", 1), pass_time(30), Account.start, pass_time(30)],
    ),
}


@pytest.mark.parametrize("fault", WRONG)
def test_the_model_finds_wrong_programs(fault: str) -> None:
    """A changed program loses a message, is interrupted by scale-in, or lets the message wait."""
    right, wrong, schedule = WRONG[fault]
    found = []
    for program in (PROGRAM, PROGRAM.replace(right, wrong)):
        account = Account(Queue(VISIBILITY_TIMEOUT, RECEIVES), work_time=60, program=program)
        try:
            play(account, 1, schedule)
        except AssertionError:
            account.interrupted.append("lost")
        found.append((account.interrupted, account.now))

    assert right in PROGRAM
    assert found[0] != found[1]
