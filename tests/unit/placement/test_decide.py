"""Which cluster, or why none."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placement.decide import Place, PlacementState, Wait, choose


@pytest.mark.parametrize(
    ("clusters", "active", "expected"),
    [
        (("a",), {}, "a"),
        (("a", "b"), {}, "a"),
        (("a", "b"), {"a": 1}, "b"),
        (("b", "a"), {"a": 2, "b": 2}, "a"),
        (("a", "b", "c"), {"a": 3, "b": 1, "c": 2, "other": 0}, "b"),
    ],
)
def test_the_cluster_with_the_fewest_active_workflows(
    clusters: tuple[str, ...], active: dict[str, int], expected: str
) -> None:
    assert choose("argo", "p", PlacementState(True, clusters), active) == Place(expected)


@pytest.mark.parametrize(
    ("placement", "state", "reason", "words"),
    [
        (None, PlacementState(False), "PlacementNotNamed", "workflows.argoproj.io/ocm-placement"),
        ("", PlacementState(False), "PlacementNotNamed", "namespace argo"),
        ("p", PlacementState(False), "PlacementNotFound", "no Placement p in namespace argo"),
        ("p", PlacementState(True), "NoDecision", "describe placement p"),
        (
            "p",
            PlacementState(True, (), "No ManagedCluster matches"),
            "NoDecision",
            "No ManagedCluster matches",
        ),
    ],
)
def test_why_it_waits(placement: str | None, state: PlacementState, reason: str, words: str) -> None:
    outcome = choose("argo", placement, state, {})
    assert isinstance(outcome, Wait)
    assert outcome.reason == reason
    assert words in outcome.message


@given(clusters=st.sets(st.text("abc", min_size=1, max_size=2), min_size=1), count=st.integers(1, 60))
def test_a_burst_is_spread_evenly(clusters: set[str], count: int) -> None:
    active: Counter[str] = Counter()
    for _ in range(count):
        outcome = choose("argo", "p", PlacementState(True, tuple(clusters)), active)
        assert isinstance(outcome, Place)
        active[outcome.cluster] += 1
    sizes = [active[cluster] for cluster in clusters]
    assert max(sizes) - min(sizes) <= 1
