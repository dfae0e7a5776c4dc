"""Conditions of sets and bindings, in OCM's words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from controllers.api.meta import Condition
from placement.sets.decide import boundness, broken, emptiness

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (emptiness(0, NOW), ("ClusterSetEmpty", "True", "NoClusterMatched", "No ManagedCluster selected")),
        (emptiness(2, NOW), ("ClusterSetEmpty", "False", "ClustersSelected", "2 ManagedClusters selected")),
        (broken("why", NOW), ("ClusterSetEmpty", "Unknown", "InvalidSelector", "why")),
        (boundness(True, NOW), ("Bound", "True", "ClusterSetBound", "")),
        (boundness(False, NOW), ("Bound", "False", "ClusterSetNotFound", "")),
    ],
)
def test_conditions(given: Condition, expected: tuple[str, ...]) -> None:
    assert (given.type, given.status, given.reason, given.message) == expected
    assert given.last_transition_time == "2026-11-21T12:00:00Z"
