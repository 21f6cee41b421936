"""What is deployed, found by the names of the app."""
