"""The services, task launchers and task definitions of an app that run on Fargate."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from fargate_constructs.synthesized.intrinsics import Unresolved, items, lookup, unresolved_in
from fargate_constructs.synthesized.task_launchers import TaskLauncher, find_task_launchers
from fargate_constructs.synthesized.templates import Place, Templates


class FargateApp:
    """What starts tasks on Fargate in an app, such as services and schedules, and the definitions of these tasks.

    Tasks on EC2 instances are left out. A definition that nothing in the templates starts counts if it is compatible
    with Fargate. A launcher whose launch type is unresolved counts if its definition is compatible with Fargate only.

    Args:
        templates: The templates of the app.
        has_known_ipv6: Whether the app names the IPv6 ranges of the tasks at a path. By default it is not known.
    """

    def __init__(self, templates: Templates, has_known_ipv6: Callable[[str], bool] | None = None) -> None:
        self.templates = templates
        self.has_known_ipv6 = has_known_ipv6
        """Whether the app names the IPv6 ranges of the tasks at a path; `None` if only its constructs know."""
        self._launchers: defaultdict[Place, list[TaskLauncher]] = defaultdict(list)
        self._clusters = dict(self._default_strategies())
        self.launchers: list[TaskLauncher] = []
        """What starts tasks on Fargate."""
        self.undecided_launchers: list[TaskLauncher] = []
        """What may start tasks on Fargate; only the deployment knows."""
        for launcher in find_task_launchers(templates):
            if launcher.definition:
                self._launchers[launcher.definition].append(launcher)
            is_fargate = self._is_fargate(launcher)
            if is_fargate is not False:
                (self.launchers if is_fargate else self.undecided_launchers).append(launcher)
        definitions = templates.of_type["AWS::ECS::TaskDefinition"]
        self.definitions = [each for each in definitions if self._runs_on_fargate(each)]
        """The definitions of tasks on Fargate."""
        self.undecided_definitions = [
            each for each in definitions if not self._launchers[each] and unresolved_in(self.compatibilities(each))
        ]
        """The definitions that may be for Fargate; only the deployment knows."""
        self.services = [each for each in self.launchers if each.is_service]
        """The services on Fargate."""

    def services_of(self, definition: Place) -> list[TaskLauncher]:
        """Return the services that run a task definition."""
        return [each for each in self._launchers[definition] if each.is_service]

    def containers(self, definition: Place) -> list[tuple[str, dict[str, Any]]]:
        """Return the containers of a task by name."""
        containers = items(self.templates.properties(definition), "ContainerDefinitions")
        return [(str(lookup(each, "Name")), each) for each in containers]

    def applications(self, definition: Place) -> list[tuple[str, dict[str, Any]]]:
        """Return the containers of a task by name, without FireLens' router, whose own log is not judged."""
        return [
            (name, each) for name, each in self.containers(definition) if lookup(each, "FirelensConfiguration") is None
        ]

    def is_windows(self, definition: Place) -> bool:
        """Whether a task runs on Windows."""
        family = lookup(self.templates.properties(definition), "RuntimePlatform", "OperatingSystemFamily")
        return str(family).startswith("WINDOWS")

    def compatibilities(self, definition: Place | None) -> Any:  # noqa: ANN401 - a piece of a template
        """Return the launch types that a task definition is compatible with, as its template has them."""
        compatibilities = lookup(self.templates.properties(definition), "RequiresCompatibilities")
        return list(map(lookup, compatibilities)) if isinstance(compatibilities, list) else compatibilities

    def launch_type(self, launcher: TaskLauncher) -> Any:  # noqa: ANN401 - a piece of a template
        """Return the launch type of tasks, or that of the cluster's default."""
        cluster = self.templates.target(launcher.place, "Cluster")
        default = TaskLauncher(launcher.place, self._clusters.get(cluster, {}), None, None, is_service=False)
        return launcher.launch_type or default.launch_type

    def _default_strategies(self) -> Iterator[tuple[Place | None, dict[str, Any]]]:
        """Yield clusters, each with its default capacity provider strategy."""
        for type_, cluster in (("Cluster", None), ("ClusterCapacityProviderAssociations", "Cluster")):
            for place in self.templates.of_type[f"AWS::ECS::{type_}"]:
                strategy = self.templates.properties(place).get("DefaultCapacityProviderStrategy")
                if strategy is not None:
                    target = self.templates.target(place, cluster) if cluster else place
                    yield target, {"CapacityProviderStrategy": strategy}

    def _is_fargate(self, launcher: TaskLauncher) -> bool | None:
        """Whether tasks run on Fargate; `None` if only the deployment knows."""
        launch_type, compatibilities = self.launch_type(launcher), self.compatibilities(launcher.definition)
        if isinstance(launch_type, str):
            return launch_type == "FARGATE"
        if compatibilities == ["FARGATE"]:  # on an instance the task could not run
            return True
        if launcher.definition is None or unresolved_in(compatibilities):
            return None
        return None if isinstance(launch_type, Unresolved) and "FARGATE" in (compatibilities or ()) else False

    def _runs_on_fargate(self, definition: Place) -> bool:
        if launchers := self._launchers[definition]:
            return any(self._is_fargate(each) for each in launchers)
        compatibilities = self.compatibilities(definition)
        return isinstance(compatibilities, list) and "FARGATE" in compatibilities
