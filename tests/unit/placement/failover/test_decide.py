"""Whether a Workflow on a lost cluster stays, and when it goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placement.failover.decide import LONGEST_TURN, PACE, Move, Stay, decide
from placement.failover.loss import Loss
from placement.settings import Settings

BEGAN = datetime(2026, 1, 1, 10, tzinfo=UTC)
LOST = Loss("is unreachable", BEGAN)
DRAINED = Loss("has the taint upgrade:NoSelect", BEGAN, is_drained=True)
AFTER = timedelta(minutes=5)


def decided(
    loss: Loss, seconds: float, *, reschedules: bool = True, noticed: datetime = BEGAN, others: int = 1
) -> Stay | Move:
    return decide(
        loss,
        Settings(reschedules=reschedules, after=AFTER),
        noticed=noticed,
        now=BEGAN + timedelta(seconds=seconds),
        seed="uid",
        others=others,
    )


def test_by_default_it_waits_for_ever_and_says_so() -> None:
    found = decided(LOST, 10_000_000, reschedules=False)
    assert found == Stay("is unreachable: the Workflow goes on there when it comes back")


def test_on_a_drained_cluster_it_just_goes_on() -> None:
    assert decided(DRAINED, 10_000_000, reschedules=False) == Stay("")


@pytest.mark.parametrize("loss", [LOST, DRAINED])
def test_it_is_rescheduled_after_its_time(loss: Loss) -> None:
    early = decided(loss, 299)
    assert isinstance(early, Stay)
    assert "rescheduled at 2026-01-01T10:05:00Z unless it comes back" in early.words
    assert early.until is not None
    assert BEGAN + AFTER <= early.until <= BEGAN + AFTER + timedelta(seconds=1 / PACE)
    assert decided(loss, 300.1) == Move()


def test_without_a_beginning_it_counts_from_when_it_was_noticed() -> None:
    gone = Loss("has left the hub", None)
    noticed = BEGAN + timedelta(seconds=100)
    assert isinstance(decided(gone, 399, noticed=noticed), Stay)
    assert decided(gone, 400.1, noticed=noticed) == Move()


def test_a_beginning_that_is_known_counts_whenever_it_was_noticed() -> None:
    noticed = BEGAN + timedelta(seconds=200)
    assert isinstance(decided(LOST, 299, noticed=noticed), Stay)
    assert decided(LOST, 300.1, noticed=noticed) == Move()


@given(st.integers(1, 5000), st.lists(st.uuids(), min_size=1, max_size=5))
def test_they_take_turns(others: int, seeds: list[object]) -> None:
    for seed in seeds:
        found = decide(
            LOST,
            Settings(reschedules=True, after=AFTER),
            noticed=BEGAN,
            now=BEGAN,
            seed=str(seed),
            others=others,
        )
        assert isinstance(found, Stay)
        assert found.until is not None
        turn = found.until - BEGAN - AFTER
        assert timedelta(0) <= turn <= min(timedelta(seconds=others / PACE), LONGEST_TURN)

        def at(now: datetime, seed: object = seed) -> Stay | Move:
            asked = Settings(reschedules=True, after=AFTER)
            return decide(LOST, asked, noticed=BEGAN, now=now, seed=str(seed), others=others)

        assert at(found.until - timedelta(microseconds=1)) == found
        assert at(found.until) == Move()


def test_turns_are_spread_over_the_time() -> None:
    untils = []
    for number in range(200):
        found = decide(
            LOST,
            Settings(reschedules=True, after=AFTER),
            noticed=BEGAN,
            now=BEGAN,
            seed=str(number),
            others=200,
        )
        assert isinstance(found, Stay)
        assert found.until is not None
        untils.append((found.until - BEGAN - AFTER).total_seconds())
    by_second = [sum(second <= until < second + 1 for until in untils) for second in range(20)]
    assert max(by_second) <= 3 * PACE
    assert sum(count > 0 for count in by_second) >= 18


def test_a_loss_that_says_it_begins_in_the_future_has_begun() -> None:
    """Taints bear whatever time their author gives them; the last one of all calendars is no reason to fail."""
    never = Loss("is unreachable", datetime.max.replace(tzinfo=UTC))
    found = decided(never, 0)
    assert isinstance(found, Stay)
    assert "rescheduled at 2026-01-01T10:05:00Z" in found.words
