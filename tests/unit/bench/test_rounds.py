"""Of several rounds of one load the middle one counts."""

from __future__ import annotations

import pytest

from hack.bench.run import median_round
from tests.unit.bench.builders import trip


@pytest.mark.parametrize(("rates", "expected"), [([20.0], 20.0), ([30.0, 10.0, 20.0], 20.0)])
def test_the_middle_one_counts(rates: list[float], expected: float) -> None:
    chosen = median_round([trip(workflows_per_second=rate) for rate in rates])
    assert chosen.workflows_per_second == expected
    assert chosen.rounds == (rates if len(rates) > 1 else [])


def test_one_with_problems_is_not_passed_over() -> None:
    rounds = [trip(workflows_per_second=10.0, left=1), *(trip(workflows_per_second=20.0) for _ in range(2))]
    assert median_round(rounds).left == 1
