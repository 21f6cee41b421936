"""From AWS Copilot: reads manifests, and writes an app.

```
copilot/<name>/manifest.yml ──> source ──> overrides ──> workload ──> writer ──> app.py, <name>_stack.py
                                (lines)    (merged)      (statements)            and what has no counterpart
```

Copilot's formats: https://aws.github.io/copilot-cli/docs/manifest/overview/
"""

from fargate_constructs.adoption.copilot.converter import Conversion, convert

__all__ = ["Conversion", "convert"]
