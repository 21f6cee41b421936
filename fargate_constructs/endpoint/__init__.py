"""How callers arrive: at one fixed address, for many services."""
