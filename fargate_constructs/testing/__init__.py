"""What a team tests its own stacks with."""

from fargate_constructs.testing.lasting import LASTING_TYPES
from fargate_constructs.testing.replacement import assert_no_replacement, lasting_resources
from fargate_constructs.testing.templates import scrubbed_template

__all__ = ["LASTING_TYPES", "assert_no_replacement", "lasting_resources", "scrubbed_template"]
