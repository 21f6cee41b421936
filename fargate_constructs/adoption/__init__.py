"""Moving in: what an update of a stack would replace, and what makes it stay.

```
deployed template ─┐
                   ├─> pairs ──> changes, traps, remedies ──> adoption.json ──> adopt(stack, "adoption.json")
new template ──────┘
```
"""
