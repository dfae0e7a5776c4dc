"""Of several rounds of one load the middle one counts."""

from __future__ import annotations

import msgspec
import pytest

from hack.bench.run import judged_by, median_round
from hack.bench.scenario import Burst, Steady
from tests.unit.bench.builders import trip


@pytest.mark.parametrize(("rates", "expected"), [([20.0], 20.0), ([30.0, 10.0, 20.0], 20.0)])
def test_the_middle_one_counts(rates: list[float], expected: float) -> None:
    chosen = median_round([trip(workflows_per_second=rate) for rate in rates], judged_by(Burst(300)))
    assert chosen.workflows_per_second == expected
    assert chosen.rounds == (rates if len(rates) > 1 else [])


def test_steady_loads_are_compared_by_their_p99() -> None:
    dispatch = trip().dispatch
    rounds = [trip(dispatch=msgspec.structs.replace(dispatch, p99=p99)) for p99 in (70.0, 120.0, 90.0)]
    chosen = median_round(rounds, judged_by(Steady(10, 30)))
    assert chosen.dispatch.p99 == 90.0
    assert chosen.rounds == [70.0, 120.0, 90.0]


def test_one_with_problems_is_not_passed_over() -> None:
    rounds = [trip(workflows_per_second=10.0, left=1), *(trip(workflows_per_second=20.0) for _ in range(2))]
    assert median_round(rounds, judged_by(Burst(300))).left == 1
