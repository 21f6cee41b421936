"""Lines that break readers which were not made for any line."""

import re

# What a program may write, and CloudWatch Logs or the shipper hands on; by what makes it hostile.
HOSTILE = {
    "date": "2026-01-01",
    "uuid": "0b9c8f1e-7d0a-4c53-9d3a-6f1f6b1f1c11",
    "number": "1e999",
    "json": '{"logGroup": "/other", "message": [1, null]}',
    "no json": '{"a": ',
    "half pair": "\ud800 error",
    "other half": "error \udc00",
    "halves the wrong way": "\udc00\ud800 error",
    "pair": "\ud83d\ude00 error",
    "escaped half": "\\ud800 error",
    "escaped escapes": "\\\\ud800\\\\\ud800 error",
    "nul": "\0 error \0",
    "control": "\x01\x1b[31m error \x7f\x85\u2028\u2029",
    "line ends": "error\r\n\tat line\n",
    "quotes": "' \" ` -- error /* ; DROP TABLE logs",
    "separators": "error,\t|;\x1f",
    "cjk": "エラー error",
    "empty": "",
    "long": "error " * 40_000,
}


def seen(message: str, *, instead: str = "") -> str:
    """A message as it can be shown: halves of a pair joined, alone left out or replaced."""
    joined = message.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return re.sub("[\ud800-\udfff]", instead, joined)
