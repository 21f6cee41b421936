"""What the lock files pin, beside what the installed packages want."""

import re
import sys
from collections.abc import Iterable, Iterator
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


def pins(lock: Path) -> dict[NormalizedName, set[str]]:
    """Return the extras that a lock file pins each package with."""
    found = re.findall(r"^([\w.-]+)(?:\[([^]]*)\])?==", lock.read_text(), re.MULTILINE)
    return {canonicalize_name(name): set(filter(None, extras.split(","))) for name, extras in found}


def wanted(package: Distribution, extras: set[str]) -> Iterator[Requirement]:
    """Yield what an installed package with these extras requires on this machine."""
    for requirement in map(Requirement, package.requires or []):
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": each}) for each in ["", *extras]):
            yield requirement


def missing(lock: Path, packages: Iterable[Distribution]) -> list[str]:
    """Return what a lock file pins without an extra that one of its installed packages wants."""
    pinned, installed = pins(lock), {canonicalize_name(each.name): each for each in packages}
    return [
        f"{name} wants {requirement}"
        for name, extras in pinned.items()
        if name in installed  # the others are for other machines
        for requirement in wanted(installed[name], extras)
        if not requirement.extras <= pinned[canonicalize_name(requirement.name)]
    ]


@pytest.mark.parametrize("lock", INSTALLED)
def test_what_is_wanted_with_an_extra_is_pinned_with_it(lock: str) -> None:
    """An older pip refuses the lock otherwise, once the package has a newer version than the one that is pinned."""
    packages = [*distributions(path=[str(INSTALLED[lock])])]

    assert len(packages) > len(pins(Path(lock))) / 2
    assert missing(Path(lock), packages) == []


@pytest.mark.parametrize(
    ("pinned", "lacks"),
    [
        ("plugin==1\ncoverage==7", ["plugin wants coverage[toml]>=7"]),
        ("plugin==1\ncoverage[toml]==7", []),
        ("plugin[fast]==1\ncoverage[toml]==7\nrun==2", ['plugin wants run[all]; extra == "fast"']),
    ],
)
def test_an_extra_that_is_not_pinned_is_found(tmp_path: Path, pinned: str, lacks: list[str]) -> None:
    """Also one that a package wants for an extra of its own."""
    metadata = tmp_path / "plugin-1.dist-info" / "METADATA"
    metadata.parent.mkdir()
    wants = "Requires-Dist: coverage[toml]>=7\nRequires-Dist: run[all]; extra == 'fast'\n"
    metadata.write_text(f"Metadata-Version: 2.1\nName: plugin\nVersion: 1\n{wants}")
    (tmp_path / "lock.txt").write_text(pinned)

    assert missing(tmp_path / "lock.txt", distributions(path=[str(tmp_path)])) == lacks
