"""The Lambda that merges small objects: `handler.py` is its whole asset and imports nothing of this package."""
