"""What `fargate-constructs prove` does: deploys an app, asks AWS about each promise, destroys the app, and reports.

state ──> [stack operations] ──> [steps] ──> results ──> [destroy] ──> [leftovers] ──> report
"""
