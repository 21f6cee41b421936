"""What MiniStack lacks of CloudWatch Logs: regular expressions in filter patterns."""

import re
from collections.abc import Callable

from ministack.services import cloudwatch_logs


def register() -> None:
    """Let `%ERROR|WARN%` match as on AWS: anywhere in a line, in that case.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/regex-expressions.html
    """
    names = vars(cloudwatch_logs)
    others: Callable[[str], Callable[[str], bool]] = names["_compile_filter_pattern"]

    def compiled(pattern: str) -> Callable[[str], bool]:
        if re.fullmatch("%.+%", pattern):
            expression = re.compile(pattern.strip("%"), re.ASCII)
            return lambda line: bool(expression.search(line))
        return others(pattern)

    names["_compile_filter_pattern"] = compiled
