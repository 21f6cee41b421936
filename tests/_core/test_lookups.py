"""What the CDK CLI has yet to look up: no check refuses a dummy, or the CLI would never get to look it up."""

import inspect
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aws_cdk import App, Duration, Environment, SecretValue, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_efs as efs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_ssm as ssm
from constructs import Construct

import fargate_constructs
from fargate_constructs import (
    AdoptedService,
    AuditedCluster,
    CloudFrontDistribution,
    Deployment,
    Egress,
    FargateService,
    FargateWebService,
    FireLens,
    FixedEgressNetwork,
    Health,
    HttpEndpoint,
    Job,
    LoadBalancing,
    LogArchive,
    LogCatalog,
    Metrics,
    OneOffTask,
    PullThroughCache,
    QueueWorker,
    ScheduledTask,
    SignIn,
    TcpEndpoint,
    VpcEndpoints,
    WebAcl,
)
from fargate_constructs._core.argument_types import describe_type, types_of
from fargate_constructs._core.unresolved import is_known
from fargate_constructs.network.imported_network import ImportedNetwork

ENVIRONMENT = Environment(account="111111111111", region="eu-west-1")
NIGHTLY = scheduler.ScheduleExpression.cron(hour="3", minute="0")
# Texts of the public API that no look-up is a value of: names within the template, and what a check could not know.
NO_LOOK_UPS = {
    "Deployment.__init__",  # made by the named constructors
    "LoadBalancing.__init__",
    "ServiceConnect.__init__",
    "WebAcl.__init__",
    "publish: ipv6_parameter_name",
    "publish: parameter_name",  # the parameter that is written; CDK refuses a dummy's slashes in it
    "share: parameter_name",  # the same
    "load_balancer_name",  # CDK refuses a dummy's slashes in names
    "AdoptedService.__init__: target_group_name",  # the same
    "from_shared: parameter_name",
    "Team.__init__",  # the same values in two apps
    "LogArchive.add_alarm: meaning",  # a description
    "LogCompaction.__init__: owner",
    "add_sidecar: depends_on",  # the name of another container
    "link_to: port",  # a name given to the other service
    "add_route: port",  # a name given to the service
    "add_listener_rule: port",
    "statistic",  # a word of CloudWatch's
    "target_port",
    "health_check_port",
    "health",  # by such a name, as the next three
    "load_balancing",
    "protocol",
    "protocol_version",
    "Health.__init__: port",
    "secrets",  # the names of variables; values are no texts
    "secret_options",  # the names of settings
    "FireLens.driver: stream_prefix",  # called by the task
}
# The arguments of a container; all services and jobs check theirs by the same function.
CONTAINER = (
    "environment",
    "command",
    "entry_point",
    "working_directory",
    "user",
    "writable_paths",
    "multiline_pattern",
    "docker_labels",
)

BALANCER = "access_log_prefix, security_group_description"
CONDITIONS = "hosts, paths, headers, methods, query, source_ips"


class Shared(NamedTuple):
    """What all labs use; what can be looked up is."""

    vpc: ec2.IVpc
    zone: route53.IHostedZone
    image: ecs.ContainerImage
    network: ImportedNetwork
    cluster: ecs.ICluster
    bucket: s3.IBucket


def shared_in(stack: Stack) -> Shared:
    """Return what all labs of a stack use."""
    vpc = ec2.Vpc.from_lookup(stack, "Vpc", vpc_name="shared")
    return Shared(
        vpc,
        route53.HostedZone.from_lookup(stack, "Zone", domain_name="example.com"),
        ecs.ContainerImage.from_registry(text(stack, "image")),
        FixedEgressNetwork.from_vpc(stack, "Imported", vpc, egress_ips=[text(stack, "ips")]),
        AuditedCluster(stack, "Cluster", vpc=vpc),
        s3.Bucket(stack, "AccessLogs"),
    )


def text(scope: Construct, name: str) -> str:
    """Return a parameter's value, which the template will hold."""
    return ssm.StringParameter.value_from_lookup(scope, f"/shared/{name}")


class Lab:
    """A part of a stack whose values the CLI has yet to look up."""

    def __init__(self, scope: Construct, name: str, shared: "Shared") -> None:
        """Take from the stack what other things need."""
        self.scope = Construct(scope, name)
        self.vpc, self.zone, self.image, self.network, self.cluster, self.bucket = shared

    def text(self, name: str) -> str:
        """Return a parameter's value, which the template will hold."""
        return text(self.scope, name)

    def own_network(self, egress: Egress) -> FixedEgressNetwork:
        """Return a network made here."""
        return FixedEgressNetwork(self.scope, "Network", egress=egress)

    def service(self, **arguments: object) -> FargateService:
        """Return a service with these arguments."""
        defaults = {"network": self.network, "cluster": self.cluster, "image": self.image}
        return FargateService(self.scope, "Web", **(defaults | arguments))  # type: ignore[arg-type] # as they come

    def endpoint(self, **arguments: object) -> HttpEndpoint:
        """Return an endpoint with these arguments."""
        defaults = {"network": self.network, "access_log_bucket": self.bucket}
        return HttpEndpoint(self.scope, "Endpoint", **(defaults | arguments))  # type: ignore[arg-type]

    def certificate(self) -> acm.ICertificate:
        """Return a certificate whose ARN is looked up."""
        return acm.Certificate.from_certificate_arn(self.scope, "Certificate", self.text("certificate"))

    def route(self, service: FargateService | None = None, **conditions: object) -> None:
        """Give an endpoint a route with these conditions, beside another."""
        endpoint, service = self.endpoint(), service or self.service()
        endpoint.add_route("Api", service=service, paths=["/api/*"])
        endpoint.add_route("Web", service=service, **conditions)  # type: ignore[arg-type] # as they come

    def sign_in(self, way: SignIn) -> None:
        """Give an endpoint a route that asks who one is."""
        endpoint = self.endpoint(domain_name="shop.example.com", hosted_zone=self.zone)
        endpoint.add_route("Web", service=self.service(), sign_in=way)

    def file_system(self) -> efs.IFileSystem:
        """Return one whose ID and security group are looked up."""
        group = ec2.SecurityGroup.from_lookup_by_name(self.scope, "Group", "files", self.vpc)
        return efs.FileSystem.from_file_system_attributes(
            self.scope, "Files", file_system_id=self.text("files"), security_group=group
        )


def oidc(lab: Lab) -> SignIn:
    """Return a sign-in whose every text is looked up."""
    return SignIn.oidc(
        issuer=lab.text("issuer"),
        authorization_endpoint=lab.text("authorize"),
        token_endpoint=lab.text("token"),
        user_info_endpoint=lab.text("user-info"),
        client_id=lab.text("client"),
        client_secret=SecretValue.secrets_manager("client"),
        scope=lab.text("scope"),
        authentication_request_extra_params={"prompt": lab.text("prompt")},
    )


def addresses(lab: Lab) -> dict[str, list[str]]:
    """Return a list with commas, of unknown length."""
    return {name: lab.text(name).split(",") for name in ("eip_allocation_ids", "egress_ips")}


def listener(lab: Lab) -> None:
    """Return an endpoint at a listener that is looked up."""
    found = elbv2.ApplicationListener.from_lookup(
        lab.scope, "Listener", load_balancer_tags={"name": "shared"}, listener_port=443
    )
    endpoint = HttpEndpoint.from_listener(lab.scope, "Endpoint", found)
    endpoint.add_route("Web", service=lab.service(), paths=["/api/*"])


def network_load_balancer(lab: Lab) -> None:
    """Add a listener to a load balancer that is looked up."""
    found = elbv2.NetworkLoadBalancer.from_lookup(lab.scope, "Balancer", load_balancer_tags={"name": "shared"})
    endpoint = TcpEndpoint.from_load_balancer(lab.scope, "Endpoint", found)
    endpoint.add_listener(
        "Dns", port=53, service=lab.service(), protocol=elbv2.Protocol.TCP_UDP, allow_cidrs=["10.0.0.0/8"]
    )


def tcp_endpoint(lab: Lab) -> None:
    """Make an endpoint with an unknown name, addresses and callers, with a TLS listener for some of them."""
    edge = TcpEndpoint(
        lab.scope,
        "Edge",
        network=lab.network,
        domain_name=lab.text("name"),
        hosted_zone=lab.zone,
        static_ips=lab.text("addresses").split(","),
        allow_cidrs=[lab.text("callers")],
        access_log_prefix=lab.text("prefix"),
        security_group_description=lab.text("group"),
    )
    edge.add_listener(
        "Mqtts", port=8883, service=lab.service(), protocol=elbv2.Protocol.TLS, allow_cidrs=[lab.text("office")]
    )


def reverse_dns(lab: Lab) -> None:
    """Give a name to an unknown number of addresses."""
    network = lab.own_network(Egress.per_az(**addresses(lab)))  # type: ignore[arg-type] # the two
    network.add_reverse_dns(hosted_zone=lab.zone, name=lab.text("mail"))


def groups_by_name(lab: Lab) -> object:
    """Select subnets by a name that the VPC is not yet known to have."""
    tasks = lab.vpc.select_subnets(subnet_group_name="Tasks").subnets
    return FixedEgressNetwork.from_vpc(
        lab.scope, "Named", lab.vpc, task_subnets=tasks, egress_ipv6_cidrs=[lab.text("range")]
    )


def jobs(lab: Lab) -> None:
    """Run tasks to their end."""
    network, key = lab.network, kms.Key.from_lookup(lab.scope, "Key", alias_name="alias/shared")
    cluster = AuditedCluster(lab.scope, "Cluster", vpc=lab.vpc, encryption_key=key)
    common = {"network": network, "image": lab.image, "cluster": cluster}
    ScheduledTask(lab.scope, "Report", schedule=NIGHTLY, name=lab.text("name"), **common)  # type: ignore[arg-type]
    OneOffTask(lab.scope, "Repair", name=lab.text("name"), **common)  # type: ignore[arg-type]


def starts(lab: Lab) -> None:
    """Run a job for uploads, for events, and by a state machine."""
    job = Job(lab.scope, "Load", network=lab.network, image=lab.image, name=lab.text("name"))
    overrides: dict[str, Any] = {"environment": {"A": lab.text("a")}, "command": [lab.text("command")]}
    bucket = s3.Bucket(lab.scope, "Bucket")
    job.run_on_upload("Upload", bucket=bucket, prefix=lab.text("prefix"), suffix=lab.text("suffix"), **overrides)
    job.event_target("Event", **overrides)
    job.task_state("State", **overrides)


def telemetry(lab: Lab, **arguments: Any) -> None:  # noqa: ANN401 - any of the collector's
    """Add a collector to a service."""
    lab.service().add_opentelemetry(**arguments)


def archive(lab: Lab) -> None:
    """Archive all log groups but some."""
    made = LogArchive(lab.scope, "Logs")
    made.ignore_log_group(lab.text("ignored"))
    made.add_all_log_groups(except_for=[lab.text("excepted")])


def catalog(lab: Lab) -> None:
    """Let a role that is looked up query a database whose name is."""
    made = LogCatalog(lab.scope, "Catalog", bucket=LogArchive(lab.scope, "Logs").bucket, database_name=lab.text("db"))
    made.grant_query(iam.Role.from_lookup(lab.scope, "Role", role_name="reader"))


def sidecar(lab: Lab) -> None:
    """Add a container whose texts are looked up."""
    texts = {name: lab.text(name) for name in ("name", "working_directory", "user", "multiline_pattern")}
    lists = {name: [lab.text(name)] for name in ("command", "entry_point", "writable_paths")}
    maps = {name: {"A": lab.text(name)} for name in ("environment", "docker_labels")}
    lab.service().add_sidecar(image=lab.image, **maps, **texts, **lists)  # type: ignore[arg-type]


def answers(lab: Lab) -> None:
    """Let an endpoint answer callers itself; two rules hold all conditions."""
    endpoint = lab.endpoint()

    def conditions(of: str) -> tuple[dict[str, Any], dict[str, Any]]:
        lists = {name: [lab.text(f"{of}-{name}")] for name in ("hosts", "paths", "methods", "source_ips")}
        headers, query = ({lab.text(f"{of}-name"): [lab.text(f"{of}-{name}")]} for name in ("header", "query"))
        return {**lists, "headers": headers}, {"query": query}

    (first, second), (third, fourth) = map(conditions, ("redirect", "response"))
    endpoint.add_redirect("A", **first, to_host=lab.text("to-host"))
    endpoint.add_redirect("B", **second, to_path=lab.text("to-path"), to_query=lab.text("to-query"))
    endpoint.add_fixed_response("C", **third, message_body=lab.text("body"))
    endpoint.add_fixed_response("D", **fourth, content_type=lab.text("type"), priority=2)


def file_system(lab: Lab) -> None:
    """Mount a file system at an unknown path."""
    lab.service().mount_file_system(lab.text("path"), file_system=lab.file_system())


# What is tried, by the arguments that it covers.
TRIES: dict[str, Callable[[Lab], object]] = {
    "CloudFrontDistribution.__init__: web_acl_arn": lambda lab: CloudFrontDistribution(
        lab.scope,
        "Distribution",
        endpoint=lab.endpoint(internal=True, domain_name="shop.example.com", hosted_zone=lab.zone),
        certificate=lab.certificate(),
        web_acl_arn=lab.text("acl"),
    ),
    **{
        f"Deployment.{name}: test_header": lambda lab, name=name: lab.endpoint().add_route(  # type: ignore[misc]
            "Web",
            service=lab.service(
                deployment=getattr(Deployment, name)(test_header=(lab.text("name"), lab.text("value")))
            ),
        )
        for name in ("blue_green", "canary", "linear")
    },
    **{
        f"Egress.{name}: eip_allocation_ids, egress_ips": lambda lab, name=name: lab.own_network(  # type: ignore[misc]
            getattr(Egress, name)(**addresses(lab))
        )
        for name in ("per_az", "single", "regional", "nat_instance", "isolated")
    },
    **{  # all kinds of egress take the same
        pool: lambda lab, pool=pool: lab.own_network(Egress.per_az(**{pool: lab.text("pool")}))  # type: ignore[misc]
        for pool in ("public_ipv4_pool", "ipam_pool_id")
    },
    "VpcEndpoints.__init__: interfaces, gateways": lambda lab: FixedEgressNetwork(
        lab.scope,
        "Network",
        endpoints=[VpcEndpoints(interfaces=(lab.text("interface"),), gateways=(lab.text("gateway"),))],
    ),
    "FixedEgressNetwork.__init__: cidr, avoid_cidrs": lambda lab: FixedEgressNetwork(
        lab.scope, "Network", cidr=lab.text("cidr"), avoid_cidrs=[lab.text("office")]
    ),
    "FixedEgressNetwork.__init__: avoid_cidrs, resource_accounts, availability_zones": lambda lab: FixedEgressNetwork(
        lab.scope,
        "Network",
        avoid_cidrs=[lab.text("office")],
        resource_accounts=[lab.text("account")],
        availability_zones=lab.text("zones").split(","),
    ),
    "FixedEgressNetwork.from_vpc: egress_ips, egress_ipv6_cidrs": groups_by_name,
    "FixedEgressNetwork.add_reverse_dns: name": reverse_dns,
    "AdoptedService.__init__: service_name, target_group_name, security_group_description": lambda lab: lab.service(
        adopted=AdoptedService(
            service_name=lab.text("service"),
            target_group_name=lab.text("group"),
            security_group_description=lab.text("description"),
        )
    ),
    "security_group_description": lambda lab: [
        make(
            lab.scope,
            f"Named{number}",
            network=lab.network,
            security_group_description=lab.text("description"),
        )
        for number, make in enumerate((HttpEndpoint, TcpEndpoint))
    ],
    "FargateService.__init__: port, name": lambda lab: lab.service(port={lab.text("port"): 80}, name=lab.text("name")),
    f"FargateService.__init__: {', '.join(CONTAINER)}": lambda lab: lab.service(
        environment={"A": lab.text("a")},
        docker_labels={"A": lab.text("label")},
        working_directory=lab.text("folder"),
        user=lab.text("user"),
        multiline_pattern=lab.text("pattern"),
        **{name: [lab.text(name)] for name in ("command", "entry_point", "writable_paths")},
    ),
    "AdoptedService.__init__: security_group_description, service_name": lambda lab: lab.route(
        service=lab.service(
            adopted=AdoptedService(
                security_group_description=lab.text("group"),
                service_name=lab.text("service"),
            )
        )
    ),
    "ScheduledTask.__init__: name; OneOffTask.__init__: name": jobs,
    "QueueWorker.__init__: name": lambda lab: QueueWorker(
        lab.scope,
        "Orders",
        network=lab.network,
        image=lab.image,
        name=lab.text("name"),
        message_duration=Duration.seconds(1),
    ),
    "Job.__init__: name; run_on_upload: prefix, suffix, environment, command; event_target: environment, command; "
    "task_state: environment, command": starts,
    "add_opentelemetry: config": lambda lab: telemetry(lab, config=lab.text("config")),
    "Metrics.cloudwatch: namespace": lambda lab: telemetry(lab, metrics=Metrics.cloudwatch(namespace=lab.text("name"))),
    "Metrics.prometheus: workspace_arn": lambda lab: telemetry(lab, metrics=Metrics.prometheus(lab.text("workspace"))),
    "FireLens.to: name, options, config": lambda lab: lab.service(
        log_router=FireLens.to(lab.text("name"), options={"Host": lab.text("host")}, config=lab.text("config"))
    ),
    "PullThroughCache.__init__: prefix, account; PullThroughCache.image: name": lambda lab: lab.service(
        image=PullThroughCache(lab.text("prefix"), account=lab.text("account")).image(lab.text("image"))
    ),
    f"add_sidecar: name, {', '.join(CONTAINER)}": sidecar,
    "mount_file_system: path": file_system,
    "mount_s3_files: path, file_system_arn, access_point_arn": lambda lab: lab.service().mount_s3_files(
        lab.text("path"), file_system_arn=lab.text("files"), access_point_arn=lab.text("point")
    ),
    "log_driver: stream_prefix, multiline_pattern; LogRouter.driver: stream_prefix": lambda lab: (
        lab.service().log_driver(lab.text("prefix"), multiline_pattern=lab.text("pattern"))
    ),
    f"FargateWebService.__init__: domain_name, allow_cidrs, static_ips, {BALANCER}": lambda lab: FargateWebService(
        lab.scope,
        "Shop",
        image=lab.image,
        network=lab.network,
        domain_name=lab.text("domain"),
        hosted_zone=lab.zone,
        allow_cidrs=[lab.text("office")],
        static_ips=[lab.text("ip")],
        access_log_prefix=lab.text("prefix"),
        security_group_description=lab.text("group"),
    ),
    "Health.__init__: path, healthy_http_codes": lambda lab: lab.endpoint().add_route(
        "Web", service=lab.service(health=Health(path=lab.text("path"), healthy_http_codes=lab.text("codes")))
    ),
    "Health.__init__: healthy_grpc_codes, command": lambda lab: lab.service(
        health=Health(healthy_grpc_codes=lab.text("codes"), command=["CMD", lab.text("command")])
    ),
    f"HttpEndpoint.__init__: domain_name, allow_cidrs, static_ips, {BALANCER}": lambda lab: lab.endpoint(
        domain_name=lab.text("domain"),
        certificate=lab.certificate(),
        allow_cidrs=[lab.text("office"), "203.0.113.0/24"],
        static_ips=["eipalloc-1", "eipalloc-2", "eipalloc-3"],
        access_log_prefix=lab.text("prefix"),
        security_group_description=lab.text("group"),
    ),
    "HttpEndpoint.add_domain: domain_name": lambda lab: lab.endpoint(
        domain_name="shop.example.com", hosted_zone=lab.zone
    ).add_domain(lab.text("domain"), hosted_zone=lab.zone),
    "HttpEndpoint.add_route: hosts, paths, methods": lambda lab: lab.route(
        hosts=[lab.text("host"), f"www.{lab.text('host')}"], paths=[lab.text("path")], methods=[lab.text("method")]
    ),
    "HttpEndpoint.add_route: headers, query, source_ips": lambda lab: lab.route(
        headers={lab.text("name"): [lab.text("value")]},
        query={lab.text("key"): [lab.text("value")]},
        source_ips=[lab.text("office")],
    ),
    "HttpEndpoint.add_route: rewrite_host, rewrite_path": lambda lab: lab.route(
        rewrite_host=lab.text("host"), rewrite_path=(lab.text("regex"), lab.text("path"))
    ),
    "; ".join(
        (
            f"HttpEndpoint.add_redirect: to_host, to_path, to_query, {CONDITIONS}",
            f"HttpEndpoint.add_fixed_response: content_type, message_body, {CONDITIONS}",
        )
    ): answers,
    "LoadBalancing.round_robin; LoadBalancing.least_outstanding_requests; LoadBalancing.weighted_random": (
        lambda lab: lab.route(
            service=lab.service(load_balancing=LoadBalancing.round_robin(stickiness_cookie_name=lab.text("cookie")))
        )
    ),
    "HttpEndpoint.maintenance: html": lambda lab: lab.endpoint().maintenance(html=lab.text("page")),
    "LogArchive.add_all_log_groups: except_for; LogArchive.ignore_log_group: log_group": archive,
    "LogCatalog.__init__: database_name": catalog,
    "SignIn.cognito: scope; SignIn.oidc: issuer, authorization_endpoint, token_endpoint, user_info_endpoint, "
    "client_id, scope, authentication_request_extra_params": lambda lab: lab.sign_in(oidc(lab)),
    "SignIn.jwt: issuer, jwks_endpoint": lambda lab: lab.sign_in(
        SignIn.jwt(issuer=lab.text("issuer"), jwks_endpoint=lab.text("keys"))
    ),
    "WebAcl.from_arn: arn": lambda lab: lab.endpoint(web_acl=WebAcl.from_arn(lab.text("acl"))),
    "WebAcl.managed: rule_groups, counted_rules": lambda lab: lab.endpoint(
        web_acl=WebAcl.managed(rule_groups=[group := lab.text("group")], counted_rules={group: [lab.text("rule")]})
    ),
    "HttpEndpoint.from_listener": listener,
    "TcpEndpoint.from_load_balancer": network_load_balancer,
    f"TcpEndpoint.__init__: domain_name, static_ips, allow_cidrs, {BALANCER}; TcpEndpoint.add_listener: "
    "allow_cidrs": tcp_endpoint,
}


@pytest.fixture(scope="module")
def tried() -> tuple[App, dict[str, Exception]]:
    """The app of all tries, and what was refused."""
    app, refusals = App(context={"@aws-cdk/core:stackResourceLimit": 0}), dict[str, Exception]()
    stack = Stack(app, "Labs", env=ENVIRONMENT)
    shared = shared_in(stack)
    for number, (name, build) in enumerate(TRIES.items()):
        try:
            build(Lab(stack, f"Lab{number}", shared))
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            refusals[name] = error
    return app, refusals


@pytest.mark.parametrize("name", TRIES)
def test_a_dummy_is_accepted(tried: tuple[App, dict[str, Exception]], name: str) -> None:
    """The CLI synthesizes again with the value before it deploys."""
    assert tried[1].get(name) is None


def test_the_synthesis_succeeds(tried: tuple[App, dict[str, Exception]]) -> None:
    """Validations accept dummies, too; then the CLI looks everything up."""
    manifest = json.loads((Path(tried[0].synth().directory) / "manifest.json").read_text())

    assert {each["provider"] for each in manifest["missing"]} == {
        "availability-zones",  # CDK's own `ec2.Vpc` compares the zones that it is given
        "cc-api-provider",  # roles
        "hosted-zone",
        "key-provider",
        "load-balancer",
        "load-balancer-listener",
        "security-group",
        "ssm",
        "vpc-provider",
    }


def texts() -> Iterator[tuple[str, str]]:
    """Yield each function of the public API with each of its arguments that is a text, or holds some."""
    for name in vars(fargate_constructs)["__all__"]:
        class_ = getattr(fargate_constructs, name)
        for method, member in inspect.getmembers_static(class_):
            function = inspect.unwrap(getattr(member, "__func__", member))
            is_ours = inspect.isfunction(function) and function.__module__.startswith("fargate_constructs")
            if is_ours and (method == "__init__" or not method.startswith("_")):
                yield from (
                    (f"{name}.{method}", argument)
                    for argument, type_ in types_of(function).items()
                    if re.search(r"\bstr\b", describe_type(type_)) and argument != "id"
                )


def is_in(where: str, argument: str, listed: str) -> bool:
    """Tell whether an argument of a function is among `Class.method: argument, argument; …`."""
    for entry in listed.split("; "):
        function, _, arguments = entry.partition(": ")
        of_function = where == function or where.endswith(f".{function}")
        if (of_function and (not arguments or argument in arguments.split(", "))) or argument == entry:
            return True
    return False


def test_every_text_is_tried() -> None:
    """Each text argument of the public API is tried, or listed as one that is not looked up."""
    tasks = ("Job", "OneOffTask", "QueueWorker", "ScheduledTask")
    of_tasks = [f"{class_}.__init__: {', '.join(CONTAINER)}" for class_ in tasks]
    of_web = f"FargateWebService.__init__: {', '.join(CONTAINER)}, name, port"
    known = [*TRIES, *NO_LOOK_UPS, *of_tasks, of_web]

    left = [(where, argument) for where, argument in texts() if not any(is_in(where, argument, each) for each in known)]
    assert left == []


@pytest.mark.parametrize("value", ["eipalloc-1", "vpc-123456789", "sg-12345678a", "dummy", 3, ["a", "b"], None])
def test_a_value_is_known(value: object) -> None:
    """A value that is neither a dummy nor a token."""
    assert is_known(value)


def test_a_token_and_a_dummy_are_not_known() -> None:
    """Alone, within a text, or in a list."""
    stack = Stack()
    for value in (stack.region, "https://dummy-value-for-/host/"):
        assert not is_known(value)
        assert not is_known([f"{value}/"])
