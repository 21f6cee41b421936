"""What the lock files pin, beside what the installed packages want."""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

SITE_PACKAGES = Path("lib", f"python{sys.version_info.major}.{sys.version_info.minor}", "site-packages")
INSTALLED = {
    "requirements-dev.txt": Path(sys.prefix) / SITE_PACKAGES,
    "requirements-lowest.txt": Path(sys.prefix) / "lowest" / SITE_PACKAGES,
}


def pins(lock: str) -> dict[NormalizedName, set[str]]:
    """Return the extras that a lock file pins each package with."""
    found = re.findall(r"^([\w.-]+)(?:\[([^]]*)\])?==", Path(lock).read_text(), re.MULTILINE)
    return {canonicalize_name(name): set(filter(None, extras.split(","))) for name, extras in found}


def wanted(package: Distribution, extras: set[str]) -> Iterator[Requirement]:
    """Yield what an installed package with these extras requires on this machine."""
    for requirement in map(Requirement, package.requires or []):
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": each}) for each in ["", *extras]):
            yield requirement


@pytest.mark.parametrize("lock", INSTALLED)
def test_what_is_wanted_with_an_extra_is_pinned_with_it(lock: str) -> None:
    """An older pip refuses the lock otherwise, once the package has a newer version than the one that is pinned."""
    pinned = pins(lock)
    packages = {canonicalize_name(each.name): each for each in distributions(path=[str(INSTALLED[lock])])}
    missing = [
        f"{name} wants {requirement}"
        for name, extras in pinned.items()
        if name in packages  # the others are for other machines
        for requirement in wanted(packages[name], extras)
        if not requirement.extras <= pinned[canonicalize_name(requirement.name)]
    ]

    assert len(packages) > len(pinned) / 2
    assert missing == []


def test_some_package_wants_an_extra() -> None:
    """So the test above compares something."""
    assert "toml" in pins("requirements-dev.txt")[canonicalize_name("coverage")]
