"""Every mode of every part, for tests that hold for all of them.

```
MODES ──> an app with a stage for each mode ──> templates()
```

A mode is one way of using the library that makes resources no other mode makes, or gives them other properties. It is
a function, in this folder's file of its part, that takes a stage, makes its stacks in it, and is named in the file's
`MODES`; all that it uses in the other tests follows from the name. Prefer to widen a mode to making a new one: each is
synthesized, audited and linted. A mode that is about something other than the network imports one (`network_in`), so
that its template holds what it is about.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from aws_cdk import App, Stage

from tests.audit import Template
from tests.modes import archive, endpoint, jobs, network, service, whole

PARTS: dict[str, Mapping[str, Callable[[Stage], None]]] = {
    "network": network.MODES,
    "endpoint": endpoint.MODES,
    "service": service.MODES,
    "job": jobs.MODES,
    "archive": archive.MODES,
    "whole": whole.MODES,
}
MODES = {f"{part}-{name}": build for part, modes in PARTS.items() for name, build in modes.items()}


def app_of(modes: Mapping[str, Callable[[Stage], None]], context: Mapping[str, object] | None = None) -> App:
    """Return an app with a stage for each mode, named like it; the paths of all its constructs begin with that."""
    # cfn-lint reads the templates; what CDK has built in would take as long again as all else.
    app = App(context=dict(context or {}), builtin_cloud_formation_validation=False)
    for name, build in modes.items():
        build(Stage(app, name))
    return app


@cache
def app() -> App:
    """Return the app of all modes, without context; made once for each process."""
    return app_of(MODES)


@cache
def template_files() -> dict[str, Path]:
    """Return the file of each stack's template in that app, by the name of the stack: the mode's, `-`, its own ID."""
    return files_of(app())


@cache
def templates() -> dict[str, Template]:
    """Return the templates in those files; not to be changed."""
    return read(template_files())


@cache
def metadata() -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Return the metadata of each stack's constructs, by the construct's path; not to be changed."""
    return read({name: file.with_suffix("").with_suffix(".metadata.json") for name, file in template_files().items()})


def files_of(app: App) -> dict[str, Path]:
    """Return the file of each stack's template in an app."""
    return {stack.stack_name: Path(stack.template_full_path) for stack in app.synth().stacks_recursively}


def read(files: Mapping[str, Path]) -> dict[str, Template]:
    """Return what is in files, by the same names."""
    return {name: json.loads(path.read_text()) for name, path in files.items()}
