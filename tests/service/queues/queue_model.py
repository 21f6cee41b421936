"""SQS and ECS as far as a worker's program sees them, one step at a time, in the order that a test wants.

```
docs/workers.md ──> the program ──> boto3, signal, time, urllib ──> [Account]: one queue, tasks, a clock
```

Each task runs the program in a thread of its own. Only one thread runs at a time: the program of a task runs until its
next call of AWS, of the agent, or of `time.sleep`, and there it waits for its next turn. Signals arrive there, too.
"""

import builtins
import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

GUIDE = Path(__file__).parents[3] / "docs/workers.md"
ENVIRONMENT = {"QUEUE_URL": "https://sqs/orders", "ECS_AGENT_URI": "http://agent"}
# The one with a function `work`.
(PROGRAM,) = (
    each
    for each in re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    if "def work" in each
)
POLL, TICK = 20, 5  # seconds


class Killed(BaseException):
    """SIGKILL, which no program catches."""


class ClientError(Exception):
    """SQS refuses a request."""


@dataclass
class Message:
    """A message of the queue."""

    body: str
    receives: int = 0
    invisible_until: float = 0


@dataclass
class Queue:
    """A standard queue with a dead-letter queue."""

    visibility_timeout: float
    max_receive_count: int
    messages: list[Message] = field(default_factory=list)
    dead_letters: list[Message] = field(default_factory=list)

    def receive(self, now: float) -> Message | None:
        """Hand out and hide the first visible message; move those that were received too often."""
        for message in [each for each in self.messages if each.invisible_until <= now]:
            if message.receives < self.max_receive_count:
                message.receives += 1
                message.invisible_until = now + self.visibility_timeout
                return message
            self.messages.remove(message)
            self.dead_letters.append(message)
        return None


@dataclass(eq=False)
class Task:
    """A task: the program in a thread, which runs when it gets a turn.

    Attributes:
        cause: Why ECS stops it.
        kill_at: When it gets SIGKILL.
        protected: Whether scale-in and deployments leave it alone.
        is_old: Whether a deployment is to stop it.
        was_refused: Whether ECS refused to protect it.
        body: The message on which it works.
    """

    account: "Account"
    cause: str = ""
    kill_at: float = float("inf")
    protected: bool = False
    is_old: bool = False
    was_refused: bool = False
    body: str = ""
    has_ended: bool = False
    error: BaseException | None = None

    def __post_init__(self) -> None:
        """Start the thread, which waits for its first turn."""
        self._handlers: dict[int, Callable[..., None]] = {}
        self._alarm = float("inf")
        self._term_pending = False
        self._due = 0.0
        self._turn, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def turn(self) -> None:
        """Let the program run until its next call."""
        if not self.has_ended:
            self._turn.release()
            self._back.acquire()

    def catch_up(self) -> None:
        """Let the program run until it waits for a time that has not come."""
        self.turn()
        while not self.has_ended and self._due <= self.account.now:
            self.turn()

    def stop(self, cause: str) -> None:
        """Do what ECS does with a task that is to stop: SIGTERM at once, and SIGKILL later."""
        if not self.cause:
            self._terminate(cause)
            self.turn()

    def _terminate(self, cause: str) -> None:
        self.cause = cause
        self._term_pending = True
        self.kill_at = self.account.now + self.account.stop_timeout

    def crash(self) -> None:
        """End it at once, without a signal before."""
        self.cause, self.kill_at = self.cause or "crash", self.account.now
        self.turn()

    def _run(self) -> None:
        self._turn.acquire()
        try:
            self.account.run_program(self)
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - it ends the task, whatever it is
            self.error = error
        self.has_ended = True
        self._back.release()

    def _pause(self, *, until: float = 0) -> None:
        """Wait for the next turn, or for a time, and get the signals that came meanwhile."""
        self._due = until
        self._back.release()
        self._turn.acquire()
        if self.account.now >= self.kill_at:
            raise Killed
        if self._term_pending:
            self._term_pending = False
            self._handlers[SIGTERM](SIGTERM, None)
        if self.account.now >= self._alarm:
            self._alarm = float("inf")
            self._handlers[SIGALRM](SIGALRM, None)

    # --- What the program calls ---

    def on_signal(self, number: int, handler: Callable[..., None]) -> None:
        """Do `signal.signal`."""
        self._handlers[number] = handler

    def set_alarm(self, seconds: float) -> None:
        """Do `signal.alarm`."""
        self._alarm = self.account.now + seconds

    def sleep(self, seconds: float) -> None:
        """Do `time.sleep`, or work for some time; signals come in between."""
        end = self.account.now + seconds
        while self.account.now < end:
            self._pause(until=end)

    def receive_message(self, *, QueueUrl: str, WaitTimeSeconds: int) -> dict[str, Any]:  # noqa: N803 - boto3's names
        """Wait for a message. The answer may not arrive, because the task ends."""
        assert QueueUrl == ENVIRONMENT["QUEUE_URL"]
        end = self.account.now + WaitTimeSeconds
        while not (message := self.account.queue.receive(self.account.now)) and self.account.now < end:
            self._pause(until=end)
        self._pause()
        return {"Messages": [{"Body": message.body, "ReceiptHandle": message}]} if message else {}

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: Message) -> None:  # noqa: N803 - boto3's names
        """Delete a message, which may be deleted already."""
        assert QueueUrl == ENVIRONMENT["QUEUE_URL"]
        self._pause()
        if ReceiptHandle in self.account.queue.messages:
            self.account.queue.messages.remove(ReceiptHandle)
        self._pause()

    def change_message_visibility(self, *, QueueUrl: str, ReceiptHandle: Message, VisibilityTimeout: int) -> None:  # noqa: N803
        """Hide a message for another time; one that is visible or deleted is refused."""
        assert QueueUrl == ENVIRONMENT["QUEUE_URL"]
        self._pause()
        if ReceiptHandle not in self.account.queue.messages or ReceiptHandle.invisible_until <= self.account.now:
            raise ClientError("the message is not in flight")
        ReceiptHandle.invisible_until = self.account.now + VisibilityTimeout
        self._pause()

    def urlopen(self, request: Any, *, timeout: float) -> BytesIO:  # noqa: ANN401 - the program's own
        """Answer the request for protection as the agent does; a task that is to stop gets none."""
        assert timeout
        assert (request.full_url, request.method) == ("http://agent/task-protection/v1/state", "PUT")
        self._pause()
        wanted = json.loads(request.data)["ProtectionEnabled"]
        self.was_refused = wanted and (bool(self.cause) or self.account.is_blocked)
        if self.was_refused or self.cause:
            reason = "TASK_NOT_VALID" if self.cause else "DEPLOYMENT_BLOCKED"
            answer: dict[str, object] = {"failure": {"Reason": reason}}
        else:
            self.protected = wanted
            answer = {"protection": {"ProtectionEnabled": self.protected}}
            if self.is_old and not self.protected:
                self._terminate("deployment")
        self._pause()
        return BytesIO(json.dumps(answer).encode())


SIGTERM, SIGALRM = 15, 14


@dataclass
class Account:
    """An account with one service.

    Attributes:
        work_time: How long the work on a message takes.
        fails: The messages whose work fails.
        is_protecting: Whether the program protects its task.
        program: The program; by default that of the guide.
        is_blocked: Whether ECS protects no further task.
        done: How often the work on each message was finished.
        interrupted: Why work was interrupted, for each time.
    """

    queue: Queue
    work_time: float
    stop_timeout: float = 30
    fails: frozenset[str] = frozenset()
    is_protecting: bool = True
    program: str = field(default_factory=lambda: PROGRAM, repr=False)
    is_blocked: bool = False
    now: float = 0
    tasks: list[Task] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    interrupted: list[str] = field(default_factory=list)
    at_once: int = 0

    def start(self) -> None:
        """Start a task."""
        self.tasks.append(Task(self))

    def send(self, body: str) -> None:
        """Put a message into the queue."""
        self.queue.messages.append(Message(body))

    def running(self) -> list[Task]:
        """Return the tasks that have not ended."""
        self.tasks = [task for task in self.tasks if not task.has_ended]
        return self.tasks

    def scale_in(self, number: int) -> None:
        """Let ECS stop one of the tasks that are not protected, if there is one."""
        free = [task for task in self.running() if not task.protected and not task.cause]
        if free:
            free[number % len(free)].stop("scale-in")

    def deploy(self) -> None:
        """Start a new task for each, then stop the old ones; a protected one when it is no more."""
        old = self.running().copy()
        for task in old:
            task.is_old = True
            self.start()
        for task in old:
            if not task.protected:
                task.stop("deployment")

    def pass_time(self, seconds: int) -> None:
        """Let time pass for all tasks. A call of AWS takes none."""
        for _ in range(0, seconds, TICK):
            self.now += TICK
            for task in self.running().copy():
                task.catch_up()

    def settle(self) -> None:
        """Let tasks work until the queue is empty, and end them, so that no thread is left."""
        while self.queue.messages:
            if not self.running():
                self.start()
            self.pass_time(TICK)
        for task in self.running().copy():
            task.crash()

    def run_program(self, task: Task) -> None:
        """Run the program of the guide as a task."""
        modules = {
            "boto3": SimpleNamespace(client=lambda _: task),
            "signal": SimpleNamespace(SIGTERM=SIGTERM, SIGALRM=SIGALRM, signal=task.on_signal, alarm=task.set_alarm),
            "time": SimpleNamespace(sleep=task.sleep),
            "os": SimpleNamespace(environ=ENVIRONMENT),
            "logging": SimpleNamespace(exception=lambda _: None),
            "urllib.request": SimpleNamespace(request=SimpleNamespace(Request=_Request, urlopen=task.urlopen)),
        }

        def load(name: str, *others: object) -> object:
            return modules[name] if name in modules else builtins.__import__(name, *others)  # type: ignore[arg-type]

        names: dict[str, Any] = {"__name__": "worker", "__builtins__": vars(builtins) | {"__import__": load}}
        exec(compile(self.program, str(GUIDE), "exec"), names)  # noqa: S102 - the guide's own code
        names["work"] = lambda body: self._work(task, body)
        if not self.is_protecting:
            names["protect"] = lambda _: True
        names["main"]()

    def _work(self, task: Task, body: str) -> None:
        task.body = body
        self.at_once = max(self.at_once, *Counter(each.body for each in self.tasks if each.body).values())
        try:
            task.sleep(self.work_time)
        except BaseException:
            self.interrupted.append(f"{task.cause}, refused" if task.was_refused else task.cause)
            raise
        finally:
            task.body = ""
        if body in self.fails:
            raise ValueError(body)
        self.done[body] += 1


class _Request(SimpleNamespace):
    """What the program asks the agent."""

    def __init__(self, full_url: str, **others: object) -> None:
        super().__init__(full_url=full_url, **others)
