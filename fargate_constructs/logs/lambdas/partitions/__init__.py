"""The Lambda function that lists log groups in the table. This folder is all of its code."""
