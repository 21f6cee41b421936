"""The names of log groups, as far as the app knows them at synthesis.

The name of a log group that the app makes is a token, a `Ref`, even where the app says what it is called. A check that
skips tokens never sees it.
"""

import re
from functools import cache

from aws_cdk import Aws, Reference, Stack, Tokenization
from aws_cdk import aws_logs as logs
from constructs import IConstruct

from fargate_constructs._core.asked_once import asked_once
from fargate_constructs._core.construct_paths import node_of, stack_of
from fargate_constructs._core.log_group_attributes import arn_of, name_of
from fargate_constructs._core.unresolved import TOKEN

# A variable in the text of `Fn::Sub`
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-sub.html).
VARIABLE = re.compile(r"\$\{([^!][^}]*)\}")


def known_name(scope: IConstruct, name: str) -> str:
    """Return a name with what the app knows of it put in; what only the deployment knows stays a token.

    Args:
        scope: The construct whose name it is.
        name: The name.
    """
    if not TOKEN.search(name):
        return name
    stack = stack_of(scope)
    for token, pseudo_parameter in _pseudo_parameters().items():
        if token in name:
            name = name.replace(token, _values(stack)[pseudo_parameter])
    return TOKEN.sub(lambda token: _given_name(token[0]) or _literal_parts(stack, token[0]), name)


@asked_once
def resource_of(log_group: logs.ILogGroup) -> logs.CfnLogGroup | None:
    """Return the resource of a log group that the app makes."""
    resource = node_of(log_group).default_child
    return resource if isinstance(resource, logs.CfnLogGroup) else None


def log_group_name(log_group: logs.ILogGroup) -> str:
    """Return a log group's name likewise, also of one that is imported by the ARN of one that the app makes."""
    name = name_of(log_group)
    if resource := resource_of(log_group):
        return _name_of(resource, log_group) or name
    name = known_name(log_group, name)
    if not TOKEN.fullmatch(name):
        return name
    arn = arn_of(log_group).removesuffix(":*")
    return (_given_name(arn) if TOKEN.fullmatch(arn) else None) or name


def _given_name(token: str) -> str | None:
    """Return the name that the app gives the log group that a token refers to, if it is one with a name."""
    reference = Tokenization.reverse_string(token).first_token
    resource = reference.target if isinstance(reference, Reference) else None
    return _name_of(resource, resource) if isinstance(resource, logs.CfnLogGroup) else None


def _name_of(resource: logs.CfnLogGroup, scope: IConstruct) -> str | None:
    """Return the name that the app gives a log group, if it gives one; *scope* is any construct of its stack."""
    name = resource.log_group_name
    # The L2 gives its resource a token, which is nothing if the log group has no name.
    if name is None or stack_of(scope).resolve(name) is None:
        return None
    known = known_name(scope, name)
    return None if TOKEN.fullmatch(known) else known


@cache
def _pseudo_parameters() -> dict[str, str]:
    """Return CDK's tokens of the pseudo parameters that a stack knows, with the names of these."""
    return {Aws.STACK_NAME: "AWS::StackName", Aws.REGION: "AWS::Region", Aws.ACCOUNT_ID: "AWS::AccountId"}


@cache
def _values(stack: Stack) -> dict[str, str]:
    return {"AWS::StackName": stack.stack_name, "AWS::Region": stack.region, "AWS::AccountId": stack.account}


def _literal_parts(stack: Stack, token: str) -> str:
    """Return a token of `Fn::Join` or `Fn::Sub` with its text put in; another one as it is."""
    match stack.resolve(token):
        case str(text):  # a join of texts alone
            return text
        case {"Fn::Join": [str(between), [*parts]]}:
            return between.join(part if isinstance(part, str) else _unknown(stack, part) for part in parts)
        case {"Fn::Sub": str(text)}:
            return VARIABLE.sub(lambda name: _values(stack).get(name[1]) or _unknown(stack, name[1]), text)
        case {"Fn::Sub": [str(text), {**variables}]}:
            return VARIABLE.sub(lambda name: _unknown(stack, variables.get(name[1], name[1])), text)
    return token


def _unknown(stack: Stack, part: object) -> str:
    """Return a token for an unknown part of a name: the same for the same part of the same stack."""
    return f"${{Token[{node_of(stack).addr} {re.sub('[^A-Za-z0-9:.]+', ' ', str(part))}]}}"
