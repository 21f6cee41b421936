"""Every mode of every part, audited."""

import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_logs as logs
from cdk_nag import NagPack

from fargate_constructs import FargateService, FixedEgressNetwork, HttpEndpoint, LogArchive
from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.open_findings import findings_of
from fargate_constructs.service.fargate_task import FargateTask
from fargate_constructs.synthesized.stored_sources import read_stored
from fargate_constructs.synthesized.stored_templates import read_app
from tests import modes, security_page
from tests.audit import PACKS, Template, findings
from tests.modes.cover import app_with_flags
from tests.modes.made_elsewhere import IMAGE

# What cfn-lint warns of, and why it stays.
WARNINGS = {
    "W3005": "A dependency on a construct is one on all its resources: on a role, and so on its policies.",
    "W7001": "CDK's DeliveryStream adds a mapping of addresses to the stack, and nothing refers to it.",
}


@pytest.mark.parametrize("pack", PACKS.values(), ids=PACKS)
def test_no_finding_is_left_open(pack: type[NagPack]) -> None:
    """Each is fixed, or accepted beside its cause; after synthesis, for then all references are known."""
    modes.template_files()

    assert findings(modes.app(), pack) == []


def test_the_only_caveat_is_of_logs_without_an_archive() -> None:
    """In all modes the only caveat is logs that stay in CloudWatch, in modes without an archive or a log router."""
    app = modes.app()
    templates = read_stored(read_app(Path(app.synth().directory), all_stacks=True))
    kept = {
        ("LogsStayInCloudWatch", f"{runs.log_group.node.path}/Resource")
        for mode in app.node.children
        if not any(isinstance(each, LogArchive) for each in mode.node.find_all())
        for runs in mode.node.find_all()
        if isinstance(runs, FargateTask) and isinstance(runs.log_group, logs.LogGroup)
        if not runs.task_definition.find_container("LogRouter")
    }
    found = {
        (each.rule.name, templates.path(place))
        for place, findings in findings_of(FargateApp(templates)).items()
        for each in findings
        if not each.is_undecided
    }

    assert kept
    assert found == kept


def test_synthesis_finds_nothing_across_stacks() -> None:
    """As an app asks for it, with a shared cluster: by which name its log group is imported, only synthesis knows."""
    app = modes.app_of({"service-deployments": modes.MODES["service-deployments"]})
    Validations.of(app).add_plugins(*(pack(app) for pack in PACKS.values()))

    app.synth()


def test_each_acceptance_is_needed() -> None:
    """Without them there is a finding for each that the page names: of its rule, on its resource, in some mode."""
    accepted = security_page.acknowledgements()
    found = defaultdict(list)
    for pack in PACKS.values():
        for rule, path in findings(app_with_flags(), pack):
            found[security_page.rule_of(rule)].append(f"{path}/")

    named, needed = set(), set()
    for rule, path, reason in accepted:
        place = (rule, security_page.place_of(path), reason)
        named.add(place)
        if any(other.startswith(f"{path}/") for other in found[rule]):
            needed.add(place)
    # CDK has a validator of its own built in, and these rules are its.
    assert {each for each in named - needed if not each[0].startswith("CloudFormation-Validate")} == set()


@pytest.mark.parametrize(
    ("mode", "rule", "place"),
    [
        ("archive-key", "S3DefaultEncryptionKMS", "LogArchive"),
        ("archive-locked", "S3BucketVersioningEnabled", "LogArchive/Bucket"),
        ("archive-versioned", "S3BucketVersioningEnabled", "LogArchive/Bucket"),
        ("archive-versioned", "CloudWatchAlarmAction", "LogArchive/ErrorsAlarm"),
        ("endpoint-given", "ALBWAFEnabled", "Endpoint"),
        ("endpoint-restricted", "ALBWAFEnabled", "Endpoint"),
        ("endpoint-restricted", "ALBHttpToHttpsRedirection", "Endpoint"),
        ("endpoint-restricted", "AwsSolutions-EC23", "Endpoint"),
        ("endpoint-named-cloud-front", "AwsSolutions-CFR2", "Distribution"),
        ("service-own-key", "CloudWatchLogGroupEncrypted", ""),
    ],
    ids=str,
)
def test_what_a_caller_chooses_is_accepted_no_more(mode: str, rule: str, place: str) -> None:
    """A key, a lock, actions, a web ACL, a certificate: what there is now to find is found."""
    paths = [each.path for each in security_page.acknowledgements() if each.rule == rule]

    assert paths, "the rule has another name"
    assert [path for path in paths if path.startswith(f"{mode}/") and place in path] == []


def test_the_page_names_the_versions() -> None:
    """Those that the tests and `make audit` run with."""
    page = security_page.PAGE.read_text()

    assert f"| {version('cdk-nag')} | constructs |" in page
    (version_2,) = re.findall(r"^cdk-nag==(\S+)", Path("requirements-lowest.txt").read_text(), re.MULTILINE)
    assert f"with the lowest versions of CDK | {version_2} | constructs |" in page
    assert f"| {version('cfn-lint')} | templates |" in page
    (checkov,) = re.findall(r"^checkov==(\S+)", Path("requirements-audit.in").read_text(), re.MULTILINE)
    assert f"| checkov | {checkov} | templates |" in page


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
    assert f"| acknowledged there | {' | '.join(map(str, found))} |" in security_page.PAGE.read_text()


def test_cfn_lint_finds_nothing_else(tmp_path: Path) -> None:
    """No error and no warning on any resource; and each one that stays is there."""
    found = lint(modes.templates(), tmp_path)

    assert [each for each in found if each[0] not in WARNINGS] == []
    assert {rule for rule, *_ in found} == set(WARNINGS)


def lint(templates: Mapping[str, Template], folder: Path) -> list[tuple[str, str, list[str]]]:
    """Return what cfn-lint finds in templates: the rule, the message, and the place."""
    new: set[tuple[str, str]] = set()
    for number, (template, names) in enumerate(distinct(templates)):
        path = folder / f"{number}.json"
        path.write_text(json.dumps(template))
        new |= {(str(path), name) for name in names}
    cfn_lint = Path(sys.executable).with_name("cfn-lint")
    command: list[str | Path] = [cfn_lint, "--format", "json", *folder.iterdir()]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return [
        (each["Rule"]["Id"], each["Message"], path)
        for each in json.loads(result.stdout)
        if (path := each["Location"]["Path"])[0] != "Resources" or (each["Filename"], path[1]) in new
    ]


def distinct(templates: Mapping[str, Template]) -> Iterator[tuple[Template, set[str]]]:
    """Yield each template with the names of what is new in it, since cfn-lint takes time for each resource.

    Resources are the same if they differ only in construct paths, and in which resources of the same types they refer
    to. A resource that was in a template before is there by its type alone, if something refers to it.
    """
    seen: set[str] = set()
    for stack, template in templates.items():
        types: dict[str, str] = {name: each["Type"] for name, each in template["Resources"].items()}
        mode = stack.rpartition("-")[0]
        # As a tag or a description has it, as a name, and without separators; and the hash of a logical ID.
        path = re.compile(rf"[\w-]*{mode}(/[\w-]+)*[\w-]*|{mode.replace('-', '')}\w*|[0-9a-f]{{8}}", re.IGNORECASE)
        new = {}
        for name, each in template["Resources"].items():
            words: list[str] = re.split(r"(\w+)", json.dumps(each | {"Metadata": None}))
            text = path.sub("", "".join(types.get(word, word) for word in words))
            if text not in seen:
                new[name] = each
                seen.add(text)
        named = {*re.findall(r"\w+", json.dumps(template | {"Resources": new}))}
        stubs = {name: {"Type": type_} for name, type_ in types.items() if name in named}
        yield template | {"Resources": stubs | new}, {*new}
