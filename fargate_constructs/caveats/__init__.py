"""A cdk-nag pack that finds problems of tasks on Fargate, in any CDK app.

```
any app ──> synth ──> [FargateCaveats] ──> findings
```
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fargate_constructs.caveats.pack import FargateCaveats
    from fargate_constructs.caveats.rules import Rule

__all__ = ["FargateCaveats", "Rule"]


def __getattr__(name: str) -> object:
    """Load the pack when it is first used: the command line reads the rules without cdk-nag."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import_module("cdk_nag")
    except ImportError as error:
        raise ImportError("FargateCaveats needs cdk-nag, got none; pip install 'fargate-constructs[nag]'") from error
    if import_module("fargate_constructs._core.cdk_nag_2").is_installed():
        raise ImportError("FargateCaveats needs cdk-nag 3, got cdk-nag 2; pip install 'fargate-constructs[nag]'")
    return getattr(import_module(f"{__name__}.{'rules' if name == 'Rule' else 'pack'}"), name)
