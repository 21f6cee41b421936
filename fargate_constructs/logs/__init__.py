"""Where logs go: from CloudWatch to S3, each line once; and how to query them there."""
