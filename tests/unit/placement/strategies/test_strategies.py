"""What each strategy picks."""

from __future__ import annotations

from collections import Counter

import pytest

from placement.capacity.need import NOTHING, Need
from placement.strategies.by_scores import by_scores
from placement.strategies.candidate import Candidate, Strategy
from placement.strategies.pack import pack
from placement.strategies.spread import spread
from placement.strategies.weighted import weighted


def room(cpu: float, pods: float = 100) -> Need:
    return Need(cpu=cpu, pods=pods)


ONE = Need(cpu=1, pods=1)


@pytest.mark.parametrize(
    ("strategy", "candidates", "expected"),
    [
        (spread, [Candidate("a")], "a"),
        (spread, [Candidate("b"), Candidate("a")], "a"),
        (spread, [Candidate("a", 1), Candidate("b", 0)], "b"),
        (spread, [Candidate("a", 3), Candidate("b", 1), Candidate("c", 2)], "b"),
        # neither the score nor what is free matters to it
        (spread, [Candidate("a", 1, 0, room(9)), Candidate("b", 0, 5, room(1))], "b"),
        (by_scores, [Candidate("a", rank=1), Candidate("b", rank=0)], "b"),
        (by_scores, [Candidate("b", rank=2), Candidate("a", rank=2)], "a"),
        (by_scores, [Candidate("a", 0, 1), Candidate("b", 50, 0)], "b"),
        (
            pack,
            [Candidate("a", room=room(9)), Candidate("b", room=room(3)), Candidate("c", room=room(5))],
            "b",
        ),
        # pods may be what is scarce
        (pack, [Candidate("a", room=room(9, 2)), Candidate("b", room=room(3))], "a"),
        (pack, [Candidate("a", 1, room=room(3)), Candidate("b", 2, room=room(3))], "b"),
        (pack, [Candidate("a", 9), Candidate("b", 0, room=room(3))], "b"),
        (pack, [Candidate("a", 1), Candidate("b", 2)], "b"),
        (pack, [Candidate("b", 1), Candidate("a", 1)], "a"),
    ],
)
def test_picks(strategy: Strategy, candidates: list[Candidate], expected: str) -> None:
    assert strategy(candidates, ONE, "uid").cluster == expected
    assert strategy(candidates[::-1], ONE, "uid").cluster == expected


def drawn(candidates: list[Candidate], count: int = 4000) -> dict[str, float]:
    found = Counter(weighted(candidates, ONE, str(number)).cluster for number in range(count))
    return {name: times / count for name, times in found.items()}


def test_random_follows_what_is_free() -> None:
    found = drawn([Candidate("a", room=room(1)), Candidate("b", room=room(3))])
    assert found["b"] == pytest.approx(0.75, abs=0.05)


def test_random_takes_a_cluster_that_says_nothing_for_an_average_one() -> None:
    found = drawn([Candidate("a", room=room(2)), Candidate("b"), Candidate("c", room=room(4))])
    assert found["b"] == pytest.approx(1 / 3, abs=0.05)


@pytest.mark.parametrize("rooms", [(None, None), (Need(), Need())])
def test_random_without_any_figure_is_even(rooms: tuple[Need | None, Need | None]) -> None:
    found = drawn([Candidate("a", room=rooms[0]), Candidate("b", room=rooms[1])])
    assert found["a"] == pytest.approx(0.5, abs=0.05)


def test_random_is_the_same_for_the_same_workflow() -> None:
    candidates = [Candidate("a", room=room(1)), Candidate("b", room=room(3))]
    assert len({weighted(candidates, ONE, "uid") for _ in range(10)}) == 1


@pytest.mark.parametrize("room", [None, room(3)])
@pytest.mark.parametrize("strategy", [spread, by_scores, pack, weighted])
def test_a_single_cluster_is_no_choice(strategy: Strategy, room: Need | None) -> None:
    assert strategy([Candidate("a", 2, 1, room)], ONE, "uid") == ("a", "the only cluster")


def test_reasons() -> None:
    candidates = [Candidate("a", 2, 1, room(3)), Candidate("b", 4, 0, room(9))]
    assert spread(candidates, ONE, "").why == "2 active there, the fewest of 2 clusters"
    assert by_scores(candidates, ONE, "").why == "the best score of 2 clusters with room"
    assert pack(candidates, ONE, "").why == "room for 3 of its kind, the least of 2 clusters"
    assert (
        pack([Candidate("a", 2), Candidate("b")], NOTHING, "").why == "2 active there, the most of 2 clusters"
    )
    assert weighted(candidates, ONE, "1").why.startswith("drawn of 2 clusters with a chance of ")
