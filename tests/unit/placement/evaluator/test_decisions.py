"""Pages, and the writes that lead to them."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.api import keys
from controllers.api.meta import OwnerReference
from controllers.api.placement import PlacementDecision
from placement.evaluator.decisions import Plan, pages, plan
from placement.evaluator.groups import Group
from tests.unit.placement.evaluator.build import decided, placement

MANY = [f"c{number:03}" for number in range(250)]


def one_group(clusters: list[str], name: str = "any") -> list[PlacementDecision]:
    return pages(placement(name), [Group("", tuple(sorted(clusters)))])


def names(page: PlacementDecision) -> list[str]:
    return [decision.cluster_name for decision in page.status.decisions]


@pytest.mark.parametrize(
    ("clusters", "sizes"),
    [([], [0]), (["b", "a"], [2]), (MANY[:100], [100]), (MANY[:101], [100, 1]), (MANY, [100, 100, 50])],
)
def test_pages(clusters: list[str], sizes: list[int]) -> None:
    made = one_group(clusters, "p")
    assert [page.metadata.name for page in made] == [f"p-decision-{n}" for n in range(1, len(sizes) + 1)]
    assert [len(names(page)) for page in made] == sizes
    assert [name for page in made for name in names(page)] == sorted(clusters)


def test_pages_of_several_groups_are_numbered_through() -> None:
    groups = [Group("canary", ("z",)), Group("", tuple(MANY[:150])), Group("", ())]
    made = pages(placement("p"), groups)
    assert [(page.metadata.name, *page.metadata.labels.values(), len(names(page))) for page in made] == [
        ("p-decision-1", "p", "canary", "0", 1),
        ("p-decision-2", "p", "", "1", 100),
        ("p-decision-3", "p", "", "1", 50),
        ("p-decision-4", "p", "", "2", 0),
    ]


def test_a_page_as_it_goes_over_the_wire() -> None:
    (page,) = one_group(["a"], "p")
    assert msgspec.to_builtins(page) == {
        "apiVersion": "cluster.open-cluster-management.io/v1beta1",
        "kind": "PlacementDecision",
        "metadata": {
            "name": "p-decision-1",
            "namespace": "argo",
            "labels": {
                "cluster.open-cluster-management.io/placement": "p",
                "cluster.open-cluster-management.io/decision-group-name": "",
                "cluster.open-cluster-management.io/decision-group-index": "0",
            },
            "ownerReferences": [
                {
                    "apiVersion": "cluster.open-cluster-management.io/v1beta1",
                    "kind": "Placement",
                    "name": "p",
                    "uid": "uid-of-p",
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "status": {"decisions": [{"clusterName": "a", "reason": ""}]},
    }


def test_nothing_to_write_when_all_is_there() -> None:
    assert plan(one_group(MANY), decided(MANY)) == Plan((), ())


def test_a_new_page_is_created_and_then_given_its_status() -> None:
    desired = one_group(["a"])
    ((write,), deletes) = plan(desired, [])
    assert write.create == desired[0]
    assert write.metadata is None
    assert write.status == {"status": {"decisions": [{"clusterName": "a", "reason": ""}]}}
    assert deletes == ()


def test_only_the_page_that_changed_is_written() -> None:
    changed = [*MANY[:120], "c120x", *MANY[121:]]
    writes, deletes = plan(one_group(changed), decided(MANY))
    assert [write.page.metadata.name for write in writes] == ["any-decision-2"]
    assert writes[0].create is None
    assert writes[0].metadata is None
    assert writes[0].resource_version == "7"
    assert deletes == ()


def test_an_empty_decision_is_written_as_an_empty_list() -> None:
    ((write,), _) = plan(one_group([]), decided(["a"]))
    assert write.status == {"status": {"decisions": []}}


def test_pages_that_are_too_many_are_deleted() -> None:
    writes, deletes = plan(one_group(MANY[:50]), decided(MANY))
    assert [write.page.metadata.name for write in writes] == ["any-decision-1"]
    assert [page.metadata.name for page in deletes] == ["any-decision-2", "any-decision-3"]


def grouped(*groups: list[str]) -> list[PlacementDecision]:
    return pages(
        placement("any"), [Group(str(index), tuple(sorted(names))) for index, names in enumerate(groups)]
    )


def listed(present: Mapping[str, PlacementDecision]) -> set[str]:
    return {name for page in present.values() for name in names(page)}


def carried_out(
    before: list[PlacementDecision], after: list[PlacementDecision], writes: int | None = None
) -> dict[str, PlacementDecision]:
    """The pages after so many of the plan's writes, or all of them and its deletes; meanwhile no cluster that is in
    both is missing."""
    present = {page.metadata.name: page for page in before}
    todo = plan(after, before)
    staying = listed(present) & listed({page.metadata.name: page for page in after})
    for write in todo.writes[:writes]:
        present[write.page.metadata.name] = write.page
        assert staying <= listed(present)
    if writes is None:
        for page in todo.deletes:
            del present[page.metadata.name]
            assert staying <= listed(present)
    return present


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (MANY[1:], MANY),
        (MANY, MANY[1:]),
        # as many come as go
        (MANY[1:], MANY[:-1]),
        (MANY[:-1], MANY[1:]),
        # across the end of the first page one way, across that of the second the other way
        (MANY[1:], MANY[:120] + MANY[122:]),
        (MANY[:120] + MANY[122:], MANY[1:]),
    ],
)
def test_no_cluster_is_missing_while_the_pages_shift(before: list[str], after: list[str]) -> None:
    present = carried_out(decided(before), one_group(after))
    assert sorted(present.values(), key=lambda page: page.metadata.name) == one_group(after)


def test_two_groups_swap_clusters_by_way_of_the_smaller_page_holding_both() -> None:
    before, after = grouped(["a", "c", "e"], ["b", "d"]), grouped(["b", "c", "e"], ["a", "d"])
    writes, _ = plan(after, before)
    assert [(write.page.metadata.name, names(write.page)) for write in writes] == [
        ("any-decision-2", ["a", "b", "d"]),
        ("any-decision-1", ["b", "c", "e"]),
        ("any-decision-2", ["a", "d"]),
    ]
    assert [write.status for write in writes] == [
        {"status": {"decisions": [{"clusterName": name, "reason": ""} for name in names(write.page)]}}
        for write in writes
    ]
    carried_out(before, after)


SOME = [f"c{number:03}" for number in range(400)]
subsets = st.builds(
    lambda seed, size: Random(seed).sample(SOME, size),
    st.integers(0, 2**32),
    st.sampled_from([0, 1, 99, 100, 101, 200, 201, 300, 350]) | st.integers(385, 400),
)


@settings(max_examples=60)
@given(subsets, subsets)
def test_no_cluster_is_ever_missing(before: list[str], after: list[str]) -> None:
    present = carried_out(one_group(before), one_group(after))
    assert present == {page.metadata.name: page for page in one_group(after)}
    writes, _ = plan(one_group(after), one_group(before))
    written = [write.page.metadata.name for write in writes]
    assert len(written) == len(set(written)), "within one group no page is written twice"


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(0, 8))
def test_nor_between_groups_nor_after_a_plan_that_was_broken_off(seed: int, writes: int) -> None:
    random = Random(seed)

    def divided() -> list[PlacementDecision]:
        found: list[list[str]] = [[], [], []]
        for name in random.sample(SOME, 350):
            random.choice(found).append(name)
        return grouped(*found)

    first, second, third = divided(), divided(), divided()
    broken_off = list(carried_out(first, second, writes).values())
    assert carried_out(broken_off, third) == {page.metadata.name: page for page in third}


def test_labels_are_put_right_and_strange_ones_stay() -> None:
    (page,) = decided(["a"])
    labels = {**page.metadata.labels, keys.DECISION_GROUP_INDEX_LABEL: "4", "strange": "yes"}
    present = msgspec.structs.replace(page, metadata=msgspec.structs.replace(page.metadata, labels=labels))
    ((write,), _) = plan(one_group(["a"]), [present])
    assert write.metadata == {"metadata": {"labels": {keys.DECISION_GROUP_INDEX_LABEL: "0"}}}
    assert write.status is None


def test_a_page_of_an_earlier_placement_of_this_name_is_taken_over() -> None:
    (page,) = decided(["a"])
    stranger = OwnerReference(api_version="v1", kind="ConfigMap", name="x", uid="x")
    earlier = msgspec.structs.replace(page.metadata.owner_references[0], uid="earlier")
    metadata = msgspec.structs.replace(page.metadata, owner_references=[stranger, earlier])
    present = msgspec.structs.replace(page, metadata=metadata)
    ((write,), _) = plan(one_group(["a"]), [present])
    assert write.metadata is not None
    owners = write.metadata["metadata"]["ownerReferences"]
    assert [owner["uid"] for owner in owners] == ["x", "uid-of-any"]


def test_a_page_on_its_way_out_does_not_count() -> None:
    (page,) = decided(["a"])
    metadata = msgspec.structs.replace(page.metadata, deletion_timestamp="2026-11-21T00:00:00Z")
    ((write,), deletes) = plan(one_group(["a"]), [msgspec.structs.replace(page, metadata=metadata)])
    assert write.create is not None
    assert deletes == ()
