"""A model of what CloudFormation, ECS and a load balancer do with the weights of a listener rule.

```
templates ──> [Account.deploy] ──> rules' weights, tasks in target groups ──> rules that met an empty group
```

- CloudFormation writes a rule when one of its properties has changed, all of it, and before the service, which depends
  on it; what the template no longer has goes last (https://github.com/aws/aws-cdk/issues/36649).
- ECS starts a deployment when the task definition or the load balancers change. A rolling one puts each new task into
  every target group, and takes the old tasks out after that
  (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html). Another one puts new tasks into
  the group of the two that has none, moves the rules' weights there, and takes the old tasks out
  (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html); one that is
  rolled back moves them back.
- Where the first tasks of a service go, and those of one that has tasks in both groups, AWS does not say: both are
  tried (`prefers_alternate`).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

Template = Mapping[str, Any]


class Account:
    """One service, its rules and target groups, as deployed.

    Args:
        prefers_alternate: Where tasks go when neither group, or each, has some.
    """

    def __init__(self, *, prefers_alternate: bool) -> None:
        self._prefers_alternate = prefers_alternate
        self._rules: dict[str, Any] = {}
        self._service: dict[str, Any] = {}
        self._version = 0
        self.weights: dict[str, dict[str, int]] = {}
        """How each rule's requests are spread, by target group."""
        self.tasks: defaultdict[str, set[int]] = defaultdict(set)
        """The versions whose tasks are in each target group."""
        self.lost: list[str] = []
        """The rules that sent requests to a group without tasks while there were some."""

    def deploy(self, template: Template, *, new_image: bool = False, fails: bool = False) -> None:
        """Update to a template.

        Args:
            template: The template.
            new_image: Whether the task definition changes as well.
            fails: Whether an alarm rolls the service's deployment back when all requests have moved.
        """
        resources = template["Resources"]
        rules = {name: each["Properties"] for name, each in _of_type(resources, "ListenerRule")}
        for name, properties in rules.items():
            if properties != self._rules.get(name):
                self.weights[name] = dict(_weights(properties))
                self._look()
        ((_, service),) = _of_type(resources, "AWS::ECS::Service")
        balancers = service["Properties"]["LoadBalancers"]
        if new_image or balancers != self._service.get("LoadBalancers"):
            self._start(service["Properties"], fails=fails)
        self._rules, self._service = rules, service["Properties"]
        self.weights = {name: self.weights[name] for name in rules}
        groups = {name for name, _ in _of_type(resources, "TargetGroup")}
        for group in self.tasks.keys() - groups:
            assert all(group not in weights for weights in self.weights.values()), "AWS refuses to delete it"
            del self.tasks[group]

    def _start(self, service: Mapping[str, Any], *, fails: bool) -> None:
        self._version += 1
        if service["DeploymentConfiguration"]["Strategy"] == "ROLLING":
            for balancer in service["LoadBalancers"]:
                self.tasks[balancer["TargetGroupArn"]["Ref"]].add(self._version)
            self._look()
        else:
            for balancer in service["LoadBalancers"]:
                self._shift(balancer["TargetGroupArn"]["Ref"], balancer["AdvancedConfiguration"], fails=fails)
        newest = max(chain.from_iterable(self.tasks.values()))
        for versions in self.tasks.values():
            versions &= {newest}
        self._look()

    def _shift(self, primary: str, settings: Mapping[str, Any], *, fails: bool) -> None:
        pair = [primary, settings["AlternateTargetGroupArn"]["Ref"]]
        filled = [group for group in pair if self.tasks[group]]
        blue = filled[0] if len(filled) == 1 else pair[not self._prefers_alternate]
        green = next(group for group in pair if group != blue)
        self.tasks[green].add(self._version)
        rules = [settings[name]["Ref"] for name in ("TestListenerRule", "ProductionListenerRule") if name in settings]
        before = {rule: self.weights[rule] for rule in rules}
        for rule in rules:
            for percent in (20, 100):
                self.weights[rule] = {blue: 100 - percent, green: percent}
                if filled:
                    self._look()
        if fails and filled:
            self.weights.update(before)
            self.tasks[green].discard(self._version)

    def _look(self) -> None:
        if any(self.tasks.values()):
            self.lost += [
                rule
                for rule, weights in self.weights.items()
                if any(weight and not self.tasks[group] for group, weight in weights.items())
            ]


def _of_type(resources: Mapping[str, Any], type_: str) -> list[tuple[str, Any]]:
    return [(name, each) for name, each in resources.items() if each["Type"].endswith(type_)]


def _weights(rule: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    (action,) = rule["Actions"]
    if "TargetGroupArn" in action:
        yield action["TargetGroupArn"]["Ref"], 100
    for each in action.get("ForwardConfig", {}).get("TargetGroups", []):
        yield each["TargetGroupArn"]["Ref"], each["Weight"]
