"""What is read from finished templates."""
