"""What is watched, by which alarms, and what is refused."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, cast

import pytest
from aws_cdk import App, Duration, Environment, Stack, Stage, Token
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template
from constructs import Construct

from fargate_constructs import (
    Accelerator,
    ArchiveFormat,
    AuditedCluster,
    CloudFrontDistribution,
    Deployment,
    FargateMonitoring,
    FargateService,
    FargateWebService,
    FixedEgressNetwork,
    HttpEndpoint,
    LogArchive,
    OneOffTask,
    QueueWorker,
    Rollback,
    Scaling,
    TcpEndpoint,
)
from fargate_constructs.monitoring import dashboards, fargate_monitoring
from fargate_constructs.monitoring.watched_tasks import NO_INSIGHTS
from fargate_constructs.network.network import Network
from tests.modes.made_elsewhere import IMAGE, network_in
from tests.monitoring.alarm_model import text_of
from tests.templates import properties

ALARM, COMPOSITE = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"
DASHBOARD = "AWS::CloudWatch::Dashboard"


def action(stack: Stack, name: str) -> cloudwatch.IAlarmAction:
    """Return an action of a topic."""
    topic = sns.Topic.from_topic_arn(stack, name, f"arn:aws:sns:eu-west-1:123456789012:{name}")
    return cast(cloudwatch.IAlarmAction, actions.SnsAction(topic))


def worker(stack: Stack, name: str = "Worker", **options: Any) -> FargateService:  # noqa: ANN401 - of any type
    """Return a service without a route."""
    network = cast(Network, stack.node.try_find_child("Network") or network_in(stack))
    return FargateService(stack, name, network=network, image=IMAGE, **{"port": None, **options})


def routed(stack: Stack) -> FargateService:
    """Return a service with a route."""
    network = cast(Network, stack.node.try_find_child("Network") or network_in(stack))
    service = FargateService(stack, "Web", network=network, image=IMAGE)
    HttpEndpoint(stack, "Endpoint", network=network).add_route("All", service=service)
    return service


class Watched(NamedTuple):
    """The template of a stack with services: one as it is, one without an alarm of errors, one that shifts requests."""

    template: Template
    services: list[FargateService]
    monitoring: FargateMonitoring


@cache
def watched() -> Watched:
    """Return a stack that is watched without actions; made once, for tests that only read it."""
    stack = Stack(App(), "Test")
    network = network_in(stack)
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc)
    common: dict[str, Any] = {"network": network, "image": IMAGE, "cluster": cluster}
    web = FargateService(stack, "Web", **common)
    silent = FargateService(stack, "Silent", rollback=Rollback(error_percent=None), **common)
    shifting = FargateService(stack, "Shifting", deployment=Deployment.blue_green(), **common)
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)
    for each in (web, silent, shifting):
        endpoint.add_route("All", service=each, paths=[f"/{each.name}/*"])
    monitoring = FargateMonitoring(stack, "Monitoring")
    monitoring.watch(web, silent)
    monitoring.watch(shifting, latency=Duration.millis(300))
    return Watched(Template.from_stack(stack), [web, silent, shifting], monitoring)


def ids_of(monitoring: FargateMonitoring) -> set[str]:
    """Return the IDs of the metric alarms."""
    return {each.node.id for each in monitoring.metric_alarms}


def body_of(source: Template | Stack) -> str:
    """Return the body of a stack's only dashboard, with a mark in place of each reference."""
    (dashboard,) = properties(source, DASHBOARD)
    text = dashboard["DashboardBody"]
    return text if isinstance(text, str) else "".join(x if isinstance(x, str) else "?" for x in text["Fn::Join"][1])


def test_severities_have_their_own_actions(stack: Stack) -> None:
    """`alarm_actions` are of both severities, `page` and `ticket` of one; metric alarms do nothing."""
    both, page, ticket = (action(stack, each) for each in ("both", "page", "ticket"))
    monitoring = FargateMonitoring(stack, "Monitoring", alarm_actions=[both], page=[page], ticket=[ticket])
    monitoring.watch(worker(stack))

    template = Template.from_stack(stack)
    composites = properties(template, COMPOSITE)
    acts = {each["AlarmDescription"].split(" ")[1]: each["AlarmActions"] for each in composites}
    arn = "arn:aws:sns:eu-west-1:123456789012:"
    assert acts == {"act": [f"{arn}both", f"{arn}page"], "look": [f"{arn}both", f"{arn}ticket"]}
    assert not any("AlarmActions" in each for each in properties(template, ALARM))
    assert not any("AlarmName" in each for each in (*properties(template, ALARM), *composites))
    assert [each.node.id for each in monitoring.alarms] == ["Page", "Ticket"]


def test_without_actions_it_is_a_dashboard() -> None:
    """All alarms are made and shown, those of a rollback not again; the audit accepts alarms without actions."""
    template, services, monitoring = watched()

    assert not any("AlarmActions" in each for each in properties(template, COMPOSITE))
    assert '"type":"alarm"' in body_of(template)
    # The audit of all modes tries those with actions.
    for each in monitoring.alarms:
        assert any("HIPAA.Security-CloudWatchAlarmAction" in str(entry.data) for entry in each.node.metadata)
    own = [each.node.path for each in monitoring.metric_alarms if "RollbackAlarms" in each.node.path]
    assert own == [alarm.node.path for each in services for alarm in each.rollback_alarms]
    assert len(properties(template, ALARM)) == len(monitoring.metric_alarms)


def test_a_web_service_is_watched_as_one(stack: Stack) -> None:
    """One page and one ticket for endpoint, service, network and archive; parts that two share are watched once."""
    shop = FargateWebService(stack, "Shop", image=IMAGE)
    blog = FargateWebService(stack, "Blog", image=IMAGE, network=shop.network, archive=shop.archive)
    monitoring = FargateMonitoring(stack, "Monitoring")
    monitoring.watch(shop, blog)

    assert [each.node.path for each in monitoring.alarms] == [
        f"{stack.node.path}/Monitoring/{stack.node.path} {name}/{kind}"
        for name in ("Shop", "Blog")
        for kind in ("Page", "Ticket")
    ]
    ids = [each.node.id for each in monitoring.metric_alarms]
    assert ids.count("NoTask") == 2
    assert (ids.count("Ports"), ids.count("LagAlarm")) == (1, 1)
    body = body_of(stack)
    assert '"periodOverride":"inherit"' in body  # or what is summed up in a minute would be more
    order = [body.index(f"## {each}") for each in ("Callers", "Tasks", "Egress", "Logs")]
    assert order == sorted(order)
    assert "## Links" not in body
    for text in ("aws logs tail ? --follow", "aws ecs execute-command", "http://?", "tasks reach the internet from: ?"):
        assert text in body


def test_without_a_rollback_alarm_errors_have_one() -> None:
    """A service that rolls back without looking at responses gets an alarm on them in the monitoring."""
    errors = [each.node.path for each in watched().monitoring.metric_alarms if each.node.id == "Errors"]

    assert ["Monitoring" in each for each in errors] == [False, True, False]


def test_alarms_on_tasks(stack: Stack) -> None:
    """Alarms that would mean nothing are left out; the page on tasks waits where a service stops all on purpose."""
    vpc = network_in(stack).vpc
    plain = ecs.Cluster(stack, "Plain", vpc=vpc)
    disabled = ecs.Cluster(stack, "Off", vpc=vpc, container_insights_v2=ecs.ContainerInsights.DISABLED)
    enhanced = ecs.Cluster(stack, "On", vpc=vpc, container_insights_v2=ecs.ContainerInsights.ENHANCED)
    given = ecs.Cluster.from_cluster_attributes(stack, "Cluster", cluster_name="all", vpc=vpc)
    counted = {"NoTask", "MissingTasks", "AtMaximum", "Disk"}
    services: dict[str, tuple[dict[str, Any], set[str], int | None]] = {
        "NotSet": ({"cluster": plain}, counted, None),
        "Disabled": ({"cluster": disabled}, counted, None),
        "Default": ({"cluster": enhanced}, set(), 3),
        "InGivenCluster": ({"cluster": given}, set(), 3),
        "ByNumber": ({"cluster": enhanced, "scaling": Scaling(cpu_percent=None)}, {"Cpu"}, 3),
        "FromZero": ({"cluster": enhanced, "scaling": Scaling(min=0, max=1)}, {"AtMaximum"}, 10),
        "Recreated": (
            {"cluster": enhanced, "scaling": Scaling(min=2, max=2), "deployment": Deployment.recreate()},
            {"AtMaximum"},
            10,
        ),
    }
    monitoring = FargateMonitoring(stack, "Monitoring")
    monitoring.watch(*(worker(stack, name, **options) for name, (options, _, _) in services.items()))

    for name, (_, left_out, minutes) in services.items():
        watched = monitoring.node.find_child(f"Test {name}")
        alarms = {each.node.id: each for each in watched.node.children if isinstance(each, cloudwatch.Alarm)}
        assert set(alarms) == {"Cpu", "Memory", *counted} - left_out
        if minutes:
            assert cast(cloudwatch.CfnAlarm, alarms["NoTask"].node.default_child).evaluation_periods == minutes
        assert any(NO_INSIGHTS in str(entry.data) for entry in watched.node.metadata) == (minutes is None)


def test_what_has_no_alarms_is_shown(stack: Stack) -> None:
    """The metrics of CloudFront and Global Accelerator are in other regions, where no alarm of this one reads them."""
    network = network_in(stack)
    hidden = HttpEndpoint(stack, "Hidden", network=network, internal=True)
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)
    monitoring = FargateMonitoring(stack, "Monitoring")
    monitoring.watch(
        CloudFrontDistribution(stack, "Front", endpoint=hidden),
        Accelerator(stack, "Fast", endpoint=endpoint),
        cast(Construct, network),
    )

    assert monitoring.alarms == []
    body = body_of(stack)
    assert '"type":"alarm"' not in body
    assert '"region":"us-east-1"' in body
    assert '"region":"us-west-2"' in body
    assert "tasks reach the internet from: 203.0.113.7" in body


def test_what_parts_show(stack: Stack) -> None:
    """Elastic IPs, or that they are not known, and commands; of a given queue and raw batches there is less to show."""
    network = FixedEgressNetwork(stack, "Network")
    given = FixedEgressNetwork.from_vpc(stack, "GivenNetwork", ec2.Vpc(stack, "Vpc", nat_gateways=1))
    task = OneOffTask(stack, "Migrate", network=network, image=IMAGE)
    queue = sqs.Queue.from_queue_arn(stack, "Given", "arn:aws:sqs:eu-west-1:123456789012:orders")
    orders = QueueWorker(
        stack, "Orders", network=network, image=IMAGE, message_duration=Duration.seconds(1), queue=queue
    )
    monitoring = FargateMonitoring(stack, "Monitoring")
    monitoring.watch(
        HttpEndpoint(stack, "Endpoint", network=network, static_ips=True),
        TcpEndpoint(stack, "Tcp", network=network),
        given,
        task,
        orders,
        LogArchive(stack, "Archive", archive_format=ArchiveFormat.raw),
    )

    assert ids_of(monitoring) >= {"Ports", "Dropped", "AgeAlarm"}
    assert task.alarm.node.path in {each.node.path for each in monitoring.metric_alarms}
    body = body_of(stack)
    assert body.count("fixed addresses: ?, ?") == 2
    assert "tasks reach the internet from: not known" in body
    assert "aws ecs run-task" in body
    assert "Orders: dead letters" not in body
    assert "AWS/Athena" not in body


def test_services_behind_an_endpoint_suppress_its_page(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A composite alarm of their pages does, also of parts in other nested stacks, which never wait for each other."""
    monkeypatch.setattr(fargate_monitoring, "UNITS_OF_STACK", 1)
    monkeypatch.setattr(dashboards, "MAX_ALARMS_OF_RULE", 2)
    network = network_in(stack)
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc)
    common: dict[str, Any] = {"network": network, "image": IMAGE, "cluster": cluster}
    public, internal = (HttpEndpoint(stack, each, network=network) for each in ("Public", "Internal"))
    web, api, blog, admin = (FargateService(stack, each, **common) for each in ("Web", "Api", "Blog", "Admin"))
    for service in (web, api, blog):
        public.add_route("All", service=service, paths=[f"/{service.name}/*"])
    internal.add_route("All", service=admin)
    FargateMonitoring(stack, "Monitoring").watch(
        worker(stack, cluster=cluster), public, admin, internal, web, api, blog
    )

    template = Template.from_stack(stack)
    composites = properties(template, COMPOSITE)
    pages = [each for each in composites if each.get("ActionsSuppressorExtensionPeriod") == 120]
    suppressors = [text_of(each["ActionsSuppressor"]) for each in pages]
    assert [each["ActionsSuppressorWaitPeriod"] for each in pages] == [120, 120]
    assert any("PublicServices" in each for each in suppressors)
    assert any("Part2" in each for each in suppressors)  # the only service's own
    assert not any("AlarmName" in each for each in composites)
    rules = [
        text_of(each["AlarmRule"]).count("ALARM(") for each in composites if "meanwhile" in each["AlarmDescription"]
    ]
    assert rules == [2, 2]
    nested = properties(template, "AWS::CloudFormation::Stack")
    assert len(nested) == 4
    assert "Outputs." not in json.dumps(nested)


def test_each_port_and_load_balancer_has_its_alarms(stack: Stack) -> None:
    """A port without a healthy task is not hidden by another one; the other alarms are of the service."""
    network = network_in(stack)
    service = FargateService(stack, "Web", network=network, image=IMAGE, port={"http": 8080, "admin": 9000})
    public, internal = (HttpEndpoint(stack, each, network=network) for each in ("Public", "Internal"))
    public.add_route("All", service=service)
    internal.add_route("Admin", service=service, port="admin")
    monitoring = FargateMonitoring(stack, "Monitoring")
    monitoring.watch(service, anomalies=True)

    ids = [each.node.id for each in monitoring.metric_alarms]
    for name in ("Errors", "Unhealthy", "NoHealthyTask", "UnusualRequests", "UnusualLatency"):
        assert [each for each in ids if each.startswith(name)] == [name, f"{name} at admin"]
    assert ids.count("FewErrors") == 1
    unusual = [each for each in properties(stack, ALARM) if "number of requests" in each.get("AlarmDescription", "")]
    assert ["requests at admin has been" in each["AlarmDescription"] for each in unusual] == [False, True]
    assert ["WebRoutesadminTargetGroup" in json.dumps(each["Metrics"]) for each in unusual] == [False, True]


def test_deployments_between_two_target_groups() -> None:
    """Their metrics are one number: what serves is one of the two."""
    alarms = [each for each in properties(watched().template, ALARM) if "Test/Shifting:" in each["AlarmDescription"]]
    texts = [metric.get("Expression") for each in alarms for metric in each.get("Metrics", ())]

    assert "IF(SUM([healthy0, healthy1]) < 1, 1, 0)" in texts
    assert "IF(SUM([requests0, requests1]) >= 20, MAX([seconds0, seconds1]), 0)" in texts
    assert [each["Threshold"] for each in alarms if "one request of ten" in each["AlarmDescription"]] == [0.3]


def test_parts_of_other_stacks() -> None:
    """The monitoring's stack depends on those of the parts, and they on nothing new."""
    app = App()
    first, last = Stack(app, "First"), Stack(app, "Last")
    service = routed(first)
    FargateMonitoring(last, "Monitoring").watch(service)

    template = Template.from_stack(last)
    assert first.dependencies == []
    assert [each.node.path for each in last.dependencies] == ["First"]
    assert "Fn::ImportValue" in json.dumps(template.to_json())


def test_a_part_of_a_later_stack_is_refused() -> None:
    """The message says to make the monitoring later."""
    app = App()
    first, later = Stack(app, "First"), Stack(app, "Later")
    later.add_stack_dependency(first)

    with pytest.raises(ValueError, match=r"not be in a stack that is deployed later, got: Later/Worker; make .* own"):
        FargateMonitoring(first, "Monitoring").watch(worker(later))


def test_a_stack_that_becomes_later_is_explained() -> None:
    """If the part's stack refers to the monitoring's stack afterwards, CDK's message names the monitoring."""
    app = App()
    first, later = Stack(app, "First"), Stack(app, "Later")
    topic = sns.Topic(first, "Topic")
    service = worker(later)
    FargateMonitoring(first, "Monitoring").watch(service)
    service.container.add_environment("TOPIC", topic.topic_arn)

    with pytest.raises(RuntimeError, match=r"First/Monitoring watches Later/Worker; make FargateMonitoring in a stack"):
        app.synth()


def listener_in(stack: Stack) -> elbv2.IApplicationListener:
    """Return a listener that was made elsewhere."""
    return elbv2.ApplicationListener.from_application_listener_attributes(
        stack,
        "Listener",
        listener_arn="arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shared/1/2",
        security_group=ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-0123456789abcdef0"),
    )


class Refused(NamedTuple):
    """A stack whose parts are refused."""

    stack: Stack
    worker: FargateService
    routed: FargateService
    shifting: FargateService


@cache
def refusing() -> tuple[Refused, FargateMonitoring]:
    """Return parts, and what refuses them; made once, because it leaves them as they are."""
    stack = Stack(App(), "Test", env=Environment(region="eu-west-1"))
    web, endpoint = routed(stack), cast(HttpEndpoint, stack.node.find_child("Endpoint"))
    shifting = worker(stack, "Shifting", port=80, deployment=Deployment.blue_green())
    endpoint.add_route("Shifting", service=shifting, paths=["/shifting/*"])
    return Refused(stack, worker(stack), web, shifting), FargateMonitoring(stack, "M")


def in_other_region(stack: Stack) -> Construct:
    """Return a part of another region."""
    return worker(Stack(cast(App, stack.node.root), "Far", env=Environment(region="us-west-2")))


def in_other_stage(stack: Stack) -> Construct:
    """Return a part of another stage."""
    return worker(Stack(Stage(cast(App, stack.node.root), "Prod"), "Test"))


@pytest.mark.parametrize(
    ("parts", "options", "error", "message"),
    [
        (lambda _: [], {}, ValueError, r"watch needs parts, got none: write monitoring.watch\(web\)"),
        (lambda _: ["web"], {}, TypeError, r"each of parts must be Construct, got: 'web'"),
        (
            lambda s: [[s.worker]],
            {},
            TypeError,
            r"each of parts must be Construct, got: a list of them; write watch\(\*parts\) for a list",
        ),
        (
            lambda s: [s.stack],
            {},
            TypeError,
            r"watch takes FargateWebService, QueueWorker, .*, LogArchive, got: Stack Test",
        ),
        (
            lambda s: [HttpEndpoint.from_listener(s.stack, "Given", listener_in(s.stack))],
            {},
            TypeError,
            r"got: ImportedEndpoint Test/Given; the metrics of its load balancer are known where that is made",
        ),
        (
            lambda s: [s.routed],
            {"slo": Token.as_number({"Ref": "Slo"})},
            ValueError,
            r"slo must be known at synthesis, ",
        ),
        (lambda s: [s.worker] * 2, {}, ValueError, r"each part is watched once, got again: Test/Worker; leave it out"),
        (lambda s: [in_other_region(s.stack)], {}, ValueError, r"parts must be in the region of '.*', eu-west-1"),
        (
            lambda s: [in_other_stage(s.stack)],
            {},
            ValueError,
            r"parts must be of the stage of Test/M, got: Prod/Test/Worker",
        ),
        (lambda s: [s.routed], {"slo": 50}, ValueError, r"slo must be 94 to 99.999, .* got: 50; write slo=99.9"),
        (lambda s: [s.routed], {"slo": 100}, ValueError, r"slo must be 94 to 99.999, .* got: 100;"),
        (lambda s: [s.worker], {"slo": 99.9}, ValueError, r"slo needs a service with a route, got: Test/Worker; add"),
        (lambda s: [s.worker], {"anomalies": True}, ValueError, r"anomalies needs a service with a route, got: "),
        (
            lambda s: [s.shifting],
            {"anomalies": True},
            ValueError,
            r"anomalies needs services with one target group for each port, .* got: Test/Shifting; leave it",
        ),
        (lambda s: [s.routed], {"latency": 2}, TypeError, r"latency must be"),
        (lambda s: [s.routed], {"latency": Duration.hours(2)}, ValueError, r"latency must be 0.001 to 4000 seconds, "),
        (
            lambda s: [s.routed],
            {"latency": Duration.seconds(Token.as_number({"Ref": "Seconds"}))},
            ValueError,
            r"latency must be known at synthesis, got a token; write Duration.seconds",
        ),
        (lambda s: [s.worker], {"slos": 99}, TypeError, r"slos"),
    ],
)
def test_refusals(
    parts: Callable[[Refused], list[Any]], options: dict[str, Any], error: type[Exception], message: str
) -> None:
    """What cannot be watched is refused, with what to write instead."""
    test, monitoring = refusing()

    with pytest.raises(error, match=message):
        monitoring.watch(*parts(test), **options)


def test_parts_are_watched_when_they_are_complete(stack: Stack) -> None:
    """A route or a name that is added later has no alarms, so synthesis fails. Each certificate has an alarm."""
    zone = route53.HostedZone.from_hosted_zone_attributes(stack, "Zone", hosted_zone_id="Z01", zone_name="example.com")
    network = network_in(stack)
    endpoint = HttpEndpoint(stack, "Endpoint", network=network, domain_name="www.example.com", hosted_zone=zone)
    endpoint.add_domain("shop.example.com", hosted_zone=zone)
    tcp = TcpEndpoint(stack, "Tcp", network=network, domain_name="mqtt.example.com", hosted_zone=zone)
    service = FargateService(stack, "Web", network=network, image=IMAGE)
    monitoring = FargateMonitoring(stack, "Monitoring")
    monitoring.watch(endpoint, tcp, service)

    names = [each.node.id for each in monitoring.metric_alarms if each.node.id.startswith("Certificate")]
    assert names == ["Certificate", "Certificate2"]
    endpoint.add_domain("blog.example.com", hosted_zone=zone)
    HttpEndpoint(stack, "Other", network=network).add_route("All", service=service)
    with pytest.raises(RuntimeError, match=r"watch must be called after the routes, .* names .*") as error:
        cast(App, stack.node.root).synth()
    for name, is_late in {"Endpoint": True, "Tcp": False, "Web": True}.items():
        assert (f"got more of Test/{name} later" in str(error.value)) == is_late


def test_many_parts_are_in_several_dashboards(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is above the number of a stack is in nested stacks, each with its dashboard."""
    monkeypatch.setattr(fargate_monitoring, "UNITS_OF_STACK", 2)
    monkeypatch.setattr(dashboards, "MAX_ALARMS_OF_WIDGET", 10)
    network = network_in(stack)
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc)
    services = [
        FargateService(stack, f"Service{number}", network=network, image=IMAGE, cluster=cluster, port=None)
        for number in range(5)
    ]
    monitoring = FargateMonitoring(stack, "Monitoring", alarm_actions=[action(stack, "calls")])
    monitoring.watch(*services)

    nested = [Stack.of(each) for each in monitoring.dashboards]
    assert nested[0] is stack
    assert [each.nested_stack_parent is stack for each in nested[1:]] == [True, True]
    counts = [len(properties(each, COMPOSITE)) for each in nested]
    assert counts == [4, 4, 2]
    body = json.loads(body_of(nested[2]).replace("?", ""))
    assert len(body["widgets"][0]["properties"]["alarms"]) == 8
    assert len(json.loads(body_of(nested[1]))["widgets"][0]["properties"]["alarms"]) == 4


def test_a_dashboard_that_aws_would_refuse(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Synthesis fails when a dashboard has too many widgets or metrics."""
    monkeypatch.setattr(dashboards, "MAX_METRICS", 5)
    FargateMonitoring(stack, "Monitoring").watch(worker(stack))

    with pytest.raises(RuntimeError, match=r"must have at most 5 metrics, got: \d+; watch fewer parts by one"):
        cast(App, stack.node.root).synth()


def test_metrics_of_a_service() -> None:
    """They have CDK's names, statistics and periods; those of routes need a route."""
    (_, alone, service, _), _ = refusing()
    minute = Duration.minutes(1)
    found = {
        service.metric_cpu_utilization(period=minute): ("CPUUtilization", "Average", 60),
        service.metric_memory_utilization(): ("MemoryUtilization", "Average", 300),
        service.metric_running_task_count(): ("RunningTaskCount", "Average", 300),
        service.metric_request_count(): ("RequestCount", "Sum", 300),
        service.metric_target_response_time(statistic="p99"): ("TargetResponseTime", "p99", 300),
        service.metric_healthy_host_count(): ("HealthyHostCount", "Average", 300),
        service.metric_unhealthy_host_count(): ("UnHealthyHostCount", "Average", 300),
        service.metric_http_code_target(elbv2.HttpCodeTarget.TARGET_4XX_COUNT): (
            "HTTPCode_Target_4XX_Count",
            "Sum",
            300,
        ),
    }

    for metric, (name, statistic, seconds) in found.items():
        assert isinstance(metric, cloudwatch.Metric)
        assert (metric.metric_name, metric.statistic, metric.period.to_seconds()) == (name, statistic, seconds)
    disk = service.metric_ephemeral_storage_utilization()
    assert disk.expression == "100 * used / reserved"
    with pytest.raises(ValueError, match=r"metric_request_count needs a route, and .*/Worker has none: add one first"):
        alone.metric_request_count()


def test_metrics_of_several_services_fit_on_one_graph() -> None:
    """Those of two target groups are expressions, whose IDs differ between services."""
    stack = Stack(App(), "Test")
    network = network_in(stack)
    services = [
        FargateService(stack, each, network=network, image=IMAGE, deployment=Deployment.blue_green())
        for each in ("Web", "Api")
    ]
    endpoint = HttpEndpoint(stack, "Endpoint", network=network)
    for each in services:
        endpoint.add_route("All", service=each, paths=[f"/{each.name}/*"])
    fourth = elbv2.HttpCodeTarget.TARGET_4XX_COUNT
    metrics = [each.metric_http_code_target(fourth) for each in services]
    metrics += [each.metric_request_count() for each in services]
    widget = cloudwatch.GraphWidget(left=cast(list[cloudwatch.IMetric], metrics))
    cloudwatch.Dashboard(stack, "Mine").add_widgets(cast(cloudwatch.IWidget, widget))

    assert body_of(stack).count("SUM([") == 4


def test_links_have_their_names_in_metrics(stack: Stack) -> None:
    """A link's metrics have the name of the port that is called; a proxy of TCP has none."""
    network = network_in(stack)
    cluster = AuditedCluster(stack, "Cluster", vpc=network.vpc)
    common: dict[str, Any] = {"network": network, "image": IMAGE, "cluster": cluster}
    web = FargateService(stack, "Web", **common)
    api = FargateService(stack, "Api", port={"http": 8080, "admin": 9000}, **common)
    http = ecs.PortMapping(container_port=9901, name="stats", app_protocol=cast(ecs.AppProtocol, ecs.AppProtocol.http))
    api.add_sidecar("proxy", image=IMAGE).add_port_mappings(http, ecs.PortMapping(container_port=9902, name="raw"))
    tls = FargateService(stack, "Tls", protocol=elbv2.ApplicationProtocol.HTTPS, **common)
    web.link_to(api)
    web.link_to(api, port="admin")
    web.link_to(api, port="stats")
    web.link_to(api, port="raw")
    web.link_to(tls)

    assert web._links.http_links == ["api-http", "api-admin", "stats"]  # noqa: SLF001 - as monitoring reads them
