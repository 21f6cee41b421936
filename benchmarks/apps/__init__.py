"""The same services twice, as apps of their own: `python -m benchmarks.apps.ours 10` synthesizes ten of them.

```
number of services ──> [ours, ecs_patterns, each in two ways] ──> template
```

All have two to ten tasks scaled on CPU and on requests, a load balancer in front, a log group that expires, and a
subscription of a Lambda function to it. Each is made as its own library is used: ours with one endpoint for all;
aws_ecs_patterns with a load balancer for each service, for it cannot share one (aws-cdk#13759), in one VPC and one
cluster. Ours does more beside: flow logs, access logs, ECS Exec, roll-back by alarms. None of it is turned off;
`ecs_patterns_completed` has it, too.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aws_cdk import App
from constructs import Construct

STACK = "Services"
# For measuring time: fifty services are more than one stack may hold of either.
NO_LIMIT = {"@aws-cdk/core:stackResourceLimit": 0}


def synthesize(stack: Callable[[Construct, str, int], object]) -> None:
    """Synthesize as many services as the command line says, to where `CDK_OUTDIR` says."""
    app = App(context=NO_LIMIT)
    stack(app, STACK, int(sys.argv[1]))
    app.synth()


def template_in(folder: Path) -> dict[str, Any]:
    """Return the template that an app wrote."""
    template: dict[str, Any] = json.loads((folder / f"{STACK}.template.json").read_text())
    return template
