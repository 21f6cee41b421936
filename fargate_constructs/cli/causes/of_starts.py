"""Causes why a task does not start: network, secrets, roles, logs, volumes, capacity."""

from fargate_constructs.cli.causes.cause import (
    CONNECTIVITY,
    DENIED,
    ECS,
    NETWORK,
    NO_ROUTE,
    OPEN_ROUTE,
    REPOST,
    Cause,
    causes,
    unreachable,
)

INITIALIZATION = f"{ECS}resource-initialization-error.html"

START_CAUSES = causes(
    ecrUnreachable=unreachable("Amazon ECR", rf"registry auth.*(?:\becr\b).*(?:{NETWORK})"),
    ecrDenied=Cause(
        rf"(?:registry auth|ecr:GetAuthorizationToken).*(?:\becr\b).*(?:{DENIED})|ecr:GetAuthorizationToken",
        "The task may not sign in to Amazon ECR.",
        "The execution role has no permission ecr:GetAuthorizationToken.",
        "Give the execution role the permission: with CDK, take the image by ContainerImage.from_ecr_repository.",
        f"{ECS}task_execution_IAM_role.html",
    ),
    secretKeyMissing=Cause(
        r"did not contain json key|invalid character '.*' (?:in literal|looking for|after)",
        "A secret has no such JSON key, or is no JSON.",
        "The task definition names a field that the secret's current value does not have.",
        "Correct the field, or write a new value of the secret that has it.",
        f"{ECS}secrets-envvar-secrets-manager.html",
    ),
    secretMalformed=Cause(
        r"GetSecretValueInput\.(?:VersionId|SecretId)|validation error.*secret",
        "The reference to a secret is malformed.",
        "The ARN of a secret in a task definition has a JSON key, a stage and a version after it, between colons.",
        "Write ARN:json-key:version-stage:version-id, with empty parts for what you leave out.",
        f"{ECS}secrets-envvar-secrets-manager.html",
    ),
    secretUnreachable=unreachable(
        "Secrets Manager", rf"(?:(?:secret|auth) from asm|Secrets Manager|secretsmanager).*(?:{NETWORK})"
    ),
    secretDenied=Cause(
        rf"secretsmanager:GetSecretValue|^(?!.*CannotPull).*kms:Decrypt|"
        rf"(?:(?:secret|auth) from asm|Secrets Manager).*(?:{DENIED})|"
        r"Access to KMS is not allowed",
        "The task may not read a secret.",
        "The execution role has no permission for the secret, or for the KMS key that encrypts it.",
        "Give the execution role secretsmanager:GetSecretValue, and kms:Decrypt for the key; with CDK, pass the secret "
        "by ecs.Secret.",
        INITIALIZATION,
    ),
    secretMissing=Cause(
        r"can't find the specified secret|(?:secret from asm|retrieve the secret).*(?:ResourceNotFound|exists? in)|"
        r"the secret \S+ (?:does not exist|is scheduled for deletion)",
        "A secret of the task does not exist.",
        "The secret is deleted or in another region, or the task definition has a wrong ARN.",
        "Create or restore the secret, or correct the ARN; deploy again.",
        INITIALIZATION,
    ),
    keyUnusable=Cause(
        r"KMSInvalidState|ciphertext refers to a customer master key|KMS key .*(?:disabled|pending deletion)|"
        r"(?:key|KMS).* is (?:disabled|pending deletion|pending import)",
        "The KMS key of an image, a secret or a parameter cannot be used.",
        "The key is disabled, scheduled for deletion or deleted; or the execution role may not use it.",
        "Enable the key, or cancel its deletion; give the execution role kms:Decrypt. If the key is deleted, make the "
        "image or secret again with another key.",
        "https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html",
    ),
    parameterUnreachable=unreachable(
        "the Parameter Store of Systems Manager", rf"(?:secrets from ssm|Systems Manager).*(?:{NETWORK})"
    ),
    parameterDenied=Cause(
        rf"ssm:GetParameters?|(?:secrets from ssm|Systems Manager).*(?:{DENIED})",
        "The task may not read a parameter of Systems Manager.",
        "The execution role has no permission ssm:GetParameters for it.",
        "Give the execution role the permission; with CDK, pass the parameter by ecs.Secret.from_ssm_parameter.",
        INITIALIZATION,
    ),
    parameterMissing=Cause(
        r"invalid (?:ssm )?parameters|ParameterNotFound|the parameter \S+ does not exist",
        "A parameter of Systems Manager does not exist.",
        "It is deleted or in another region, or the task definition has a wrong name.",
        "Create the parameter, or correct its name; deploy again.",
        f"{ECS}secrets-envvar-ssm-paramstore.html",
    ),
    environmentFileUnreadable=Cause(
        r"failed to download env files",
        "The task cannot read an environment file in S3.",
        "The object does not exist, the execution role has no permission s3:GetObject, or S3 is out of reach.",
        "Check the object's ARN, the role's permissions s3:GetObject and s3:GetBucketLocation, and the route to S3.",
        f"{ECS}use-environment-file.html",
    ),
    logGroupMissing=Cause(
        r"log group (?:\S+ )?does not exist|failed to create cloudwatch log stream.*ResourceNotFound",
        "The log group of the task does not exist.",
        "The log group was deleted, or the task definition has a wrong name.",
        "Deploy the stack that has the log group again, or correct the name.",
        INITIALIZATION,
    ),
    logGroupDenied=Cause(
        r"logs:(?:CreateLogStream|CreateLogGroup|PutLogEvents)|create cloudwatch log stream.*AccessDenied",
        "The task may not write its log.",
        "The execution role has no permission for the log group. AWS's managed policy has no logs:CreateLogGroup.",
        "Give the execution role logs:CreateLogStream and logs:PutLogEvents; create the log group in the stack.",
        INITIALIZATION,
    ),
    logsUnreachable=unreachable("CloudWatch Logs", rf"(?:logger args|CloudWatch).*(?:{NETWORK}|signal: killed)"),
    loggingFailed=Cause(
        r"failed to (?:validate logger args|initialize logging driver)",
        "The log driver of the task does not start.",
        "An option of the log driver is missing or wrong, or its destination does not exist.",
        "Read the end of the text; check the options of logConfiguration, such as awslogs-region.",
        INITIALIZATION,
    ),
    ebsVolume=Cause(
        r"EBS volume|ECS Infrastructure Role",
        "The task gets no EBS volume.",
        "ECS may not use the role of the volume or its KMS key; or the file system is not that of the snapshot.",
        "Read the text; check the trust and permissions of the role, the policy of the key, and the file system type.",
        f"{ECS}troubleshoot-ebs-volumes-scenarios.html",
    ),
    volumeAddress=Cause(
        r"EFS utils commands.*(?:Failed to resolve|DNS)",
        "The task cannot resolve the name of its EFS file system.",
        "DNS is off in the VPC, or the file system has no mount target in the zone of the task.",
        "Turn on DNS hostnames and DNS support in the VPC; add a mount target in each zone of the tasks.",
        f"{REPOST}fargate-unable-to-mount-efs",
    ),
    volumeDenied=Cause(
        r"EFS utils commands.*(?:access denied|not authorized)|fsmount\.\w+\.\w+.*denied",
        "The task may not mount its EFS file system.",
        "The task role or the file system's policy does not allow elasticfilesystem:ClientMount.",
        "Give the task role ClientMount and ClientWrite; check the file system's policy and the access point.",
        f"{REPOST}fargate-unable-to-mount-efs",
    ),
    volumePath=Cause(
        r"EFS utils commands.*No such file or directory",
        "The root directory of the EFS volume does not exist.",
        "EFS creates the directory only for an access point that has creation info.",
        "Create the directory, or use an access point with create_acl.",
        f"{REPOST}fargate-unable-to-mount-efs",
    ),
    volumeFailed=Cause(
        r"EFS utils commands|CannotCreateVolumeError|failed to mount",
        "The task cannot mount a volume.",
        "The security group of the file system does not allow port 2049 from the tasks, or the volume is wrong.",
        "Allow port 2049 from the tasks' security group (file_system.connections.allow_default_port_from(service)).",
        f"{REPOST}fargate-unable-to-mount-efs",
    ),
    roleUnusable=Cause(
        r"unable to assume the role|the role \S+ does not (?:exist|trust)|trust relationship has been misconfigured",
        "ECS cannot take a role of the task.",
        "The role does not exist, or its trust policy does not name ecs-tasks.amazonaws.com.",
        "Deploy the stack that has the role again; give it the trusted service ecs-tasks.amazonaws.com. A new role "
        "needs some seconds.",
        f"{ECS}task-iam-roles.html",
    ),
    permissionsLost=Cause(
        r"IAM permissions policies have been misconfigured",
        "ECS has lost permissions that it needs for the service.",
        "A policy of the service's or the task's roles was changed or removed.",
        "Restore the policies; `cdk diff` or CloudFormation's drift detection shows what is different.",
        f"{ECS}service-event-messages-list.html",
    ),
    noFreeAddress=Cause(
        r"InsufficientFreeAddresses|not enough (?:free|IP) addresses|has no free address|"
        r"Unexpected EC2 error while attempting to Create Network Interface",
        "There is no network interface for the task.",
        "The subnet has no free IP addresses, or EC2 refused the network interface.",
        "Use larger subnets, or more of them; stop tasks that are not needed.",
        f"{ECS}failed-to-start-error.html",
    ),
    networkGone=Cause(
        r"(?:subnet|security group)(?: ID)?s? \S+ (?:does|do) not exist|Invalid(?:Subnet(?:ID)?|Group)\.NotFound",
        "A subnet or a security group of the service does not exist.",
        "It was deleted after the service was deployed, or it is in another VPC.",
        "Deploy the stack of the network again, then that of the service with its new subnets and security groups.",
        f"{ECS}service-event-messages-list.html",
    ),
    interfaceTimeout=Cause(
        r"Timeout waiting for (?:network interface|EphemeralStorage) provisioning|(?<!Elb\.)InternalError",
        "AWS did not prepare the task in time.",
        "The task's network interface or storage was not ready before the timeout of ECS, on AWS's side.",
        "Wait: the service starts another task. If it repeats, look at the AWS Health Dashboard.",
        f"{ECS}internal-error.html",
    ),
    blackhole=Cause(
        r"is a blackhole",
        "The default route of a subnet leads to nothing.",
        "The NAT gateway, instance or interface of the route was deleted.",
        "Deploy the stack of the network again, or point the route to the new NAT gateway.",
        "https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html",
    ),
    noDefaultRoute=Cause(
        r"has no default route",
        "A subnet has no egress, and needs some.",
        "Without a default route and without VPC endpoints, no image can be pulled there.",
        OPEN_ROUTE,
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html",
    ),
    publicWithoutAddress=Cause(
        r"is public, but its tasks have no public address",
        "Tasks in a public subnet have no public address.",
        "An internet gateway forwards only for public addresses, so the tasks reach nothing outside of the VPC.",
        "Place the service in private subnets with a NAT gateway.",
        CONNECTIVITY,
    ),
    secretUnread=Cause(
        r"(?:retrieve|get) (?:secrets?|registry auth) from (?:asm|ssm)",
        "The task cannot read a secret, a parameter, or the credentials of its registry.",
        "AWS's text ends before its reason. Either the route to Secrets Manager or Systems Manager is missing, or the "
        "execution role has no permission.",
        "Check both: port 443 to the service from the subnet, and secretsmanager:GetSecretValue or ssm:GetParameters "
        "of the execution role.",
        INITIALIZATION,
    ),
    registryUnreachable=Cause(
        r"registry auth.*(?:signal: killed|send request failed)",
        "The task reaches neither its registry nor its secrets.",
        NO_ROUTE,
        OPEN_ROUTE,
        f"{REPOST}ecs-unable-to-pull-secrets",
    ),
)
