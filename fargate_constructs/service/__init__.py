"""What runs: services and jobs on Fargate."""
