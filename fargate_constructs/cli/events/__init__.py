"""Log events of CloudWatch Logs and of the archive, in order."""
