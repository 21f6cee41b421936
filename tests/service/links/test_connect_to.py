"""Connections to data stores, in the same stack and in others."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest
from aws_cdk import App, CfnOutput, CfnParameter, CfnResource, NestedStack, Stack, Stage
from aws_cdk import aws_docdb as docdb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_efs as efs
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_opensearchservice as opensearch
from aws_cdk import aws_rds as rds
from aws_cdk import aws_scheduler as scheduler
from aws_cdk.assertions import Template
from constructs import Construct

from fargate_constructs import FargateService, HttpEndpoint, OneOffTask, ScheduledTask
from fargate_constructs.network.network import Network
from fargate_constructs.service.fargate_task import FargateTask
from tests.modes.made_elsewhere import IMAGE, network_in
from tests.shared_stack import Part, Steps, in_shared_stack
from tests.templates import properties

POSTGRES = rds.DatabaseInstanceEngine.POSTGRES
AURORA = rds.DatabaseClusterEngine.aurora_postgres(version=rds.AuroraPostgresEngineVersion.VER_17_7)
SMALL = ec2.InstanceType("t4g.medium")
IMPORTED = "sg-0123456789abcdef0"
INGRESS, EGRESS = "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"


def instance(scope: Stack, vpc: ec2.IVpc) -> ec2.IConnectable:
    """Return a database."""
    return rds.DatabaseInstance(scope, "Instance", engine=POSTGRES, vpc=vpc)


def aurora(scope: Stack, vpc: ec2.IVpc) -> ec2.IConnectable:
    """Return a cluster of Aurora, Serverless v2."""
    writer = rds.ClusterInstance.serverless_v2("Writer")
    return rds.DatabaseCluster(scope, "Aurora", engine=AURORA, writer=writer, vpc=vpc)


def documents(scope: Stack, vpc: ec2.IVpc) -> ec2.IConnectable:
    """Return a cluster of DocumentDB."""
    login = docdb.Login(username="shop")
    return docdb.DatabaseCluster(scope, "Documents", master_user=login, instance_type=SMALL, vpc=vpc)


def search(scope: Stack, vpc: ec2.IVpc) -> ec2.IConnectable:
    """Return a domain of OpenSearch, which has no default port."""
    return opensearch.Domain(scope, "Search", version=opensearch.EngineVersion.OPENSEARCH_2_19, vpc=vpc)


def cache(scope: Stack, vpc: ec2.IVpc) -> ec2.IConnectable:
    """Return the security group of Valkey, for which CDK has no construct with `connections`."""
    group = ec2.SecurityGroup(scope, "CacheGroup", vpc=vpc)
    elasticache.CfnServerlessCache(
        scope,
        "Cache",
        engine="valkey",
        serverless_cache_name="shop",
        security_group_ids=[group.security_group_id],
        subnet_ids=[subnet.subnet_id for subnet in vpc.private_subnets],
    )
    return group


# Each store, with the port that must be given.
Store = tuple[Callable[[Stack, ec2.IVpc], ec2.IConnectable], int | ec2.Port | None]
SOME: list[Store] = [(instance, None), (cache, ec2.Port.tcp_range(6379, 6380))]
DATABASES: list[Store] = [(instance, None), (documents, None)]
ALL: list[Store] = [*SOME, (aurora, None), (documents, None), (search, 443)]


def tasks_in(part: Part, scope: Stack, stores: list[Store]) -> list[FargateTask]:
    """Return a service, or a task of each kind."""
    cluster = ecs.Cluster(scope, "Cluster", vpc=part.network.vpc)
    hourly = scheduler.ScheduleExpression.cron(minute="0")
    web = part.service("Web", scope=scope, cluster=cluster)
    if stores is SOME:
        return [web]
    migrate = part.make(OneOffTask, "Migrate", scope=scope, cluster=cluster)
    migrate.run_before(web)
    return [web, migrate, part.make(ScheduledTask, "Report", scope=scope, cluster=cluster, schedule=hourly)]


class Place(NamedTuple):
    """Where the stores and the tasks are, in the stacks `data` and `shop`."""

    of: Callable[[Stack, Stack], tuple[Stack, Stack]]
    stores: list[Store]
    is_store_first: bool = True


PLACES = {
    "two stacks": Place(lambda data, shop: (data, shop), ALL),
    "two stacks, tasks first": Place(lambda data, shop: (data, shop), SOME, is_store_first=False),
    "one stack": Place(lambda _, shop: (shop, shop), DATABASES),
    "nested": Place(lambda data, shop: (NestedStack(data, "Nested"), NestedStack(shop, "Nested")), SOME),
    "nested in one": Place(lambda _, shop: (NestedStack(shop, "NestedData"), NestedStack(shop, "NestedShop")), SOME),
    "nested in the other": Place(lambda data, _: (data, NestedStack(data, "Nested")), SOME),
}


@in_shared_stack
@pytest.mark.parametrize("place", PLACES)
def test_tasks_reach_stores_of_any_stack(part: Part, place: str) -> Steps:
    """By rules of their own stack, which depends on the store's; and no task starts before rules and stores exist."""
    above = [part.other_stack(name) for name in ("Data", "Shop")]
    where, kinds, is_store_first = PLACES[place]
    data, shop = where(*above)
    tasks = [] if is_store_first else tasks_in(part, shop, kinds)
    stores = [(make(data, part.network.vpc), port) for make, port in kinds]
    tasks = tasks or tasks_in(part, shop, kinds)
    for task in tasks:
        for store, port in stores:
            task.connect_to(store, port=port)
    yield
    template = part.template(shop)  # which refuses a circle
    resources = template.to_json()["Resources"]
    rules = template.find_resources(INGRESS)
    databases = {*template.find_resources("AWS::RDS::DBInstance"), *template.find_resources("AWS::DocDB::DBInstance")}
    ports = {"443-443" if port == 443 else "6379-6380" for _, port in kinds if port}
    for task in tasks:
        own = rules_from(shop, task, rules)
        assert len({str(each["GroupId"]) for each in own.values()}) == len(stores)
        assert ports <= {f"{each['FromPort']}-{each['ToPort']}" for each in own.values()}
        definition = shop.resolve(task.task_definition.task_definition_arn)["Ref"]
        assert own.keys() | databases <= {*resources[definition]["DependsOn"]}
    assert len(rules) == len(tasks) * len(stores)
    assert bool(databases) == (place == "one stack")
    assert above[1] not in above[0].dependencies
    assert (above[0] in above[1].dependencies) == (place.startswith("two stacks") or place == "nested")


def rules_from(stack: Stack, task: FargateTask, rules: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the properties of the rules whose source is a task."""
    (group,) = (stack.resolve(each.security_group_id) for each in task.connections.security_groups)
    return {
        name: each["Properties"] for name, each in rules.items() if each["Properties"]["SourceSecurityGroupId"] == group
    }


@pytest.fixture
def stacks() -> tuple[Network, Stack, Stack]:
    """A network, a stack for stores, and one for tasks."""
    app = App()
    base, data, shop = (Stack(app, name) for name in ("Base", "Data", "Shop"))
    return network_in(base), data, shop


@pytest.mark.parametrize("of_l2", [False, True], ids=["of the task", "of the L2"])
def test_a_cycle_names_connect_to(stacks: tuple[Network, Stack, Stack], *, of_l2: bool) -> None:
    """The rule of CDK is in the database's stack; if the service needs that stack, synthesis says what to write."""
    network, data, shop = stacks
    database = rds.DatabaseInstance(data, "Database", engine=POSTGRES, vpc=network.vpc)
    host = database.db_instance_endpoint_address
    web = FargateService(shop, "Web", network=network, image=IMAGE, environment={"HOST": host})
    database.connections.allow_default_port_from(web.service if of_l2 else web)

    expected = (
        r"DependencyCycle: 'Data' depends on 'Shop' \(a rule of Data/Database/SecurityGroup allows the tasks of "
        r"Shop/Web; write Web\.connect_to\(\.\.\.\) in place of allow_from=\[Web\] or connections\.allow_default_"
    )
    with pytest.raises(RuntimeError, match=expected):
        Template.from_stack(shop)


@in_shared_stack
def test_a_store_that_is_deployed_later_opens_itself(part: Part) -> Steps:
    """Without another reference there is no cycle: the rules of both sides are in the store's stack."""
    data = part.other_stack("Data")
    closed = ec2.SecurityGroup(part, "Closed", vpc=part.network.vpc, allow_all_outbound=False)
    store = ec2.SecurityGroup(data, "Store", vpc=part.network.vpc)
    for task in (part.service("Web", security_groups=[closed]), part.service("Worker", port=None)):
        store.connections.allow_from(task, ec2.Port.tcp(6379))
    yield
    template = part.template(data)
    template.resource_count_is(INGRESS, 2)
    template.resource_count_is(EGRESS, 1)
    assert part.stack in data.dependencies
    assert data not in part.stack.dependencies


@pytest.mark.parametrize("is_explicit", [True, False], ids=["explicit", "by a reference"])
def test_a_cycle_by_connect_to_names_the_other_way(stacks: tuple[Network, Stack, Stack], *, is_explicit: bool) -> None:
    """If the store's stack needs the service's, the store must open itself."""
    network, data, shop = stacks
    store = ec2.SecurityGroup(data, "Store", vpc=network.vpc)
    web = FargateService(shop, "Web", network=network, image=IMAGE)
    expected = (
        r"Shop/Web calls connect_to for Data/Store; if Data must be deployed after Shop, write "
        r"connections\.allow_default_port_from\(Web\) of Data/Store"
    )

    if is_explicit:
        data.add_stack_dependency(shop)
        with pytest.raises(RuntimeError, match=expected):
            web.connect_to(store, port=6379)
    else:
        web.connect_to(store, port=6379)
        CfnOutput(data, "Service", value=web.service.service_name)
        with pytest.raises(RuntimeError, match=expected):
            Template.from_stack(shop)


@in_shared_stack
def test_groups_of_other_stacks_depend_on_nothing(part: Part) -> Steps:
    """The tasks' group is in the network's stack, and closed: both rules are in the service's stack."""
    data, shop = part.other_stack("Data"), part.other_stack("Shop")
    closed = ec2.SecurityGroup(part, "Closed", vpc=part.network.vpc, allow_all_outbound=False)
    database = rds.DatabaseInstance(data, "Database", engine=POSTGRES, vpc=part.network.vpc)
    files = efs.FileSystem(data, "Files", vpc=part.network.vpc, encrypted=True, allow_anonymous_access=False)
    web, api = (
        part.service(name, scope=shop, cluster=None, port=port, security_groups=[closed])
        for name, port in (("Web", 80), ("Api", 8080))
    )
    web.connect_to(database)
    web.connect_to(database)
    web.mount_file_system("/data", file_system=files)
    web.link_to(api)
    yield
    for type_ in (INGRESS, EGRESS):
        rules = properties(part.template(shop), type_)
        assert sorted(str(each["FromPort"]) for each in rules if isinstance(each["FromPort"], int)) == ["2049", "8080"]
        assert len(rules) == 3
    assert shop not in [*part.stack.dependencies, *data.dependencies]
    assert data not in part.stack.dependencies


@in_shared_stack
def test_imported_groups(part: Part) -> Steps:
    """A group gets its rule, unless it was imported as one that must not change; nothing else is made."""
    groups = [
        ec2.SecurityGroup.from_security_group_id(part, name, IMPORTED, **options)
        for name, options in {"Open": {}, "Fixed": {"mutable": False}, "Closed": {"allow_all_outbound": False}}.items()
    ]
    database = rds.DatabaseInstance.from_database_instance_attributes(
        part,
        "Database",
        instance_identifier="shop",
        instance_endpoint_address="shop.example.com",
        port=5432,
        security_groups=groups,
    )
    part.service("Web", security_groups=[groups[2]]).connect_to(database)
    yield
    rules = part.properties(INGRESS)
    assert [(each["GroupId"], each["FromPort"]) for each in rules] == [(IMPORTED, 5432)] * 2
    assert len(part.resources(EGRESS)) == 3


@in_shared_stack
def test_an_endpoint_and_other_tasks_are_reached_without_a_circle(part: Part) -> Steps:
    """Two services may reach each other, and the endpoint whose routes lead to them."""
    endpoint = HttpEndpoint(part, "Endpoint", network=part.network, internal=True)
    web, api = (part.service(name) for name in ("Web", "Api"))
    endpoint.add_route("Web", service=web)
    endpoint.add_route("Api", service=api, paths=["/api/*"])
    web.connect_to(endpoint)
    web.connect_to(api, port=80)
    api.connect_to(web, port=80)
    api.connect_to(web.service, port=9000)
    api.connect_to(api, port=7946)
    yield
    part.template()  # which refuses a circle
    groups = [group for each in (endpoint, web, api) for group in each.connections.security_groups]
    assert not any("IgnoreEgressRule" in text for group in groups for text in part.warnings(group))


def test_another_stage_is_refused_at_once(untouched: Stack, refusing_network: Network) -> None:
    """CDK allows no reference there; an imported group works."""
    production = Stack(Stage(untouched, "Prod"), "Data")
    store = ec2.SecurityGroup(production, "Store", vpc=refusing_network.vpc)
    web = FargateService(untouched, "StageWeb", network=refusing_network, image=IMAGE)

    with pytest.raises(RuntimeError, match="dependency cannot cross stage boundaries"):
        web.connect_to(store, port=6379)


@in_shared_stack
@pytest.mark.parametrize("has_stacks", [False, True], ids=["one stack", "two stacks"])
def test_no_rule_is_made_twice(part: Part, *, has_stacks: bool) -> Steps:
    """CloudFormation refuses a second rule, also one with another logical ID: that of CDK's own method stays."""
    scope = part.other_stack("Data") if has_stacks else part
    database = rds.DatabaseInstance(scope, "Database", engine=POSTGRES, vpc=part.network.vpc)
    files = efs.FileSystem(scope, "Files", vpc=part.network.vpc, encrypted=True, allow_anonymous_access=False)
    web = part.service("Web")
    web.connections.allow_to_default_port(database)
    web.mount_file_system("/data", file_system=files)
    before = rules_below(part)
    web.connect_to(database)
    web.connect_to(files)
    assert len(before) == 2
    assert rules_below(part) == before
    yield


def rules_below(scope: Construct) -> list[str]:
    """Return the paths of the rules in a scope."""
    return [each.node.path for each in scope.node.find_all() if isinstance(each, ec2.CfnSecurityGroupIngress)]


def port_of_deployment(scope: Stack, name: str, group: ec2.ISecurityGroup) -> ec2.IConnectable:
    """Return a database whose port only the deployment knows."""
    return rds.DatabaseInstance.from_database_instance_attributes(
        scope,
        name,
        instance_identifier=name,
        instance_endpoint_address="shop.example.com",
        port=CfnParameter(scope, f"{name}Port", type="Number").value_as_number,
        security_groups=[group],
    )


REFUSED: dict[str, tuple[Callable[[Stack, ec2.ISecurityGroup], dict[str, Any]], str]] = {
    "no port": (
        lambda _, group: {"other": group},
        "port must be given, such as port=6379, because Test/Store has no default port",
    ),
    "port": (lambda _, group: {"other": group, "port": 70000}, "port must be 1 to 65535, got: 70000"),
    "text": (
        lambda _, group: {"other": group, "port": "6379"},
        "port must be int or aws_ec2.Port or None, got: '6379'",
    ),
    "service": (lambda _, __: {"other": "web"}, "write link_to(...) for a service: it opens the service's port"),
    "addresses": (
        lambda _, __: {"other": ec2.Peer.ipv4("10.0.0.0/8"), "port": 5432},
        "other must have a security group, got: a peer without one",
    ),
    "L1": (
        lambda stack, _: {"other": elasticache.CfnReplicationGroup(stack, "L1", replication_group_description="x")},
        "write connect_to(security_group, port=6379) with its security group",
    ),
    "link_to": (
        lambda _, group: {"link": group},
        "CDK's own, such as its .service, are not taken; for a data store write",
    ),
    "network": (
        lambda stack, _: {"other": ec2.SecurityGroup(stack, "Group", vpc=ec2.Vpc(stack, "Vpc2")), "port": 1},
        "other must be in the same network as the tasks, got: Test/Group in another",
    ),
}


@pytest.fixture(scope="module")
def web(untouched: Stack, refusing_network: Network) -> FargateService:
    """A service that connects to nothing."""
    return FargateService(untouched, "Web", network=refusing_network, image=IMAGE)


@pytest.fixture(scope="module")
def store(untouched: Stack, refusing_network: Network) -> ec2.SecurityGroup:
    """The group of a store in its network."""
    return ec2.SecurityGroup(untouched, "Store", vpc=refusing_network.vpc)


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(untouched: Stack, web: FargateService, store: ec2.SecurityGroup, case: str) -> None:
    """Before a rule is made."""
    arguments, message = REFUSED[case]
    given: dict[str, Any] = {name: web if each == "web" else each for name, each in arguments(untouched, store).items()}

    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        web.link_to(given["link"]) if "link" in given else web.connect_to(**given)
    assert [each for each in web.node.children if isinstance(each, CfnResource)] == []


def test_stores_of_one_group_have_ports_that_are_known(
    untouched: Stack, refusing_network: Network, store: ec2.SecurityGroup
) -> None:
    """Two numbers of the deployment may be the same, and CloudFormation cannot make a rule twice."""
    web = FargateService(untouched, "PortWeb", network=refusing_network, image=IMAGE)
    first, second = (port_of_deployment(untouched, name, store) for name in ("One", "Two"))
    web.connect_to(first)
    web.connect_to(first)

    with pytest.raises(ValueError, match=r"two stores that share the security group Test/Store, .* write port=5432"):
        web.connect_to(second)
    web.connect_to(second, port=5432)
