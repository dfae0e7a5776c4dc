"""What a cluster or an add-on reports of itself never stops a Placement, however odd."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given

from placement.capacity.need import Need
from placement.capacity.room import free
from placement.evaluator.evaluate import evaluate
from placement.evaluator.snapshot import Snapshot
from tests.unit.odd import TEXTS
from tests.unit.placement.evaluator.build import NOW, binding, cluster, placement, scores, selector_set, taint

BY_ALL = {
    "mode": "Exact",
    "configurations": [
        {"scoreCoordinate": {"type": "BuiltIn", "builtIn": "ResourceAllocatableCPU"}},
        {"scoreCoordinate": {"type": "BuiltIn", "builtIn": "ResourceAllocatableMemory"}},
        {"scoreCoordinate": {"type": "AddOn", "addOn": {"resourceName": "usage", "scoreName": "free"}}},
    ],
}


def ranked(quantity: str, moment: str, **spec: Any) -> dict[str, dict[str, int]]:
    """By prioritizer the scores of `odd`, which reports these, and of two that are well."""
    resources = {
        "odd": {"cpu": quantity, "memory": quantity},
        "small": {"cpu": "2", "memory": "2Gi"},
        "large": {"cpu": "4", "memory": "4Gi"},
    }
    clusters = [cluster(name, allocatable=found) for name, found in resources.items()]
    found = evaluate(
        placement(prioritizerPolicy=BY_ALL, **spec),
        Snapshot(
            clusters=clusters,
            cluster_sets=[selector_set("all", {})],
            bindings=[binding("all")],
            decisions=[],
            elsewhere={},
            scores={
                ("odd", "usage"): scores("usage", "odd", valid_until=moment, free=90),
                ("small", "usage"): scores("usage", "small", free=10),
            },
            now=NOW,
        ),
    )
    assert set(found.clusters) == {"odd", "small", "large"}
    return {name.partition("/")[0]: dict(by_cluster) for name, by_cluster in found.ranking.scores.items()}


@pytest.mark.parametrize("quantity", ["1e400", "-1e400", "NaN", "inf", "9" * 400, "much", "", "1e999999999E"])
def test_a_quantity_that_is_none_counts_as_not_given(quantity: str) -> None:
    found = ranked(quantity, "2027-01-01T00:00:00Z")
    assert found["ResourceAllocatableCPU"] == {"small": -100, "large": 100}
    assert found["ResourceAllocatableMemory"] == {"small": -100, "large": 100}
    assert found["AddOn"] == {"odd": 90, "small": 10, "large": 0}


@pytest.mark.parametrize(
    ("moment", "score"),
    [
        ("0000-01-01T00:00:00Z", 0),
        ("0001-01-01T00:00:00+14:00", 0),
        ("soon", 0),
        ("", 0),
        ("9999-12-31T23:59:59-14:00", 90),
        ("9999-12-31T23:59:59.999999999Z", 90),
    ],
)
def test_a_score_until_an_odd_time(moment: str, score: int) -> None:
    assert ranked("3", moment)["AddOn"] == {"odd": score, "small": 10, "large": 0}


def test_negative_resources_are_none() -> None:
    assert ranked("-1.7e308", "soon")["ResourceAllocatableCPU"] == {"odd": -100, "small": 0, "large": 100}


@given(TEXTS, TEXTS)
def test_any_report_leaves_a_ranking(quantity: str, moment: str) -> None:
    for by_cluster in ranked(quantity, moment).values():
        assert all(-100 <= score <= 100 for score in by_cluster.values())


@pytest.mark.parametrize("added", ["0000-01-01T00:00:00Z", "soon"])
def test_a_taint_of_an_odd_time_has_been_there_for_ever(added: str) -> None:
    tolerant = placement(tolerations=[{"key": "k", "operator": "Exists", "tolerationSeconds": 10**9}])
    tainted = cluster("odd", taints=[taint("k", added=added)])
    snapshot = Snapshot(
        clusters=[tainted, cluster("well")],
        cluster_sets=[selector_set("all", {})],
        bindings=[binding("all")],
        decisions=[],
        elsewhere={},
        scores={},
        now=NOW,
    )
    assert evaluate(tolerant, snapshot).clusters == ("well",)


@given(TEXTS, TEXTS)
def test_what_is_free_is_a_number_or_not_limited(cpu: str, pods: str) -> None:
    found = free({"free.argosy.io/cpu": cpu, "free.argosy.io/pods": pods})
    assert not any(math.isnan(value) for value in found or Need())


@pytest.mark.parametrize("quantity", ["1e400", "NaN", "inf"])
def test_what_is_free_without_a_number_is_not_limited(quantity: str) -> None:
    assert free({"free.argosy.io/cpu": quantity}) is None
    found = free({"free.argosy.io/cpu": quantity, "free.argosy.io/pods": "3"})
    assert found == Need(math.inf, math.inf, 3)
