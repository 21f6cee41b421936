"""What `make bench` measures: our figures, compared with other ones."""
