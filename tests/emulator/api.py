"""Calls of MiniStack's APIs from the inside, as its HTTP server makes them."""

import re
from http import HTTPStatus
from typing import Any, TypeAlias

from ministack.services.ec2 import _ACTION_MAP

Props: TypeAlias = dict[str, Any]
Attributes: TypeAlias = dict[str, str | list[str]]
Created: TypeAlias = tuple[str, Attributes]
Response: TypeAlias = tuple[int, dict[str, str], bytes]


class ApiError(ValueError):
    """An error of the emulated AWS; raised by a handler, it rolls the stack back."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the code, because deleting a missing resource is not an error."""
        super().__init__(f"{code}: {message}")
        self.code = code


def checked(response: Response) -> str:
    """The body of a successful response; an error, XML from EC2 and JSON from WAF, is raised."""
    status, _, body = response
    if status >= HTTPStatus.BAD_REQUEST:
        code, message = re.findall(r'(?:<(?:Code|Message)>|"(?:__type|message)": ?")(.*?)["<]', body.decode())
        raise ApiError(code, message)
    return body.decode()


def ec2(action: str, **params: object) -> str:
    """Call an EC2 action as MiniStack's HTTP server would."""
    return checked(_ACTION_MAP[action](params))


def element(name: str, body: str) -> str:
    """The text of the first element of this name."""
    return body.partition(f"<{name}>")[2].partition("<")[0]
