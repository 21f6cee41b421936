"""Causes why a service does not get its tasks, and texts about deployments."""

from fargate_constructs.cli.causes.cause import ECS, REPOST, Cause, causes

EVENTS = f"{ECS}service-event-messages-list.html"
QUOTAS = f"{ECS}service-quotas.html"
BREAKER = f"{ECS}deployment-circuit-breaker.html"

SERVICE_CAUSES = causes(
    vcpuQuota=Cause(
        r"limit on the number of vCPUs",
        "The account may run no more vCPUs on Fargate.",
        "The quota counts all Fargate tasks of the account in the region; a new account has few.",
        "Raise the quota of Fargate vCPUs in Service Quotas, or stop other tasks.",
        QUOTAS,
    ),
    taskQuota=Cause(
        r"limit on the number of (?:[\w-]+ )?tasks|provisioning capacity limit",
        "The account or the cluster may run no more tasks at once.",
        "A quota of tasks is reached, or 500 tasks of the cluster start at the same time.",
        "Raise the quota in Service Quotas, or start fewer tasks at once.",
        QUOTAS,
    ),
    sizeQuota=Cause(
        r"configuration is above your limit",
        "The task is larger than the account may run.",
        "A quota of Fargate limits CPU or memory; a new account has little.",
        "Raise the quota in Service Quotas, or make the task smaller.",
        QUOTAS,
    ),
    noCapacity=Cause(
        r"Capacity is unavailable at this time|could not launch \d+ tasks|UnfulfillableCapacity",
        "AWS has no capacity for the task in these zones at the moment.",
        "Fargate, and Fargate Spot more often, has no free capacity there.",
        "Wait; use subnets in more zones; give the capacity provider FARGATE a base.",
        f"{REPOST}ecs-fargate-runtask-capacity",
    ),
    zoneWithoutFargate=Cause(
        r"unable to place a task\. Reason: Internal error",
        "Fargate cannot place the task.",
        "A subnet may be in an Availability Zone that Fargate does not support.",
        "Take subnets in other zones.",
        f"{ECS}AWS_Fargate-Regions.html",
    ),
    noInstance=Cause(
        r"no container instance met all of its requirements|No Container Instances were found|"
        r"not compatible with the selected compute strategy|Reason: RESOURCE:",
        "The cluster has no instance for the task.",
        "The service asks for EC2 instances instead of Fargate, or they are full.",
        "Use the launch type FARGATE, or a capacity provider strategy of FARGATE.",
        EVENTS,
    ),
    deploymentPercent=Cause(
        r"because of the service deployment configuration",
        "The deployment may neither start nor stop a task.",
        "minimumHealthyPercent and maximumPercent leave no room for one task.",
        "Write min_healthy_percent=100 and max_healthy_percent=200.",
        EVENTS,
    ),
    tasksProtected=Cause(
        r"number of protected tasks",
        "Tasks are protected against a scale-in.",
        "More tasks are protected than the service should run.",
        "Wait until the protection ends, or remove it by UpdateTaskProtection.",
        f"{ECS}task-scale-in-protection.html",
    ),
    ecsThrottled=Cause(
        r"operations are being throttled",
        "ECS waits, because AWS limits its requests.",
        "Many services of the account start tasks at the same time.",
        "Wait: ECS continues by itself.",
        EVENTS,
    ),
    alarmRollback=Cause(
        r"alarm(?:s)? (?:was |were )?(?:detected|triggered)|deployment failed: alarm",
        "The deployment was stopped by an alarm.",
        "An alarm of the deployment was in ALARM while both versions ran.",
        "Look at the alarm's metric at that time; correct the app, or the alarm's threshold.",
        f"{ECS}deployment-alarm-failure.html",
    ),
    hookRollback=Cause(
        r"lifecycle hook.*(?:fail|timed out|did not)|hook(?:s)? failed",
        "The deployment was stopped by a lifecycle hook.",
        "The function of the hook failed, took too long, or answered FAILED.",
        "Read the log of the function.",
        f"{ECS}deployment-lifecycle-hooks.html",
    ),
    breakerRollback=Cause(
        r"circuit breaker|deployment failed: tasks failed to start",
        "The deployment failed, because too many of its tasks did not start.",
        "The circuit breaker counts tasks that do not start or are unhealthy: half of the desired count, 3 to 200.",
        "Correct what stops the tasks: the causes beside this one. If there is none, deploy again and look within an "
        "hour, because ECS forgets stopped tasks after that.",
        BREAKER,
        is_result=True,
    ),
    listenerRules=Cause(
        r"invalid networking configuration",
        "The deployment failed, because the rules of the load balancer are wrong.",
        "Blue/green needs a rule to the target group in use, and one to the other or to a test listener.",
        "Restore the rules and target groups that the service names; deploy the stack of the endpoint, too.",
        f"{ECS}troubleshooting-blue-green.html",
    ),
    rolledBack=Cause(
        r"deployment ROLLBACK|rolled back|deployment STOPPED|deployment FAILED",
        "The last deployment failed, was stopped, or was rolled back.",
        "Its tasks did not start, an alarm or a hook ended it, or a person stopped it.",
        "Read the text; correct the causes beside this one.",
        f"{ECS}deployment-failure-detection.html",
        is_result=True,
    ),
    definitionInactive=Cause(
        r"TaskDefinition is inactive",
        "The task definition of the service is deregistered.",
        "A person or a tool deregistered the revision that the service uses.",
        "Deploy the service again with a new revision.",
        f"{ECS}deregister-task-definition-v2.html",
    ),
    linkedRoleMissing=Cause(
        r"service[- ]linked role",
        "ECS has no service-linked role in the account.",
        "The account has not used ECS before, or the role AWSServiceRoleForECS was deleted.",
        "Run `aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com`, and deploy again.",
        f"{ECS}using-service-linked-roles.html",
    ),
    serviceExists=Cause(
        r"was not idempotent|'AWS::ECS::Service' with identifier .* already exists",
        "There is another service with the same name in the cluster.",
        "The name is fixed in the template. A service of another stack has it, or the change replaces the service, "
        "which begins with a second one.",
        "Leave out service_name, or delete the other service.",
        f"{ECS}service-event-messages-list.html",
    ),
    serviceChangedOutside=Cause(
        r"Service was not ACTIVE|ServiceNotActive|ServiceNotFound|Service not found",
        "CloudFormation does not find the service that it deployed.",
        "It was deleted outside of CloudFormation.",
        "Remove the service from the app and deploy, then add it again and deploy.",
        f"{REPOST}cloudformation-ecs-service-stabilize",
    ),
    startsSlowed=Cause(
        r"unable to consistently start tasks successfully",
        "Tasks fail one after the other, so ECS waits longer between them.",
        "Each task stops soon after its start.",
        "Correct what stops the tasks: the causes beside this one. The next deployment ends the waiting.",
        f"{ECS}service-throttle-logic.html",
        is_result=True,
    ),
    notStabilized=Cause(
        r"did not stabilize|Exceeded attempts to wait|NotStabilized|Resource timed out waiting",
        "CloudFormation waited too long for the service.",
        "The service did not reach a steady state within three hours.",
        "Correct what stops the tasks: the causes beside this one; turn on the circuit breaker, to wait minutes only.",
        f"{REPOST}cloudformation-ecs-service-stabilize",
        is_result=True,
    ),
    stackCancelled=Cause(
        r"^Resource (?:creation|update) cancelled$",
        "CloudFormation stopped its work on the service, because another resource of the stack failed.",
        "It stops what is in progress as soon as one resource fails.",
        "Read the first failure in the events of the stack.",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html",
        is_result=True,
    ),
    serviceGone=Cause(
        r"^the service is (?:INACTIVE|DRAINING)",
        "The service does not exist, or is about to be deleted.",
        "CloudFormation could not create it, or deleted it after its first deployment failed; or a person deleted it.",
        "Correct the causes beside this one; deploy with `cdk deploy --no-rollback` to keep the service for a look.",
        BREAKER,
        is_result=True,
    ),
    tasksMissing=Cause(
        r"^\d+ of \d+ tasks run",
        "Tasks are missing, and AWS has no reason any more.",
        "ECS forgets a stopped task after about an hour, and repeats an event only every six hours.",
        "Deploy again (`aws ecs update-service --force-new-deployment`), and explain it within the hour.",
        f"{ECS}stopped-task-errors.html",
    ),
    serviceEvents=Cause(
        r"has reached a steady state|has started \d+ tasks|has stopped \d+ (?:running|pending) tasks|"
        r"(?:de)?registered \d+ (?:targets|instances)|has begun draining|deployment completed|rolling back to|"
        r"deployment .* in progress|AZ balanced|AZ rebalanc|updated computedDesiredCount|has started a rollback|"
        r"successfully set desired count|updated state to STEADY_STATE",
        "The service does its usual work.",
        "The scheduler reports it.",
        "Do nothing.",
        EVENTS,
        is_normal=True,
    ),
)
