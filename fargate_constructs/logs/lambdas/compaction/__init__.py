"""The Lambda that merges small objects: this folder is its whole asset, and imports nothing of what is around it."""
