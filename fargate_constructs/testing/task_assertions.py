"""Assertions about tasks: how they leave, and where their logs go."""

from collections.abc import Container, Sequence

from aws_cdk import Stack, Stage

from fargate_constructs._core.arguments import checked
from fargate_constructs.synthesized.assembly import app_templates
from fargate_constructs.synthesized.egress_proof import RULES, find_egress_violations
from fargate_constructs.synthesized.log_drivers import find_unarchived, log_drivers

PRIVATE_TASK_RULES = ("publicAddress", "publicSubnet", "publicIpv6", "instanceAddress")


@checked
def assert_private_tasks(scope: Stack | Stage) -> None:
    """Fail if a task of a stack has a public address, or runs in a subnet with a route to an internet gateway.

    The whole app is read: the network may be in another of its stacks. Tasks are those of ECS services, schedules,
    EventBridge rules and state machines, made by this library or not. Subnets that the app does not define are not
    judged. Tasks on instances without network mode `awsvpc` have their instance's addresses, which are not read: they
    fail.

    ```python
    def test_tasks_are_private():
        assert_private_tasks(Shop(App(), "Shop"))
    ```

    Args:
        scope: The stack, or an app or stage for all stacks in it.

    Raises:
        AssertionError: With the construct path of what starts each such task and what to change, or if no task is
            started.
        RuntimeError: If the app does not synthesize, which it does not if such a task is this library's.
        TypeError: If *scope* has another type.
    """
    _assert_no_violation(scope, PRIVATE_TASK_RULES, known_allocation_ids=())


@checked
def assert_fixed_egress(scope: Stack | Stage, *, known_allocation_ids: Sequence[str] = ()) -> None:
    """Fail unless all tasks of a stack leave from Elastic IPs that are known and stay: the app's own, retained.

    The app is read as for `assert_private_tasks`. A route that cannot be followed to an Elastic IP fails, too: to a
    transit gateway, propagated by a VPN gateway, or from a subnet that the app does not define, unless
    `FixedEgressNetwork.from_vpc` has the addresses as `egress_ips`; so does IPv6, except from a `FixedEgressNetwork` or
    from ranges that `from_vpc` has as `egress_ipv6_cidrs`. Findings that are acknowledged on what starts the
    tasks, or above it, are left out:
    `Validations.of(x).acknowledge(Acknowledgment(id="fargate-constructs::unprovenEgress", reason=...))`.

    ```python
    def test_partners_can_allow_our_addresses():
        assert_fixed_egress(Shop(App(), "Shop"))
    ```

    Args:
        scope: The stack, or an app or stage for all stacks in it.
        known_allocation_ids: The allocation IDs (`eipalloc-…`) of Elastic IPs kept elsewhere. By default only those
            that the app's networks were given.

    Raises:
        AssertionError: With the construct path of what starts each other task and what to change, or if no task is
            started.
        RuntimeError: If the app does not synthesize, which it does not if such a task is this library's.
        TypeError: If an argument has another type than its annotation.
    """
    _assert_no_violation(scope, RULES, known_allocation_ids=known_allocation_ids)


@checked
def assert_logs_archived(scope: Stack | Stage) -> None:
    """Fail if the log lines of a container stay in CloudWatch Logs, or are lost.

    The whole app is read: the subscription may be in another of its stacks. A log group is archived if it has a
    subscription filter without a pattern, since a pattern selects lines, or if its account and region have a
    subscription policy. The policy's document and what the subscriber does with the lines are not read. Containers with
    another log driver than `awslogs`, such as FireLens, pass, and FireLens' own router is left out. Service Connect
    proxies count as containers if they have a log driver. A log driver that depends on a condition fails.

    ```python
    def test_logs_are_archived():
        assert_logs_archived(Shop(App(), "Shop"))
    ```

    Args:
        scope: The stack, or an app or stage for all stacks in it.

    Raises:
        AssertionError: With the construct path of each such container's task and what to change, or if there is none.
        RuntimeError: If the app does not synthesize.
        TypeError: If *scope* has another type.
    """
    templates = app_templates(scope)
    drivers = log_drivers(templates, scope)
    if not drivers:
        raise AssertionError(f"there is nothing to assert: {scope.node.path or 'the app'} has no containers")
    if faults := find_unarchived(templates, drivers):
        raise AssertionError("\n".join(faults))


def _assert_no_violation(scope: Stack | Stage, rules: Container[str], *, known_allocation_ids: Sequence[str]) -> None:
    found = find_egress_violations(scope, app_templates(scope), known_allocation_ids=known_allocation_ids)
    if not found:
        raise AssertionError(f"there is nothing to assert: {scope.node.path or 'the app'} starts no tasks")
    faults = [f"{each.description}; {each.fix}" for all_ in found.values() for each in all_ if each.rule_name in rules]
    if faults:
        raise AssertionError("\n".join(faults))
