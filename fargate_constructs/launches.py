"""What starts tasks, as an app's templates have it.

```
service, schedule, rule, pipe ──> [Launch] ──> task definition, subnets
```
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from fargate_constructs.templates import UNSEEN, Place, Templates, items, seen

FARGATE = ("FARGATE", "FARGATE_SPOT")


class Launch(NamedTuple):
    """A service or a task set, or a target of a schedule, a rule or a pipe, that runs tasks."""

    place: Place
    settings: dict[str, Any]
    """The properties of the service or task set, or the target's parameters for ECS."""
    task_definition: Any
    """What is run, as the template refers to it."""

    @property
    def is_service(self) -> bool:
        """Whether it is a service; else its tasks run to their end, or are a set that a service's own deployer made."""
        return not self.settings.keys() & {"TaskDefinitionArn", "Service"}

    @property
    def network(self) -> Any:  # noqa: ANN401 - a piece of a template
        """The subnets, security groups and public address that tasks get."""
        configuration = seen(self.settings, "NetworkConfiguration")
        # EventBridge rules and task sets spell it in another way than the others.
        return seen(configuration, "AwsVpcConfiguration") or seen(configuration, "AwsvpcConfiguration")

    @property
    def subnets(self) -> list[Any]:
        """Where tasks run, as the template refers to it; empty if only the deployment knows."""
        subnets = seen(self.network, "Subnets")
        return subnets if isinstance(subnets, list) else []

    @property
    def security_groups(self) -> list[Any]:
        """What decides who may call the tasks, as the template refers to it; empty if only the deployment knows."""
        groups = seen(self.network, "SecurityGroups")
        return groups if isinstance(groups, list) else []

    @property
    def public_address(self) -> Any:  # noqa: ANN401 - a piece of a template
        """`ENABLED` or `DISABLED`; `None` means the latter."""
        return seen(self.network, "AssignPublicIp")

    @property
    def launch_type(self) -> Any:  # noqa: ANN401 - a piece of a template
        """`FARGATE`, `EC2` or `EXTERNAL`; `None` if the cluster decides; else what only the deployment knows."""
        strategy = seen(self.settings, "CapacityProviderStrategy")
        if not strategy or strategy is UNSEEN:
            return strategy or seen(self.settings, "LaunchType")
        return "FARGATE" if any(seen(each, "CapacityProvider") in FARGATE for each in strategy) else "EC2"


def launches_in(templates: Templates) -> Iterator[Launch]:
    """Yield what starts tasks by itself.

    What a state machine or a program starts cannot be seen in a template. AWS Batch has task definitions of its own.
    """
    for place in templates.of_type["AWS::ECS::Service"] + templates.of_type["AWS::ECS::TaskSet"]:
        properties = templates.properties(place)
        yield Launch(place, properties, properties.get("TaskDefinition"))
    for place in templates.of_type["AWS::Scheduler::Schedule"]:
        yield from _launches_by(place, seen(templates.properties(place), "Target", "EcsParameters"))
    for place in templates.of_type["AWS::Events::Rule"]:
        for target in items(templates.properties(place), "Targets"):
            yield from _launches_by(place, seen(target, "EcsParameters"))
    for place in templates.of_type["AWS::Pipes::Pipe"]:
        yield from _launches_by(place, seen(templates.properties(place), "TargetParameters", "EcsTaskParameters"))


def _launches_by(place: Place, settings: Any) -> Iterator[Launch]:  # noqa: ANN401 - a piece of a template
    if isinstance(settings, dict) and "TaskDefinitionArn" in settings:
        yield Launch(place, settings, settings["TaskDefinitionArn"])
