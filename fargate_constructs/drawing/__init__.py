"""The architecture of an app, read from its templates and drawn.

```
templates ──> [Diagram: nodes, rows, links] ──> SVG, Mermaid
```

What a template does not tell, such as an address that AWS assigns, is drawn as unknown.
"""
