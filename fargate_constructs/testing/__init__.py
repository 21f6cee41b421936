"""What a team tests its own stacks with.

```
stack ──> synthesis ──> [assert_...] ──> what is wrong, where, and what to change
```
"""

from fargate_constructs.synthesized.lasting import LASTING_TYPES
from fargate_constructs.testing.archived import assert_logs_archived
from fargate_constructs.testing.empty_target_groups import assert_no_empty_target_group
from fargate_constructs.testing.fixed_egress import assert_fixed_egress, assert_private_tasks
from fargate_constructs.testing.replacements import assert_no_replacement, lasting_resources
from fargate_constructs.testing.scrubbed_template import scrubbed_template

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
