"""The Lambda function that joins small objects: all of its code, without imports from the package."""
