"""What holds of every evaluation."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from placement.evaluator.decisions import Plan, pages, plan
from placement.evaluator.evaluate import evaluate
from placement.evaluator.groups import Group
from placement.evaluator.snapshot import Snapshot
from tests.unit.placement.evaluator.build import (
    binding,
    claim_predicate,
    cluster,
    decided,
    exclusive_set,
    label_predicate,
    placement,
    selector_set,
)

NAMES = [f"c{number}" for number in range(12)]
ENVIRONMENTS = st.sampled_from(["prod", "dev"])

clusters = st.lists(
    st.builds(
        cluster,
        st.sampled_from(NAMES),
        st.fixed_dictionaries({}, optional={"env": ENVIRONMENTS}),
        cluster_set=st.sampled_from([None, "red", "blue"]),
        claims=st.fixed_dictionaries({}, optional={"region": st.sampled_from(["eu", "us"])}),
        deleted=st.sampled_from([False, False, False, True]),
    ),
    unique_by=lambda item: item.metadata.name,
)
sets = [
    exclusive_set("red"),
    exclusive_set("default"),
    selector_set("global", {}),
    selector_set("prod", {"matchLabels": {"env": "prod"}}),
]
snapshots = st.builds(
    Snapshot,
    clusters=clusters,
    cluster_sets=st.lists(st.sampled_from(sets), unique_by=lambda item: item.metadata.name),
    bindings=st.lists(st.sampled_from(["red", "default", "global", "prod"]), unique=True).map(
        lambda names: [binding(name) for name in names]
    ),
    decisions=st.lists(st.sampled_from(NAMES), unique=True).map(decided),
    elsewhere=st.dictionaries(st.sampled_from([*NAMES, "beyond"]), st.integers(1, 40)),
)
predicates = st.one_of(
    st.builds(lambda env: label_predicate(env=env), ENVIRONMENTS),
    st.builds(claim_predicate, st.just("region"), st.just("NotIn"), st.sampled_from(["eu", "us"])),
)


def weighed(prioritizer: str, weight: int) -> dict[str, Any]:
    return {"scoreCoordinate": {"type": "BuiltIn", "builtIn": prioritizer}, "weight": weight}


specs = st.fixed_dictionaries(
    {},
    optional={
        "numberOfClusters": st.integers(0, 15),
        "clusterSets": st.lists(st.sampled_from(["red", "default", "nowhere"]), max_size=2),
        "predicates": st.lists(predicates, max_size=2),
        "prioritizerPolicy": st.fixed_dictionaries(
            {
                "mode": st.sampled_from(["Additive", "Exact"]),
                "configurations": st.lists(
                    st.one_of(
                        st.builds(weighed, st.just("Steady"), st.integers(0, 10)),
                        st.builds(weighed, st.just("Balance"), st.integers(-10, 10)),
                    ),
                    max_size=2,
                ),
            }
        ),
    },
)


def chosen(spec: dict[str, Any], snapshot: Snapshot) -> tuple[str, ...]:
    evaluation = evaluate(placement(**spec), snapshot)
    assert evaluation.groups is not None
    assert evaluation.misconfigured.status == "False"
    return evaluation.clusters


@given(specs, snapshots)
def test_never_more_than_asked_never_twice_never_a_cluster_that_goes(
    spec: dict[str, Any], snapshot: Snapshot
) -> None:
    result = chosen(spec, snapshot)
    assert len(result) <= spec.get("numberOfClusters", len(NAMES))
    assert len(set(result)) == len(result)
    alive = {item.metadata.name for item in snapshot.clusters if not item.metadata.deletion_timestamp}
    assert alive >= set(result)


@given(specs, snapshots)
def test_as_many_as_there_are(spec: dict[str, Any], snapshot: Snapshot) -> None:
    unlimited = {key: value for key, value in spec.items() if key != "numberOfClusters"}
    matching = chosen(unlimited, snapshot)
    limit = spec.get("numberOfClusters", len(matching))
    assert chosen(spec, snapshot) == matching[:limit]


@given(specs, snapshots)
def test_stable_once_applied(spec: dict[str, Any], snapshot: Snapshot) -> None:
    result = chosen(spec, snapshot)
    again = chosen(spec, dataclasses.replace(snapshot, decisions=decided(result)))
    assert set(again) == set(result)


@given(specs, snapshots, st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(
    spec: dict[str, Any], snapshot: Snapshot, shuffler: random.Random
) -> None:
    def shuffled(items: Any) -> Any:
        return shuffler.sample(list(items), len(items))

    other = Snapshot(
        clusters=shuffled(snapshot.clusters),
        cluster_sets=shuffled(snapshot.cluster_sets),
        bindings=shuffled(snapshot.bindings),
        decisions=shuffled(snapshot.decisions),
        elsewhere=dict(shuffled(snapshot.elsewhere.items())),
    )
    assert evaluate(placement(**spec), other) == evaluate(placement(**spec), snapshot)


names = st.sets(st.integers(0, 400).map(lambda number: f"c{number:03}"), max_size=350)


@given(names, names)
def test_a_plan_leads_to_the_desired_pages(before: set[str], after: set[str]) -> None:
    desired = pages(placement(), [Group("", tuple(sorted(after)))])
    present = {page.metadata.name: page for page in decided(before)}
    writes, deletes = plan(desired, list(present.values()))
    for write in writes:
        assert (write.create is None) is (write.page.metadata.name in present)
        present[write.page.metadata.name] = write.page
    for page in deletes:
        del present[page.metadata.name]
    reached = [present[page.metadata.name] for page in desired]
    assert len(present) == len(desired)
    assert [page.status for page in reached] == [page.status for page in desired]
    assert plan(desired, reached) == Plan((), ())
