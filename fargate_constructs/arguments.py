"""Arguments of the wrong kind, refused where they are given.

```
a team's code ──> [checked] ──> constructs ──> CDK
```
"""

import difflib
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FunctionType, MethodType, NoneType, UnionType
from typing import Any, TypeVar, Union, Unpack, cast, get_args, get_origin, get_type_hints

from aws_cdk import Token

# How one comes by what is often given as a string or a number, or is taken for something else.
REMEDIES = {
    "ContainerImage": "write ecs.ContainerImage.from_registry(...)",
    "Duration": "write Duration.seconds(...)",
    "IBucket": "import it by s3.Bucket.from_bucket_name(...)",
    "IConnectable": "address ranges go to allow_cidrs",
    "ICertificate": "import it by acm.Certificate.from_certificate_arn(...)",
    "ICluster": "import it by ecs.Cluster.from_cluster_attributes(...)",
    "IHostedZone": "import it by route53.HostedZone.from_hosted_zone_attributes(...)",
    "ScheduleExpression": 'write scheduler.ScheduleExpression.cron(minute="0", hour="3") or .rate(Duration.hours(1))',
    "ILogGroup": "import it by logs.LogGroup.from_log_group_name(...)",
    "IRole": "import it by iam.Role.from_role_arn(...)",
    "ISecurityGroup": "import it by ec2.SecurityGroup.from_security_group_id(...)",
    "Network": "make one of a VPC by FixedEgressNetwork.from_vpc(scope, id, vpc)",
    "Secret": "write ecs.Secret.from_secrets_manager(...) or ecs.Secret.from_ssm_parameter(...)",
    "SecretValue": "write SecretValue.secrets_manager(...)",
}

Checked = TypeVar("Checked", bound=Callable[..., Any])


def checked(target: Checked) -> Checked:
    """Let a function, or the constructor of a class, refuse arguments of another type than they are annotated with.

    CDK would refuse most of them too, later and in words of its own. What is known only when deployed passes.

    Raises:
        TypeError: By the function: with the argument's name, what it may be, and what it got; or with the name that was
            meant, if it has no such argument.
    """
    if isinstance(target, type):
        target.__init__ = checked(target.__init__)  # type: ignore[misc] # of this very class
        return cast(Checked, target)
    signature = inspect.signature(target)

    @functools.wraps(target)
    def wrapper(*args: object, **kwargs: object) -> object:
        types = _types_of(target)
        for name in kwargs.keys() - types.keys() - signature.parameters.keys():
            raise TypeError(_unknown(target, name, types))
        for name, value in {**signature.bind(*args, **kwargs).arguments, **kwargs}.items():
            if name in types and not _is(value, types[name]):
                raise TypeError(f"{name} must be {_said(types[name])}, got: {_shown(name, value, types[name])}")
        return target(*args, **kwargs)

    return cast(Checked, wrapper)


@functools.cache
def _types_of(function: Callable[..., object]) -> dict[str, Any]:
    """Return the type of each argument, those of a typed dictionary included."""
    types = get_type_hints(function)
    types.pop("return", None)
    for name in [name for name, type_ in types.items() if get_origin(type_) is Unpack]:
        (arguments,) = get_args(types.pop(name))
        types |= get_type_hints(arguments)
    return types


def _unknown(function: Callable[..., object], name: str, types: Mapping[str, object]) -> str:
    owner = function.__qualname__.removesuffix(".__init__")
    within = [each for each in types if name in each or each in name]
    near = within or difflib.get_close_matches(name, types, n=1, cutoff=0.8)
    meant = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(types)}"
    return f"{owner} has no argument {name!r}; {meant}"


def _shown(name: str, value: object, type_: object) -> str:
    """Return what was given, with what to do about it if that can be told; what may be a secret, by its type only."""
    names = [getattr(part, "__name__", "") for part in _parts(type_)]
    remedy = next((f"; {REMEDIES[name]}" for name in names if name in REMEDIES), "")
    if "secret" in name:
        return f"a {type(value).__name__}{remedy}"
    if isinstance(value, Mapping):
        parts = next((get_args(part) for part in (type_, *get_args(type_)) if get_origin(part) is Mapping), ())
        wrong = (f"{each!r} for {key!r}" for key, each in value.items() if parts and not _is(each, parts[1]))
        return next(wrong, repr(value))
    if _is([value], type_):
        return f"{value!r}; write {name}=[{value!r}]"
    return f"{value!r}; call it" if isinstance(value, (FunctionType, MethodType)) else f"{value!r}{remedy}"


def _parts(type_: object) -> Iterator[object]:
    """Yield a type and the types it is made of."""
    yield type_
    for part in get_args(type_):
        yield from _parts(part)


def _is(value: object, type_: Any) -> bool:  # noqa: ANN401 - any annotation
    origin, parts = get_origin(type_), get_args(type_)
    if origin in {Union, UnionType}:
        fits = any(_is(value, part) for part in parts)
    elif origin is tuple and ... in parts:
        fits = isinstance(value, tuple) and all(_is(each, parts[0]) for each in value)
    elif origin is tuple:
        fits = isinstance(value, tuple) and len(value) == len(parts) and all(map(_is, value, parts))
    elif origin is Sequence:
        fits = isinstance(value, Sequence) and not isinstance(value, str) and all(_is(each, *parts) for each in value)
    elif origin is Mapping:
        fits = isinstance(value, Mapping) and all(all(map(_is, item, parts)) for item in value.items())
    elif not isinstance(type_, type) or type_ is object:
        fits = True
    elif getattr(type_, "_is_protocol", False):
        members = {name for name in dir(type_) if not name.startswith("_")}
        is_dynamic = hasattr(type(value), "__getattr__")  # what jsii knows an interface of only
        fits = is_dynamic or members <= {*dir(type(value)), *getattr(value, "__dict__", ())}
    elif isinstance(value, bool):  # which Python counts among the integers
        fits = type_ is bool
    else:
        fits = isinstance(value, (float, int) if type_ is float else type_)
    return fits or (isinstance(value, (str, float)) and Token.is_unresolved(value))


def _said(type_: Any) -> str:  # noqa: ANN401 - any annotation
    origin, parts = get_origin(type_), get_args(type_)
    if origin in {Union, UnionType}:
        return " or ".join(map(_said, parts))
    if origin is tuple:
        return "(" + ", ".join("..." if part is ... else _said(part) for part in parts) + ")"
    if origin is Sequence:
        return f"a list of {_said(*parts)}"
    if origin is Mapping:
        return f"a dict of {_said(parts[0])} to {_said(parts[1])}"
    if type_ is NoneType:
        return "None"
    *_, module = type_.__module__.split(".")
    return f"{module}.{type_.__name__}" if module.startswith("aws_") else str(type_.__name__)
