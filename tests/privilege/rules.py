"""What no policy of ours may allow, and which exceptions are accepted.

AWS's own data says which actions exist, and which resources each of them takes.
"""

import re
from collections.abc import Iterator

from tests.privilege import aws_actions
from tests.privilege.policies import REFERENCE, Policies, Statement

DOCS = "https://docs.aws.amazon.com"
# By the resource's type or the role's name, and the fault. The tests fail if there is one without a fault.
ACCEPTED = {
    ("AWS::KMS::Key", "allows kms:*"): "The account itself. Without this statement no one could change the key: "
    f"{DOCS}/kms/latest/developerguide/key-policy-default.html",
    ("AWS::KMS::Key", "allows kms:ReEncrypt*"): "CDK allows it to the account by way of Secrets Manager, for the key "
    "of a secret.",
    ("AWS::KMS::Key", "allows kms:GenerateDataKey*"): "CDK allows it to the account by way of Secrets Manager, for the "
    "key of a secret.",
    ("TaskRole", "allows s3:PutObject on all of arn:${AWS::Partition}:s3:::transcripts/*"): "CDK lets tasks write "
    "anywhere in the bucket that an imported cluster names for transcripts.",
    ("AlternateTargetRole", "ecs.amazonaws.com may act for any account"): "CDK makes the role with which ECS shifts "
    "traffic, and AWS's page has no condition: "
    f"{DOCS}/AmazonECS/latest/developerguide/AmazonECSInfrastructureRolePolicyForLoadBalancers.html",
    (
        "HooksCheckRole",
        "ecs.amazonaws.com may act for any account",
    ): "AWS's page has no condition for the role by which "
    f"ECS calls a function: {DOCS}/AmazonECS/latest/developerguide/blue-green-permissions.html",
    ("ServiceConnectTlsRole", "ecs.amazonaws.com may act for any account"): "CDK makes the role with which ECS gets "
    "certificates, and AWS's page has no condition: "
    f"{DOCS}/AmazonECS/latest/developerguide/infrastructure_IAM_role.html",
    ("AWS::S3::BucketPolicy", "logdelivery.elasticloadbalancing.amazonaws.com may act for any account"): "AWS's own "
    "policy. It limits the path, which holds the account's ID. AWS documents no condition key for this service: "
    f"{DOCS}/elasticloadbalancing/latest/application/enable-access-logging.html",
    ("CustomVpcRestrictDefaultSGCustomResourceProviderRole", "lambda.amazonaws.com may act for any account"): "CDK's, "
    "one for all VPCs of a stack.",
    ("AWS679f53fac002430cb0da5b7982bd2287ServiceRole", "lambda.amazonaws.com may act for any account"): "CDK's, one "
    "for all look-ups of a stack.",
    (
        "Role",
        "allows ecs:ListTasks on everything",
    ): "ListTasks accepts container instances only, which Fargate does not "
    "have. The condition names the cluster: "
    f"{DOCS}/AmazonECS/latest/developerguide/security_iam_id-based-policy-examples.html",
    (
        "CustomVpcRestrictDefaultSGCustomResourceProviderRole",
        "has AWS's policy service-role/AWSLambdaBasicExecutionRole",
    ): "CDK's own function writes its log.",
    (
        "AWS679f53fac002430cb0da5b7982bd2287ServiceRole",
        "has AWS's policy service-role/AWSLambdaBasicExecutionRole",
    ): "CDK's own function writes its log.",
    (
        "AlternateTargetRole",
        "has AWS's policy AmazonECSInfrastructureRolePolicyForLoadBalancers",
    ): "AWS maintains it: what ECS needs to move requests between target groups.",
    (
        "ServiceConnectTlsRole",
        "has AWS's policy service-role/AmazonECSInfrastructureRolePolicyForServiceConnectTransportLayerSecurity",
    ): "AWS maintains it: what ECS needs to get certificates for the proxies of linked services.",
}
WILDCARD = re.compile(r"[*?]")
# Each of these ties a service to an account: the last two by the cluster whose disks a key encrypts, and by the ARN of
# the log groups.
SOURCES = {
    "aws:SourceAccount",
    "aws:SourceArn",
    "kms:EncryptionContext:aws:ecs:clusterAccount",
    "kms:EncryptionContext:aws:logs:arn",
}
OWN_ACCOUNT = "AWS:arn:${AWS::Partition}:iam::${AWS::AccountId}:root"
# The form of a resource's ARN, by its type.
ARNS = {
    "AWS::IAM::Role": "arn:p:iam::a:role/x",
    "AWS::KMS::Key": "arn:p:kms:r:a:key/x",
    "AWS::KinesisFirehose::DeliveryStream": "arn:p:firehose:r:a:deliverystream/x",
    "AWS::Lambda::Function": "arn:p:lambda:r:a:function:x",
    "AWS::Logs::LogGroup": "arn:p:logs:r:a:log-group:x:*",
    "AWS::S3::Bucket": "arn:p:s3:::x",
    "AWS::SQS::Queue": "arn:p:sqs:r:a:x",
    "AWS::SecretsManager::Secret": "arn:p:secretsmanager:r:a:secret:x",
    "AWS::StepFunctions::StateMachine": "arn:p:states:r:a:stateMachine:x",
}
# `Ref` of such a resource is its ARN.
REFERRED_TO_BY_ARN = {"AWS::SecretsManager::Secret", "AWS::StepFunctions::StateMachine"}
STACK_ID = "arn:p:cloudformation:r:a:stack/x/x"


def faults(policies: Policies) -> list[str]:
    """Return what is wrong with statements that allow something, and with roles that have policies of AWS's."""
    return [f"{fault}: {names[0]}" for names, fault in _faults(policies) if not _acceptance(names, fault)]


def accepted(policies: Policies) -> set[tuple[str, str]]:
    """Return the entries of `ACCEPTED` that are needed."""
    return {entry for names, fault in _faults(policies) if (entry := _acceptance(names, fault))}


def _acceptance(names: tuple[str, ...], fault: str) -> tuple[str, str] | None:
    return next((each for each in ACCEPTED if each[1] == fault and any(each[0] in name for name in names)), None)


def _faults(policies: Policies) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each fault, with the names of the resource that has it."""
    for statement in policies.statements:
        if statement.effect == "Allow":
            names = (str(statement), *statement.roles)
            yield from ((names, fault) for fault in _of_statement(policies, statement))
    yield from (((role,), f"has AWS's policy {policy}") for role, policy in policies.managed_policies)


def _of_statement(policies: Policies, statement: Statement) -> Iterator[str]:
    if statement.inverted:
        yield f"allows by exclusion ({', '.join(statement.inverted)})"
    yield from _of_actions(statement)
    if not statement.is_trust and statement.type != "AWS::KMS::Key":  # there `*` is the key
        yield from _of_resources(statement)
        yield from _of_pairs(policies, statement)
    yield from _of_principals(policies, statement)


def _of_actions(statement: Statement) -> Iterator[str]:
    for action in statement.actions:
        if WILDCARD.search(action):
            is_wider = action == "kms:*" and statement.principals != (OWN_ACCOUNT,)
            yield f"allows {action}" + (" to others than the account" if is_wider else "")
        elif not aws_actions.exists(action):
            yield f"AWS has no action {action}"


def _of_resources(statement: Statement) -> Iterator[str]:
    for resource in statement.resources:
        for action in filter(aws_actions.exists, statement.actions):
            if resource == "*" and aws_actions.takes_arn(action):
                yield f"allows {action} on everything"
            elif _is_whole(resource):
                yield f"allows {action} on all of {resource}"


def _of_pairs(policies: Policies, statement: Statement) -> Iterator[str]:
    """Every action must have a resource of a type that it takes, and every resource an action that takes it."""
    arns = [_arn(policies, resource, statement.holder) for resource in statement.resources]
    actions = [action for action in statement.actions if aws_actions.exists(action)]
    for action in actions:
        if aws_actions.takes_arn(action) and not any(_fits(action, arn) for arn in arns):
            yield f"{action} does not go with these resources"
    for resource, arn in zip(statement.resources, arns, strict=True):
        if not any(_fits(action, arn) for action in actions):
            yield f"no action goes with {resource}"


def _of_principals(policies: Policies, statement: Statement) -> Iterator[str]:
    for principal in statement.principals:
        kind, _, name = principal.partition(":")
        if kind == "Service":
            values = [values for key, values in statement.conditions.items() if key in SOURCES]
            if not any(all(_is_own(policies, value) for value in each) for each in values):
                yield f"{name} may act for any account"
        elif principal != OWN_ACCOUNT and not _is_own_role(policies, principal):
            yield f"{principal} is not of this account"


def _is_own(policies: Policies, value: str) -> bool:
    """Tell whether a condition's value is this account, an ARN that names it, or the ARN of a resource here."""
    match = REFERENCE.match(value)
    is_resource = match is not None and match[1] in policies.resources
    return is_resource or value == "${AWS::AccountId}" or ":${AWS::AccountId}:" in value


def _is_own_role(policies: Policies, principal: str) -> bool:
    if principal.startswith("AWS:arn:${AWS::Partition}:iam::${AWS::AccountId}:role/"):  # an imported one
        return True
    match = REFERENCE.fullmatch(principal.removeprefix("AWS:"))
    return match is not None and policies.type(match[1]) == "AWS::IAM::Role"


def _arn(policies: Policies, resource: str, holder: str) -> str:
    """Return a resource's ARN with its references filled in."""

    def filled(match: re.Match[str]) -> str:
        type_ = policies.type(match[1])
        return ARNS.get(type_, "") if match[2] == "Arn" or type_ in REFERRED_TO_BY_ARN else "x"

    whole = REFERENCE.sub(filled, resource.replace("${AWS::StackId}", STACK_ID))
    arn = re.sub(r"\$\{AWS::\w+\}", "x", whole)
    assert arn == "*" or arn.startswith("arn:"), f"{holder}: add the type of {resource} to ARNS"
    return arn


def _fits(action: str, arn: str) -> bool:
    return arn == "*" or aws_actions.fits(action, arn)


def _is_whole(resource: str) -> bool:
    """Tell whether a wildcard takes the place of a name: `task/*`, `${Bucket.Arn}/*`, `arn:aws:s3:::*`."""
    before, wildcard, _ = re.sub(r"\$\{AWS::\w+\}", "x", resource).partition("*")
    if not wildcard or resource == "*":
        return False
    if match := REFERENCE.match(before):
        return before[match.end() :] in {"", "/"}  # after a colon: versions of a function, streams of a log group
    *place, name = before.split(":", 5)
    if len(place) < 5:  # an ARN has five fields before the name
        return True
    if place[2] == "s3":
        return not name.partition("/")[2]
    return not re.sub(r"^[\w-]+[/:]", "", name)
