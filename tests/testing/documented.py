"""What AWS's documentation replaces for and the resource schemas do not; `make create-only` writes it again.

```
CDK's database of AWS's documentation ─┐
                                       ├──> [what the schemas lack] ──> synthesized/create_only_documented.py
cfn-lint's schemas ────────────────────┘
```
"""

import gzip
import json
from functools import cache
from pathlib import Path

from fargate_constructs.synthesized.create_only import KINDS, known_types, names_in_schema

ROOT = Path(__file__).parents[2]
DATABASE = ROOT / "node_modules" / "aws-cdk" / "db.json.gz"
FILE = ROOT / "fargate_constructs" / "synthesized" / "create_only_documented.py"
HEAD = '''"""What AWS's documentation replaces for, and the resource schemas do not; written by `make create-only`.

One of the two is behind, so a resource may be replaced. AWS SAM's types are left out: a transform replaces them.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-resource-specification.html
"""

DOCUMENTED = {
'''


@cache
def missing() -> dict[str, list[str]]:
    """Return the properties that only the documentation calls create-only, always or under conditions, by type."""
    database = json.loads(gzip.decompress(DATABASE.read_bytes()))
    known = set(known_types())
    lacking = {}
    for each in database["schema"]["resource"]["entities"]:
        type_, properties = each["cloudFormationType"], each["properties"]
        replacing = {name for name, one in properties.items() if one.get("causesReplacement") in ("yes", "maybe")}
        if type_ in known:
            replacing -= {name.split("/")[0] for kind in KINDS for name in names_in_schema(type_, kind)}
        if replacing and not type_.startswith("AWS::Serverless::"):
            lacking[type_] = sorted(replacing)
    return dict(sorted(lacking.items()))


def written() -> str:
    """Return the file as it should be."""
    lines = [f"    {json.dumps(type_)}: {json.dumps(names)},\n" for type_, names in missing().items()]
    return HEAD + "".join(lines) + "}\n"


if __name__ == "__main__":
    FILE.write_text(written())
