"""What runs: services on Fargate, sized, scaled, linked and logged."""
