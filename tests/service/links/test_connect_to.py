"""Connections to data stores, in the same stack and in others."""

import re
from collections.abc import Callable, Mapping
from typing import Any

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
from aws_cdk.assertions import Annotations, Match, Template

from fargate_constructs import FargateService, FixedEgressNetwork, HttpEndpoint, OneOffTask, ScheduledTask
from fargate_constructs.network.network import Network
from fargate_constructs.service.fargate_task import FargateTask
from tests.modes.made_elsewhere import IMAGE, network_in
from tests.templates import properties

POSTGRES = rds.DatabaseInstanceEngine.POSTGRES
AURORA = rds.DatabaseClusterEngine.aurora_postgres(version=rds.AuroraPostgresEngineVersion.VER_17_7)
SMALL = ec2.InstanceType("t4g.medium")
IMPORTED = "sg-0123456789abcdef0"


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
STORES: list[tuple[Callable[[Stack, ec2.IVpc], ec2.IConnectable], int | ec2.Port | None]] = [
    (instance, None),
    (aurora, None),
    (documents, None),
    (search, 443),
    (cache, ec2.Port.tcp_range(6379, 6380)),
]


def stores_in(stack: Stack, vpc: ec2.IVpc) -> list[tuple[ec2.IConnectable, int | ec2.Port | None]]:
    """Return each store, with its port."""
    return [(make(stack, vpc), port) for make, port in STORES]


def tasks_in(stack: Stack, network: Network) -> list[FargateTask]:
    """Return a task of each kind."""
    cluster = ecs.Cluster(stack, "Cluster", vpc=network.vpc, container_insights_v2=ecs.ContainerInsights.ENABLED)
    hourly = scheduler.ScheduleExpression.cron(minute="0")
    common: dict[str, Any] = {"network": network, "image": IMAGE, "cluster": cluster}
    web = FargateService(stack, "Web", **common)
    migrate = OneOffTask(stack, "Migrate", **common)
    migrate.run_before(web)
    return [web, migrate, ScheduledTask(stack, "Report", **common, schedule=hourly)]


# Where the stores and the tasks are, in the stacks `data` and `shop`.
PLACES: dict[str, Callable[[Stack, Stack], tuple[Stack, Stack]]] = {
    "two stacks": lambda data, shop: (data, shop),
    "one stack": lambda _, shop: (shop, shop),
    "nested": lambda data, shop: (NestedStack(data, "Nested"), NestedStack(shop, "Nested")),
    "nested in one": lambda _, shop: (NestedStack(shop, "NestedData"), NestedStack(shop, "NestedShop")),
    "nested in the other": lambda data, _: (data, NestedStack(data, "Nested")),
}


@pytest.mark.parametrize(("place", "is_first"), [*((place, True) for place in PLACES), ("two stacks", False)], ids=str)
def test_tasks_reach_stores_of_any_stack(place: str, *, is_first: bool) -> None:
    """By rules of their own stack, which depends on the store's; and no task starts before rules and stores exist."""
    app = App()
    network = network_in(Stack(app, "Base"))
    above = [Stack(app, name) for name in ("Data", "Shop")]
    data, shop = PLACES[place](*above)
    if is_first:
        stores, tasks = stores_in(data, network.vpc), tasks_in(shop, network)
    else:
        tasks, stores = tasks_in(shop, network), stores_in(data, network.vpc)

    for task in tasks:
        for store, port in stores:
            task.connect_to(store, port=port)

    template = Template.from_stack(shop)  # which refuses a circle
    resources = template.to_json()["Resources"]
    rules = template.find_resources("AWS::EC2::SecurityGroupIngress")
    databases = {*template.find_resources("AWS::RDS::DBInstance"), *template.find_resources("AWS::DocDB::DBInstance")}
    for task in tasks:
        own = rules_from(shop, task, rules)
        assert len({str(each["GroupId"]) for each in own.values()}) == len(stores)
        assert {"443-443", "6379-6380"} <= {f"{each['FromPort']}-{each['ToPort']}" for each in own.values()}
        definition = shop.resolve(task.task_definition.task_definition_arn)["Ref"]
        assert own.keys() | databases <= {*resources[definition]["DependsOn"]}
    assert len(rules) == len(tasks) * len(stores)
    assert bool(databases) == (place == "one stack")
    for stack in above:
        Template.from_stack(stack)  # with the nested stacks
    assert above[1] not in above[0].dependencies
    assert (above[0] in above[1].dependencies) == (place in {"two stacks", "nested"})


def rules_from(stack: Stack, task: FargateTask, rules: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the properties of the rules whose source is a task."""
    (group,) = (stack.resolve(each.security_group_id) for each in task.connections.security_groups)
    return {
        name: each["Properties"] for name, each in rules.items() if each["Properties"]["SourceSecurityGroupId"] == group
    }


@pytest.fixture
def stacks() -> tuple[FixedEgressNetwork, Stack, Stack]:
    """A network, a stack for stores, and one for tasks."""
    app = App()
    base, data, shop = (Stack(app, name) for name in ("Base", "Data", "Shop"))
    return FixedEgressNetwork(base, "Network"), data, shop


@pytest.mark.parametrize("of_l2", [False, True], ids=["of the task", "of the L2"])
def test_a_cycle_names_connect_to(stacks: tuple[FixedEgressNetwork, Stack, Stack], *, of_l2: bool) -> None:
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
        shop.node.root.synth()  # type: ignore[attr-defined] # an app


def test_a_store_that_is_deployed_later_opens_itself(stacks: tuple[FixedEgressNetwork, Stack, Stack]) -> None:
    """Without another reference there is no cycle: the rules of both sides are in the store's stack."""
    network, data, shop = stacks
    closed = ec2.SecurityGroup(shop, "Closed", vpc=network.vpc, allow_all_outbound=False)
    store = ec2.SecurityGroup(data, "Store", vpc=network.vpc)
    web = FargateService(shop, "Web", network=network, image=IMAGE, security_groups=[closed])
    worker = FargateService(shop, "Worker", network=network, image=IMAGE, port=None)
    for task in (web, worker):
        store.connections.allow_from(task, ec2.Port.tcp(6379))

    template = Template.from_stack(data)
    template.resource_count_is("AWS::EC2::SecurityGroupIngress", 2)
    template.resource_count_is("AWS::EC2::SecurityGroupEgress", 1)
    assert shop in data.dependencies
    assert data not in shop.dependencies


@pytest.mark.parametrize("is_explicit", [True, False], ids=["explicit", "by a reference"])
def test_a_cycle_by_connect_to_names_the_other_way(
    stacks: tuple[FixedEgressNetwork, Stack, Stack], *, is_explicit: bool
) -> None:
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
            shop.node.root.synth()  # type: ignore[attr-defined] # an app


def test_groups_of_other_stacks_depend_on_nothing(stacks: tuple[FixedEgressNetwork, Stack, Stack]) -> None:
    """The tasks' group is in the network's stack, and closed: both rules are in the service's stack."""
    network, data, shop = stacks
    closed = ec2.SecurityGroup(network.vpc.stack, "Closed", vpc=network.vpc, allow_all_outbound=False)
    database = rds.DatabaseInstance(data, "Database", engine=POSTGRES, vpc=network.vpc)
    files = efs.FileSystem(data, "Files", vpc=network.vpc, encrypted=True, allow_anonymous_access=False)
    web = FargateService(shop, "Web", network=network, image=IMAGE, security_groups=[closed])
    api = FargateService(shop, "Api", network=network, image=IMAGE, port=8080, security_groups=[closed])

    web.connect_to(database)
    web.connect_to(database)
    web.mount_file_system("/data", file_system=files)
    web.link_to(api)

    template = Template.from_stack(shop)
    for type_ in ("Ingress", "Egress"):
        rules = properties(template, f"AWS::EC2::SecurityGroup{type_}")
        assert sorted(str(each["FromPort"]) for each in rules if isinstance(each["FromPort"], int)) == ["2049", "8080"]
        assert len(rules) == 3
    assert network.vpc.stack.dependencies == []
    assert data.dependencies == [network.vpc.stack]


def test_imported_groups(stack: Stack, network: Network) -> None:
    """A group gets its rule, unless it was imported as one that must not change; nothing else is made."""
    groups = [
        ec2.SecurityGroup.from_security_group_id(stack, name, IMPORTED, **options)
        for name, options in {"Open": {}, "Fixed": {"mutable": False}, "Closed": {"allow_all_outbound": False}}.items()
    ]
    database = rds.DatabaseInstance.from_database_instance_attributes(
        stack,
        "Database",
        instance_identifier="shop",
        instance_endpoint_address="shop.example.com",
        port=5432,
        security_groups=groups,
    )
    web = FargateService(stack, "Web", network=network, image=IMAGE, security_groups=[groups[2]])
    web.connect_to(database)

    template = Template.from_stack(stack)
    rules = properties(template, "AWS::EC2::SecurityGroupIngress")
    assert [(each["GroupId"], each["FromPort"]) for each in rules] == [(IMPORTED, 5432)] * 2
    assert len(properties(template, "AWS::EC2::SecurityGroupEgress")) == 3


def test_an_endpoint_and_other_tasks_are_reached_without_a_circle(stack: Stack, network: FixedEgressNetwork) -> None:
    """Two services may reach each other, and the endpoint whose routes lead to them."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, internal=True)
    web, api = (FargateService(stack, name, network=network, image=IMAGE) for name in ("Web", "Api"))
    endpoint.add_route("Web", service=web)
    endpoint.add_route("Api", service=api, paths=["/api/*"])

    web.connect_to(endpoint)
    web.connect_to(api, port=80)
    api.connect_to(web, port=80)
    api.connect_to(web.service, port=9000)
    api.connect_to(api, port=7946)

    Template.from_stack(stack)  # which refuses a circle
    Annotations.from_stack(stack).has_no_warning("*", Match.string_like_regexp("IgnoreEgressRule"))


def test_another_stage_is_refused_at_once(network: Network, stack: Stack) -> None:
    """CDK allows no reference there; an imported group works."""
    store = ec2.SecurityGroup(Stack(Stage(stack.node.root, "Prod"), "Data"), "Store", vpc=network.vpc)  # type: ignore[arg-type] # an app
    web = FargateService(stack, "Web", network=network, image=IMAGE)

    with pytest.raises(RuntimeError, match="dependency cannot cross stage boundaries"):
        web.connect_to(store, port=6379)


@pytest.mark.parametrize("has_stacks", [False, True], ids=["one stack", "two stacks"])
def test_no_rule_is_made_twice(stacks: tuple[FixedEgressNetwork, Stack, Stack], *, has_stacks: bool) -> None:
    """CloudFormation refuses a second rule, also one with another logical ID: that of CDK's own method stays."""
    network, data, shop = stacks
    scope = data if has_stacks else shop
    database = rds.DatabaseInstance(scope, "Database", engine=POSTGRES, vpc=network.vpc)
    files = efs.FileSystem(scope, "Files", vpc=network.vpc, encrypted=True, allow_anonymous_access=False)
    web = FargateService(shop, "Web", network=network, image=IMAGE)
    web.connections.allow_to_default_port(database)
    web.mount_file_system("/data", file_system=files)
    before = rules_below(shop)

    web.connect_to(database)
    web.connect_to(files)

    assert len(before) == 2
    assert rules_below(shop) == before


def rules_below(stack: Stack) -> list[str]:
    """Return the paths of the rules in a stack."""
    return [each.node.path for each in stack.node.find_all() if isinstance(each, ec2.CfnSecurityGroupIngress)]


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


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    """Before a rule is made."""
    stack = Stack(App(), "Test")
    network = network_in(stack)
    web = FargateService(stack, "Web", network=network, image=IMAGE)
    arguments, message = REFUSED[case]
    given = arguments(stack, ec2.SecurityGroup(stack, "Store", vpc=network.vpc))
    given = {name: web if each == "web" else each for name, each in given.items()}

    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        web.link_to(given["link"]) if "link" in given else web.connect_to(**given)
    assert [each for each in web.node.children if isinstance(each, CfnResource)] == []


def test_stores_of_one_group_have_ports_that_are_known(stack: Stack, network: Network) -> None:
    """Two numbers of the deployment may be the same, and CloudFormation cannot make a rule twice."""
    group = ec2.SecurityGroup(stack, "Store", vpc=network.vpc)
    web = FargateService(stack, "Web", network=network, image=IMAGE)
    first, second = (port_of_deployment(stack, name, group) for name in ("One", "Two"))
    web.connect_to(first)
    web.connect_to(first)

    with pytest.raises(ValueError, match=r"two stores that share the security group Test/Store, .* write port=5432"):
        web.connect_to(second)
    web.connect_to(second, port=5432)
