"""Assertions for a team's tests of its own stacks.

```
stack ──> synthesis ──> [assert_...] ──> what is wrong, where, and what to change
```
"""

from fargate_constructs.synthesized.lasting_types import LASTING_TYPES
from fargate_constructs.testing.scrubbed_template import scrubbed_template
from fargate_constructs.testing.task_assertions import assert_fixed_egress, assert_logs_archived, assert_private_tasks
from fargate_constructs.testing.update_assertions import (
    assert_no_empty_target_group,
    assert_no_replacement,
    lasting_resources,
)

__all__ = [
    "LASTING_TYPES",
    "assert_fixed_egress",
    "assert_logs_archived",
    "assert_no_empty_target_group",
    "assert_no_replacement",
    "assert_private_tasks",
    "lasting_resources",
    "scrubbed_template",
]
