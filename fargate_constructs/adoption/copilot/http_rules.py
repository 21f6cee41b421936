"""Routes of the load balancers: hosts, paths, ports, redirects."""

from dataclasses import dataclass, field

from fargate_constructs.adoption.copilot.code import Expression, call, listed, made, text, texts
from fargate_constructs.adoption.copilot.container_ports import TLS_PORT, Ports, Target
from fargate_constructs.adoption.copilot.draft import Draft
from fargate_constructs.adoption.copilot.health_fields import target_health
from fargate_constructs.adoption.copilot.sections import Section
from fargate_constructs.adoption.copilot.source import ENVIRONMENT, Block, Items, Scalar
from fargate_constructs.adoption.copilot.values import absolute_path, flag

VERSIONS = {"grpc": "GRPC", "http2": "HTTP2"}
STICKY = "Duration.days(1)"  # the default of the load balancer, which Copilot keeps
OF_GROUP = ("healthcheck", "deregistration_delay", "stickiness", "version")
# Priorities of redirects, which differ between workloads.
FIRST_REDIRECT_PRIORITY = 20_000
PER_WORKLOAD = 10
SHARED = "requests to one port have one target group here, with the settings of the first rule"
INTERNAL = (
    "this route answers the name in .internal; for callers of the load balancer's own name (COPILOT_LB_DNS) add a "
    "route with that host and a priority"
)


@dataclass
class Rule:
    """One rule of `http`."""

    section: Section
    target: Target
    hosts: list[str]
    path: str
    source_ips: Expression | None
    index: int
    redirects: bool

    @property
    def id(self) -> str:
        """The ID of the route."""
        return "Main" if self.index == 0 else f"Rule{self.index}"

    @property
    def paths(self) -> list[str]:
        """The patterns: Copilot's `x` is `/x` and what is below it."""
        return [] if self.path == "/" else [self.path, f"{self.path.rstrip('/')}/*"]


@dataclass
class Routes:
    """The routes of a workload."""

    draft: Draft
    ports: Ports
    position: int
    """The number of the workload in the application, for priorities that differ."""
    rules: list[Rule] = field(default_factory=list)

    @property
    def is_internal(self) -> bool:
        """Whether the load balancer is the internal one."""
        return self.draft.kind == "B"

    def read(self) -> None:
        """Read the rules, and what they say about the ports."""
        root = self.draft.root
        if self.draft.kind not in "LB" or "http" not in root:
            return
        if not root.is_map("http"):
            if flag(root.text("http") or "") is not False:
                raise root.wrong("http", "a map, or false", root.raw("http"))
            return
        http = root.section("http")
        if "alb" in http:
            http.lose("alb")
            for key in http.keys:
                http.take(key)
            return
        self.rules = [self._rule(each, index) for index, each in enumerate([http, *http.sections("additional_rules")])]
        for rule in self.rules:
            self.ports.use(rule.target, first=rule.index == 0)
        for rule in self.rules:
            self._options(rule)

    def _rule(self, section: Section, index: int) -> Rule:
        hosts = _aliases(section)
        if "hosted_zone" in section:
            section.lose("hosted_zone")
        redirects = section.flag("redirect_to_https")
        return Rule(
            section,
            self.ports.target(section),
            hosts,
            absolute_path(section.text("path") or "/"),
            _source_ips(section),
            index,
            bool(hosts) if redirects is None else redirects,
        )

    def _options(self, rule: Rule) -> None:
        """Set what the target group of a rule's port has."""
        section, target = rule.section, rule.target
        if target in self.ports.options:
            for key in OF_GROUP:
                if key in section:
                    section.differ(key, SHARED)
            return
        options: dict[str, Expression] = {}
        if target.port == TLS_PORT:
            options["protocol"] = "elbv2.ApplicationProtocol.HTTPS"
        version = section.choice("version", ("http1", "http2", "grpc"))
        if version in VERSIONS:
            options["protocol_version"] = f"elbv2.ApplicationProtocolVersion.{VERSIONS[version]}"
        target_health(section, self.ports, target)
        if section.flag("stickiness"):
            options["load_balancing"] = call("LoadBalancing.round_robin", stickiness_cookie_duration=STICKY)
        self.ports.options[target] = options

    def write(self) -> None:
        """Add the routes."""
        if not self.rules:
            return
        is_https = any(rule.hosts for rule in self.rules)
        prefix = "Internal" if self.is_internal else ""
        if self.is_internal and not is_https:
            for rule in self.rules:
                rule.hosts = [f"{self.draft.name}.{ENVIRONMENT}.{self.draft.application}.internal"]
            self.draft.root.differ("http", INTERNAL)
        variable = "https" if is_https else "http"
        self._endpoint(variable, f"{prefix}{variable.upper()}ListenerArn")
        for rule in self.rules:
            self._route(rule, variable)
        if is_https:
            self._plain_http(f"{prefix}HTTPListenerArn")
        first_rules: dict[Target, Rule] = {}
        for rule in self.rules:
            first_rules.setdefault(rule.target, rule)
        for index, rule in enumerate(first_rules.values()):
            self._check_protocol(rule, index)

    def _check_protocol(self, rule: Rule, index: int) -> None:
        """Set the protocol of a check at another port, if only one of the two ports is that of HTTPS."""
        check = rule.section.section("healthcheck") if rule.section.is_map("healthcheck") else None
        port = check.number("port") if check else None
        if check is None or port is None or (port == TLS_PORT) == (rule.target.port == TLS_PORT):
            return
        values = {"HealthCheckProtocol": text("HTTPS" if port == TLS_PORT else "HTTP")}
        group = self.draft.of_service(f"target_groups[{index}]")
        self.draft.override(f"target_group_{index}", "elbv2.CfnTargetGroup", group, values, owns=check.path)

    def _endpoint(self, variable: str, export: str) -> None:
        endpoint = made("HttpEndpoint.from_listener", variable.capitalize(), self._listener(variable, export))
        self.draft.do(f"endpoint {variable}", endpoint, target=variable)

    def _listener(self, variable: str, export: str) -> str:
        """Import a listener once."""
        listener = call("environment.listener", text(export))
        self.draft.do(f"listener {variable}", listener, target=f"{variable}_listener")
        return f"{variable}_listener"

    def _route(self, rule: Rule, variable: str) -> None:
        port = self.ports.route_port(rule.target)
        value = call(
            f"{variable}.add_route",
            text(f"{rule.id}{'' if variable == 'https' else 'Http'}"),
            service=self.draft.variable,
            port=text(port) if port else None,
            hosts=texts(rule.hosts) if rule.hosts else None,
            paths=texts(rule.paths) if rule.paths else None,
            source_ips=rule.source_ips,
        )
        self.draft.do(f"route {variable} {rule.index}", value, owns=rule.section.path)

    def _plain_http(self, export: str) -> None:
        """Redirect from HTTP, or answer there, too."""
        others = [rule for rule in self.rules if not rule.redirects]
        seen: set[tuple[str, ...]] = set()
        for rule in self.rules:
            hosts = tuple(rule.hosts)
            if not rule.redirects or (not others and hosts in seen):
                continue
            seen.add(hosts)
            conditions = [call("elbv2.ListenerCondition.host_headers", texts(rule.hosts))] if rule.hosts else []
            if others or not conditions:
                conditions.insert(0, call("elbv2.ListenerCondition.path_patterns", texts(rule.paths or ["/*"])))
            action = call("elbv2.ListenerAction.redirect", protocol=text("HTTPS"), port=text("443"), permanent="True")
            value = made(
                "elbv2.ApplicationListenerRule",
                f"{rule.id}Redirect",
                listener=self._listener("http", export),
                priority=str(FIRST_REDIRECT_PRIORITY + self.position * PER_WORKLOAD + rule.index),
                conditions=listed(conditions),
                action=action,
            )
            self.draft.do(f"redirect {rule.index}", value, owns=rule.section.path)
        if others:
            self._endpoint("http", export)
        for rule in others:
            self._route(rule, "http")


def _source_ips(section: Section) -> Expression | None:
    if variable := section.list_variable("allowed_source_ips"):
        return f"json.loads({variable})"
    values = section.texts("allowed_source_ips")
    return texts(values) if values else None


def _aliases(section: Section) -> list[str]:
    value = section.raw("alias")
    if isinstance(value, Items) and any(isinstance(each, Block) for each in value):
        found = []
        for each in section.sections("alias"):
            found.append(each.text("name") or "")
            if "hosted_zone" in each:
                each.lose("hosted_zone")
        return found
    if isinstance(value, Scalar) and "," in value.text:  # Copilot takes a list in one text, too
        section.take("alias")
        return [each.strip() for each in value.text.split(",")]
    return section.texts("alias") or []
