"""The code that runs in AWS Lambda."""
