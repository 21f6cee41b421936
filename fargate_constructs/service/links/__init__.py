"""How tasks reach other services and data stores."""
