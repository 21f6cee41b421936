"""The replaying Lambda's own code: `handler.py` is its whole asset and imports nothing of this package."""
