"""Causes why a load balancer finds a task unhealthy."""

from fargate_constructs.cli.causes.cause import ELB, REPOST, Cause, causes

HEALTH = f"{ELB}application/target-group-health-checks.html"
TROUBLE = f"{ELB}application/load-balancer-troubleshooting.html"

TARGET_CAUSES = causes(
    wrongStatus=Cause(
        r"ResponseCodeMismatch|Health checks failed with these codes",
        "The health check gets another HTTP status than it expects.",
        "The path does not exist in the app, asks for a sign-in or redirects; or the app is not well.",
        "Request the path in a shell in the task; correct the path of the health check, or the accepted status codes.",
        HEALTH,
    ),
    healthCheckTimeout=Cause(
        r"Target\.Timeout|Request timed out",
        "The health check gets no answer in time.",
        "A security group blocks the port, or the app is slow: it lacks CPU, or the path asks other services.",
        "Allow the port from the load balancer; answer the check at once; raise the timeout or the CPU.",
        TROUBLE,
    ),
    healthCheckRefused=Cause(
        r"Target\.FailedHealthChecks|Health checks failed$|Health checks failed[.)]",
        "The health check gets no connection, or no valid HTTP answer.",
        "The app listens on 127.0.0.1 only, or on another port or protocol than the target group; or it has ended.",
        "Listen on 0.0.0.0; compare the app's port with the target group, and HTTP with HTTPS; read the log.",
        TROUBLE,
    ),
    targetNotInUse=Cause(
        r"Target\.NotInUse",
        "The target group gets no requests.",
        "No listener rule forwards to it, or the load balancer has no subnet in the task's zone.",
        "Add a route to the service, or add the zone to the load balancer.",
        TROUBLE,
    ),
    targetGone=Cause(
        r"Target\.(?:NotRegistered|InvalidState|IpUnusable)|TARGET IS NOT FOUND",
        "A target cannot be used.",
        "The task has stopped, or its address is not usable as a target.",
        "Wait until ECS has replaced the task; look for the reason why it stopped.",
        f"{ELB}APIReference/API_TargetHealth.html",
    ),
    targetWaits=Cause(
        r"Target\.DeregistrationInProgress|Elb\.RegistrationInProgress|Elb\.InitialHealthChecking|"
        r"Target\.HealthCheckDisabled",
        "A target begins or ends its work.",
        "It is part of each deployment.",
        "Wait.",
        f"{ELB}APIReference/API_TargetHealth.html",
        is_normal=True,
    ),
    balancerFailed=Cause(
        r"Elb\.InternalError",
        "The load balancer cannot check the target.",
        "It is on AWS's side.",
        "Wait; if it repeats, look at the AWS Health Dashboard.",
        f"{ELB}APIReference/API_TargetHealth.html",
    ),
    targetGroupGone=Cause(
        r"TARGET GROUP IS NOT FOUND|target group .*does not have an associated load balancer",
        "The target group of the service is gone, or has no load balancer.",
        "It was deleted, or no rule of a listener leads to it, or not yet.",
        "Deploy the stack again; if you wrote the rule, let the service depend on it; if the target group was deleted, "
        "replace the service.",
        f"{REPOST}troubleshoot-unhealthy-checks-ecs",
    ),
    unhealthyTarget=Cause(
        r"failed ELB health checks|is unhealthy in \(?(?:target-group|elb)|is not healthy in target-group|"
        r"replaced \d+ tasks due to an unhealthy status",
        "The load balancer finds the task unhealthy, so ECS replaces it.",
        "The app does not answer the health check on its port and path, or starts slower than the grace period.",
        "Check path, port and security groups; if the app starts slowly, raise the health check grace period.",
        f"{REPOST}ecs-fargate-health-check-failures",
        is_result=True,
    ),
)
