"""Reads two comparable templates; returns the exports that other stacks can no longer import."""

from collections.abc import Collection, Iterator

from fargate_constructs.synthesized.comparable_template import ComparableTemplate, path_of, references


def find_lost_exports(
    old: ComparableTemplate, new: ComparableTemplate, lost: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield the name of each export that goes or changes, and why.

    CloudFormation refuses both while a stack imports it:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html.

    Args:
        old: What is deployed.
        new: What would be deployed.
        lost: The logical IDs that are replaced or deleted.
    """
    for name, value in old.exports.items():
        if name not in new.exports:
            yield name, "is gone"
        elif new.exports[name] != value:
            yield name, "has another value"
        elif changed := set(references(value)).intersection(lost):
            paths = (path_of(each, new.resources, old.resources) for each in sorted(changed))
            yield name, f"changes with {', '.join(paths)}"
