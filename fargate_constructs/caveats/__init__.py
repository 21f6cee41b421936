"""A cdk-nag pack that finds problems of tasks on Fargate, in any CDK app.

```
any app ──> synth ──> [FargateCaveats] ──> findings
```
"""

try:
    import cdk_nag as _  # noqa: F401 - whether it is there
except ImportError as error:
    raise ImportError("FargateCaveats needs cdk-nag, got none; pip install 'fargate-constructs[nag]'") from error

from fargate_constructs._core.cdk_nag_2 import is_installed as is_cdk_nag_2

if is_cdk_nag_2():
    raise ImportError("FargateCaveats needs cdk-nag 3, got cdk-nag 2; pip install 'fargate-constructs[nag]'")

from fargate_constructs.caveats.pack import FargateCaveats
from fargate_constructs.caveats.rules import Rule

__all__ = ["FargateCaveats", "Rule"]
