"""Programs that `make` runs to set up and check this project. They are not part of the library."""
