"""Which cluster, or why none."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placement.capacity.need import NOTHING, Need
from placement.decide import Place, PlacementState, Wait, choose, missing
from placement.strategies import STRATEGIES
from placement.strategies.candidate import Candidate

GI = 2**30


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
def test_why_there_is_nothing_to_choose_from(
    placement: str | None, state: PlacementState, reason: str, words: str
) -> None:
    found = missing("argo", placement, state)
    assert found is not None
    assert found.reason == reason
    assert words in found.message


def test_with_a_decision_nothing_is_missing() -> None:
    assert missing("argo", "p", PlacementState(True, ("a",))) is None


def test_why_is_told() -> None:
    one = choose([Candidate("a")], "spread", NOTHING, "uid")
    assert one == Place("a", "spread: the only cluster")
    two = choose([Candidate("a", 3), Candidate("b", 2)], "spread", NOTHING, "uid")
    assert two == Place("b", "spread: 2 active there, the fewest of 2 clusters")


def test_a_cluster_that_can_not_hold_it_is_not_chosen() -> None:
    small, large = Candidate("a", room=Need(1, GI, 10)), Candidate("b", active=9, room=Need(8, 8 * GI, 10))
    outcome = choose([small, large], "spread", Need(2, GI, 1), "uid")
    assert outcome == Place("b", "spread: the only cluster; 1 more without room")


def test_a_cluster_that_does_not_say_what_is_free_can_hold_anything() -> None:
    outcome = choose([Candidate("a", room=Need(1, GI, 1)), Candidate("b")], "pack", Need(64), "uid")
    assert isinstance(outcome, Place)
    assert outcome.cluster == "b"


def test_without_room_it_waits_and_says_what_it_needs() -> None:
    rooms = [Candidate("a", room=Need(1, GI, 10)), Candidate("b", room=Need(3, GI, 0))]
    outcome = choose(rooms, "spread", Need(2, 4 * GI, 3), "uid")
    assert isinstance(outcome, Wait)
    assert outcome.reason == "NoRoom"
    assert "2 CPU, 4 GiB, 3 pods" in outcome.message
    assert "none of 2 clusters has so much free" in outcome.message
    assert "workflows.argoproj.io/ocm-need" in outcome.message


ROOMS = st.one_of(st.none(), st.builds(Need, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)))
CANDIDATES = st.lists(
    st.builds(
        Candidate, st.text("abcd", min_size=1, max_size=2), st.integers(0, 9), st.integers(0, 9), ROOMS
    ),
    min_size=1,
    unique_by=lambda item: item.name,
)


@given(CANDIDATES, st.sampled_from(sorted(STRATEGIES)), st.builds(Need, *[st.integers(0, 5)] * 3), st.text())
def test_every_strategy_takes_a_cluster_with_room_whatever_their_order(
    candidates: list[Candidate], strategy: str, need: Need, seed: str
) -> None:
    outcome = choose(candidates, strategy, need, seed)
    assert choose(candidates[::-1], strategy, need, seed) == outcome
    able = {item.name for item in candidates if (fits := item.fits(need)) is None or fits >= 1}
    if isinstance(outcome, Place):
        assert outcome.cluster in able
    else:
        assert not able


@given(clusters=st.sets(st.text("abc", min_size=1, max_size=2), min_size=1), count=st.integers(1, 60))
def test_a_burst_is_spread_evenly(clusters: set[str], count: int) -> None:
    active: Counter[str] = Counter()
    for _ in range(count):
        candidates = [Candidate(name, active[name]) for name in clusters]
        outcome = choose(candidates, "spread", NOTHING, "uid")
        assert isinstance(outcome, Place)
        active[outcome.cluster] += 1
    sizes = [active[cluster] for cluster in clusters]
    assert max(sizes) - min(sizes) <= 1
