"""The modes that are built a second time: with every feature flag, and under cdk-nag 2."""

from functools import cache
from unittest import mock

from aws_cdk import App, Validations

from tests import modes, security_page
from tests.audit import Template, all_feature_flags

# Flags that change only CDK's own resources: how one stack refers to another, how a stack of a known
# region writes its partition, and the logical ID of the policy that a grant gives to an imported role.
FLAGS_OF_CDK_ITSELF = {
    "@aws-cdk/core:defaultCrossStackReferences",
    "@aws-cdk/core:enablePartitionLiterals",
    "@aws-cdk/aws-iam:importedRoleStackSafeDefaultPolicyName",
}


@cache
def cover() -> list[str]:
    """Return modes that have, together, whatever the modes have of what is listed here.

    That is each type of resource, each property of each type, and each acknowledged finding by its rule, its place in
    our classes and its reason. The largest mode whose own is in the others is left out, then the next one.
    """
    made: dict[str, set[tuple[str, ...]]] = {mode: set() for mode in modes.MODES}
    for stack, template in modes.templates().items():
        for resource in template["Resources"].values():
            pairs = {(resource["Type"], name) for name in ("", *resource.get("Properties", ()))}
            made[stack.rpartition("-")[0]] |= pairs
    for rule, path, reason in security_page.acknowledgements():
        made[path.partition("/")[0]].add((rule, security_page.place_of(path), reason))
    for mode in sorted(made, key=lambda each: len(made[each]), reverse=True):
        if made[mode] <= set().union(*(each for other, each in made.items() if other != mode)):
            del made[mode]
    return [*made]


@cache
def app_with_flags() -> App:
    """Return the app of these modes with every feature flag of CDK, and with no finding accepted."""
    flags = {name: value for name, value in all_feature_flags().items() if name not in FLAGS_OF_CDK_ITSELF}
    with mock.patch.object(Validations, "acknowledge", return_value=None):
        return modes.app_of({mode: modes.MODES[mode] for mode in cover()}, flags)


def templates_with_flags() -> dict[str, Template]:
    """Return the templates of that app."""
    return modes.read(modes.files_of(app_with_flags()))
