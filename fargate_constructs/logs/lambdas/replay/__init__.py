"""The replaying Lambda's own code: this folder is its whole asset, and imports nothing of what is around it."""
