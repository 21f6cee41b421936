"""The numbers that README and the guides promise, computed from templates and list prices.

`tests/logs/test_costs.py` has those of docs/logs.md, `tests/endpoint/test_priorities.py` those of docs/routes.md.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler

from benchmarks import bills
from fargate_constructs import (
    Accelerator,
    CloudFrontDistribution,
    Deployment,
    Egress,
    FargateService,
    FargateWebService,
    FixedEgressNetwork,
    HttpEndpoint,
    Job,
    OneOffTask,
    QueueWorker,
    ScheduledTask,
    TcpEndpoint,
    WebAcl,
)
from fargate_constructs.network.elastic_ip_pool import USD_A_MONTH
from tests.modes.made_elsewhere import IMAGE, network_in

ROOT = Path(__file__).parents[1]
README, NETWORK, ENDPOINT, SERVICE, LOGS, JOBS, UPGRADING, WORKERS, TCP, IPV6, COSTS = (
    " ".join((ROOT / f"{page}.md").read_text().split())
    for page in (
        "README",
        *(f"docs/{name}" for name in ("network", "endpoint", "service", "logs", "jobs", "upgrading", "workers")),
        *(f"docs/{name}" for name in ("tcp", "ipv6", "costs")),
    )
)
IPV6_ONLY = elbv2.IpAddressType.DUAL_STACK_WITHOUT_PUBLIC_IPV4
SECONDS_A_MONTH = bills.HOURS * 3600
EGRESS = {
    "per_az()": Egress.per_az(),
    "single()": Egress.single(),
    "regional()": Egress.regional(),
    "nat_instance()": Egress.nat_instance(),
    "isolated()": Egress.isolated(),
}
DEPLOYMENTS = {
    "rolling()": Deployment.rolling(),
    "blue_green()": Deployment.blue_green(),
    "canary(percent=10)": Deployment.canary(percent=10),
    "linear(step=20)": Deployment.linear(step=20),
}
Template = Mapping[str, Any]


def alb(stack: Stack) -> None:
    """A load balancer that faces the internet."""
    HttpEndpoint(stack, "Endpoint", network=network_in(stack))


def nlb_and_alb(stack: Stack) -> None:
    """One with fixed addresses before it."""
    HttpEndpoint(stack, "Endpoint", network=network_in(stack), static_ips=True)


def accelerator(stack: Stack) -> None:
    """An accelerator before an internal one."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network_in(stack), internal=True, allow_cidrs=["0.0.0.0/0"])
    Accelerator(stack, "Accelerator", endpoint=endpoint)


def cloud_front(stack: Stack) -> None:
    """CloudFront before an internal one."""
    endpoint = HttpEndpoint(stack, "Endpoint", network=network_in(stack), internal=True)
    CloudFrontDistribution(stack, "Distribution", endpoint=endpoint)


FRONTS: dict[str, Callable[[Stack], None]] = {
    "ALB": alb,
    "NLB + ALB": nlb_and_alb,
    "Accelerator + ALB": accelerator,
    "CloudFront + ALB": cloud_front,
}


def jobs(stack: Stack) -> None:
    """A job of each kind, and a service that one runs before."""
    network = network_in(stack)
    schedule = scheduler.ScheduleExpression.rate(Duration.days(1))
    report = ScheduledTask(stack, "Report", network=network, image=IMAGE, schedule=schedule)
    OneOffTask(stack, "Repair", network=network, image=IMAGE, cluster=report.cluster)
    web = FargateService(stack, "Web", network=network, image=IMAGE, cluster=report.cluster)
    OneOffTask(stack, "Migrate", network=network, image=IMAGE, cluster=report.cluster).run_before(web)
    common: dict[str, Any] = {"network": network, "image": IMAGE, "cluster": report.cluster}
    Job(stack, "Plain", **common)
    Job(stack, "Timed", timeout=Duration.hours(1), **common)
    Job(stack, "Again", retries=1, **common)
    fed = Job(stack, "Fed", **common)
    fed.run_on_upload("Uploads", bucket=s3.Bucket.from_bucket_name(stack, "Bucket", "uploads"))
    ScheduledTask(stack, "Lone", schedule=schedule, skip_if_running=True, **common)


def worker(stack: Stack, wait: Duration) -> None:
    """A queue worker as in its guide."""
    ten_seconds = Duration.seconds(10)
    QueueWorker(
        stack, "Orders", network=network_in(stack), image=IMAGE, message_duration=ten_seconds, acceptable_wait=wait
    )


@pytest.fixture(scope="module")
def templates() -> dict[str, Template]:
    """A template for each promise, all of one app."""
    app = App(builtin_cloud_formation_validation=False)
    FargateWebService(Stack(app, "Shop"), "Shop", image=IMAGE)
    for number, egress in enumerate(EGRESS.values()):
        FixedEgressNetwork(Stack(app, f"Egress{number}"), "Network", egress=egress, flow_log_retention=None)
    for number, build in enumerate(FRONTS.values()):
        build(Stack(app, f"Front{number}"))
    jobs(Stack(app, "Jobs"))
    for name, wait in {"ToZero": Duration.minutes(30), "ToOne": Duration.minutes(5)}.items():
        worker(Stack(app, name), wait)
    tcp = Stack(app, "Tcp")
    network = network_in(tcp)
    smtp = FargateService(tcp, "Smtp", network=network, image=IMAGE, port=2525)
    TcpEndpoint(tcp, "Endpoint", network=network).add_listener("Smtp", port=25, service=smtp)
    for name, ip_address_type in {"Ipv6": None, "Ipv6Only": IPV6_ONLY}.items():
        stack = Stack(app, name)
        dual_stack = FixedEgressNetwork(
            stack, "Network", ip_protocol=ec2.IpProtocol.DUAL_STACK, flow_log_retention=None
        )
        HttpEndpoint(stack, "Endpoint", network=dual_stack, ip_address_type=ip_address_type)
    services = Stack(app, "Services")
    endpoint = HttpEndpoint(services, "Endpoint", network=network_in(services), web_acl=WebAcl.managed())
    for number, deployment in enumerate(DEPLOYMENTS.values()):
        stack = Stack(app, f"Deployment{number}")
        service = FargateService(stack, "Web", network=network_in(stack), image=IMAGE, deployment=deployment)
        endpoint.add_route("Web", service=service, paths=[f"/{number}/*"])
    return {each.stack_name: each.template for each in app.synth().stacks}


def of_type(template: Template, type_: str) -> list[dict[str, Any]]:
    """Return the properties of each resource of a type."""
    return [each.get("Properties", {}) for each in template["Resources"].values() if each["Type"] == f"AWS::{type_}"]


def usd(cell: str) -> list[float]:
    """Return the amounts in a cell."""
    return [float(each) for each in re.findall(r"\d+\.\d\d", cell)]


def test_the_idle_stack(templates: Mapping[str, Template]) -> None:
    """docs/costs.md: the sum, which README has too, and each part of it."""
    shop = templates["Shop"]
    counts, rest = bills.standing(shop), bills.standing_usd_a_month(shop) - bills.hourly_usd_a_month(shop)
    parts = [
        *(counts[name] * bills.BY_THE_HOUR[name] * bills.HOURS for name in ("NAT gateway", "public IPv4 address")),
        counts["load balancer"] * bills.BY_THE_HOUR["load balancer"] * bills.HOURS,
        bills.tasks_usd_a_month(shop),
        rest,
    ]

    said = re.search(
        r"about \*\*(\d+) USD a month\*\* .* gateways (\d+), .* addresses (\d+), the load balancer (\d+), "
        r"two tasks of 0.25 vCPU and 0.5 GB (\d+), alarms (\d+)\.",
        COSTS,
    )
    assert said
    assert [int(each) for each in said.groups()] == [round(each) for each in (sum(parts), *parts)]
    assert f"[about {said[1]} USD a month]" in README


def test_a_further_service(templates: Mapping[str, Template]) -> None:
    """docs/costs.md: its alarms, with those of scaling, in a rolling deployment and in another."""
    alarms = [
        bills.standing(templates[f"Deployment{number}"])["alarm"] * bills.BY_THE_MONTH["alarm"]
        for number in range(len(DEPLOYMENTS))
    ]

    assert alarms == pytest.approx([0.70, 1.20, 1.20, 1.20])
    assert "0.70 for alarms, 1.20 if it shifts requests" in COSTS
    assert "0.50 USD a month for alarms on the second target group" in SERVICE


def test_ways_out(templates: Mapping[str, Template]) -> None:
    """docs/network.md: gateways and addresses; docs/costs.md: what the two cheaper ways save."""
    bill = {}
    for number, name in enumerate(EGRESS):
        template = templates[f"Egress{number}"]
        assert of_type(template, "EC2::FlowLog") == [], "as asked"
        counts = bills.standing(template)
        held = counts["public IPv4 address"] * bills.BY_THE_HOUR["public IPv4 address"] * bills.HOURS
        bill[name] = (bills.standing_usd_a_month(template) - held, held)
    gateways, addresses = (
        re.search(rf"\| {row}, USD \|((?:[^|]+\|){{5}})", NETWORK)[1].strip("|").split("|")  # type: ignore[index]
        for row in ("gateways", "addresses")
    )

    assert [sum(usd(each)) for each in gateways] == pytest.approx([each[0] for each in bill.values()], abs=0.01)
    assert [usd(each)[:1] or [0] for each in addresses] == [[round(each[1], 2)] for each in bill.values()]
    costs = {name: sum(each) for name, each in bill.items()}
    saved = [round(costs["per_az()"] - costs[name]) for name in ("single()", "nat_instance()")]
    assert f"saves {saved[0]} and `Egress.nat_instance()` {saved[1]}," in COSTS


def test_fronts(templates: Mapping[str, Template]) -> None:
    """docs/endpoint.md: the sums, and how many of what; a web ACL's price, by its rule groups."""
    fronts = [templates[f"Front{number}"] for number in range(len(FRONTS))]
    counts, hourly = [bills.standing(each) for each in fronts], [bills.hourly_usd_a_month(each) for each in fronts]

    said = re.search(r"\| sum \| \| \| (\S+) \| (\S+) \| (\S+) \| (\S+) \|", ENDPOINT)
    assert said
    assert [float(each) for each in said.groups()] == pytest.approx(hourly)
    idle = re.search(r"\| idle, USD a month \| (\S+) \| (\S+) \| (\S+) \| (\S+) \|", ENDPOINT)
    assert idle
    assert [float(each) for each in idle.groups()] == pytest.approx(hourly, abs=0.0051)
    for name, row in (("load balancer", "1 | 2 | 1 | 1"), ("public IPv4 address", "2 | 4 | 0 | 0")):
        assert [each[name] for each in counts] == [int(each) for each in row.split(" | ")]
        assert f"| {bills.BY_THE_HOUR[name]} | {bills.BY_THE_HOUR[name] * bills.HOURS:g} | {row} |" in ENDPOINT
    assert days(templates["Front0"], "AccessLogs") == 90
    assert "Access logs are on, in a private bucket, for 90 days" in ENDPOINT
    (acl,) = of_type(templates["Services"], "WAFv2::WebACL")
    groups = [rule for rule in acl["Rules"] if "ManagedRuleGroupStatement" in rule["Statement"]]
    # https://aws.amazon.com/waf/pricing/
    assert f"{5 + len(groups)} USD a month, and 0.60 USD" in ENDPOINT


def test_tcp(templates: Mapping[str, Template]) -> None:
    """docs/tcp.md: what an endpoint costs, and how long checks and drain take."""
    template = templates["Tcp"]
    hourly, counts = bills.hourly_usd_a_month(template), bills.standing(template)
    prices = {name: bills.BY_THE_HOUR[name] * bills.HOURS for name in ("load balancer", "public IPv4 address")}
    (group,) = of_type(template, "ElasticLoadBalancingV2::TargetGroup")
    attributes = {each["Key"]: each["Value"] for each in group["TargetGroupAttributes"]}
    checks, interval = group["HealthyThresholdCount"], group["HealthCheckIntervalSeconds"]

    assert counts["public IPv4 address"] == 2
    assert f"costs {hourly:.2f} USD a month in two zones" in TCP
    assert f"NLB {prices['load balancer']:.2f} and two addresses {2 * prices['public IPv4 address']:.2f}" in TCP
    assert f"TCP, {checks} checks at intervals of {interval} s" in TCP
    assert f"two checks take {checks * interval} s" in TCP
    assert f"drain of {attributes['deregistration_delay.timeout_seconds']} s" in TCP
    assert f"cost {prices['public IPv4 address']:.2f} USD a month each" in TCP


def test_ipv6(templates: Mapping[str, Template]) -> None:
    """docs/ipv6.md: IPv6 costs nothing; it saves an endpoint's public addresses, and the gateway's data charge."""
    per_az, front, both, ipv6_only = (
        bills.hourly_usd_a_month(templates[name]) for name in ("Egress0", "Front0", "Ipv6", "Ipv6Only")
    )
    gateways = bills.standing(templates["Ipv6"])["NAT gateway"] * bills.BY_THE_HOUR["NAT gateway"] * bills.HOURS

    assert both == pytest.approx(per_az + front)
    assert f"in two zones, USD a month | {both - ipv6_only:.2f} | 0 |" in IPV6
    assert f"NAT gateways in two zones, USD a month | {gateways:.2f} | {gateways:.2f}: they stay" in IPV6
    # https://aws.amazon.com/vpc/pricing/
    assert f"| 1,000 GB through the gateway, USD | {1000 * 0.045:.2f} | 0 |" in IPV6
    assert f"saves {both / 2 - ipv6_only / 2:.2f} USD a month in each zone" in " ".join(
        str(HttpEndpoint.__init__.__doc__).split()
    )


def test_deployments(templates: Mapping[str, Template]) -> None:
    """docs/service.md: how long each strategy takes, when old tasks end, and how long alarms need."""
    minutes = []
    for number in range(len(DEPLOYMENTS)):
        (service,) = of_type(templates[f"Deployment{number}"], "ECS::Service")
        settings = service["DeploymentConfiguration"]
        canary, linear = (settings.get(f"{name}Configuration", {}) for name in ("Canary", "Linear"))
        # The interval is not waited for after the last step:
        # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LinearConfiguration.html
        steps = 100 // linear["StepPercent"] - 1 if linear else 1
        interval = {**canary, **linear}.get("CanaryBakeTimeInMinutes", linear.get("StepBakeTimeInMinutes", 0))
        minutes.append(settings["BakeTimeInMinutes"] + steps * interval)
    target_group = of_type(templates["Deployment0"], "ElasticLoadBalancingV2::TargetGroup")[0]
    (task,) = of_type(templates["Deployment0"], "ECS::TaskDefinition")
    check = target_group["HealthCheckIntervalSeconds"]
    attributes = {each["Key"]: each["Value"] for each in target_group["TargetGroupAttributes"]}
    drain, stop = (
        int(attributes["deregistration_delay.timeout_seconds"]),
        task["ContainerDefinitions"][0]["StopTimeout"],
    )

    assert minutes == [0, 5, 10, 25]
    assert "for 5, 10 or 25 min" in SERVICE
    for name, time in zip(DEPLOYMENTS, (f"{check} s", "5 min", "10 min", "25 min"), strict=True):
        assert re.search(rf"`Deployment\.{re.escape(name)}`[^|]*\|[^|]*\|[^|]*\|[^|]*\| {time}", SERVICE), name
    assert f"0 s {check} s: complete {check + drain} s at most {check + drain + stop} s at most" in SERVICE
    assert f"checks and drain take {check + drain} s at most" in README

    alarms = of_type(templates["Deployment0"], "CloudWatch::Alarm")
    needed = max(
        each["EvaluationPeriods"] * max(metric["MetricStat"]["Period"] for metric in each["Metrics"][1:]) + 60
        for each in alarms
    )
    assert needed == 3 * 60
    assert "rolling(bake_time=Duration.minutes(3))" in SERVICE
    assert min(minutes[1:]) * 60 >= needed, "the others bake long enough"


def test_flow_logs() -> None:
    """docs/network.md: two records of 100 bytes for each of a thousand connections a second."""
    gigabytes = 2 * 100 * 1000 * SECONDS_A_MONTH / 1e9

    assert f"make {gigabytes:.0f} GB and {gigabytes * 0.50:.0f} USD a month" in NETWORK


def test_arm() -> None:
    """docs/costs.md and docs/service.md: what Fargate's list prices say (https://aws.amazon.com/fargate/pricing/)."""
    saved = {1 - bills.BY_THE_HOUR[f"{name} (Arm)"] / bills.BY_THE_HOUR[name] for name in ("CPU unit", "MiB of memory")}

    assert {round(each, 2) for each in saved} == {0.20}
    assert "ARM64` makes tasks 20 % cheaper" in COSTS
    assert "ARM64` costs 20 % less" in SERVICE


def test_waiting_addresses(templates: Mapping[str, Template]) -> None:
    """docs/upgrading.md: the price of one, and how many destroyed networks five addresses allow."""
    price = bills.BY_THE_HOUR["public IPv4 address"] * bills.HOURS
    held = bills.standing(templates["Egress0"])["public IPv4 address"]

    assert f"({price:.2f} USD a month each)" in UPGRADING
    assert price == USD_A_MONTH
    assert "quota of five Elastic IPs: a second destroy of a default network leaves four" in UPGRADING
    assert (2 * held, 3 * held > 5) == (4, True)


def test_container_insights(templates: Mapping[str, Template]) -> None:
    """docs/costs.md and docs/service.md: it is on, and what some 40 custom metrics cost."""
    (cluster,) = of_type(templates["Shop"], "ECS::Cluster")

    assert cluster["ClusterSettings"] == [{"Name": "containerInsights", "Value": "enabled"}]
    assert f"some 40 for one service, or {40 * 0.30:.0f} USD" in SERVICE
    assert f"Container Insights adds up to {40 * 0.30:.0f} for one service" in COSTS


def test_a_log_router() -> None:
    """docs/logs.md: an object a minute."""
    assert f"{SECONDS_A_MONTH / 60 * 0.005 / 1000:.2f} USD a month, and 256 MiB" in LOGS


def test_jobs(templates: Mapping[str, Template]) -> None:
    """docs/jobs.md: the resources that a schedule and other options add to those of a task."""
    jobs = re.compile("Report(?!Cluster)|Repair|Migrate|Plain|Timed|Again|Fed|Lone")
    counts = Counter(job[0] for name in templates["Jobs"]["Resources"] if (job := jobs.match(name)))

    assert found(templates["Jobs"], "SQS::Queue", "Report")["MessageRetentionPeriod"] == 14 * 86_400
    assert "messages are kept for 14 days" in JOBS
    assert f"adds {counts['Report'] - counts['Repair']} CloudFormation resources" in JOBS
    alarms = len(of_type(templates["Jobs"], "CloudWatch::Alarm"))
    assert alarms == len(["Report", "Plain", "Timed", "Again", "Fed", "Lone"])
    assert f"A `ScheduledTask` or `Job` costs {bills.BY_THE_MONTH['alarm']:.2f} USD a month for its alarm." in JOBS
    timeout, retries, upload = (counts[name] - counts["Plain"] for name in ("Timed", "Again", "Fed"))
    text = " ".join(JOBS.split())
    assert (
        f"`run_before` {counts['Migrate'] - counts['Repair']}, `timeout` {timeout}, `retries` {retries}, "
        f"`skip_if_running` {counts['Lone'] - counts['Report']}, an event target {upload - 1} and an upload {upload}."
    ) in text


def test_queue_workers(templates: Mapping[str, Template]) -> None:
    """docs/workers.md: alarms, numbers of tasks and of messages, times; requests of a task that waits."""
    to_zero, to_one = (templates[name] for name in ("ToZero", "ToOne"))
    alarms = [bills.standing(each)["alarm"] * bills.BY_THE_MONTH["alarm"] for each in (to_zero, to_one)]
    targets = [of_type(each, "ApplicationAutoScaling::ScalableTarget")[0] for each in (to_zero, to_one)]
    tasks = [(each["MinCapacity"], each["MaxCapacity"]) for each in targets]
    policies = of_type(to_zero, "ApplicationAutoScaling::ScalingPolicy")
    queues = {each.get("VisibilityTimeout"): each for each in of_type(to_zero, "SQS::Queue")}
    stop, age = (
        next(each for each in of_type(to_zero, "CloudWatch::Alarm") if text in each["AlarmDescription"])
        for text in ("no message for", "twice acceptable_wait")
    )
    poll = re.search(r"WaitTimeSeconds=(\d+)", WORKERS)

    assert f"zero costs {alarms[0]:.2f} USD a month for alarms while it has no messages" in WORKERS
    assert f"with a task that always runs {alarms[1]:.2f} and the task" in WORKERS
    assert tasks == [(0, 10), (1, 10)]
    assert "| 0 to 10 tasks for a wait of 20 minutes or more, otherwise 1 to 10 |" in WORKERS
    assert policies[0]["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 180
    assert "with 30 minutes and 10 seconds, 180." in WORKERS
    assert {each.get("StepScalingPolicyConfiguration", {}).get("Cooldown", 300) for each in policies} == {5 * 60}
    assert "at most one step every 5 minutes" in WORKERS
    assert stop["EvaluationPeriods"] == 15
    assert "no message waiting, in flight or received for 15 minutes" in WORKERS
    assert (age["Threshold"], age["EvaluationPeriods"]) == (2 * 30 * 60 + 10, 3)
    assert "older than twice `acceptable_wait`, for 3 minutes" in WORKERS
    assert queues[90]["RedrivePolicy"]["maxReceiveCount"] == 5
    assert queues[None]["MessageRetentionPeriod"] == 14 * 86_400
    assert "messages that failed five times, kept for 14 days" in WORKERS
    assert poll
    assert round(SECONDS_A_MONTH / int(poll[1]), -4) == 130_000
    assert "makes some 130,000 a month" in WORKERS


def found(template: Template, type_: str, name: str) -> dict[str, Any]:
    """Return the properties of the resource of a type with a name in its logical ID."""
    (properties,) = (
        each["Properties"]
        for logical_id, each in template["Resources"].items()
        if re.fullmatch(f"AWS::({type_})", each["Type"]) and re.search(name, logical_id)
    )
    assert isinstance(properties, dict)
    return properties


def days(template: Template, name: str) -> int:
    """Return how long a bucket keeps its objects."""
    (rule,) = found(template, "S3::Bucket", name)["LifecycleConfiguration"]["Rules"]
    return int(rule["ExpirationInDays"])


# What a guide says with a number in it, and the number as the template has it.
SAID: list[tuple[str, str, Callable[[Template], object]]] = [
    (
        "service",
        "kept for a year in the log",
        lambda t: found(t, "Logs::LogGroup", "ExecLogs")["RetentionInDays"] == 365,
    ),
    ("service", "a buffer of 25 MiB", lambda t: f"{25 * 2**20}b" in str(of_type(t, "ECS::TaskDefinition"))),
    ("logs", "made here keep 30 days", lambda t: found(t, "Logs::LogGroup", "ServiceLogs")["RetentionInDays"] == 30),
    (
        "logs",
        "Retrieval after 90 days",
        lambda t: "'TransitionInDays': 90" in str(found(t, "S3::Bucket", "ArchiveBucket")),
    ),
    ("logs", "all are deleted after 400", lambda t: days(t, "ArchiveBucket") == 400),
    ("logs", "replay Lambda ──> shipper Lambda │ (failure bucket) every hour", lambda t: every(t, "Replay", "1 hour")),
    ("logs", "twice more within 6 hours", lambda t: retries(t) == (2, 6 * 3600)),
    ("logs", "| `Age` | ≥ 5 min |", lambda t: alarm(t, "AgeAlarm") == (5 * 60_000, 1)),
    ("logs", "| `Lag` | ≥ 10 min, for 15 min |", lambda t: alarm(t, "LagAlarm") == (10 * 60_000, 3)),
    ("logs", "| `Waiting` | ≥ 3 h,", lambda t: alarm(t, "WaitingAlarm") == (3 * 3600, 1)),
    ("reading-logs", "found within five minutes", lambda t: every(t, "CatalogLogGroups", "5 minutes")),
    ("reading-logs", "runs every hour", lambda t: every(t, "Merger", "1 hour")),
    ("reading-logs", "deleted after seven days", lambda t: days(t, "CatalogResults") == 7),
    (
        "reading-logs",
        "has read 100 GiB",
        lambda t: f"'BytesScannedCutoffPerQuery': {100 * 2**30}" in str(of_type(t, "Athena::WorkGroup")),
    ),
    (
        "network",
        "to CloudWatch, for a month",
        lambda t: found(t, "Logs::LogGroup", "FlowLogs")["RetentionInDays"] == 30,
    ),
    ("network", "`10.0.0.0/24`, `10.0.1.0/24`, …", lambda t: cidrs(t, "Public") == ["10.0.0.0/24", "10.0.1.0/24"]),
    ("network", "`10.0.16.0/20`, `10.0.32.0/20`, …", lambda t: cidrs(t, "Tasks") == ["10.0.16.0/20", "10.0.32.0/20"]),
]


def every(template: Template, name: str, time: str) -> bool:
    """Tell whether a schedule runs so often."""
    return bool(
        found(template, "Events::Rule|Scheduler::Schedule", f"{name}.*Schedule")["ScheduleExpression"]
        == f"rate({time})"
    )


def retries(template: Template) -> tuple[int, int]:
    """Return how often Lambda tries the shipper again, and for how many seconds."""
    settings = found(template, "Lambda::EventInvokeConfig", "Shipper")
    return settings["MaximumRetryAttempts"], settings["MaximumEventAgeInSeconds"]


def alarm(template: Template, name: str) -> tuple[int, int]:
    """Return an alarm's threshold, and in how many periods it must be met."""
    settings = found(template, "CloudWatch::Alarm", f"LogArchive{name}")
    return settings["Threshold"], settings["EvaluationPeriods"]


def cidrs(template: Template, name: str) -> list[str]:
    """Return the ranges of the subnets of a group."""
    return [each["CidrBlock"] for each in of_type(template, "EC2::Subnet") if name in str(each["Tags"])]


@pytest.mark.parametrize(("page", "text", "holds"), SAID, ids=[text for _, text, _ in SAID])
def test_what_the_guides_say(
    templates: Mapping[str, Template], page: str, text: str, holds: Callable[[Template], object]
) -> None:
    """The text is in the guide, and the default stack's template is so."""
    assert text in " ".join((ROOT / f"docs/{page}.md").read_text().split())
    assert holds(templates["Shop"])


def test_every_attribute(templates: Mapping[str, Template]) -> None:
    """docs/endpoint.md: each attribute of the load balancer, with its value."""
    (load_balancer,) = of_type(templates["Shop"], "ElasticLoadBalancingV2::LoadBalancer")
    actual = {each["Key"]: each["Value"] for each in load_balancer["LoadBalancerAttributes"]}
    said = dict(re.findall(r"\| `([a-z0-9._]+)` \| `(\w+)` \|", ENDPOINT))

    assert said == {key: value for key, value in actual.items() if not re.search(r"_logs\.s3", key)}
    assert {key for key in actual if key not in said} == {
        "access_logs.s3.bucket",
        "access_logs.s3.enabled",
        "connection_logs.s3.enabled",
        "health_check_logs.s3.enabled",
    }
