"""What is known at synth of a name that is a token.

```
a name ──> [the name that the app gives its resource] ──> checks
```

The name of a log group that the app makes is a token, a `Ref`, even where the app says what it is called. A check that
skips tokens never sees it.
"""

import re

from aws_cdk import Aws, Reference, Stack, Tokenization
from aws_cdk import aws_logs as logs
from constructs import IConstruct

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
    stack = Stack.of(scope)
    for pseudo_parameter, value in (
        (Aws.STACK_NAME, stack.stack_name),
        (Aws.REGION, stack.region),
        (Aws.ACCOUNT_ID, stack.account),
    ):
        name = name.replace(pseudo_parameter, value)
    return TOKEN.sub(lambda token: _given_name(token[0]) or _literal_parts(stack, token[0]), name)


def log_group_name(log_group: logs.ILogGroup) -> str:
    """Return a log group's name likewise, also of one that is imported by the ARN of one that the app makes."""
    name = known_name(log_group, log_group.log_group_name)
    arn = log_group.log_group_arn.removesuffix(":*")
    return (_given_name(arn) if TOKEN.fullmatch(name) and TOKEN.fullmatch(arn) else None) or name


def _given_name(token: str) -> str | None:
    """Return the name that the app gives the log group that a token refers to, if it is one with a name."""
    reference = Tokenization.reverse_string(token).first_token
    resource = reference.target if isinstance(reference, Reference) else None
    name = resource.log_group_name if isinstance(resource, logs.CfnLogGroup) else None
    known = known_name(resource, name) if resource and name else ""
    return None if TOKEN.fullmatch(known) else known or None


def _literal_parts(stack: Stack, token: str) -> str:
    """Return a token of `Fn::Join` or `Fn::Sub` with its text put in; another one as it is."""
    known = {"AWS::StackName": stack.stack_name, "AWS::Region": stack.region, "AWS::AccountId": stack.account}
    match stack.resolve(token):
        case str(text):  # a join of texts alone
            return text
        case {"Fn::Join": [str(between), [*parts]]}:
            return between.join(part if isinstance(part, str) else _unknown(stack, part) for part in parts)
        case {"Fn::Sub": str(text)}:
            return VARIABLE.sub(lambda name: known.get(name[1]) or _unknown(stack, name[1]), text)
        case {"Fn::Sub": [str(text), {**variables}]}:
            return VARIABLE.sub(lambda name: _unknown(stack, variables.get(name[1], name[1])), text)
    return token


def _unknown(stack: Stack, part: object) -> str:
    """Return what stands for an unknown part of a name: the same for the same part of the same stack."""
    return f"${{Token[{stack.node.addr} {re.sub('[^A-Za-z0-9:.]+', ' ', str(part))}]}}"
