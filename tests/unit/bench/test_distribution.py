"""Percentiles: what numpy says, for any values; nothing is made up where nothing was measured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hack.bench.distribution import GRID, Distribution, distribution, percentile

VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=50)


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([5.0], 99, 5.0),
        ([1.0, 2.0], 50, 1.5),
        ([1.0, 2.0, 3.0], 50, 2.0),
        ([0.0, 10.0], 95, 9.5),
        ([1.0, 2.0, 3.0], 0, 1.0),
        ([1.0, 2.0, 3.0], 100, 3.0),
    ],
)
def test_percentile(values: list[float], percent: float, expected: float) -> None:
    assert percentile(values, percent) == pytest.approx(expected)


def test_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


@given(VALUES, st.floats(0, 100))
def test_percentile_is_numpys(values: list[float], percent: float) -> None:
    expected = float(np.percentile(values, percent))
    assert percentile(sorted(values), percent) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(VALUES)
def test_a_distribution_never_falls(values: list[float]) -> None:
    found = distribution(values)
    assert found.count == len(values)
    assert found.curve == sorted(found.curve)
    assert len(found.curve) == len(GRID)
    assert found.p50 <= found.p95 <= found.p99 <= found.worst == found.curve[-1]


def test_seconds_become_milliseconds() -> None:
    found = distribution([0.003, 0.001, 0.002])
    assert (found.p50, found.worst) == (2.0, 3.0)


def test_nothing_measured() -> None:
    assert distribution([]) == Distribution()
