"""Assertions about an update: from the template that is deployed to the template as it is now."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aws_cdk import Stack

from fargate_constructs._core.arguments import checked
from fargate_constructs.synthesized.comparable_sources import Template, read_comparable_template
from fargate_constructs.synthesized.comparable_template import path_of
from fargate_constructs.synthesized.lasting_types import LASTING_TYPES
from fargate_constructs.synthesized.replacements import pin
from fargate_constructs.synthesized.target_group_weights import find_weight_resets
from fargate_constructs.synthesized.update_faults import find_update_faults


@checked
def assert_no_replacement(
    old: Stack | Template | Path | str,
    new: Stack | Template | Path | str,
    *,
    types: Sequence[str] = LASTING_TYPES,
    accepted: Sequence[str] = (),
) -> None:
    """Fail if CloudFormation would replace, delete or refuse what should last, when it updates a stack.

    CloudFormation deletes a resource whose logical ID is gone or whose condition changed. It replaces a resource if a
    property changed that AWS's schema calls create-only, always or under conditions, or if such a property refers to a
    replaced resource. The schemas are those of cfn-lint, with what AWS's documentation adds:
    https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html

    It also fails if data would be deleted: a retention time is shorter (log groups, queues, streams, backups), or a
    bucket or a repository has another rule that deletes. It fails if a resource that AWS has once is created under a
    new logical ID while the old one is there, such as a record, a listener's port or a rule of a security group. It
    fails if an export is gone or changes, which CloudFormation refuses while another stack imports it. What
    `lasting_resources` returns has no retention times and no exports: these need stacks or complete templates.

    A default that is written out is a change, as it is to CloudFormation: https://github.com/aws/aws-cdk/issues/16126.
    A value that only the deployment knows counts as unchanged: parameters, which `cdk deploy` keeps, and mappings by
    region. Of a type without a schema, such as a third party's, only logical ID, type and condition count. The nested
    stacks of a stack are compared with it; a template does not contain them.

    ```python
    def test_nothing_is_replaced():
        assert_no_replacement("deployed/Shop.template.json", Shop(App(), "Shop"))
    ```

    Args:
        old: What is deployed: a stack, a template, or the JSON file of one. A template can be what `cdk deploy` wrote,
            what `aws cloudformation get-template` returns, or what `lasting_resources` returned.
        new: What would be deployed, in one of the same forms.
        types: The types to watch; a name may have wildcards, and `["*"]` is every type. By default `LASTING_TYPES`,
            whose replacement loses an address, data or a running service.
        accepted: What may be lost this time: construct paths, with all that is below each, logical IDs, or names of
            exports. By default nothing.

    Raises:
        AssertionError: With the construct path of each such resource and the reasons; or with what is in *accepted*
            though CloudFormation keeps it, since it would hide a later replacement.
        FileNotFoundError: If there is no such file; with how to write it.
        ImportError: If cfn-lint is not installed: `pip install 'fargate-constructs[testing]'`.
        TypeError: If an argument has another type than its annotation.
        ValueError: If *old* or *new* is not a template, if *old* has no resources, or if there is no such type.
    """
    before, after = read_comparable_template(old, "old"), read_comparable_template(new, "new")
    if not before.resources:
        raise ValueError("old must have resources, got none: nothing of it could be replaced")
    faults = find_update_faults(before, after, types)
    unexpected = [each.text for each in faults if not any(map(each.is_at, accepted))]
    if unexpected:
        head = f"CloudFormation would replace, delete or refuse {len(unexpected)} of what should last:"
        raise AssertionError(
            "\n- ".join([head, *unexpected]) + "\nput each back as it was, or name it in accepted=[...] if it may go"
        )
    kept = [place for place in accepted if not any(each.is_at(place) for each in faults)]
    if kept:
        raise AssertionError(f"nothing is replaced at or below accepted: {', '.join(kept)}; remove it, or correct it")


@checked
def lasting_resources(stack: Stack, *, types: Sequence[str] = LASTING_TYPES) -> dict[str, Any]:
    """Return what must not change of a stack, so that CloudFormation does not replace what should last.

    The result is a template with only the logical IDs and create-only properties of such resources, and of what these
    properties refer to, sorted by construct path. It is short enough to be reviewed in a file, and valid as *old* of
    `assert_no_replacement`. It lists the properties that were read: properties that a newer cfn-lint adds are compared
    after this function is called again.

    Args:
        stack: The stack.
        types: The types that should last, as those of `assert_no_replacement`.

    Raises:
        ImportError: If cfn-lint is not installed: `pip install 'fargate-constructs[testing]'`.
        RuntimeError: If the app does not synthesize.
        TypeError: If an argument has another type than its annotation.
        ValueError: If there is no such type.
    """
    return pin(read_comparable_template(stack, "stack"), types)


@checked
def assert_no_empty_target_group(
    old: Stack | Template | Path | str,
    new: Stack | Template | Path | str,
) -> None:
    """Fail if an update from *old* to *new* may point a listener or a rule at a target group without tasks.

    ECS moves the weights of a rule between two target groups at each blue/green, canary or linear deployment. The
    template still says 100 and 0. CloudFormation does not touch the rule until one of its properties changes. Then it
    writes the template's weights, although all tasks may be in the other group:
    https://github.com/aws/aws-cdk/issues/36649.

    ```python
    def test_no_request_is_lost():
        assert_no_empty_target_group("deployed/Shop.template.json", Shop(App(), "Shop"))
    ```

    Args:
        old: What is deployed: a stack, a template, or the JSON file of one, as `aws cloudformation get-template`
            returns it. What `lasting_resources` returns is not enough.
        new: What would be deployed, in one of the same forms.

    Raises:
        AssertionError: With each such rule, and what to deploy first.
        FileNotFoundError: If there is no such file.
        TypeError: If an argument has another type than its annotation.
        ValueError: If *old* or *new* is not a template.
    """
    before, after = read_comparable_template(old, "old"), read_comparable_template(new, "new")
    faults = [
        ", of ".join(path_of(each, after.resources, before.resources) for each in found)
        for found in find_weight_resets(before, after)
    ]
    if faults:
        raise AssertionError(
            "\n- ".join(["CloudFormation would write weights, and ECS may have moved the tasks:", *faults])
            + "\nfirst deploy the old template with Deployment.rolling(both_target_groups=True), then this change with "
            "Deployment.rolling(): docs/upgrading.md"
        )
