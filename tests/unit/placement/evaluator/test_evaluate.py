"""What a Placement selects, and what its conditions say."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.api import keys
from controllers.api.placement import Placement
from placement.evaluator.evaluate import Verdict, evaluate, is_left_alone
from placement.evaluator.snapshot import Snapshot
from tests.unit.placement.evaluator.build import (
    binding,
    cluster,
    decided,
    exclusive_set,
    label_predicate,
    placement,
    selector_set,
)

HUB = Snapshot(
    clusters=[
        cluster("c", {"env": "dev"}, cluster_set="red"),
        cluster("a", {"env": "prod"}, cluster_set="red"),
        cluster("b", {"env": "prod"}, cluster_set="red"),
        cluster("gone", {"env": "prod"}, cluster_set="red", deleted=True),
        cluster("blue", cluster_set="blue"),
    ],
    cluster_sets=[exclusive_set("red"), exclusive_set("blue"), exclusive_set("empty")],
    bindings=[binding("red"), binding("empty"), binding("no-such-set")],
)

CONFIGURED = Verdict(
    "PlacementMisconfigured", "False", "Succeedconfigured", "Placement configurations check pass"
)


def unsatisfied(reason: str, message: str) -> Verdict:
    return Verdict("PlacementSatisfied", "False", reason, message)


SATISFIED = Verdict("PlacementSatisfied", "True", "AllDecisionsScheduled", "All cluster decisions scheduled")
UNMATCHED = unsatisfied("NoManagedClusterMatched", "No ManagedCluster matches any of the cluster predicate")


@pytest.mark.parametrize(
    ("given", "clusters", "satisfied"),
    [
        (placement(), ("a", "b", "c"), SATISFIED),
        (placement(numberOfClusters=2), ("a", "b"), SATISFIED),
        (placement(numberOfClusters=3), ("a", "b", "c"), SATISFIED),
        (
            placement(numberOfClusters=5),
            ("a", "b", "c"),
            unsatisfied("NotAllDecisionsScheduled", "2 cluster decisions unscheduled"),
        ),
        (placement(numberOfClusters=0), (), UNMATCHED),
        (placement(predicates=[label_predicate(env="prod")]), ("a", "b"), SATISFIED),
        (placement(predicates=[label_predicate(env="none")]), (), UNMATCHED),
        (
            placement(clusterSets=["empty"]),
            (),
            unsatisfied(
                "AllManagedClusterSetsEmpty", "All ManagedClusterSets [empty] have no member ManagedCluster"
            ),
        ),
        (
            placement(clusterSets=["blue", "no-such-set"]),
            (),
            unsatisfied(
                "NoIntersection",
                "None of ManagedClusterSets [blue,no-such-set] is bound to placement namespace",
            ),
        ),
    ],
)
def test_selection(given: Placement, clusters: tuple[str, ...], satisfied: Verdict) -> None:
    evaluation = evaluate(given, HUB)
    assert evaluation.clusters == clusters
    assert evaluation.satisfied == satisfied
    assert evaluation.misconfigured == CONFIGURED


def test_without_bindings() -> None:
    evaluation = evaluate(placement(), Snapshot(clusters=HUB.clusters, cluster_sets=HUB.cluster_sets))
    assert evaluation.clusters == ()
    assert evaluation.satisfied == unsatisfied(
        "NoManagedClusterSetBindings", "No valid ManagedClusterSetBindings found in placement namespace"
    )


CEL = {"requiredClusterSelector": {"celSelector": {"celExpressions": ["true"]}}}


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        (
            {"predicates": [CEL]},
            "spec.predicates[0].requiredClusterSelector.celSelector: CEL is not supported by this evaluator yet",
        ),
        ({"numberOfClusters": -1}, "spec.numberOfClusters: must not be negative"),
        (
            {"prioritizerPolicy": {"mode": "Odd"}},
            "spec.prioritizerPolicy.mode: 'Odd' is not Additive or Exact",
        ),
    ],
)
def test_a_misconfigured_placement_keeps_the_clusters_that_it_may_still_have(
    spec: dict[str, Any], problem: str
) -> None:
    before = Snapshot(
        clusters=HUB.clusters,
        cluster_sets=HUB.cluster_sets,
        bindings=HUB.bindings,
        # "blue" is not bound any more, "gone" is being deleted, "never" does not exist.
        decisions=decided(["c", "a", "blue", "gone", "never"]),
    )
    evaluation = evaluate(placement(**spec), before)
    assert evaluation.clusters == ("a", "c")
    assert evaluation.satisfied == unsatisfied("NotAllDecisionsScheduled", problem)
    assert evaluation.misconfigured == Verdict("PlacementMisconfigured", "True", "Misconfigured", problem)


def test_a_broken_set_keeps_the_clusters_that_exist() -> None:
    broken = selector_set("odd", {"matchExpressions": [{"key": "a", "operator": "Near"}]})
    hub = Snapshot(
        clusters=HUB.clusters,
        cluster_sets=[broken],
        bindings=[binding("odd")],
        decisions=decided(["c", "gone", "never"]),
    )
    evaluation = evaluate(placement(), hub)
    assert evaluation.clusters == ("c",)
    assert evaluation.misconfigured.status == "True"
    assert evaluation.misconfigured.message.startswith("ManagedClusterSet odd: ")


CPU = {"scoreCoordinate": {"type": "BuiltIn", "builtIn": "ResourceAllocatableCPU"}}


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (
            {"prioritizerPolicy": {"configurations": [CPU]}},
            "spec.prioritizerPolicy",
        ),
        (
            {"decisionStrategy": {"groupStrategy": {"clustersPerDecisionGroup": "20%"}}},
            "spec.decisionStrategy.groupStrategy",
        ),
    ],
)
def test_what_only_orders_or_divides_is_reported_and_the_rest_is_done(
    spec: dict[str, Any], field: str
) -> None:
    evaluation = evaluate(placement(**spec), HUB)
    assert evaluation.clusters == ("a", "b", "c")
    assert evaluation.satisfied == SATISFIED
    assert evaluation.misconfigured.status == "True"
    assert evaluation.misconfigured.message.startswith(f"{field}: ")


def test_a_name_that_no_label_can_hold() -> None:
    evaluation = evaluate(placement("x" * 64), HUB)
    assert evaluation.clusters is None
    assert evaluation.misconfigured.status == "True"
    assert "63 characters" in evaluation.satisfied.message
    assert evaluate(placement("x" * 63), HUB).clusters == ("a", "b", "c")


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("false", False), ("", False)])
def test_the_annotation_that_hands_a_placement_to_someone_else(value: str, expected: bool) -> None:
    given = placement(annotations={keys.SCHEDULING_DISABLED_ANNOTATION: value})
    assert is_left_alone(given) is expected
