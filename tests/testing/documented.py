"""Writes create_only_documented.json: what AWS's documentation replaces for and the resource schemas do not.

The documentation is read from CDK's database, the schemas from cfn-lint. One of the two is behind, so CloudFormation
may replace the resource. AWS SAM's types are left out: a transform replaces them. `make create-only` runs this.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-resource-specification.html
"""

import gzip
import json
from functools import cache
from itertools import groupby
from pathlib import Path

from fargate_constructs.synthesized.create_only import DOCUMENTED, KINDS, known_types, names_in_schema

DATABASE = Path(__file__).parents[2] / "node_modules" / "aws-cdk" / "db.json.gz"


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
    """Return the file as it should be: a line for each service."""
    services = groupby(missing().items(), lambda each: each[0].rpartition("::")[0])
    lines = [json.dumps(dict(types))[1:-1] for _, types in services]
    return "{" + ",\n".join(lines) + "}\n"


if __name__ == "__main__":
    DOCUMENTED.write_text(written())
