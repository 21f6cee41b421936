"""What of an app runs on Fargate.

```
app ──> templates ──> [FargateApp] ──> rules
```
"""

from collections import defaultdict
from typing import Any

from fargate_constructs.launches import Launch, launches_in
from fargate_constructs.templates import Place, Templates, items, seen


class FargateApp:
    """What of an app runs tasks on Fargate, such as services and schedules, and the definitions of these tasks.

    What runs on EC2 instances is left out. A definition that nothing in the templates runs, such as a state machine's,
    counts if it is made for Fargate.

    Args:
        templates: The app's templates.
    """

    def __init__(self, templates: Templates) -> None:
        self.templates = templates
        self._launches: defaultdict[Place, list[Launch]] = defaultdict(list)
        self.launches: list[Launch] = []
        """What starts tasks on Fargate."""
        for launch in launches_in(templates):
            definition = self.definition(launch)
            if definition:
                self._launches[definition].append(launch)
            if self._is_fargate(launch):
                self.launches.append(launch)
        self.services = [each for each in self.launches if each.is_service]
        self.definitions = [
            place for place in templates.of_type["AWS::ECS::TaskDefinition"] if self._runs_on_fargate(place)
        ]

    def definition(self, launch: Launch) -> Place | None:
        """Return the task definition that is run, if it is in the app."""
        return self.templates.locate(launch.place.stack, launch.task_definition)

    def services_of(self, definition: Place) -> list[Launch]:
        """Return the services that run a task definition."""
        return [each for each in self._launches[definition] if each.is_service]

    def containers(self, definition: Place) -> list[tuple[str, dict[str, Any]]]:
        """Return the containers of a task by name."""
        containers = items(self.templates.properties(definition), "ContainerDefinitions")
        return [(str(seen(each, "Name")), each) for each in containers]

    def applications(self, definition: Place) -> list[tuple[str, dict[str, Any]]]:
        """Return the containers of a task by name, but for FireLens' router, whose own log is of no matter."""
        return [
            (name, each) for name, each in self.containers(definition) if seen(each, "FirelensConfiguration") is None
        ]

    def is_windows(self, definition: Place) -> bool:
        """Whether a task runs on Windows."""
        family = seen(self.templates.properties(definition), "RuntimePlatform", "OperatingSystemFamily")
        return str(family).startswith("WINDOWS")

    def _is_fargate(self, launch: Launch) -> bool:
        if launch.launch_type is None:  # the cluster decides, and on an instance the task could not run
            return self._compatibilities(self.definition(launch)) == ["FARGATE"]
        return bool(launch.launch_type == "FARGATE")

    def _runs_on_fargate(self, definition: Place) -> bool:
        if launches := self._launches[definition]:
            return any(map(self._is_fargate, launches))
        return "FARGATE" in self._compatibilities(definition)

    def _compatibilities(self, definition: Place | None) -> list[Any]:
        return items(self.templates.properties(definition), "RequiresCompatibilities")
