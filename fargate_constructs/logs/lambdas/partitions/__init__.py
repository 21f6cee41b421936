"""The Lambda that tells the table which log groups there are: this folder is its whole asset."""
