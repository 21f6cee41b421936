"""Builds every mode with the lowest versions: `.venv/lowest/bin/python -m tests.lowest FOLDER MODE…`.

```
given modes, with the packs of cdk-nag 2 ──> FOLDER/findings.json, with templates that have metadata for cdk-nag
what is pinned ──> FOLDER/<name>.json
```
"""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from tests import quick_cdk  # noqa: F401 - before CDK

# isort: split
from aws_cdk import App, Aspects, Stack, Stage
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from fargate_constructs._core import cdk_nag_2
from fargate_constructs.synthesized.assembly import template_of
from tests import pinned
from tests.audit import PACKS
from tests.modes import MODES

FINDINGS = "findings.json"
PLAIN = "plain"
# The packs of version 2 annotate what they find. A rule that fails is a finding, too.
FINDING = re.compile(r"((?:CdkNagValidationFailure|AwsSolutions|HIPAA|NIST|PCI|Serverless)[^:]*)")


def plain(stage: Stage) -> None:
    """A bucket and a queue in which each pack finds something."""
    stack = Stack(stage, "Test")
    s3.Bucket(stack, "Bucket")
    sqs.Queue(stack, "Queue")


def main(folder: Path, audited: Sequence[str]) -> None:
    """Build all modes; write the findings of some and of plain resources, and the templates of what is pinned."""
    app = App()
    packs: list[Any] = [*PACKS.values()]  # for type checkers they are those of version 3
    for name, build in {**MODES, PLAIN: plain}.items():
        stage, is_audited = Stage(app, name), name in {*audited, PLAIN}
        with mock.patch.object(cdk_nag_2, "is_installed", return_value=is_audited):
            build(stage)
        for pack in packs if is_audited else ():
            Aspects.of(stage).add(pack(reports=False))
    stacks = app.synth().stacks_recursively
    found = [
        f"{finding[1]} {message.id}"
        for stack in stacks
        for message in stack.messages
        if (finding := FINDING.match(str(message.entry.data)))
    ]
    marked = [stack.id for stack in stacks if cdk_nag_2.KEY in Path(stack.template_full_path).read_text()]
    (folder / FINDINGS).write_text(json.dumps([*found, *marked]))
    with mock.patch.object(cdk_nag_2, "is_installed", return_value=False):
        for name, stack in pinned.stacks().items():
            (folder / f"{name}.json").write_text(json.dumps(template_of(stack)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
