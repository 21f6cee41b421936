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
from constructs import Construct

from fargate_constructs.cdk_names import instead_of

# How one comes by what is often given as a string or a number, or is taken for something else: by an argument's name,
# of one owner or of any, or by a type. Of other types, members, constructors or fields are told.
REMEDIES = {
    "Health.command": "write command=['CMD-SHELL', '...']",
    "cpu": "1,024 are a vCPU",
    "memory_limit_mib": "1,024 are a GiB",
    "ContainerImage": "write ecs.ContainerImage.from_registry(...)",
    "Duration": "write Duration.seconds(...)",
    "FargateService": "give one of this library's itself; CDK's own, such as its .service, are not taken",
    "IAccessPoint": "import it by efs.AccessPoint.from_access_point_attributes(...)",
    "IAlarm": "import it by cloudwatch.Alarm.from_alarm_arn(...)",
    "IAlarmAction": "write cloudwatch_actions.SnsAction(topic)",
    "IApplicationListener": "import it by elbv2.ApplicationListener.from_lookup(...)",
    "IBucket": "import it by s3.Bucket.from_bucket_name(...)",
    "IConnectable": "address ranges go to allow_cidrs",
    "ICertificate": "import it by acm.Certificate.from_certificate_arn(...)",
    "ICluster": "import it by ecs.Cluster.from_cluster_attributes(...)",
    "IFileSystem": "import it by efs.FileSystem.from_file_system_attributes(...)",
    "IHostedZone": "import it by route53.HostedZone.from_hosted_zone_attributes(...)",
    "ScheduleExpression": 'write scheduler.ScheduleExpression.cron(minute="0", hour="3") or .rate(Duration.hours(1))',
    "ILogGroup": "import it by logs.LogGroup.from_log_group_name(...)",
    "IKey": "import it by kms.Key.from_key_arn(...)",
    "IQueue": "import it by sqs.Queue.from_queue_arn(...)",
    "IRole": "import it by iam.Role.from_role_arn(...)",
    "ISecurityGroup": "import it by ec2.SecurityGroup.from_security_group_id(...)",
    "ISubnet": "import it by ec2.Subnet.from_subnet_id(...)",
    "IVpc": "import it by ec2.Vpc.from_lookup(...)",
    "InstanceType": "write ec2.InstanceType('t4g.nano')",
    "LogRouter": "write archive.log_router(log_group)",
    "MutualAuthentication": "write elbv2.MutualAuthentication(mutual_authentication_mode=..., trust_store=...)",
    "Network": "make one of a VPC by FixedEgressNetwork.from_vpc(scope, id, vpc)",
    "Secret": "write ecs.Secret.from_secrets_manager(...) or ecs.Secret.from_ssm_parameter(...)",
    "SecretValue": "write SecretValue.secrets_manager(...)",
    "Stack": "of an app give each stack, and of a construct Stack.of(construct)",
}
# What a protocol is called by those who do not know it.
KNOWN_AS = {"RouteTarget": "FargateService"}
# What is a list of words rather than a shell's line; one with quotes is not taken apart here.
COMMANDS, QUOTES = {"command", "entry_point"}, {"'", '"', "\\"}
# How many members of an enumeration, or constructors, are told as examples.
EXAMPLES = 4

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
            raise TypeError(_unknown(_owner(target, args), name, types))
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise TypeError(_unbound(_owner(target, args), signature, args, kwargs, str(error))) from None
        for name, value in {**given, **kwargs}.items():
            if name in types and not _is(value, types[name]):
                shown = _shown(_owner(target, args), name, value, types[name])
                raise TypeError(f"{name} must be {_said(types[name])}, got: {shown}")
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


def _owner(function: Callable[..., object], args: Sequence[object]) -> str:
    """Return how a person calls the function: by the class of what it is called on, not by where it was written."""
    owner, _, method = function.__qualname__.removesuffix(".__init__").rpartition(".")
    if args and next(iter(inspect.signature(function).parameters)) == "self":
        owner = type(args[0]).__name__
        return owner if function.__name__ == "__init__" else f"{owner}.{method}"
    return f"{owner}.{method}".removeprefix(".")


def _unknown(owner: str, name: str, types: Mapping[str, object]) -> str:
    known = [each for each in types if each not in {"scope", "id"}]
    near = [each for each in known if _is_akin(name, each)] or difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    nearest = max(near, key=lambda each: difflib.SequenceMatcher(None, name, each).ratio(), default=None)
    meant = instead_of(name, types) or (f"did you mean {nearest!r}?" if nearest else f"it has {', '.join(known)}")
    return f"{owner} has no argument {name!r}; {meant}"


def _is_akin(name: str, known: str) -> bool:
    """Tell whether one is said by the other in more words, or in words cut short."""
    words, others = name.split("_"), known.split("_")
    is_cut = all(any(other.startswith(word) for other in others) for word in words)
    return is_cut or set(others) <= set(words)


def _unbound(
    owner: str, signature: inspect.Signature, args: Sequence[object], kwargs: Mapping[str, object], otherwise: str
) -> str:
    """Return which arguments are missing, or too many; or otherwise what Python says."""
    parameters = [each for each in signature.parameters.values() if each.kind is not each.VAR_KEYWORD]
    placed = [each.name for each in parameters if each.kind is not each.KEYWORD_ONLY]
    if len(args) > len(placed):
        by_position = " and ".join(each for each in placed if each not in {"self", "cls"}) or "nothing"
        return f"{owner} takes {by_position} by position, got {len(args) - len(placed)} more; write each by its name"
    given = {*placed[: len(args)], *kwargs}
    missing = [each.name for each in parameters if each.default is each.empty and each.name not in given]
    needed = [name if name in placed else f"{name}=..." for name in missing]
    return f"{owner} needs {', '.join(needed)}" if needed else f"{owner} got {otherwise}"


def _shown(owner: str, name: str, value: object, type_: object) -> str:
    """Return what was given, with what to do about it if that can be told; what may be a secret, by its type only."""
    is_secret = "secret" in name
    remedy = next((f"; {each}" for each in _remedies(owner, name, None if is_secret else value, type_)), "")
    if is_secret:
        return f"a {type(value).__name__}{remedy}"
    if isinstance(value, Mapping):
        parts = next((get_args(part) for part in (type_, *get_args(type_)) if get_origin(part) is Mapping), ())
        wrong = (f"{each!r} for {key!r}" for key, each in value.items() if parts and not _is(each, parts[1]))
        return next(wrong, f"{value!r}{remedy}")
    return f"{value!r}{remedy}"


def _remedies(owner: str, name: str, value: object, type_: object) -> Iterator[str]:
    """Yield what to do, the surest first."""
    if f"{owner}.{name}" in REMEDIES:
        yield REMEDIES[f"{owner}.{name}"]
    if _is([value], type_):
        is_line = name in COMMANDS and isinstance(value, str) and not QUOTES & set(value)
        yield f"write {name}={str(value).split() if is_line else [value]!r}"
    if isinstance(value, (FunctionType, MethodType)):
        yield "call it"
    types = [part for part in _parts(type_) if isinstance(part, type)]
    yield from (REMEDIES[each] for each in (name, *map(_name, types)) if each in REMEDIES)
    yield from filter(None, (_way_to(part, value) for part in types))


def _way_to(type_: type, value: object) -> str | None:
    """Return how one comes by an object of a type of this library or of CDK: a member, a constructor, or its fields."""
    is_ours = type_.__module__.startswith(("fargate_constructs", "aws_cdk"))
    if not is_ours or issubclass(type_, Construct) or getattr(type_, "_is_protocol", False):
        return None
    ways = _ways(type_)
    given = [str(each).lower() for each in (value if isinstance(value, (list, tuple)) else [value])]
    meant = [each for each in ways if each.removesuffix("(...)").lower() in given]
    if ways:
        more = ", ..." if len(ways) > EXAMPLES and not meant else ""
        return f"write {_said(type_)}.{' or '.join(meant or ways[:EXAMPLES])}{more}"
    fields = [each.name for each in inspect.signature(type_).parameters.values() if each.kind is each.KEYWORD_ONLY]
    return f"write {_said(type_)}({'=..., '.join(fields[:2])}=...)" if fields else None


def _ways(type_: type) -> list[str]:
    """Return the objects that a class holds of itself, as enumerations and jsii's classes do, or its constructors."""
    own = {name: each for name, each in vars(type_).items() if not name.startswith("_")}
    members = [name for name, each in own.items() if name.isupper() or isinstance(each, type_)]
    return members or [f"{name}(...)" for name, each in own.items() if isinstance(each, classmethod)]


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
    return f"{module}.{_name(type_)}" if module.startswith("aws_") else _name(type_)


def _name(type_: type) -> str:
    return KNOWN_AS.get(type_.__name__, type_.__name__)
