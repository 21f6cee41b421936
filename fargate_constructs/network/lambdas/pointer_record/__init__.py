"""The Lambda's own code that sets PTR records: `handler.py` is its whole asset and imports nothing of this package."""
