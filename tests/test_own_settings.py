"""Which variables tests and the demo have."""

import os
from unittest.mock import patch

from tests.own_settings import OF_TERMINALS, forget_persons, forget_terminals


def test_a_persons_settings_are_forgotten() -> None:
    """A profile, an output folder or an option of Node.js changes no test; what the Makefile sets stays."""
    kept = {"CDK_HOME": "a", "JSII_RUNTIME_PACKAGE_CACHE_ROOT": "a", "CDK_VALIDATION": "false", "PATH": "a"}
    persons = dict.fromkeys(("AWS_PROFILE", "CDK_OUTDIR", "JSII_DEPRECATED", "NODE_OPTIONS", "https_proxy"), "a")
    with patch.dict(os.environ, kept | persons, clear=True):
        forget_persons()
        assert os.environ == kept


def test_commands_print_without_a_persons_terminal() -> None:
    """`FORCE_COLOR=1` and `TERM=dumb` change no test."""
    with patch.dict(os.environ, dict.fromkeys(OF_TERMINALS, "a"), clear=True):
        forget_terminals()
        assert os.environ == {}
