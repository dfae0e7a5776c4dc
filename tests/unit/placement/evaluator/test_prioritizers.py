"""Scores and weights, against OCM's arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from controllers.api.cluster import ManagedCluster
from controllers.api.placement_policy import PrioritizerPolicy
from controllers.misconfigured import Misconfigured
from placement.evaluator import prioritizers
from placement.evaluator.snapshot import Snapshot
from tests.unit.placement.evaluator.build import NOW, cluster, decided, placement, scores


def policy(*configurations: dict[str, Any], mode: str = "Additive") -> PrioritizerPolicy:
    given = placement(prioritizerPolicy={"mode": mode, "configurations": list(configurations)})
    return given.spec.prioritizer_policy


def built_in(name: str, weight: int = 1) -> dict[str, Any]:
    return {"scoreCoordinate": {"type": "BuiltIn", "builtIn": name}, "weight": weight}


ADD_ON = {
    "scoreCoordinate": {"type": "AddOn", "addOn": {"resourceName": "usage", "scoreName": "cpu"}},
    "weight": 3,
}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (policy(), {"Balance": 1, "Steady": 1}),
        (policy(mode=""), {"Balance": 1, "Steady": 1}),
        (policy(mode="Exact"), {}),
        (policy(built_in("Steady", 3)), {"Balance": 1, "Steady": 3}),
        (policy(built_in("Steady", 0)), {"Balance": 1}),
        (policy(built_in("Balance", -2), mode="Exact"), {"Balance": -2}),
        (policy(built_in("Steady", 2), built_in("Steady", 5), mode="Exact"), {"Steady": 5}),
        (policy(ADD_ON), {"Balance": 1, "Steady": 1, "AddOn/usage/cpu": 3}),
    ],
)
def test_weights(given: PrioritizerPolicy, expected: dict[str, int]) -> None:
    assert prioritizers.weights(given) == expected


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (policy(mode="Odd"), "spec.prioritizerPolicy.mode"),
        (policy(built_in("Luck")), "spec.prioritizerPolicy.configurations[0].scoreCoordinate.builtIn"),
        (
            policy({"scoreCoordinate": {"type": "AddOn"}}),
            "spec.prioritizerPolicy.configurations[0].scoreCoordinate.addOn",
        ),
        (policy(built_in("Steady", 11)), "spec.prioritizerPolicy.configurations[0].weight"),
        (
            policy(built_in("Steady"), built_in("Balance", -11)),
            "spec.prioritizerPolicy.configurations[1].weight",
        ),
    ],
)
def test_a_broken_policy_is_named(given: PrioritizerPolicy, field: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        prioritizers.weights(given)
    assert raised.value.field == field


@pytest.mark.parametrize(
    ("given", "expected", "reasons"),
    [
        (policy(), {"Balance": 1, "Steady": 1}, []),
        (policy(built_in("ResourceAllocatableCPU"), mode="Exact"), {"ResourceAllocatableCPU": 1}, []),
        (
            policy(built_in("Steady", -1)),
            {"Balance": 1},
            ["spec.prioritizerPolicy: Steady with a negative weight never settles and is left out"],
        ),
    ],
)
def test_what_is_left_out_is_named(
    given: PrioritizerPolicy, expected: dict[str, int], reasons: list[str]
) -> None:
    assert prioritizers.usable(prioritizers.weights(given)) == (expected, reasons)


def ranked(names: Iterable[str], weights: Mapping[str, int], snapshot: Snapshot) -> list[str]:
    return list(prioritizers.rank([cluster(name) for name in names], weights, snapshot).names)


@pytest.mark.parametrize(
    ("elsewhere", "expected"),
    [
        ({}, ["a", "b", "c"]),
        ({"a": 1}, ["b", "c", "a"]),
        ({"a": 3, "b": 2, "c": 1}, ["c", "b", "a"]),
        # The busiest cluster sets the scale, also when it is not among the candidates: 2 of 1000 is
        # 2 * trunc(49.8) = 98 and 7 of 1000 is 2 * trunc(49.3) = 98, so their names decide.
        ({"other": 1000, "a": 7, "b": 2}, ["c", "a", "b"]),
    ],
)
def test_balance(elsewhere: dict[str, int], expected: list[str]) -> None:
    snapshot = Snapshot(elsewhere=elsewhere)
    assert ranked("cab", {"Balance": 1}, snapshot) == expected


def test_a_negative_weight_turns_the_order_round() -> None:
    snapshot = Snapshot(elsewhere={"a": 2, "b": 1})
    assert ranked("abc", {"Balance": -1}, snapshot) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("elsewhere", "expected"),
    [
        # old: 100 for being selected and 2 * trunc(16.7) = 32 for the load; new: 100 for having none.
        ({"old": 1, "third": 3}, ["old", "new"]),
        # A draw at 100 each, which the names decide.
        ({"old": 1, "third": 2}, ["new", "old"]),
        ({"old": 2}, ["new", "old"]),
    ],
)
def test_steady_keeps_a_cluster_until_others_are_much_less_busy(
    elsewhere: dict[str, int], expected: list[str]
) -> None:
    snapshot = Snapshot(decisions=decided(["old"]), elsewhere=elsewhere)
    assert ranked(["new", "old"], prioritizers.DEFAULT_WEIGHTS, snapshot) == expected


NO_HUB = Snapshot()


def scored(
    prioritizer: str, clusters: Sequence[ManagedCluster], snapshot: Snapshot = NO_HUB
) -> dict[str, int]:
    return dict(prioritizers.rank(clusters, {prioritizer: 1}, snapshot).scores[prioritizer])


@pytest.mark.parametrize(
    ("cpus", "expected"),
    [
        ({"a": "2", "b": "4"}, {"a": -100, "b": 100}),
        ({"a": "1", "b": "2500m", "c": "4"}, {"a": -100, "b": 0, "c": 100}),
        # trunc((1/3 - 0.5) * 200) = trunc(-33.3): towards zero
        ({"a": "0", "b": "1", "c": "3"}, {"a": -100, "b": -33, "c": 100}),
        ({"a": "2", "b": "2000m"}, {"a": 100, "b": 100}),
        ({"a": "2"}, {"a": 100}),
        ({"a": None, "b": "2", "c": "nonsense"}, {"b": 100}),
        ({"a": None}, {}),
    ],
)
def test_allocatable_cpu(cpus: dict[str, str | None], expected: dict[str, int]) -> None:
    clusters = [cluster(name, allocatable={"cpu": cpu} if cpu else None) for name, cpu in cpus.items()]
    assert scored("ResourceAllocatableCPU", clusters) == expected


def test_allocatable_memory() -> None:
    sizes = {"a": "1Gi", "b": "3Gi", "c": "2097152Ki"}
    clusters = [cluster(name, allocatable={"memory": size}) for name, size in sizes.items()]
    assert scored("ResourceAllocatableMemory", clusters) == {"a": -100, "b": 100, "c": 0}


def test_what_add_ons_say_counts_as_long_as_it_holds() -> None:
    given = {
        "a": scores("usage", "a", cpu=7, memory=9),
        "b": scores("usage", "b", cpu=-3, valid_until="2026-11-21T12:00:10Z"),
        "old": scores("usage", "old", cpu=50, valid_until="2026-11-21T11:59:59Z"),
        "other": scores("usage", "other", memory=4),
    }
    snapshot = Snapshot(scores={(name, "usage"): item for name, item in given.items()}, now=NOW)
    clusters = [cluster(name) for name in (*given, "none")]
    ranking = prioritizers.rank(clusters, {"AddOn/usage/cpu": 2}, snapshot)
    assert ranking.scores["AddOn/usage/cpu"] == {"a": 7, "b": -3, "old": 0, "other": 0, "none": 0}
    assert ranking.total == {"a": 14, "b": -6, "old": 0, "other": 0, "none": 0}
    assert ranking.until == datetime(2026, 11, 21, 12, 0, 10, tzinfo=UTC)
