"""The Lambda that tells the table which log groups there are: `handler.py` is its whole asset."""
