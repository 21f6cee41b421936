"""What the numbers of each section should be, and what to do if they are not."""

from collections.abc import Mapping

from fargate_constructs.monitoring.watched import Section

TEXTS: Mapping[Section, str] = {
    Section.CALLERS: (
        "5xx responses: near 0. Healthy tasks: as many as run. p99: steady; if it rises with the requests, look at CPU "
        "below. 5xx of the load balancer and none of targets: no task answers (503), tasks end connections (502) or "
        "are too slow (504)."
    ),
    Section.TASKS: (
        "CPU: near the target of scaling. Memory: level, below 90 %; a line that only rises is a leak. Running tasks: "
        "as many as desired; if fewer, the service's events and the reasons of stopped tasks say why. Deployments: 1; "
        "2 while a new version takes over."
    ),
    Section.LINKS: "5xx responses of linked services: near 0. Response time: steady.",
    Section.EGRESS: (
        "Port errors and dropped packets: 0. Idle time-outs: a connection pool should close or use connections before "
        "350 s. Bytes cost 0.045 USD a GB (us-east-1); traffic to AWS services is cheaper through VPC endpoints."
    ),
    Section.WORK: "Age of the oldest message: below the accepted wait. Failed runs and dead letters: 0.",
    Section.LOGS: (
        "Lag: no data, or less than a minute. Failures: 0; failed batches are replayed each hour. The last errors of "
        "each service are below."
    ),
}
