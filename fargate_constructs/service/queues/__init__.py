"""Services that work off a queue."""
