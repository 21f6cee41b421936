"""The shipper's Lambda function. This folder is all of its code, and imports nothing else of the package."""
