"""The Lambda's own code that runs a task before a deployment: `handler.py` is its whole asset."""
