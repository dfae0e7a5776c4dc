"""What a cluster says is free, and how much fits in."""

from __future__ import annotations

import math

import pytest

from placement.capacity.need import NOTHING, Need
from placement.capacity.room import fits, free

GI = 2**30


@pytest.mark.parametrize(
    ("allocatable", "expected"),
    [
        ({}, None),
        ({"cpu": "64", "memory": "256Gi", "pods": "110"}, None),  # what there is, not what is free
        (
            {"free.argosy.io/cpu": "3.92", "free.argosy.io/memory": "1073741824", "free.argosy.io/pods": "7"},
            Need(3.92, GI, 7),
        ),
        ({"free.argosy.io/cpu": "0"}, Need(0, math.inf, math.inf)),
        ({"free.argosy.io/cpu": "3920m", "free.argosy.io/memory": "2Gi"}, Need(3.92, 2 * GI, math.inf)),
        ({"free.argosy.io/cpu": "much"}, None),
    ],
)
def test_free(allocatable: dict[str, str], expected: Need | None) -> None:
    assert free(allocatable) == expected


@pytest.mark.parametrize(
    ("room", "need", "expected"),
    [
        (Need(4, 8 * GI, 10), Need(1, GI, 1), 4),
        (Need(4, 8 * GI, 10), Need(1, 4 * GI, 1), 2),
        (Need(4, 8 * GI, 10), Need(1, GI, 5), 2),
        (Need(4, 8 * GI, 10), NOTHING, 10),  # one pod at least
        (Need(1, GI, 10), Need(2, GI, 1), 0.5),
        (Need(-1, GI, 10), Need(2, GI, 1), 0),
        (Need(math.inf, math.inf, math.inf), NOTHING, math.inf),
    ],
)
def test_fits(room: Need, need: Need, expected: float) -> None:
    assert fits(room, need) == expected
