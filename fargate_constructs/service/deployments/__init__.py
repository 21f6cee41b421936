"""How a new version takes over, and when it is rolled back."""
