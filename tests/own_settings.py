"""A person's settings that would change what tests and the demo do."""

import os
import re

# For another AWS, for CDK and its CLI (each of its options can be a variable CDK_*), for jsii, Node.js, and a proxy.
NOT_HANDED_ON = re.compile(
    r"AWS_|CDK_(?!VALIDATION$)|JSII_(?!RUNTIME_PACKAGE_CACHE_ROOT$)|NODE_|.*_proxy$", re.IGNORECASE
)

# How commands print. pytest obeys these, too, so they are forgotten only where tests run.
OF_TERMINALS = ("COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "TERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


def forget_persons() -> None:
    """Remove them from this process, and so from those that it starts. CDK_HOME is the Makefile's."""
    for name in filter(NOT_HANDED_ON.match, {*os.environ} - {"CDK_HOME"}):
        del os.environ[name]


def forget_terminals() -> None:
    """Let commands print as into a pipe."""
    for name in OF_TERMINALS:
        os.environ.pop(name, None)
