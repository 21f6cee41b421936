"""What a team's tests read of a stack."""

import json
import re
from pathlib import Path
from typing import Any

from aws_cdk import Stack
from aws_cdk.cx_api import CloudAssembly

from fargate_constructs._core.arguments import checked
from fargate_constructs.synthesized.assembly import synthesized, template_of

# Resources whose logical IDs CDK ends with a hash of what they publish.
PUBLISHED = ("AWS::Lambda::Version", "AWS::ApiGateway::Deployment")
PUBLISHED_ID = re.compile(r"(.+?)[0-9a-f]{32}")
# What the CLI asks CDK to write into a resource's metadata, for itself.
NOISY_METADATA = ("aws:cdk:", "aws:asset:")


@checked
def scrubbed_template(stack: Stack) -> dict[str, Any]:
    """Return a stack's template without what changes though the stack does not: to be kept in a file, and compared.

    Two synths whose Lambda functions and images differ in nothing but code have the same. Any other change shows.

    - Each hash of an asset becomes `<asset Shop/Function/Code>`, with the path of the asset's construct: which code a
      function runs, not what is in it. Other hashes, such as an image's digest, stay.
    - The logical ID of a Lambda version or an API deployment ends without the hash of what it publishes.
    - What only the CDK and its CLI read is gone: CDK's usage metadata with its condition, the version check of the
      bootstrap stack, and paths in resources' metadata.

    ```python
    def test_the_template_is_what_it_was(snapshot):
        assert scrubbed_template(Shop(App(), "Shop")) == snapshot.use_extension(JSONSnapshotExtension)
    ```

    Args:
        stack: The stack, nested or not; a nested one's template is not in its parent's. The whole app is synthesized,
            as `Template.from_stack` does.

    Raises:
        TypeError: If *stack* is not one.
        RuntimeError: If the app does not synthesize.
    """
    assembly = synthesized(stack)
    template = template_of(stack, assembly)
    text = json.dumps(template)
    for hash_, name in _assets(assembly):
        text = text.replace(hash_, json.dumps(f"<asset {name}>")[1:-1])
    for logical_id, resource in template.get("Resources", {}).items():
        published = PUBLISHED_ID.fullmatch(logical_id) if resource["Type"] in PUBLISHED else None
        if published:
            text = text.replace(logical_id, published[1])
    return _without_noise(json.loads(text))


def _assets(assembly: CloudAssembly) -> list[tuple[str, str]]:
    """Return the hash and the name of each asset of an assembly."""
    manifests = Path(assembly.directory).glob("*.assets.json")
    contents = [json.loads(each.read_text(encoding="utf-8")) for each in manifests]
    return [
        (hash_, asset["displayName"])
        for content in contents
        for assets in (content.get("files", {}), content.get("dockerImages", {}))
        for hash_, asset in assets.items()
    ]


def _without_noise(template: dict[str, Any]) -> dict[str, Any]:
    for section, name in (
        ("Resources", "CDKMetadata"),
        ("Conditions", "CDKMetadataAvailable"),
        ("Parameters", "BootstrapVersion"),
        ("Rules", "CheckBootstrapVersion"),
    ):
        template.get(section, {}).pop(name, None)
        if not template.get(section, True):
            del template[section]
    for resource in template.get("Resources", {}).values():
        metadata = resource.pop("Metadata", {})
        kept = {key: value for key, value in metadata.items() if not key.startswith(NOISY_METADATA)}
        if kept:
            resource["Metadata"] = kept
    return template
