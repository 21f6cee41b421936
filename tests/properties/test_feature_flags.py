"""All modes under the feature flags of a team's own app."""

from tests import modes
from tests.audit import spread_policies


def test_feature_flags_change_nothing() -> None:
    """All flags on or all off: the same templates of all modes, but for how the statements of a policy are grouped.

    `@aws-cdk/aws-iam:minimizePolicies` merges statements of one policy that differ in a single list. What they allow is
    the same, and that is compared here; CloudFormation updates a policy document in place.
    """
    plain, flagged = modes.templates(), modes.templates_with_flags()

    assert {name for name in plain if spread_policies(plain[name]) != spread_policies(flagged[name])} == set()
    assert plain != flagged, "the exception above is not needed any more"
