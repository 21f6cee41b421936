"""The same services in four apps: `python -m benchmarks.apps.ours 10` synthesizes ten of them.

```
number of services ──> [ours, ecs_patterns, each in two ways] ──> template
```

All services have two to ten tasks that scale on CPU and requests, a load balancer, a log group that expires, and a
Lambda function that is subscribed to it. Each app uses its library as its guide does: ours has one endpoint for all
services. aws_ecs_patterns has a load balancer for each service, because it cannot share one (aws-cdk#13759), in one VPC
and one cluster. Ours also has flow logs, access logs, ECS Exec and rollback by alarms. All of it stays on, and
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
# For measuring time: fifty services are more than one stack can hold.
NO_LIMIT = {"@aws-cdk/core:stackResourceLimit": 0}


def synthesize(stack: Callable[[Construct, str, int], object]) -> None:
    """Synthesize as many services as the command line names, to the folder in `CDK_OUTDIR`."""
    app = App(context=NO_LIMIT)
    stack(app, STACK, int(sys.argv[1]))
    app.synth()


def template_in(folder: Path) -> dict[str, Any]:
    """Return the template that an app wrote."""
    template: dict[str, Any] = json.loads((folder / f"{STACK}.template.json").read_text())
    return template
