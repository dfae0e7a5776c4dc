"""Scores and weights, against OCM's arithmetic."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.api.placement_policy import PrioritizerPolicy
from placement.evaluator import prioritizers
from placement.evaluator.misconfigured import Misconfigured
from placement.evaluator.snapshot import Snapshot, selected_elsewhere
from tests.unit.placement.evaluator.build import decided, placement


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
        (
            policy(built_in("ResourceAllocatableCPU"), ADD_ON, mode="Exact"),
            {},
            [
                "spec.prioritizerPolicy: AddOn/usage/cpu is not scored by this evaluator yet",
                "spec.prioritizerPolicy: ResourceAllocatableCPU is not scored by this evaluator yet",
            ],
        ),
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
    assert prioritizers.rank(["c", "a", "b"], {"Balance": 1}, snapshot) == expected


def test_a_negative_weight_turns_the_order_round() -> None:
    snapshot = Snapshot(elsewhere={"a": 2, "b": 1})
    assert prioritizers.rank(["a", "b", "c"], {"Balance": -1}, snapshot) == ["a", "b", "c"]


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
    assert prioritizers.rank(["new", "old"], prioritizers.DEFAULT_WEIGHTS, snapshot) == expected


def test_elsewhere_leaves_out_the_placement_itself() -> None:
    everything = [*decided(["a", "b"]), *decided(["b", "c"], "second"), *decided(["b"], "third")]
    assert selected_elsewhere(everything, "argo", "any") == {"b": 2, "c": 1}
    assert selected_elsewhere(everything, "other", "any") == {"a": 1, "b": 3, "c": 1}
