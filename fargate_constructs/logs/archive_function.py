"""What the archive's Lambda functions have in common.

```
[ArchiveFunction] ──> its own log group, which is never shipped
```
"""

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Duration, IgnoreMode, PhysicalName
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from fargate_constructs._core.python_function import PythonFunction

FOLDERS = Path(__file__).parent / "lambdas"
# A name of CDK's making, only if a bucket in another account's stack of the same app must let the role in.
NAME_IF_NEEDED = PhysicalName.GENERATE_IF_NEEDED


def code_of(folder: str) -> lambda_.Code:
    """Return a folder in `lambdas` as a Lambda's code: itself, not only what is in it.

    There it is the package that it is here, and its modules import each other in the same way. Without bytecode, which
    would give the asset another hash on each machine, and each deployment an upload.
    """
    nothing_else = ["/*", f"!/{folder}/", "__pycache__"]
    return lambda_.Code.from_asset(str(FOLDERS), exclude=nothing_else, ignore_mode=IgnoreMode.GIT)


class ArchiveFunction(PythonFunction):
    """One of the archive's functions; its own log, in the path of every shipped line, is never shipped itself.

    Args:
        scope: The construct that owns the function, its role and its log group.
        id: The function's ID, with which those of its role and its log group begin.
        code: The folder in `lambdas` that is its whole code.
        description: What it does, in a few words.
        environment: Its environment variables.
        memory_size: Its memory in MiB; Lambda gives CPU in proportion.
        timeout: How long one invocation may take.
        module: The module of that folder whose `handler` is called. By default `handler`.
        retry_attempts: How often Lambda tries an asynchronous invocation again, 0 to 2. By default 2.
        max_event_age: For how long Lambda keeps an asynchronous invocation. By default 6 hours.
        on_failure: Where Lambda puts an asynchronous invocation that it gave up. By default nowhere.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        code: str,
        description: str,
        environment: Mapping[str, str],
        memory_size: int,
        timeout: Duration,
        module: str = "handler",
        retry_attempts: int | None = None,
        max_event_age: Duration | None = None,
        on_failure: lambda_.IDestination | None = None,
    ) -> None:
        super().__init__(
            scope,
            id,
            code=code_of(code),
            handler=f"{code}.{module}.handler",
            description=description,
            timeout=timeout,
            dlq_suppressions=_dlq_suppressions(
                is_asynchronous=retry_attempts is not None, has_destination=on_failure is not None
            ),
            environment=environment,
            memory_size=memory_size,
            role_name=NAME_IF_NEEDED,
            retry_attempts=retry_attempts,
            max_event_age=max_event_age,
            on_failure=on_failure,
        )


def _dlq_suppressions(*, is_asynchronous: bool, has_destination: bool) -> dict[str, str]:
    """Return why no queue keeps invocations that failed."""
    if has_destination:
        return {"LambdaDLQ": "What fails for good goes to a destination; a dead-letter queue is the older form of one."}
    if is_asynchronous:
        again = "The next run does what one that failed has left."
        return {"LambdaDLQ": again, "LambdaAsyncFailureDestination": again}
    return {"LambdaDLQ": "Who calls it waits for its answer, and keeps what it failed to do."}
