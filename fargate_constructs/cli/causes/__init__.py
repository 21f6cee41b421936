"""The causes of failures: how AWS's text reads, what it means, and what to do.

The first cause whose pattern is in a text explains it, so special causes come before general ones.
"""

from fargate_constructs.cli.causes.cause import Cause
from fargate_constructs.cli.causes.of_containers import CONTAINER_CAUSES
from fargate_constructs.cli.causes.of_images import IMAGE_CAUSES
from fargate_constructs.cli.causes.of_services import SERVICE_CAUSES
from fargate_constructs.cli.causes.of_starts import START_CAUSES
from fargate_constructs.cli.causes.of_targets import TARGET_CAUSES

CAUSES = (*START_CAUSES, *IMAGE_CAUSES, *TARGET_CAUSES, *SERVICE_CAUSES, *CONTAINER_CAUSES)


def cause_of(text: str) -> Cause | None:
    """Return the cause of a text of AWS; `None` if it is not known."""
    return next((each for each in CAUSES if each.matches(text)), None)
