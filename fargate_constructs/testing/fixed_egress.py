"""One line each for how tasks leave.

```
task ──> subnet ──> route ──> NAT gateway ──> Elastic IP ──> [assert_private_tasks, assert_fixed_egress]
```
"""

from collections.abc import Container, Sequence

from aws_cdk import PolicyViolation, Stack, Stage

from fargate_constructs._core.arguments import checked
from fargate_constructs.synthesized.assembly import app_templates
from fargate_constructs.synthesized.egress_proof import RULES, judge_egress

PRIVATE = ("publicAddress", "publicSubnet", "instanceAddress")


@checked
def assert_private_tasks(scope: Stack | Stage) -> None:
    """Fail if a task of a stack has a public address, or runs in a subnet that is routed to an internet gateway.

    The whole app is read: the network may stand in another of its stacks. Tasks are those of ECS services, schedules,
    EventBridge rules and state machines, made by this library or not. Of a subnet that the app does not define nothing
    is known. Tasks on instances, without network mode `awsvpc`, have their instance's addresses, which are not read:
    they fail.

    ```python
    def test_tasks_are_private():
        assert_private_tasks(Shop(App(), "Shop"))
    ```

    Args:
        scope: The stack, or an app or stage for all stacks in it.

    Raises:
        AssertionError: With the construct path of what starts each such task and what to change, or if there is none.
        RuntimeError: If the app does not synthesize. That it does not if such a task is this library's.
        TypeError: If *scope* is of another type.
    """
    _assert_nothing(scope, PRIVATE, known_allocation_ids=())


@checked
def assert_fixed_egress(scope: Stack | Stage, *, known_allocation_ids: Sequence[str] = ()) -> None:
    """Fail unless all tasks of a stack leave from Elastic IPs that are known and stay: those of the app, retained.

    Read as for `assert_private_tasks`. What cannot be followed to its end is not fixed: a route to a transit gateway,
    IPv6, routes that a VPN gateway propagates, or a subnet that the app does not define, unless its addresses are named
    as `egress_ips` of `FixedEgressNetwork.from_vpc`. What is acknowledged at what starts the tasks, or above, is left
    out: `Validations.of(x).acknowledge(Acknowledgment(id="fargate-constructs::unprovenEgress", reason=...))`.

    ```python
    def test_partners_can_allow_our_addresses():
        assert_fixed_egress(Shop(App(), "Shop"))
    ```

    Args:
        scope: The stack, or an app or stage for all stacks in it.
        known_allocation_ids: The allocation IDs (`eipalloc-…`) of Elastic IPs kept elsewhere. By default none but
            those that the app's networks were given.

    Raises:
        AssertionError: With the construct path of what starts each other task and what to change, or if there is none.
        RuntimeError: If the app does not synthesize. That it does not if such a task is this library's.
        TypeError: If an argument is of another type than it says.
    """
    _assert_nothing(scope, RULES, known_allocation_ids=known_allocation_ids)


def _assert_nothing(scope: Stack | Stage, rules: Container[str], *, known_allocation_ids: Sequence[str]) -> None:
    judged = judge_egress(scope, app_templates(scope), known_allocation_ids=known_allocation_ids)
    if not judged:
        raise AssertionError(f"there is nothing to assert: {scope.node.path or 'the app'} starts no tasks")
    faults = [_told(each) for violations in judged.values() for each in violations if each.rule_name in rules]
    if faults:
        raise AssertionError("\n".join(faults))


def _told(violation: PolicyViolation) -> str:
    return f"{violation.description}; {violation.fix}"
