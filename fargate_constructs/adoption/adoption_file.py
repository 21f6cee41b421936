"""The file of logical IDs that stay: the plan writes it, and `adopt` reads it.

```json
{
  "stack": "Shop",
  "resources": {
    "WebLB720665E7": {
      "path": "Endpoint/LoadBalancer/Resource",
      "type": "AWS::ElasticLoadBalancingV2::LoadBalancer"
    }
  }
}
```
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fargate_constructs.synthesized.comparable_template import PATH_KEY

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html; in a nested stack
# after the IDs of the stacks that it is in.
LOGICAL_ID = re.compile(r"[A-Za-z0-9]{1,255}(?:/[A-Za-z0-9]{1,255})*")
HOW_TO_WRITE = "write it by `fargate-constructs plan --write`"


class Place(NamedTuple):
    """Where a resource is in the app."""

    path: str
    """Its construct path within the stack."""
    type: str


class AdoptionFile(NamedTuple):
    """The logical IDs of a stack that stay though their constructs have other paths."""

    stack: str
    """The name of the stack in CloudFormation."""
    resources: Mapping[str, Place]
    """By the logical ID in the deployed template."""

    def as_json(self) -> str:
        """Return the text of the file."""
        resources = {key: each._asdict() for key, each in sorted(self.resources.items())}
        return json.dumps({"stack": self.stack, "resources": resources}, indent=2, ensure_ascii=False) + "\n"


def read_adoption_file(file: Path) -> AdoptionFile:
    """Return what a file has, if the plan wrote it."""
    try:
        content: Any = json.loads(file.read_text(encoding="utf-8"))
    except IsADirectoryError as error:
        raise ValueError(
            f"file must be a file of logical IDs, got the folder {file.absolute()}; name the file"
        ) from error
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"file must be a file of logical IDs, got none at {file.absolute()}; {HOW_TO_WRITE}"
        ) from error
    except ValueError as error:
        raise ValueError(f"file must be JSON, got {file}: {error}; {HOW_TO_WRITE}") from error
    match content:
        case {"stack": str() as stack, "resources": dict() as resources, **rest} if not rest:
            places = {key: _place(key, each, file) for key, each in resources.items()}
        case _:
            raise ValueError(f"file must have stack and resources, and nothing else, got {file}; {HOW_TO_WRITE}")
    twice = [path for path, count in Counter(each.path for each in places.values()).items() if count > 1]
    if twice:
        raise ValueError(f"file must have each path once, got in {file}: {', '.join(twice)}")
    return AdoptionFile(stack, places)


def _place(logical_id: str, content: Any, file: Path) -> Place:  # noqa: ANN401 - any content
    match content:
        case {"path": str() as path, "type": str() as type_, **rest} if (
            path and not rest and LOGICAL_ID.fullmatch(logical_id)
        ):
            return Place(path, type_)
    raise ValueError(f"file must have a logical ID with path and type in each entry, got in {file}: {logical_id!r}")


def place_in_stack(resource: Mapping[str, Any], stack_path: str) -> Place | None:
    """Return the place of a comparable resource, if its construct path is known."""
    path: str = resource.get("Metadata", {}).get(PATH_KEY, "")
    inside = path.removeprefix(f"{stack_path}/")
    return Place(inside, resource["Type"]) if inside != path else None
