"""What the README and the guides say: programs, links and names."""

import inspect
import re
from pathlib import Path

import pytest

import fargate_constructs

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
GUIDES = [ROOT / "README.md", ROOT / "examples/README.md", *sorted((ROOT / "docs").glob("*.md"))]
# What the variables of the guides are.
VARIABLES = {
    "api": "FargateService",
    "archive": "LogArchive",
    "bill": "Job",
    "distribution": "CloudFrontDistribution",
    "edge": "TcpEndpoint",
    "endpoint": "HttpEndpoint",
    "job": "Job",
    "load": "Job",
    "mail": "TcpEndpoint",
    "migrate": "OneOffTask",
    "monitoring": "FargateMonitoring",
    "network": "FixedEgressNetwork",
    "pool": "ElasticIpPool",
    "report": "ScheduledTask",
    "service": "FargateService",
    "web": "FargateService",
    "worker": "FargateService",
}
PROGRAMS = [
    (page.name, program)
    for page in GUIDES
    for program in re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    # tests/adoption/test_migrating.py runs those that need a file of logical IDs.
    if page.name == "README.md" or ("app.synth()" in program and page.name != "migrating.md")
]


@pytest.mark.parametrize(("page", "program"), PROGRAMS, ids=range(len(PROGRAMS)))
def test_the_programs_run(page: str, program: str) -> None:
    """Each Python block of the README, and each that ends with a synthesis in a guide, is a whole program."""
    exec(compile(program, page, "exec"), {})  # noqa: S102 - the project's own code


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_links_lead_somewhere(page: Path) -> None:
    """Each relative link names a file that is there."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_names_in_the_guides_exist() -> None:
    """Each attribute of a construct or of a public class is one of that class."""
    classes = {name: name for name in vars(fargate_constructs)["__all__"]} | VARIABLES
    name = re.compile(rf"(?<![-\w./])({'|'.join(classes)})\.(?!md|py|example|env)([a-z]\w+)\b(?!\.amazonaws)")
    fields = re.compile("<!-- fields -->.*<!-- end of fields -->", re.DOTALL)  # of another tool
    found = {match for page in GUIDES for match in name.findall(fields.sub("", page.read_text()))}
    missing = []
    for owner, attribute in sorted(found):
        class_ = getattr(fargate_constructs, classes[owner])
        bases = [each for each in class_.__mro__ if each.__module__.startswith("fargate_constructs")]
        is_set = any(
            f"self.{attribute} = " in text or f"self.{attribute}: " in text for text in map(inspect.getsource, bases)
        )
        if not hasattr(class_, attribute) and not is_set:
            missing.append(f"{owner}.{attribute}")

    assert len(found) > 80
    assert missing == []


def test_there_are_programs() -> None:
    """The README shows the short way and the long one."""
    assert [page for page, _ in PROGRAMS].count("README.md") == 2
