"""The tasks of a service as targets of load balancers: ports, health checks, target groups."""
