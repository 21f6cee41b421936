"""The documentation site: `make docs` builds it into build/docs.

```
docs/*.md, README, CHANGELOG, ... ──> pages ─────────────┐
fargate_constructs/ ──> public_api ──> reference ────────┤
                                                         v
                                     build/docs-source/ ──> Sphinx (conf.py) ──> build/docs/
```

Nothing here imports the package or CDK: the API is read from the source by griffe.
"""
