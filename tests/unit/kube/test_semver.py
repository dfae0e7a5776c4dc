"""Semantic versions: their order, and what is taken for one."""

from __future__ import annotations

import pytest

from controllers.kube.semver import normalized, version


def test_versions_compare_as_semantic_ones() -> None:
    """The example of semver.org, and numbers as numbers."""
    before = ["alpha", "alpha.1", "alpha.beta", "beta", "beta.2", "beta.11", "rc.1"]
    ascending = [*(f"1.0.0-{word}" for word in before), "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0"]
    assert sorted(ascending, key=version) == ascending
    assert version("1.0.0+build.1") == version("1.0.0")


@pytest.mark.parametrize(
    ("loose", "strict"),
    [("v1.31.2", "1.31.2"), ("1", "1.0.0"), ("01.02", "1.2.0"), ("v1.2-rc.1", "1.2.0-rc.1")],
)
def test_loose_versions(loose: str, strict: str) -> None:
    assert normalized(loose) == strict
