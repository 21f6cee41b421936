"""What a person who gave a wrong argument, or none, has to write.

```
owner, name, value, type ──> [REMEDIES, CDK_NAMES, the type's own members] ──> the message of an error
```
"""

import difflib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from types import FunctionType, MethodType, NoneType
from typing import NoReturn, get_args, get_origin

from constructs import Construct

from fargate_constructs._core.argument_types import describe_type, is_in_a_tree, matches, name_of
from fargate_constructs._core.cdk_argument_names import instead_of

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
# What to write where something else was given: by the type that is wanted, and by a class of what was given.
CONVERSIONS = {
    "ContainerImage": {
        "RepositoryBase": "write ecs.ContainerImage.from_ecr_repository(repository, tag=...)",
        "DockerImageAsset": "write ecs.ContainerImage.from_docker_image_asset(asset)",
    },
}
# What to write where nothing was given, by the name of the argument, of one owner or of any.
NEEDED = {
    "network": "write network=FixedEgressNetwork(stack, 'Network'), or its from_vpc(stack, 'Network', vpc)",
    "image": "write image=ecs.ContainerImage.from_registry(...), .from_ecr_repository(...) or .from_asset(...)",
    "schedule": REMEDIES["ScheduleExpression"].replace("write ", "write schedule="),
    "service": "write service=FargateService(...)",
    "AuditedCluster.vpc": "write vpc=network.vpc",
}
# Where what is looked for on a construct is, which does not know it itself.
OF_ENDPOINT = "callers reach a service through an endpoint; write endpoint."
ELSEWHERE = {
    "FargateService": {
        **{name: f"{OF_ENDPOINT}{name}" for name in ("url", "load_balancer", "listener", "domain_name")},
        **dict.fromkeys(("dns_name", "load_balancer_dns_name"), f"{OF_ENDPOINT}load_balancer.load_balancer_dns_name"),
        **dict.fromkeys(
            ("egress_ips", "vpc"), "tasks leave through their network; write network.egress_ips or network.vpc"
        ),
    },
    "HttpEndpoint": {"dns_name": "write its .load_balancer.load_balancer_dns_name, or .url"},
}
# What is a list of words rather than a shell's line; one with quotes is not taken apart here.
COMMANDS, QUOTES = {"command", "entry_point"}, {"'", '"', "\\"}
# How many members of an enumeration, or constructors, are told as examples.
EXAMPLES = 4


def unknown(owner: str, name: str, types: Mapping[str, object]) -> str:
    """Return the message for a name that is no argument, with the one that was meant."""
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


def unbound(
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
    if "id" in missing and "scope" in given and isinstance(args[-1], str):
        return f"{owner} needs a scope before its ID, got: {args[-1]!r}; write {owner}(stack, {args[-1]!r}, ...)"
    first = dict(zip(placed, args, strict=False)).get("id", kwargs.get("id", ""))
    if missing and not isinstance(first, str):
        return f"{owner} needs an ID before other arguments, got: {_as_text(first)}; write {missing[0]}=... after it"
    return needs(owner, *missing, placed=placed) if missing else f"{owner} got {otherwise}"


def needs(owner: str, *missing: str, placed: Sequence[str] = ()) -> str:
    """Return the message for arguments that are missing; those in *placed* have no name at their place."""
    names = ", ".join(name if name in placed else f"{name}=..." for name in missing)
    ways = "".join(f"; {NEEDED[key]}" for name in missing for key in (f"{owner}.{name}", name) if key in NEEDED)
    return f"{owner} needs {names}{ways}"


def describe_value(owner: str, name: str, value: object, type_: object) -> str:
    """Return what was given, with what to do about it if that can be told; what may be a secret, by its type only."""
    is_secret = "secret" in name
    remedy = next((f"; {each}" for each in _remedies(owner, name, None if is_secret else value, type_)), "")
    if is_secret:
        return f"a {type(value).__name__}{remedy}"
    if isinstance(value, Mapping):
        parts = next((get_args(part) for part in (type_, *get_args(type_)) if get_origin(part) is Mapping), ())
        wrong = (
            f"{_as_text(each)} for {key!r}" for key, each in value.items() if parts and not matches(each, parts[1])
        )
        return next(wrong, f"{value!r}{remedy}")
    return f"{_as_text(value)}{remedy}"


def _as_text(value: object) -> str:
    """Return a value as Python writes it, and a construct by its class and path."""
    if is_in_a_tree(value):
        return f"the {name_of(type(value)).strip('_').removesuffix('Proxy')} {value.node.path!r}"
    return repr(value)


def _remedies(owner: str, name: str, value: object, type_: object) -> Iterator[str]:
    """Yield what to do, the surest first."""
    if f"{owner}.{name}" in REMEDIES:
        yield REMEDIES[f"{owner}.{name}"]
    if matches([value], type_):
        is_line = name in COMMANDS and isinstance(value, str) and not QUOTES & set(value)
        yield f"write {name}={str(value).split() if is_line else [value]!r}"
    if isinstance(value, (FunctionType, MethodType)):
        yield "call it"
    types = [part for part in _parts(type_) if isinstance(part, type)]
    classes = {name_of(each) for each in type(value).__mro__}
    for wanted in types:
        yield from (way for given, way in CONVERSIONS.get(name_of(wanted), {}).items() if given in classes)
    yield from (f"write its {path}" for path in _paths_to(types, value))
    yield from (REMEDIES[each] for each in (name, *map(name_of, types)) if each in REMEDIES)
    yield from filter(None, (_constructor_of(part, value) for part in types))


def _paths_to(types: Sequence[type], value: object) -> Iterator[str]:
    """Yield where a construct of this library has something of these types: in an attribute, or in one of a part."""
    own = _attributes_of(value)
    for name, part in own.items():
        if any(type_ is not NoneType and matches(part, type_) for type_ in types):
            yield f".{name}"
    for name, part in own.items():
        yield from (f".{name}{path}" for path in _paths_to(types, part) if path.count(".") == 1)


def _attributes_of(value: object) -> dict[str, Construct]:
    """Return the parts of a construct of this library that are constructs too, the service first."""
    if not isinstance(value, Construct) or not type(value).__module__.startswith("fargate_constructs"):
        return {}
    parts = {
        name.removeprefix("_"): part
        for name, part in vars(value).items()
        if isinstance(part, Construct) and _is_public(type(value), name)
    }
    return dict(sorted(parts.items(), key=lambda item: item[0] != "service"))


def _is_public(type_: type, name: str) -> bool:
    """Tell whether an attribute is public, or what a property without the underscore returns."""
    return not name.startswith("_") or isinstance(getattr(type_, name.removeprefix("_"), None), property)


def refuse_attribute(construct: Construct, name: str) -> NoReturn:
    """Be a construct's `__getattr__`: say where an attribute is that the construct itself does not have.

    Raises:
        AttributeError: Always, as Python does.
    """
    owner = type(construct).__name__
    places = [
        f".{part}.{name}"
        for part, value in _attributes_of(construct).items()
        if name in {*dir(type(value)), *vars(value)} and not name.startswith("grant")  # of a part it is another right
    ]
    way = f"write its {places[0]}" if places else ELSEWHERE.get(owner, {}).get(name)
    message = f"{owner!r} object has no attribute {name!r}" + (f"; {way}" if way else "")
    raise AttributeError(message, name=name, obj=construct)


def _constructor_of(type_: type, value: object) -> str | None:
    """Return how one comes by an object of a type of this library or of CDK: a member, a constructor, or its fields."""
    is_ours = type_.__module__.startswith(("fargate_constructs", "aws_cdk"))
    if not is_ours or issubclass(type_, Construct) or getattr(type_, "_is_protocol", False):
        return None
    ways = _members_of(type_)
    given = [str(each).lower() for each in (value if isinstance(value, (list, tuple)) else [value])]
    meant = [each for each in ways if each.removesuffix("(...)").lower() in given]
    if ways:
        more = ", ..." if len(ways) > EXAMPLES and not meant else ""
        return f"write {describe_type(type_)}.{' or '.join(meant or ways[:EXAMPLES])}{more}"
    fields = [each.name for each in inspect.signature(type_).parameters.values() if each.kind is each.KEYWORD_ONLY]
    return f"write {describe_type(type_)}({'=..., '.join(fields[:2])}=...)" if fields else None


def _members_of(type_: type) -> list[str]:
    """Return the objects that a class holds of itself, as enumerations and jsii's classes do, or its constructors."""
    own = {name: each for name, each in vars(type_).items() if not name.startswith("_")}
    members = [name for name, each in own.items() if name.isupper() or isinstance(each, type_)]
    return members or [f"{name}(...)" for name, each in own.items() if isinstance(each, classmethod)]


def _parts(type_: object) -> Iterator[object]:
    """Yield a type and the types it is made of."""
    yield type_
    for part in get_args(type_):
        yield from _parts(part)
