"""One manifest in one environment, as statements of an app."""

from fargate_constructs.adoption.copilot import messages, task_fields
from fargate_constructs.adoption.copilot.code import call, made, text
from fargate_constructs.adoption.copilot.container_ports import Ports
from fargate_constructs.adoption.copilot.containers import environment_argument, health_check, main_container, sidecars
from fargate_constructs.adoption.copilot.count_fields import deployment, scaling
from fargate_constructs.adoption.copilot.draft import Draft
from fargate_constructs.adoption.copilot.health_fields import service_health
from fargate_constructs.adoption.copilot.http_rules import Routes
from fargate_constructs.adoption.copilot.nlb_listeners import Listeners
from fargate_constructs.adoption.copilot.statements import Statement, Statements, with_notes, without_unused
from fargate_constructs.adoption.copilot.values import construct_id, cron_expression, duration_code, milliseconds
from fargate_constructs.adoption.copilot.volumes import volumes

STOP_TIMEOUT = 30_000
# The order of the arguments in the app.
ORDER = (
    "network",
    "cluster",
    "security_groups",
    "name",
    "image",
    "schedule",
    "enabled",
    "timeout",
    "retries",
    "port",
    "queue",
    "message_duration",
    "acceptable_wait",
    "min_tasks",
    "max_tasks",
)


def statements(draft: Draft, position: int) -> Statements:
    """Return the statements of a workload, and list in its ledger what is not converted."""
    root = draft.root
    root.take("name")
    root.take("type")
    task_fields.platform(draft)
    main_container(draft)
    task_fields.size(draft)
    task_fields.network(draft)
    task_fields.exec_access(draft)
    task_fields.logs(draft)
    messages.publish(draft)
    if draft.kind == "J":
        sidecars(draft, Ports(draft, None))
        volumes(draft)
        _job(draft)
    else:
        _service(draft, position)
    draft.arguments["name"] = text(draft.alias or draft.name)
    draft.arguments["environment"] = environment_argument(draft, draft.variables)
    task_fields.overrides(draft)
    root.list_rest()
    arguments = {name: draft.arguments[name] for name in ORDER if name in draft.arguments} | draft.arguments
    constructor = made(draft.function, construct_id(draft.name), **arguments)
    service = Statement(constructor, draft.variable, owns="")
    found = without_unused({**draft.before, "service": service, **draft.after})
    return with_notes(found, root.ledger.notes)


def _service(draft: Draft, position: int) -> None:
    ports = Ports.of(draft)
    routes = Routes(draft, ports, position)
    routes.read()
    listeners = Listeners(draft, ports)
    service_health(draft, ports)
    queue = _worker(draft) if draft.kind == "W" else ""
    if routes.rules:
        prefix = "Internal" if routes.is_internal else "Public"
        draft.common_variables["COPILOT_LB_DNS"] = f'environment.export("{prefix}LoadBalancerDNS")'
    sidecars(draft, ports)
    volumes(draft)
    routes.write()
    listeners.write()
    _connect(draft)  # after listeners of UDP
    ports.write()
    if draft.function == "QueueWorker":
        del draft.arguments["port"]
    group = draft.of_service("target_groups[0]") if routes.rules else ""
    scaling(draft, group=group)
    deployment(draft, queue=queue)
    task_fields.traces(draft)


def _worker(draft: Draft) -> str:
    """Add the queues of a worker; return the variable of the default one."""
    queue, timeout = messages.subscribe(draft)
    delay = draft.root.section("count").section("queue_delay") if draft.root.is_map("count") else None
    if delay is None or not delay.keys:
        draft.do("consume", call(f"{queue}.grant_consume_messages", draft.variable))
        return queue
    draft.function = "QueueWorker"
    duration, wait = delay.milliseconds("msg_processing_time"), delay.milliseconds("acceptable_latency")
    if not duration or not wait:
        key = "acceptable_latency" if duration else "msg_processing_time"
        raise delay.ledger.error(delay.line(key), f"count.queue_delay.{key} is missing")
    draft.arguments |= {
        "queue": queue,
        "message_duration": duration_code(duration),
        "acceptable_wait": duration_code(wait),
    }
    if timeout < STOP_TIMEOUT:
        draft.arguments["stop_timeout"] = duration_code(max(timeout, 2_000))
    return queue


def _connect(draft: Draft) -> None:
    """Join Copilot's namespace of Service Connect."""
    section = draft.root.section("network")
    if not section.is_on("connect"):
        return
    if section.is_map("connect") and (alias := section.section("connect").text("alias")):
        draft.alias = alias
    if draft.function == "QueueWorker":
        section.lose("connect", "a QueueWorker has no links; give its tasks the address of the service")
        return
    # Copilot names no protocol, and the proxies then handle connections.
    draft.arguments["service_connect"] = call("ServiceConnect.tcp", namespace="environment.namespace")
    draft.do("namespace", call(draft.of_service("join_namespace")), owns="network.connect")


def _job(draft: Draft) -> None:
    root = draft.root
    draft.function = "ScheduledTask"
    section = root.section("on")
    schedule = section.text("schedule") or ""
    expression = "rate(1 hour)" if schedule == "none" else cron_expression(schedule)
    if expression is None:
        raise section.wrong(
            "schedule", "a schedule such as @daily, @every 5m, 0 9 * * 1 or cron(0 9 * * ? *)", schedule
        )
    draft.arguments["schedule"] = call("scheduler.ScheduleExpression.expression", text(expression))
    if schedule == "none":
        draft.arguments["enabled"] = "False"
    if retries := root.number("retries"):
        draft.arguments["retries"] = str(retries)
    if (timeout := root.text("timeout")) is not None:
        length = milliseconds(timeout)
        if not length:
            raise root.wrong("timeout", "a duration such as 1h30m", timeout)
        draft.arguments["timeout"] = duration_code(length)
    if check := health_check(root.section("image").section("healthcheck")):
        draft.arguments["health_check"] = check
    network = root.section("network")
    if network.is_on("connect"):
        network.lose("connect", "tasks without a service have no Service Connect; call the service by another name")
