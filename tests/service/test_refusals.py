"""What constructs, their methods and their values refuse, before anything is made. Nothing is synthesized."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, SecretValue, Stack, TimeZone, Token
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_efs as efs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_events as events
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn

from fargate_constructs import (
    Capacity,
    Deployment,
    FargateService,
    FixedEgressNetwork,
    Health,
    Job,
    LogArchive,
    OneOffTask,
    RestartPolicy,
    Rollback,
    Scaling,
    ScheduledTask,
    ServiceConnect,
    TaskSize,
)
from fargate_constructs.network.network import Network
from tests.modes.made_elsewhere import network_in

IMAGE = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable")
WINDOWS: dict[str, Any] = {
    "cpu": 1024,
    "memory_limit_mib": 2048,
    "operating_system_family": ecs.OperatingSystemFamily.WINDOWS_SERVER_2022_CORE,
}
SECRET_VALUE = SecretValue.secrets_manager("token").unsafe_unwrap()
LONG_ID = "W" * 32
# A number that only the deployment knows.
NUMBER = int(Token.as_number({"Ref": "Number"}))

OPEN_FILES = ecs.Ulimit(name=ecs.UlimitName.NOFILE, soft_limit=1024, hard_limit=1024)
CREDENTIALS = ecs.DomainlessCredentialSpec("arn:aws:s3:::files/shop.json")

Arguments = partial[dict[str, Any]]

seconds = Duration.seconds
service: Arguments = partial(dict, make=FargateService)
windows: Arguments = partial(dict, make=FargateService, **WINDOWS)
job: Arguments = partial(dict, make=ScheduledTask, schedule=scheduler.ScheduleExpression.rate(Duration.hours(1)))
once: Arguments = partial(dict, make=OneOffTask)
started: Arguments = partial(dict, make=Job)


def expression(text: str) -> dict[str, Any]:
    """Return the arguments of a job with a schedule as text."""
    return job(schedule=scheduler.ScheduleExpression.expression(text))


CONSTRUCTORS: list[tuple[dict[str, Any], str]] = [
    (service(cpu=300), "got: cpu=300 memory_limit_mib=512; nearest: cpu=256 memory_limit_mib=512"),
    (
        service(environment={"PORT": 80}),
        "environment must be a dict of str to str or None, got: 80 for 'PORT'; write '80'",
    ),
    (service(environment={"A": None}), "environment must be a dict of str to str or None, got: None for 'A'"),
    (
        service(environment={"TOKEN": SecretValue.secrets_manager("token")}),
        "got: a secret for 'TOKEN'; write secrets={'TOKEN': ecs.Secret.from_secrets_manager(...)}",
    ),
    (
        service(docker_labels={"token": SecretValue.secrets_manager("token")}),
        "docker_labels must be a dict of str to str or None, got: a secret for 'token'",
    ),
    (service(name="Web"), "name must be a host name"),
    (service(name="a" * 64), "name must be a host name"),
    (service(name="web-"), "got: 'web-'"),
    (service(stop_timeout=seconds(1)), "stop_timeout must be 2 to 120 seconds, got: 1"),
    (service(stop_timeout=seconds(121)), "stop_timeout must be 2 to 120 seconds, got: 121"),
    *((service(writable_paths=[path]), f"absolute folders such as '/tmp', got: '{path}'") for path in ("tmp", "/", "")),
    *(
        (service(environment={"TOKEN": value}), "got the value of one in 'TOKEN'; pass it as secrets={'TOKEN'")
        for value in (SECRET_VALUE, f"prefix-{SECRET_VALUE}", SecretValue.ssm_secure("/token").unsafe_unwrap())
    ),
    (service(port=[80, 81]), "port must be int or a dict of str to int or None, got: [80, 81]"),
    (service(port={}), "port must hold at least one port, got: {}; pass None for a worker"),
    (service(port={"http": 80, "web": 80}), "port must give each port one name, got: {'http': 80, 'web': 80}"),
    (service(port={"HTTP": 80}), "port names hold at most 32 lower-case letters, digits and hyphens, got: 'HTTP'"),
    (service(port={"http": 0}), "port must be 1 to 65535, or None for a worker, got: 0"),
    (service(port=70000), "port must be 1 to 65535, or None for a worker, got: 70000"),
    (service(port={"http": 80, "a" * 32: 90}), f"at most 63 characters together, got: '{'w' * 32}' and '{'a' * 32}'"),
    (
        service(protocol=elbv2.ApplicationProtocol.HTTPS, service_connect=ServiceConnect.http2()),
        "must be ServiceConnect.tcp(...) for protocol HTTPS, which the proxies cannot read, got: ServiceConnect.http2",
    ),
    (windows(service_connect=ServiceConnect.tcp()), "service_connect must be left out for Windows tasks"),
    (windows(cpu_architecture=ecs.CpuArchitecture.ARM64), "cpu_architecture of Windows tasks is always X86_64"),
    (windows(read_only=True), "read_only must be left out for Windows tasks, which do not have it, got: True"),
    (windows(writable_paths=["/data"]), "writable_paths must be left out for Windows tasks"),
    (windows(user="1000"), "user must be left out for Windows tasks"),
    (windows(capacity=Capacity.spot()), "capacity must be Capacity.on_demand() for Windows tasks"),
    *(
        (windows(**{name: value}), f"{name} must be left out for Windows tasks, which do not have it")
        for name, value in {
            "ulimits": [OPEN_FILES],
            "drop_capabilities": [ecs.Capability.ALL],
            "add_capabilities": [ecs.Capability.SYS_PTRACE],
            "system_controls": [ecs.SystemControl(namespace="net.core.somaxconn", value="1024")],
            "credential_specs": [CREDENTIALS],
            "pid_mode": ecs.PidMode.TASK,
        }.items()
    ),
    (service(start_timeout=seconds(121)), "start_timeout must be 2 to 120 seconds, got: 121"),
    (
        service(ulimits=[ecs.Ulimit(name=ecs.UlimitName.NOFILE, soft_limit=2, hard_limit=1)]),
        "ulimits must have a soft_limit of at most the hard_limit, got: 2 of 1 for NOFILE",
    ),
    (service(add_capabilities=[ecs.Capability.NET_ADMIN]), "the one that Fargate adds, got: NET_ADMIN; leave it out"),
    (
        service(system_controls=[ecs.SystemControl(namespace="vm.max_map_count", value="262144")]),
        "of the network or of IPC, such as 'net.ipv4.tcp_keepalive_time', got: 'vm.max_map_count'",
    ),
    (service(credential_specs=[CREDENTIALS, CREDENTIALS]), "credential_specs must be at most one, got: 2"),
    (
        service(credential_specs=[ecs.DomainJoinedCredentialSpec("arn:aws:s3:::files/shop.json")]),
        "must be an ecs.DomainlessCredentialSpec on Fargate, got: DomainJoinedCredentialSpec",
    ),
    (
        service(pid_mode=ecs.PidMode.HOST),
        "pid_mode must be ecs.PidMode.TASK on Fargate, which",
    ),
    (
        job(restart_policy=RestartPolicy()),
        "must ignore exit code 0, because the job would start again, got: RestartPolicy(",
    ),
    (once(timeout=seconds(0)), "timeout must be 60 to 2592000 seconds, got: 0"),
    (once(timeout=seconds(59)), "timeout must be 60 to 2592000 seconds, got: 59"),
    (job(timeout=Duration.days(31)), "timeout must be 60 to 2592000 seconds, got: 2678400"),
    (job(timeout=Duration.millis(60_500)), "timeout must be whole seconds, got: 1 minute 500 millis"),
    (started(retries=-1), "retries must be 0 to 10, got: -1"),
    (started(retries=11), "retries must be 0 to 10, got: 11"),
    (started(retries=True), "retries must be int, got: True"),
    (started(task_count=0), "task_count must be 1 to 10, got: 0"),
    (started(task_count=11), "task_count must be 1 to 10, got: 11"),
    (
        started(task_count=2, capacity=Capacity.spot(on_demand_base=2)),
        "its 2 tasks would always run on demand, got: on_demand_base=2",
    ),
    (job(enabled="no"), "enabled must be bool, got: 'no'"),
    (started(schedule="daily"), "Job has no argument 'schedule'"),
    (job(retry_attempts=-1), "retry_attempts must be 0 to 185, got: -1"),
    (job(retry_attempts=186), "retry_attempts must be 0 to 185, got: 186"),
    (job(max_event_age=seconds(59)), "max_event_age must be 60 to 86400 seconds, got: 59"),
    (job(max_event_age=Duration.hours(25)), "max_event_age must be 60 to 86400 seconds, got: 90000"),
    (job(capacity=Capacity.spot()), "got: on_demand_base=2; write Capacity.spot(on_demand_base=0)"),
    (job(cpu=300), "got: cpu=300"),
    (
        job(schedule=events.Schedule.rate(Duration.hours(1))),
        "schedule must be aws_scheduler.ScheduleExpression, got: an object of aws_events.Schedule;",
    ),
    (
        job(schedule=scheduler.ScheduleExpression.cron(hour="3", time_zone=TimeZone.of("Europe/Belin"))),
        "IANA's time zone database, got: 'Europe/Belin'; write TimeZone.of('Europe/Berlin'), in schedule",
    ),
    (job(schedule="rate(1 hour)"), "got: 'rate(1 hour)'; write scheduler.ScheduleExpression.cron(minute="),
    (
        expression("0 3 * * *"),
        "schedule must be a cron(...), rate(...) or at(...) of EventBridge Scheduler's, got: '0 3",
    ),
    (expression("cron(0 3 * * *)"), "year, got 5: 'cron(0 3 * * *)'; write ScheduleExpression.cron(minute="),
    (expression("cron(0 3 * * * *)"), "'?' for the day of month or for the day of week, got: 'cron(0 3 * * * *)'"),
    (expression("cron(0 3 ? * ? *)"), "'?' for the day of month or for the day of week, got: 'cron(0 3 ? * ? *)'"),
    (expression("cron(60 3 * * ? *)"), "minute of schedule must be 0 to 59, got: 60 in 'cron(60 3 * * ? *)'"),
    (expression("cron(0 3 ? * 0-4 *)"), "day of week of schedule must be 1 to 7, and 1 is Sunday, got: 0 in 'cron(0"),
    (expression("rate(5 weeks)"), "got: 'rate(5 weeks)'; write ScheduleExpression.cron(minute="),
    (expression("rate(0 days)"), "got: 'rate(0 days)'"),
    (expression("at(2030-01-01)"), "got: 'at(2030-01-01)'"),
    (expression("cron(0 3 * * ? *) "), "got: 'cron(0 3 * * ? *) '"),
]


@pytest.mark.parametrize(("arguments", "message"), CONSTRUCTORS, ids=range(len(CONSTRUCTORS)))
def test_constructors(untouched: Stack, refusing_network: Network, arguments: dict[str, Any], message: str) -> None:
    """The message has the value and what is allowed; the tree stays as it was."""
    make = arguments["make"]
    given = {name: each for name, each in arguments.items() if name != "make"}

    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        make(untouched, LONG_ID, network=refusing_network, image=IMAGE, **given)
    assert untouched.node.try_find_child(LONG_ID) is None


def test_an_id_that_makes_no_name(untouched: Stack, refusing_network: Network) -> None:
    """The error says what to give."""
    with pytest.raises(ValueError, match=r"name is needed for an ID without a letter .*, got: '日本'; write name"):
        FargateService(untouched, "日本", network=refusing_network, image=IMAGE)


VALUES: list[tuple[Callable[[], object], str]] = [
    (lambda: Capacity.spot(on_demand_base=-1), "on_demand_base must be 0 to 100000 tasks, got: -1"),
    (
        lambda: Capacity.spot(on_demand_percent=100),
        "on_demand_percent must be 0 to 99, got: 100; write Capacity.on_demand()",
    ),
    (
        lambda: Capacity.spot(on_demand_percent=NUMBER),
        "on_demand_percent must be 0 to 99 and known at synthesis, got a",
    ),
    (lambda: Deployment.canary(percent=NUMBER), "percent must be 1 to 99 and known at synthesis, got a token: write a"),
    (lambda: Deployment.linear(step=NUMBER), "step must be 3 to 99 and known at synthesis, got a token: write a"),
    (lambda: Deployment.rolling(min_healthy_percent=101), "min_healthy_percent must be 0 to 100, got: 101"),
    (lambda: Deployment.rolling(max_healthy_percent=99), "max_healthy_percent must be 100 to 200, got: 99"),
    (
        lambda: Deployment.rolling(max_healthy_percent=NUMBER),
        "max_healthy_percent must be 100 to 200 and known at synthesis",
    ),
    (
        lambda: Deployment.rolling(max_healthy_percent=100),
        "max_healthy_percent must be above min_healthy_percent, got: 100 for both, and ECS refuses that",
    ),
    (
        lambda: Deployment.recreate(bake_time=seconds(90)),
        "bake_time must be whole minutes, at most 1440, got: 1 minute",
    ),
    (lambda: Deployment.canary(percent=0), "percent must be 1 to 99, got: 0"),
    (lambda: Deployment.linear(step=2), "step must be 3 to 99, got: 2"),
    (lambda: Deployment.linear(interval=Duration.days(2)), "interval must be whole minutes, at most 1440, got: 2 days"),
    (
        lambda: Deployment.blue_green(bake_time=Duration.days(2)),
        "bake_time must be whole minutes, at most 1440, got: 2",
    ),
    (lambda: Deployment.rolling(bake_time=seconds(90)), "whole minutes, at most 1440, got: 1 minute 30 seconds"),
    (lambda: Deployment.canary(test_header=("x y", "z")), "test_header must have a name of at most 40 letters, digits"),
    (lambda: Deployment.linear(test_header=("x-version", " ")), "test_header must have a value of at most 128 visible"),
    (lambda: Deployment.blue_green(test_header=("Host", "a.com")), "test_header cannot be the host, got: 'Host'; take"),
    (lambda: ServiceConnect.http(per_request_timeout=Duration.millis(1500)), "whole seconds, got: 1 second 500 millis"),
    (lambda: RestartPolicy(attempt_period=seconds(59)), "attempt_period must be 60 to 1800 seconds, got: 59"),
    (lambda: RestartPolicy(attempt_period=seconds(1801)), "attempt_period must be 60 to 1800 seconds, got: 1801"),
    (
        lambda: RestartPolicy(attempt_period=seconds(Token.as_number({"Ref": "Period"}))),
        "attempt_period must be known at synthesis, because CDK compares it, got: a token",
    ),
    (lambda: RestartPolicy(ignored_exit_codes=[1] * 51), "ignored_exit_codes must be at most 50, got: 51"),
    (lambda: Rollback(failed_tasks=0), "failed_tasks must be at least 1, got: 0"),
    (lambda: Rollback(error_percent=0), "error_percent must be 1 to 100, or None for no alarm, got: 0"),
    (lambda: Rollback(error_percent=101), "error_percent must be 1 to 100, or None for no alarm, got: 101"),
    (lambda: Scaling(min=-1), "min must be at least 0 tasks, got: -1"),
    (lambda: Scaling(max=0), "max must be at least min (2), got: 0"),
    (lambda: Scaling(min=3, max=2), "max must be at least min (3), got: 2"),
    (lambda: Scaling(min=NUMBER, max=-1), "max must be at least 0 tasks, got: -1"),
    (lambda: Scaling(cpu_percent=0), "cpu_percent must be 1 to 100, got: 0"),
    (lambda: Scaling(cpu_percent=101), "cpu_percent must be 1 to 100, got: 101"),
    (lambda: Scaling(memory_percent=0), "memory_percent must be 1 to 100, got: 0"),
    (lambda: Scaling(requests_per_target=0), "requests_per_target must be at least 1 a minute, got: 0"),
    (
        lambda: Scaling(scale_in_cooldown=Duration.millis(1500)),
        "scale_in_cooldown must be whole seconds, got: 1 second",
    ),
    (lambda: Scaling(scale_out_cooldown=Duration.millis(1)), "scale_out_cooldown must be whole seconds, got: 1 milli"),
    (lambda: Health(path="healthz"), "path must begin with '/', got: 'healthz'"),
    (lambda: Health(command=["curl", "x"]), "got: ['curl', 'x']; write command=['CMD-SHELL', 'curl x']"),
    (lambda: Health(command=[]), "got: []; write command=['CMD-SHELL', '...']"),
    (lambda: Health(command="curl x"), "got: 'curl x'; write command=['CMD-SHELL', '...']"),
    (lambda: Health(healthy_http_codes="ok"), "numbers or ranges of 200 to 499, such as '200', '200,301' or '200-299'"),
    (lambda: Health(healthy_http_codes="200-500"), "got: '200-500'"),
    (lambda: Health(healthy_http_codes="199"), "got: '199'"),
    (lambda: Health(healthy_http_codes="299-200"), "got: '299-200'"),
    (lambda: Health(healthy_http_codes="200-250-299"), "got: '200-250-299'"),
    (lambda: Health(healthy_http_codes="200,"), "got: '200,'"),
    (lambda: Health(healthy_grpc_codes="100"), "healthy_grpc_codes must be numbers or ranges of 0 to 99, such as '0'"),
    (lambda: Health(interval=seconds(4)), "interval must be 5 to 300 seconds, got: 4"),
    (lambda: Health(timeout=seconds(1)), "timeout must be 2 to 60 seconds, got: 1"),
    (lambda: Health(timeout=seconds(10)), "timeout must be less than interval (10 seconds), got: 10 seconds"),
    (lambda: Health(grace_period=seconds(301)), "grace_period must be 0 to 300 seconds, got: 301"),
    (lambda: Health(deregistration_delay=seconds(3601)), "deregistration_delay must be 0 to 3600 seconds, got: 3601"),
    (lambda: Health(healthy_threshold_count=1), "healthy_threshold_count must be 2 to 10, got: 1"),
    (lambda: Health(unhealthy_threshold_count=11), "unhealthy_threshold_count must be 2 to 10, got: 11"),
    (lambda: TaskSize.smallest_for(cpu=32768, memory_limit_mib=249857), "no task is as large, got: cpu=32768 memory"),
    (
        lambda: TaskSize(**{**WINDOWS, "cpu": 256, "memory_limit_mib": 512}),
        "got: cpu=256 memory_limit_mib=512; nearest: cpu=1024 memory_limit_mib=2048",
    ),
    *(
        (partial(TaskSize, cpu=256, memory_limit_mib=512, ephemeral_storage_gib=size), f"21 to 200, got: {size}; leave")
        for size in (20, 201)
    ),
    (lambda: TaskSize(**WINDOWS, ephemeral_storage_gib=50), "ephemeral_storage_gib cannot be set for Windows tasks"),
]


@pytest.mark.parametrize(("make", "message"), VALUES, ids=range(len(VALUES)))
def test_values(make: Callable[[], object], message: str) -> None:
    """They are refused where they are made, not where they are used."""
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        make()


def test_methods() -> None:
    """A method that refuses its arguments changes nothing."""
    stack = Stack(App(), "Test")
    network, elsewhere = network_in(stack), FixedEgressNetwork(stack, "Elsewhere", cidr="10.1.0.0/16")
    web, api, worker = (
        FargateService(stack, name, network=network, image=IMAGE, port=port)
        for name, port in (("Web", 80), ("Api", {"http": 80, "admin": 90}), ("Worker", None))
    )
    far = FargateService(stack, "Far", network=elsewhere, image=IMAGE)
    on_windows = FargateService(stack, "Windows", network=network, image=IMAGE, **WINDOWS)
    files = efs.FileSystem(stack, "Files", vpc=network.vpc, encrypted=True)
    open_files = efs.FileSystem(stack, "OpenFiles", vpc=network.vpc, encrypted=False)
    far_files = efs.FileSystem(stack, "FarFiles", vpc=elsewhere.vpc, encrypted=True)
    queue = sqs.Queue(stack, "Orders")
    web.scale_on_backlog("Orders", queue=queue, messages_per_task=1)
    web.mount_file_system("/data", file_system=files)
    migrate: Any = OneOffTask(stack, "Migrate", network=network, image=IMAGE)
    slow = OneOffTask(stack, "Slow", network=network, image=IMAGE, timeout=Duration.minutes(51))
    twice = OneOffTask(stack, "Twice", network=network, image=IMAGE, task_count=2)
    field = events.EventField.from_path("$.detail.order")
    day = sfn.JsonPath.string_at("$.day")
    bucket = s3.Bucket(stack, "Uploads")
    before = len(stack.node.find_all())

    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: web.link_to(web), "a service cannot link to itself, got: 'web'; use localhost"),
        (lambda: web.link_to(worker), "a link needs a service with a port, got the worker 'worker'; give it a port"),
        (lambda: web.link_to(api, port="grpc"), "port must be a name that 'api' gave (http, admin), got: 'grpc'"),
        (
            lambda: api.link_to(web, port="grpc"),
            "gave (none), got: 'grpc'; leave it out for its only port, or write port={'grpc': ...} there, or a name",
        ),
        (lambda: web.link_to(far), "linked services must be in the same network, got: 'web' and 'far' in two"),
        (
            lambda: web.link_to(on_windows),
            "links need Service Connect, which has no Windows containers, got: 'windows'",
        ),
        (
            lambda: on_windows.link_to(web),
            "links need Service Connect, which has no Windows containers, got: 'windows'",
        ),
        (
            lambda: on_windows.mount_file_system("/data", file_system=files),
            "cannot be mounted into Windows tasks, got: '/",
        ),
        (
            lambda: web.mount_file_system("data", file_system=files),
            "must be an absolute folder such as '/data', got: 'd",
        ),
        (lambda: web.mount_file_system("/", file_system=files), "must be an absolute folder such as '/data', got: '/'"),
        *(
            (
                partial(web.mount_file_system, path, file_system=files),
                "at most four folders deep and 100 characters long",
            )
            for path in ("/var/lib/app/data/uploads", f"/{'a' * 100}", "/a*")
        ),
        (
            lambda: web.mount_file_system("/data", file_system=files),
            "differ from the container's other mounts, got: '/d",
        ),
        (
            lambda: web.mount_file_system("/open", file_system=open_files),
            "must be encrypted at rest, got: Test/OpenFiles",
        ),
        (
            lambda: web.mount_file_system("/far", file_system=far_files),
            "in the same network as the task, got: Test/FarFil",
        ),
        (
            lambda: web.scale_on_backlog("None", queue=queue, messages_per_task=0),
            "messages_per_task must be at least 1",
        ),
        (
            lambda: web.scale_on_backlog("Orders", queue=queue, messages_per_task=1),
            "id must differ from the service's oth",
        ),
        (lambda: migrate.run_before(web.service), "service must be FargateService, got: "),
        (lambda: slow.run_before(web), "timeout of a run before deployments must be 60 to 3000 seconds, got: 3060"),
        (lambda: twice.run_before(web), "task_count must be 1 for run_before, got: 2; write another OneOffTask"),
        (lambda: twice.task_state("Run"), "task_count must be 1 for task_state, got: 2; write several states"),
        (lambda: migrate.event_target("Paid", environment={"ORDER": field}), "got an events.EventField; write sfn.Js"),
        (lambda: migrate.event_target("Paid", command=["bill", f"--order={field}"]), "got an events.EventField; write"),
        (
            lambda: migrate.event_target("Paid", environment={"ORDER": "$.detail.order"}),
            "write sfn.JsonPath.string_at('$.",
        ),
        (lambda: migrate.event_target("Paid", command=[f"--day={day}"]), "as the whole text, got a part of one; write"),
        (
            lambda: migrate.task_state("Paid", command=["bill", sfn.JsonPath.number_at("$.day")]),
            "take texts, got a number of the input; write sfn.JsonPath.format(",
        ),
        (lambda: migrate.task_state("Paid", environment={"TOKEN": SECRET_VALUE}), "got the value of one in 'TOKEN'"),
        (
            lambda: migrate.run_on_upload("In", bucket=bucket, environment={"S3_KEY": "x"}),
            "environment must not have names that the upload sets, got: S3_KEY",
        ),
        (lambda: migrate.event_target("Logs"), "id must differ from the IDs of the job's other parts, got: 'Logs'"),
        (
            lambda: migrate.task_state("TaskRole"),
            "id must differ from the IDs of the job's other parts, got: 'TaskRole'",
        ),
        *(
            (
                partial(migrate.run_on_upload, taken, bucket=bucket),
                "id must differ from the IDs of the job's other parts",
            )
            for taken in ("Logs", "Alarm", "Machine", "Run")
        ),
        (
            lambda: migrate.event_target("Paid", environment={"ORDER": "{% $states.input.order %}"}),
            "pass JSONata as it is written; write sfn.JsonPath.string_at('$.detail…') for a field of the event",
        ),
        (
            lambda: migrate.task_state("Paid", environment={"DAY": day}, command=["{% $states.input.day %}"]),
            "a state with JSONata take no sfn.JsonPath; write '{% $states.input.day %}' for a field",
        ),
        (lambda: migrate.run_on_upload("In", bucket="uploads"), "bucket must be aws_s3.IBucket, got: 'uploads'"),
        (lambda: web.add_sidecar("proxy", image=IMAGE, environment={"TOKEN": SECRET_VALUE}), "value of one in 'TOKEN'"),
    ]
    for call, message in calls:
        with pytest.raises((TypeError, ValueError), match=re.escape(message)):
            call()
    assert len(stack.node.find_all()) == before
    web.mount_file_system("/a*", file_system=files, access_point=files.add_access_point("Uploads", path="/uploads"))


def test_tokens_that_must_be_known(untouched: Stack, refusing_network: Network) -> None:
    """The function of a run counts its seconds."""
    token = CfnParameter(untouched, "Seconds", type="Number").value_as_number

    with pytest.raises(ValueError, match="timeout must be known at synth"):
        OneOffTask(untouched, "Once", network=refusing_network, image=IMAGE, timeout=seconds(token))


def test_logs_that_would_have_no_effect() -> None:
    """A router has its own log group, which is the task's too."""
    stack = Stack(App(), "Test")
    network = network_in(stack)
    lines, other = logs.LogGroup(stack, "Lines"), logs.LogGroup(stack, "Other")
    router = LogArchive(stack, "Archive").log_router(lines)
    month, blocking = logs.RetentionDays.ONE_MONTH, ecs.AwsLogDriverMode.BLOCKING
    arguments: list[tuple[dict[str, Any], str]] = [
        ({"log_group": lines, "log_retention": month}, "log_retention is of a log group made here, got ONE_MONTH"),
        ({"log_router": router, "log_retention": month}, "log_retention is of a log group made here, and a log_router"),
        ({"log_router": router, "log_group": other}, "log_group must be that of the log_router (Test/Lines)"),
        ({"log_router": router, "log_driver_mode": blocking}, "log_driver_mode must be left out"),
        ({"log_router": router, **WINDOWS}, "log_router must be left out for Windows tasks"),
        ({"log_router": router, "multiline_pattern": "^-"}, "multiline_pattern must be left out with a log_router"),
    ]
    for given, message in arguments:
        with pytest.raises(ValueError, match=re.escape(message)):
            FargateService(stack, "Refused", network=network, image=IMAGE, **given)
    web = FargateService(stack, "Web", network=network, image=IMAGE, log_router=router)
    with pytest.raises(ValueError, match="multiline_pattern must be left out with a log_router"):
        web.add_sidecar("other", image=IMAGE, multiline_pattern="^-")
    assert web.log_group is lines
