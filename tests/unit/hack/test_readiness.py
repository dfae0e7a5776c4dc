"""What is said of clusters and Placements that are not ready for Workflows yet."""

from __future__ import annotations

from typing import Any

import pytest

from hack.fleet.readiness import unavailable, undecided

Json = dict[str, Any]

TRUE = [{"type": "ManagedClusterConditionAvailable", "status": "True", "message": "fine"}]
SATISFIED = [{"type": "PlacementSatisfied", "status": "True", "message": "All cluster decisions scheduled"}]


def cluster(name: str, conditions: list[Json], **spec: Any) -> Json:
    return {
        "metadata": {"name": name},
        "spec": {"hubAcceptsClient": True, **spec},
        "status": {"conditions": conditions},
    }


def test_clusters_that_are_available_are_not_named() -> None:
    found = [cluster("a", TRUE), cluster("b", TRUE), cluster("stranger", [])]
    assert unavailable(found, ["a", "b"]) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], "a is not registered"),
        ([cluster("a", TRUE, hubAcceptsClient=False)], "a is not accepted"),
        ([cluster("a", [])], "a is not available: its agent has not reported yet"),
        (
            [cluster("a", [{**TRUE[0], "status": "Unknown", "message": "the lease is stale"}])],
            "a is not available: the lease is stale",
        ),
        (
            [cluster("a", TRUE, taints=[{"key": "unreachable", "effect": "NoSelect"}])],
            "a is tainted: unreachable",
        ),
    ],
)
def test_what_keeps_a_cluster_off(given: list[Json], expected: str) -> None:
    assert unavailable(given, ["a"]) == [expected]


def page(*names: str) -> Json:
    return {"status": {"decisions": [{"clusterName": name, "reason": ""} for name in names]}}


def placement(conditions: list[Json], **spec: Any) -> Json:
    return {"spec": spec, "status": {"conditions": conditions}}


@pytest.mark.parametrize(
    ("given", "decisions", "expected"),
    [
        (None, [], "is not there"),
        (placement([]), [], "is not evaluated yet"),
        ({"spec": {}}, [page("a")], "is not evaluated yet"),
        (
            placement([{**SATISFIED[0], "status": "False", "message": "no sets"}]),
            [page("a", "b")],
            "is not satisfied: no sets",
        ),
        (placement(SATISFIED), [page("a")], "has not selected b"),
        (placement(SATISFIED), [], "has not selected a, b"),
        (placement(SATISFIED), [page("a"), page("b")], ""),
        (placement(SATISFIED, numberOfClusters=1), [page("a")], ""),
        (placement(SATISFIED, predicates=[{}]), [page("b")], ""),
    ],
)
def test_what_a_placement_lacks(given: Json | None, decisions: list[Json], expected: str) -> None:
    assert undecided(given, decisions, ["a", "b"]) == expected
