"""One-off tasks: how they start, end and are followed."""
