"""Which Placements a change of a cluster concerns."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from controllers.api.cluster import ManagedCluster
from placement.evaluator.sight import Aspect, changed, looked_at, sets_of
from tests.unit.placement.evaluator.build import (
    cel_predicate,
    claim_predicate,
    cluster,
    exclusive_set,
    placement,
    selector_set,
    taint,
)

PLAIN = cluster("a", {"env": "prod"}, claims={"region": "eu"}, allocatable={"cpu": "2"})


def described(item: ManagedCluster, **annotations: str) -> ManagedCluster:
    return msgspec.structs.replace(
        item, metadata=msgspec.structs.replace(item.metadata, annotations=annotations)
    )


@pytest.mark.parametrize(
    ("other", "aspect"),
    [
        (PLAIN, Aspect(0)),
        (
            cluster("a", {"env": "dev"}, claims={"region": "eu"}, allocatable={"cpu": "2"}),
            Aspect.PLACE | Aspect.CONTENT,
        ),
        (
            cluster(
                "a", {"env": "prod"}, claims={"region": "eu"}, allocatable={"cpu": "2"}, taints=[taint("k")]
            ),
            Aspect.PLACE | Aspect.CONTENT,
        ),
        (
            cluster("a", {"env": "prod"}, claims={"region": "us"}, allocatable={"cpu": "2"}),
            Aspect.CLAIMS | Aspect.CONTENT,
        ),
        (
            cluster("a", {"env": "prod"}, claims={"region": "eu"}, allocatable={"cpu": "3"}),
            Aspect.RESOURCES | Aspect.CONTENT,
        ),
        # no prioritizer reads these, but CEL may
        (
            cluster(
                "a",
                {"env": "prod"},
                claims={"region": "eu"},
                allocatable={"cpu": "2", "free.argosy.io/cpu": "1.5", "pods": "110"},
            ),
            Aspect.CONTENT,
        ),
        (described(PLAIN, note="x"), Aspect.CONTENT),
    ],
)
def test_what_has_changed(other: ManagedCluster, aspect: Aspect) -> None:
    assert changed(PLAIN, other) == aspect
    assert changed(other, PLAIN) == aspect


def test_a_cluster_that_comes_or_goes_has_changed_in_everything() -> None:
    for old, new in ((None, PLAIN), (PLAIN, None)):
        assert all(aspect in changed(old, new) for aspect in Aspect)


def scored(kind: str, **coordinate: Any) -> dict[str, Any]:
    return {"prioritizerPolicy": {"configurations": [{"scoreCoordinate": {"type": kind, **coordinate}}]}}


CLAIM = {"topologyKey": "region", "topologyKeyType": "Claim"}
BY_CLAIM = {
    "groupName": "x",
    "groupClusterSelector": claim_predicate("r", "Exists")["requiredClusterSelector"],
}


@pytest.mark.parametrize(
    ("spec", "more"),
    [
        ({}, Aspect(0)),
        ({"predicates": [claim_predicate("region", "Exists")]}, Aspect.CLAIMS),
        ({"spreadPolicy": {"spreadConstraints": [CLAIM]}}, Aspect.CLAIMS),
        ({"decisionStrategy": {"groupStrategy": {"decisionGroups": [BY_CLAIM]}}}, Aspect.CLAIMS),
        ({"predicates": [cel_predicate("true")]}, Aspect.CONTENT | Aspect.SCORES),
        (scored("BuiltIn", builtIn="ResourceAllocatableCPU"), Aspect.RESOURCES),
        (scored("BuiltIn", builtIn="Steady"), Aspect(0)),
        (scored("AddOn", addOn={"resourceName": "r", "scoreName": "s"}), Aspect.SCORES),
    ],
)
def test_what_is_looked_at(spec: dict[str, Any], more: Aspect) -> None:
    assert looked_at(placement(**spec).spec) == Aspect.PLACE | more


def test_the_sets_of_a_cluster_before_and_after() -> None:
    sets = [
        exclusive_set("red"),
        exclusive_set("blue"),
        exclusive_set("other"),
        selector_set("prod", {"matchLabels": {"env": "prod"}}),
        selector_set("broken", {"matchExpressions": [{"key": "a", "operator": "Near"}]}),
    ]
    before, after = cluster("a", {"env": "prod"}, cluster_set="red"), cluster("a", cluster_set="blue")
    assert sets_of([before, after], sets) == {"red", "blue", "prod", "broken"}
    assert sets_of([None, after], sets) == {"blue", "broken"}
