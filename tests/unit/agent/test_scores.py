"""What a cluster's scores are, and when the hub is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decide.capacity import Amounts, Room
from agent.decide.scores import VALID, Counts, counted, due, scores, status

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HALF = Room(Amounts(1000, 1000, 10), Amounts(500, 250, 10))
FOUND = {"cpuFree": 50, "memoryFree": 25, "podsFree": 100}


@pytest.mark.parametrize(
    ("room", "counts", "expected"),
    [
        (None, None, {}),
        (HALF, None, FOUND),
        (None, Counts(3, 2), {"workflowsRunning": -3, "workflowsQueued": -2}),
        (None, Counts(300, 200), {"workflowsRunning": -100, "workflowsQueued": -100}),
        (Room(Amounts(1000, 0, 10), Amounts(0, 0, 0)), None, {"cpuFree": 0, "podsFree": 0}),
    ],
)
def test_scores(room: Room | None, counts: Counts | None, expected: dict[str, int]) -> None:
    assert scores(room, counts) == expected


AMOUNTS = st.builds(Amounts, st.integers(0, 10**6), st.integers(0, 2**50), st.integers(0, 10**5))


@given(AMOUNTS, st.data(), st.builds(Counts, st.integers(0, 10**6), st.integers(0, 10**6)))
def test_scores_are_within_their_limits(total: Amounts, data: st.DataObject, counts: Counts) -> None:
    free = Amounts(*(data.draw(st.integers(0, each)) for each in total))
    found = scores(Room(total, free), counts)
    assert all(-100 <= value <= 100 for value in found.values())


def test_counts() -> None:
    assert counted(["Running", "", "Pending", "Running", "Unheard-of"]) == Counts(3, 2)


def test_status() -> None:
    assert status({"b": 1, "a": 2}, NOW) == {
        "scores": [{"name": "a", "value": 2}, {"name": "b", "value": 1}],
        "validUntil": "2026-01-01T00:05:00Z",
    }


def test_told_at_once_when_it_matters_and_else_before_it_runs_out() -> None:
    told = status(FOUND, NOW)
    assert due(None, FOUND, NOW) == 0
    assert due({}, FOUND, NOW) == 0
    assert due({"scores": told["scores"]}, FOUND, NOW) == 0, "nobody knows until when they hold"
    assert due(told, FOUND, NOW) == VALID.total_seconds() / 2
    assert due(told, FOUND | {"cpuFree": 45}, NOW) == VALID.total_seconds() / 2
    assert due(told, FOUND | {"cpuFree": 44}, NOW) == 0
    assert due(told, {"cpuFree": 50}, NOW) == 0
    assert due(told, FOUND, NOW + timedelta(seconds=150)) == 0
    assert due(told, FOUND, NOW + timedelta(hours=1)) == 0
    assert due(told, FOUND, NOW + timedelta(seconds=149)) == 1
