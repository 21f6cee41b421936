"""The Lambda function that runs a task before a deployment. `handler.py` is all of its code."""
