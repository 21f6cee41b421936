"""Every mode of every part, audited."""

import json
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from aws_cdk import App, Stack, Validations
from cdk_nag import NagPack

from fargate_constructs import FargateService, FixedEgressNetwork, HttpEndpoint
from tests import modes, security_page
from tests.audit import PACKS, findings
from tests.modes.made_elsewhere import IMAGE

# What cfn-lint warns of, and why it stays.
WARNINGS = {
    "W3005": "CDK lets what depends on a construct depend on all in it: on a role, for its policies' sake.",
    "W7001": "CDK's DeliveryStream adds a mapping of addresses to the stack, to which nothing here refers.",
}


@pytest.mark.parametrize("pack", PACKS.values(), ids=PACKS)
def test_no_finding_is_left_open(pack: type[NagPack]) -> None:
    """Each is fixed, or accepted beside its cause; after synthesis, for then all references are known."""
    modes.template_files()

    assert findings(modes.app(), pack) == []


def test_each_acceptance_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without them there is a finding for each that the page names: of its rule, on its resource, in some mode."""
    accepted = security_page.acknowledgements()
    monkeypatch.setattr(Validations, "acknowledge", lambda *_: None)
    app = modes.app_of(modes.MODES)
    found = defaultdict(list)
    for pack in PACKS.values():
        for rule, path in findings(app, pack):
            found[security_page.rule_of(rule)].append(f"{path}/")

    named, needed = set(), set()
    for rule, path, reason in accepted:
        place = (rule, security_page.place_of(path), reason)
        named.add(place)
        if any(other.startswith(f"{path}/") for other in found[rule]):
            needed.add(place)
    # CDK has a validator of its own built in, and these rules are its.
    assert {each for each in named - needed if not each[0].startswith("CloudFormation-Validate")} == set()


def test_the_page_lists_what_is_accepted() -> None:
    """All of it and nothing else."""
    now, page = security_page.lines(), security_page.written()
    missing, outdated = (Counter(one) - Counter(other) for one, other in ((now, page), (page, now)))

    assert page == now, "\n".join(
        [
            "docs/security.md is not true: `python -m tests.security_page` writes it again.",
            *(f"add    {line}" for line in missing),
            *(f"remove {line}" for line in outdated),
        ]
    )


def test_the_page_counts_what_is_accepted_of_one_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the others' open findings."""
    monkeypatch.setattr(Validations, "acknowledge", lambda *_: None)
    stack = Stack(App(), "Test")
    network = FixedEgressNetwork(stack, "Network")
    web = FargateService(stack, "Web", network=network, image=IMAGE)
    HttpEndpoint(stack, "Endpoint", network=network).add_route("Web", service=web)

    found = [len(findings(stack.node.root, pack)) for name, pack in PACKS.items() if name != "Serverless"]
    assert f"| accepted there, as below | {' | '.join(map(str, found))} |" in security_page.PAGE.read_text()


def test_cfn_lint_finds_nothing_else() -> None:
    """No error and no warning in any template; and each one that stays is there."""
    templates = [str(path) for path in modes.template_files().values()]
    cfn_lint = Path(sys.executable).with_name("cfn-lint")
    lint = subprocess.run([cfn_lint, "--format", "json", *templates], capture_output=True, text=True, check=False)
    found = [(each["Rule"]["Id"], each["Message"], each["Filename"]) for each in json.loads(lint.stdout)]

    assert [each for each in found if each[0] not in WARNINGS] == []
    assert {rule for rule, *_ in found} == set(WARNINGS)
