"""Dashboards and alarms over all parts.

```
callers ──> endpoint ──> service ──> network ──> internet        each with its metrics
   └───────────┴───────────┴───────────┴──> [FargateMonitoring] ──> dashboard, page, ticket
```
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from aws_cdk import Aspects, Duration, IAspect, NestedStack, Stage
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from fargate_constructs._core.arguments import checked
from fargate_constructs._core.construct_paths import path_of, top_stack_of
from fargate_constructs._core.synthesis_checks import check_at_synthesis
from fargate_constructs.monitoring.burn_rate import validate_slo
from fargate_constructs.monitoring.dashboards import DashboardPage, LayOut
from fargate_constructs.monitoring.watched import Severity, Watched
from fargate_constructs.monitoring.watched_callers import validate_latency
from fargate_constructs.monitoring.watchers import (
    WATCHERS,
    Options,
    describe_part,
    describe_parts,
    parts_of,
    state_of,
    watcher_of,
)

# A service has up to 30 resources and 90 kB here. A stack takes 500 resources, and a template 1,000,000 bytes
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html). What is above this number
# goes into nested stacks.
UNITS_OF_STACK = 10


@checked
class FargateMonitoring(Construct):
    """A dashboard, and few alarms that a person on call would want, over what you give it.

    Each service, endpoint, network, archive and job that is watched has a composite alarm that pages, and one that
    writes a ticket. So one fault calls once. A `FargateWebService` is watched as one. While a service pages, its
    endpoint does not.

    ```python
    monitoring = FargateMonitoring(stack, "Monitoring", alarm_actions=[actions.SnsAction(topic)])
    monitoring.watch(network, endpoint, archive)
    monitoring.watch(web, slo=99.9)
    ```

    Its stack depends on those of the parts, so make it in a stack of its own or in the last one.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        alarm_actions: Sequence[cloudwatch.IAlarmAction] = (),
        page: Sequence[cloudwatch.IAlarmAction] = (),
        ticket: Sequence[cloudwatch.IAlarmAction] = (),
    ) -> None:
        """A dashboard, and few alarms that a person on call would want, over what you give it.

        Args:
            scope: The construct that owns the monitoring.
            id: The construct's ID.
            alarm_actions: What pages and tickets do, such as `SnsAction(topic)`. By default nothing: the dashboard
                shows the alarms.
            page: What pages do in addition. By default nothing.
            ticket: What tickets do in addition. By default nothing.
        """
        super().__init__(scope, id)
        self._actions = {Severity.PAGE: [*alarm_actions, *page], Severity.TICKET: [*alarm_actions, *ticket]}
        self._pages = [DashboardPage(self, "Dashboard")]
        self._states: dict[str, tuple[Construct, object]] = {}
        Aspects.of(self).add(cast(IAspect, LayOut(self._pages)))
        check_at_synthesis(self, self._errors)

    @property
    def dashboards(self) -> Sequence[cloudwatch.Dashboard]:
        """The dashboards: one for each 10 parts. Your own widgets come first: `dashboards[0].add_widgets(...)`."""
        return [each.dashboard for each in self._pages]

    @property
    def alarms(self) -> Sequence[cloudwatch.CompositeAlarm]:
        """The alarms that call, for what they do when a fault is over: `alarm.add_ok_action(...)`."""
        return [alarm for watched in self._watched for alarm in watched.composites.values()]

    @property
    def metric_alarms(self) -> Sequence[cloudwatch.IAlarm]:
        """The alarms that those are made of, also the parts' own."""
        return [alarm for watched in self._watched for alarm in watched.alarms]

    @checked
    def watch(
        self, *parts: Construct, slo: float | None = None, latency: Duration | None = None, anomalies: bool = False
    ) -> None:
        """Show parts on the dashboard, and make their alarms. Call it after their routes, listeners, links and names.

        Args:
            parts: Services, workers, jobs, endpoints, networks, archives, a `FargateWebService`, a distribution or an
                accelerator, of any stack of this region. A web service does not watch a network or an archive again
                that is watched already.
            slo: The percentage of responses that are no 5xx, 94 to 99.999, such as 99.9, for the services among
                *parts*. Alarms say how fast the errors that it allows in 30 days are used up. By default none.
            latency: The response time in which nine of ten requests must be answered; otherwise there is a ticket after
                15 minutes. By default none: which time is too long depends on the application.
            anomalies: Whether there is a ticket when the number of requests or the response time is unusual for the
                time of the week. By default not.

        Raises:
            TypeError: If a part is none of these.
            ValueError: If a part is watched already, or is in another stage, region or account; if *slo* or *latency*
                is out of range; if *slo*, *latency* or *anomalies* is given without a service that has a route; or if
                *anomalies* is given for a service with two target groups for a port.
        """
        validate_slo(slo)
        validate_latency(latency)
        options = Options(slo, latency, anomalies)
        self._validate(parts, options)
        for part in parts:
            self._watch(part, options)

    @property
    def _watched(self) -> list[Watched]:
        return [each for page in self._pages for each in page.watched]

    def _watch(self, part: Construct, options: Options) -> None:
        page = self._page_of(part)
        watched = Watched(page.scope, self._id_of(part), path=path_of(part))
        page.watched.append(watched)
        for each in parts_of(part):
            if path_of(each) not in self._states and (watch := watcher_of(each)):
                self._depend_on(each)
                watch(watched, each, options)
                self._states[path_of(each)] = each, state_of(each)
        watched.make_composites(self._actions)

    def _page_of(self, part: Construct) -> DashboardPage:
        """Return the dashboard that has room, and its stack.

        An endpoint's alarm waits for those of services. So it is in our own stack: two nested stacks that wait for each
        other would be a cycle.
        """
        if watcher_of(part) is WATCHERS["HttpEndpoint"]:
            return self._pages[0]
        if len(self._pages[-1].watched) >= UNITS_OF_STACK:
            nested = NestedStack(self, f"Part{len(self._pages) + 1}", description=f"more of {path_of(self)}")
            self._pages.append(DashboardPage(nested, "Dashboard"))
        return self._pages[-1]

    def _id_of(self, part: Construct) -> str:
        """Return the ID of what is watched: the part's path, the same in each stage."""
        stage = Stage.of(self)
        path = path_of(part).removeprefix(f"{stage.node.path}/" if stage and stage.node.path else "")
        return path.replace("/", " ")

    def _validate(self, parts: Sequence[Construct], options: Options) -> None:
        if not parts:
            raise ValueError("watch needs parts, got none: write monitoring.watch(web)")
        for number, part in enumerate(parts):
            if watcher_of(part) is None:
                raise TypeError(f"watch takes {describe_parts()}, got: {describe_part(part)}")
            if path_of(part) in self._states or part in parts[:number]:
                raise ValueError(f"each part is watched once, got again: {path_of(part)}; leave it out here")
            ours, theirs = Stage.of(self), Stage.of(part)
            if ours is not theirs:
                raise ValueError(
                    f"parts must be of the stage of {path_of(self)}, got: {path_of(part)} of another; make one "
                    "FargateMonitoring in each stage"
                )
        options.validate([each for part in parts for each in parts_of(part)])

    def _depend_on(self, part: Construct) -> None:
        """Let our stack depend on the part's, with a reason that CDK shows if that is a cycle."""
        ours, theirs = top_stack_of(self), top_stack_of(part)
        if ours is theirs:
            return
        fix = "make FargateMonitoring in a stack of its own, after the stacks of all parts"
        try:
            ours.add_stack_dependency(theirs, f"{path_of(self)} watches {path_of(part)}; {fix}")
        except RuntimeError as error:
            raise ValueError(
                f"a part must not be in a stack that is deployed later, got: {path_of(part)}; {fix}"
            ) from error

    def _errors(self) -> Iterator[str]:
        """Refuse routes, listeners and links that were made after `watch`, and dashboards that AWS would refuse."""
        for path, (part, state) in self._states.items():
            if state_of(part) != state:
                yield (
                    "watch must be called after the routes, listeners, links, names and alarms of a part, got more of "
                    f"{path} later: move the call to the end"
                )
        for page in self._pages:
            yield from page.validate()
