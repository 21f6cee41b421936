"""What all parts share: checks of arguments, suppressions, paths, roles, buckets and functions."""
