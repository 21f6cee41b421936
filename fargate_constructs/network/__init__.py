"""How tasks leave: from private subnets, by Elastic IPs that stay."""
