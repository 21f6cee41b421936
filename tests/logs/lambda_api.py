"""The part of the Lambda API that the replay function calls: a synchronous invocation of the shipper.

```
replay handler ──> boto3 ──> in_process ──> [LambdaApi] ──> shipper handler ──> MemoryS3
```
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from tests.logs.faults import Answer, Request

Function = Callable[[Any], object]


class Killed(Exception):  # noqa: N818 -- no error of the function's
    """Raised by a function that Lambda kills: out of time, out of memory."""


class LambdaApi:
    """POST /2015-03-31/functions/<name>/invocations.

    Attributes:
        functions: What each function does, by name. An exception is answered as Lambda answers it: 200, with the
            exception's class and message.
        status: What every invocation is answered with instead, if it is not 200.
        invoked: The events that came.
    """

    def __init__(self, **functions: Function) -> None:
        """Take the functions."""
        self.functions = functions
        self.status = 200
        self.invoked: list[Any] = []

    def __call__(self, request: Request) -> Answer:
        """Run the function."""
        event = json.loads(request.body)
        self.invoked.append(event)
        _, version, _, name, verb = request.path.split("/")
        assert (version, verb) == ("2015-03-31", "invocations")
        result: object
        headers = {"X-Amz-Function-Error": "Unhandled"}
        if self.status != 200:
            return self.status, {}, b'{"Type": "User", "message": "scripted"}'
        try:
            result, headers = self.functions[unquote(name)](event), {}
        except Killed:
            result = {"errorMessage": "Task timed out"}
        except Exception as error:  # noqa: BLE001 -- whatever it is, Lambda answers 200
            result = {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": []}
        return 200, headers, json.dumps(result).encode()
