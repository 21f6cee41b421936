"""What the README and the guides say: links and names. `tests/test_guides.py` runs their programs."""

import inspect
import re
from functools import cache
from pathlib import Path

import pytest

import fargate_constructs

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
RECIPES = sorted((ROOT / "docs/recipes").glob("*.md"))  # tests/test_recipes.py runs them
GUIDES = [ROOT / "README.md", ROOT / "examples/README.md", *sorted((ROOT / "docs").glob("*.md")), *RECIPES]
PAGES = [*sorted(ROOT.glob("*.md")), ROOT / "examples/README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SCREENS = 100  # lines of README.md: two screens
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_links_lead_somewhere(page: Path) -> None:
    """Each relative link names a file that is there."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_names_in_the_guides_exist() -> None:
    """Each attribute of a construct or of a public class is one of that class."""
    classes = {name: name for name in vars(fargate_constructs)["__all__"]} | VARIABLES
    name = re.compile(rf"(?<![-\w./])({'|'.join(classes)})\.(?!md|py|json|example|env)([a-z]\w+)\b(?!\.amazonaws)")
    fields = re.compile("<!-- fields -->.*<!-- end of fields -->", re.DOTALL)  # of another tool
    found = {match for page in GUIDES for match in name.findall(fields.sub("", page.read_text()))}
    source_of = cache(inspect.getsource)
    missing = []
    for owner, attribute in sorted(found):
        class_ = getattr(fargate_constructs, classes[owner])
        bases = [each for each in class_.__mro__ if each.__module__.startswith("fargate_constructs")]
        if not hasattr(class_, attribute) and not any(
            f"self.{attribute} = " in text or f"self.{attribute}: " in text for text in map(source_of, bases)
        ):
            missing.append(f"{owner}.{attribute}")

    assert len(found) > 80
    assert missing == []


def test_the_readme_is_short() -> None:
    """Two screens."""
    assert len(README.splitlines()) <= SCREENS


def test_each_page_is_in_the_index() -> None:
    """docs/README.md has one line for each page, and README.md leads to it."""
    index = ROOT / "docs/README.md"
    entries = re.findall(r"^- \[[^]]+\]\(([^)#]+)\): ", index.read_text(), flags=re.MULTILINE)
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md") if path != index}

    assert pages - set(entries) == set()
    assert len(entries) == len(set(entries))
    assert "(docs/README.md)" in README


@pytest.mark.parametrize("page", sorted((ROOT / "docs/decisions").glob("*.md")), ids=lambda page: page.stem)
def test_decisions_are_short(page: Path) -> None:
    """One screen, with the date, and a figure: what was measured, or a table."""
    text = page.read_text()

    assert len(text.splitlines()) <= 60
    assert re.search(r"^Status: (decided|open), 20\d\d-\d\d-\d\d\.", text, flags=re.MULTILINE)
    assert re.search(r"^## Measured$|^\|---", text, flags=re.MULTILINE)


def test_the_anchors_exist() -> None:
    """Each link to a heading of a page names one that is there."""
    missing = []
    for page in PAGES:
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text()):
            other = (page.parent / target) if target else page
            headings = re.findall(r"^#+ (.+)$", other.read_text(), flags=re.MULTILINE)
            slugs = {
                re.sub(r"[^\w\- ]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", each)).lower().replace(" ", "-")
                for each in headings
            }
            if other.suffix == ".md" and anchor not in slugs:
                missing.append(f"{page.name}: {target}#{anchor}")

    assert missing == []
