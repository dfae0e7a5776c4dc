"""How often an object is repaired that does not stay so."""

from __future__ import annotations

import pytest

from agent.decide.repairs import CALM, FREE, LONGEST_DELAY, Repairs


def fought(seconds: float, *, reverted_after: float = 0.01) -> list[float]:
    """When an object is repaired that somebody changes back each time."""
    repairs, now, made = Repairs(), 0.0, []
    while now < seconds:
        repairs = repairs.seen(now, right=False)
        if (wait := repairs.wait(now)) > 0:
            now += wait
            continue
        made.append(now)
        repairs = repairs.made(now).seen(now, right=True)
        now += reverted_after
    return made


def test_the_first_repairs_are_made_at_once() -> None:
    assert fought(0.001 * FREE, reverted_after=0.001)[-1] < 0.001 * FREE


def test_then_they_become_less_frequent_down_to_one_a_minute() -> None:
    made = fought(3600)
    steps = [round(later - earlier) for earlier, later in zip(made[FREE - 1 :], made[FREE:], strict=False)]
    assert steps[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert set(steps[7:]) == {round(LONGEST_DELAY)}
    assert len([moment for moment in made if moment > 120]) <= 3600 / 60


@pytest.mark.parametrize("count", [1, FREE, FREE + 20])
def test_an_object_that_has_stayed_right_for_a_while_is_repaired_at_once_again(count: int) -> None:
    repairs = Repairs(count=count, last=100.0)
    assert repairs.seen(100.0 + CALM - 1, right=True).count == count
    assert repairs.seen(100.0 + CALM, right=True) == Repairs()
    assert repairs.seen(100.0 + CALM, right=False).wait(100.0 + CALM) == 0


def test_one_that_was_wrong_all_the_time_has_not_been_right() -> None:
    wrong = Repairs(count=FREE + 20, last=100.0).seen(101.0, right=False)
    assert wrong.seen(100.0 + CALM + 5, right=False).count == FREE + 20
    assert wrong.wait(101.0) == LONGEST_DELAY - 1


def test_who_disagrees_is_told_from_the_first_delay_on() -> None:
    assert not Repairs(count=FREE - 1, last=1.0).is_disputed
    disputed = Repairs(count=FREE, last=1.0)
    assert disputed.is_disputed
    assert disputed.wait(1.0) > 0
    assert disputed.calm_in(1.0) == CALM


def test_two_that_repair_against_each_other_slow_down_together() -> None:
    """Each finds the object right for as long as the other one waits."""
    now, made = 0.0, []
    one, two = Repairs(), Repairs()
    while now < 3600:
        one = one.seen(now, right=False)
        now += one.wait(now)
        one = one.made(now)
        made.append(now)
        now += 0.01
        two = two.seen(now, right=False)
        now += two.wait(now)
        two = two.made(now)
        made.append(now)
        now += 0.01
    assert len([moment for moment in made if moment > 120]) <= 2 * 3600 / LONGEST_DELAY
    assert one.is_disputed
    assert two.is_disputed
