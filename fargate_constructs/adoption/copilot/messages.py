"""Topics that a workload publishes, and the queues of a worker."""

from fargate_constructs.adoption.copilot.code import Expression, Mapped, call, data, made, mapping, text
from fargate_constructs.adoption.copilot.draft import Draft, Topic, durations
from fargate_constructs.adoption.copilot.sections import Section
from fargate_constructs.adoption.copilot.source import ENVIRONMENT
from fargate_constructs.adoption.copilot.statements import Statement
from fargate_constructs.adoption.copilot.task_fields import plain
from fargate_constructs.adoption.copilot.values import construct_id

DEFAULT_TRIES = 5
DEFAULT_TIMEOUT = 30_000  # of SQS, and so of Copilot
TIMES = {"delay": "delivery_delay", "retention": "retention_period", "timeout": "visibility_timeout"}
SCOPES = {"messageGroup": "MESSAGE_GROUP", "queue": "QUEUE"}
LIMITS = {"perMessageGroupId": "PER_MESSAGE_GROUP_ID", "perQueue": "PER_QUEUE"}


def publish(draft: Draft) -> None:
    """Add the topics, and the variable that lists their ARNs."""
    arns: dict[str, Expression] = {}
    for section in draft.root.section("publish").sections("topics"):
        options = _fifo(section)
        topic = Topic(draft.name, f"{section.text('name')}{'.fifo' if options else ''}")
        if topic.name in arns:
            raise section.ledger.error(section.line("name"), f"the topic {topic.name!r} is there twice: leave one out")
        target = f"self.{topic.attribute}"
        value = made("sns.Topic", f"{construct_id(topic.name)}Topic", **options, enforce_ssl="True")
        draft.before[f"topic {topic.name}"] = Statement(value, target, is_import=True, owns=section.path)
        draft.do(f"publish {topic.name}", call(f"{target}.grant_publish", draft.variable))
        arns[topic.name] = f"{target}.topic_arn"
    if arns:
        draft.common_variables["COPILOT_SNS_TOPIC_ARNS"] = call("self.to_json_string", mapping(arns))


def subscribe(draft: Draft) -> tuple[str, int]:
    """Add the queues and subscriptions; return the variable of the default queue, and its timeout."""
    section = draft.root.section("subscribe")
    events, timeout = _queue(draft, "Events", section.section("queue"))
    draft.common_variables["COPILOT_QUEUE_URI"] = f"{events}.queue_url"
    urls: dict[str, Expression] = {}
    for topic in section.sections("topics"):
        name, service = topic.text("name") or "", topic.text("service") or ""
        queue = events
        if topic.is_on("queue"):
            own = topic.section("queue") if topic.is_map("queue") else topic.empty("queue")
            queue, _ = _queue(draft, f"{construct_id(service)}{construct_id(name)}", own)
            fifo = "fifo" if own.is_on("fifo") else ""
            urls[f"{_letters(service)}{_letters(name).capitalize()}{fifo}EventsQueue"] = f"{queue}.queue_url"
            draft.do(f"consume {queue}", call(f"{queue}.grant_consume_messages", draft.variable))
        fifo_section = topic.section("queue") if topic.is_map("queue") else section.section("queue")
        source = _topic(draft, service, name, is_fifo=fifo_section.is_on("fifo"))
        _subscription(draft, topic, source, queue)
    if urls:
        draft.common_variables["COPILOT_TOPIC_QUEUE_URIS"] = call("self.to_json_string", mapping(urls))
    return events, timeout


def _letters(name: str) -> str:
    return "".join(letter for letter in name if letter.isalnum())


def _queue(draft: Draft, prefix: str, section: Section) -> tuple[str, int]:
    """Add a queue with its dead-letter queue; return its variable and its timeout in milliseconds."""
    fifo = _fifo_queue(section)
    dead = made(
        "sqs.Queue",
        f"{prefix}DeadLetterQueue",
        fifo="True" if fifo else None,
        retention_period="Duration.days(14)",
        enforce_ssl="True",
    )
    dead_letters = draft.make(f"{prefix}_dead_letter_queue", dead)
    tries = section.section("dead_letter").number("tries")
    if tries is None:
        todo = f"Copilot has none; here a message that fails {DEFAULT_TRIES} times moves to a dead-letter queue"
        section.differ("dead_letter", todo)
    after_tries = call("sqs.DeadLetterQueue", queue=dead_letters, max_receive_count=str(tries or DEFAULT_TRIES))
    options = fifo | durations(section, TIMES) | {"dead_letter_queue": after_tries, "enforce_ssl": "True"}
    queue = made("sqs.Queue", f"{prefix}Queue", **options)
    variable = draft.make(f"{prefix}_queue", queue, owns=section.path or "subscribe")
    timeout = section.milliseconds("timeout")
    return variable, DEFAULT_TIMEOUT if timeout is None else timeout


def _fifo(section: Section) -> dict[str, Expression]:
    """Return what makes a topic or queue a FIFO one. Copilot adds `.fifo` to the name of a topic."""
    options: dict[str, Expression] = {"fifo": "True"} if section.is_on("fifo") else {}
    if section.is_map("fifo") and section.section("fifo").flag("content_based_deduplication"):
        options["content_based_deduplication"] = "True"
    return options


def _fifo_queue(section: Section) -> dict[str, Expression]:
    options = _fifo(section)
    if not section.is_map("fifo"):
        return options
    inner = section.section("fifo")
    scope = inner.choice("deduplication_scope", tuple(SCOPES))
    limit = inner.choice("throughput_limit", tuple(LIMITS))
    if inner.flag("high_throughput"):
        scope, limit = "messageGroup", "perMessageGroupId"
    if scope:
        options["deduplication_scope"] = f"sqs.DeduplicationScope.{SCOPES[scope]}"
    if limit:
        options["fifo_throughput_limit"] = f"sqs.FifoThroughputLimit.{LIMITS[limit]}"
    return options


def _topic(draft: Draft, service: str, name: str, *, is_fifo: bool) -> str:
    """Return the variable of a topic: an argument of the stack, or Copilot's own by its ARN."""
    name += ".fifo" if is_fifo else ""
    topic = Topic(service, name)
    if topic in draft.topics and service == draft.name:
        return f"self.{topic.attribute}"
    if topic in draft.topics:
        draft.subscribed.add(topic)
        return topic.variable
    resource = text(f"{draft.application}-{ENVIRONMENT}-{service}-{name}")
    arn = call("self.format_arn", service=text("sns"), resource=resource)
    topic_id = f"{construct_id(service)}{construct_id(name)}Topic"
    return draft.imported(topic.variable, made("sns.Topic.from_topic_arn", topic_id, arn))


def _subscription(draft: Draft, section: Section, topic: str, queue: str) -> None:
    policy = plain(section.take("filter_policy"))
    simple = _simple_policy(policy) if isinstance(policy, dict) else None
    value = call(f"{topic}.add_subscription", call("subscriptions.SqsSubscription", queue, filter_policy=simple))
    is_complex = bool(policy) and simple is None
    target = f"{topic.removeprefix('self.')}_subscription" if is_complex else ""
    draft.do(f"subscribe {topic}", value, target=target, owns=section.path)
    if is_complex:
        variable = target.replace("_subscription", "_filter")
        values = {"FilterPolicy": data(policy)}
        draft.override(variable, "sns.CfnSubscription", target, values, owns=f"{section.path}.filter_policy")


def _simple_policy(policy: dict[object, object]) -> Mapped | None:
    """Return a policy with lists of texts only, in CDK's words."""
    filters: dict[str, Expression] = {}
    for key, values in policy.items():
        if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
            return None
        filters[str(key)] = call("sns.SubscriptionFilter.string_filter", allowlist=data(values))
    return mapping(filters)
