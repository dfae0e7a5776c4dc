"""The wheel's top-level names are common words: nothing else in the environment may own them."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

PACKAGES = {"controllers", "placement", "manifestwork", "statussync", "registration", "agent"}
ROOT = Path(__file__).parent.parent.parent


def owners(distribution: metadata.Distribution) -> set[str]:
    """Top-level packages that a distribution has installed."""
    return {path.parts[0] for path in distribution.files or () if len(path.parts) > 1}


def test_no_other_distribution_owns_our_packages() -> None:
    for distribution in metadata.distributions():
        if distribution.metadata["Name"] != "argosy-workflows":
            taken = owners(distribution) & PACKAGES
            assert not taken, (
                f"{distribution.metadata['Name']} also installs {taken}: use an environment of its own"
            )


def test_the_wheel_lists_our_packages_by_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    included = project["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {pattern.rstrip("*") for pattern in included} == PACKAGES


def test_every_dependency_is_pinned_to_a_range() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [item for extra in project["optional-dependencies"].values() for item in extra]
    stubs = [item for item in extras if item.startswith(("types-", "argosy-workflows"))]
    for requirement in {*project["dependencies"], *extras} - set(stubs):
        assert re.search(r">=", requirement), requirement
    for requirement in project["dependencies"]:
        assert re.search(r">=[\d.]+,<\d", requirement), requirement


def test_no_lock_file_holds_download_addresses() -> None:
    for path in (ROOT / "hack" / "build").rglob("go.*"):
        assert not re.search(r"https?://", path.read_text()), path
