"""What `make` runs to set up and to check this project; it is no part of the library."""
