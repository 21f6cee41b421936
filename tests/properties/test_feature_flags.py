"""All modes under the feature flags of a team's own app."""

from tests import modes
from tests.audit import spread_policies
from tests.modes.cover import templates_with_flags


def test_feature_flags_change_nothing() -> None:
    """All flags on or all off: the same templates, but for how the statements of a policy are grouped.

    `@aws-cdk/aws-iam:minimizePolicies` merges statements of one policy that differ in a single list. What they allow is
    the same, and that is compared here; CloudFormation updates a policy document in place.
    """
    plain, flagged = modes.templates(), templates_with_flags()

    assert {name for name in flagged if spread_policies(plain[name]) != spread_policies(flagged[name])} == set()
    assert any(plain[name] != flagged[name] for name in flagged), "the exception above is not needed any more"
