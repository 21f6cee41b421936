"""Where a one-off task runs, as a service or a job runs its own, and what it has of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fargate_constructs.cli.aws import Answer


class Launch(NamedTuple):
    """Where a task runs, and from which task definition."""

    cluster: str
    task_definition: str
    parameters: Answer
    """Further ones of RunTask: the network, the capacity, the platform version, tags."""

    @classmethod
    def of_service(cls, service: Answer) -> Launch:
        """Return how a service starts its tasks.

        Args:
            service: The answer of DescribeServices. With CodeDeploy or an external controller, its primary task set
                has the values.
        """
        sets = [each for each in service.get("taskSets", []) if each["status"] == "PRIMARY"]
        settings = {**service, **(sets[0] if sets else {})}
        return cls.of(service["clusterArn"], settings["taskDefinition"], settings)

    @classmethod
    def of(cls, cluster: str, task_definition: str, settings: Answer) -> Launch:
        """Return how something else starts its tasks, by its settings as the API names them."""
        strategy = settings.get("capacityProviderStrategy")
        capacity = (
            {"capacityProviderStrategy": strategy}
            if strategy
            else {"launchType": settings.get("launchType", "FARGATE")}
        )
        kept = ("networkConfiguration", "platformVersion", "enableECSManagedTags", "enableExecuteCommand")
        parameters = {key: settings[key] for key in kept if settings.get(key)}
        if settings.get("propagateTags") == "TASK_DEFINITION":
            parameters["propagateTags"] = "TASK_DEFINITION"
        return cls(cluster, task_definition, {**capacity, **parameters})

    def with_task_definition(self, arn: str) -> Launch:
        """Return the same place for a task definition that the service does not have, without ECS Exec."""
        parameters = {key: each for key, each in self.parameters.items() if key != "enableExecuteCommand"}
        return Launch(self.cluster, arn, parameters)


class Override(NamedTuple):
    """What one task has of its own. ECS cannot override the entry point."""

    container: str
    """The container that gets the command and the variables, and whose exit code counts."""
    command: Sequence[str] = ()
    environment: Mapping[str, str] = {}
    cpu: int | None = None
    """CPU units of the task."""
    memory: int | None = None
    """MiB of the task."""

    def parameters(self) -> dict[str, Any]:
        """Return the parameter `overrides` of RunTask."""
        own: dict[str, Any] = {"name": self.container}
        if self.command:
            own["command"] = [*self.command]
        if self.environment:
            own["environment"] = [{"name": key, "value": value} for key, value in self.environment.items()]
        sizes = {"cpu": self.cpu, "memory": self.memory}
        return {"containerOverrides": [own], **{key: str(each) for key, each in sizes.items() if each is not None}}
