"""Where logs go: from CloudWatch to S3, none lost, none twice; and how they are read there."""
