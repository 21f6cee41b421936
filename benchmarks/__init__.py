"""What `make bench` measures: each module's rows, ours beside somebody else's, both of the same run."""
