"""The Lambda function that replays failed batches: all of its code, without imports from the package."""
