"""Pages, and the writes that lead to them."""

from __future__ import annotations

import msgspec
import pytest

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


@pytest.mark.parametrize(("before", "after"), [(MANY[1:], MANY), (MANY, MANY[1:])])
def test_no_cluster_is_missing_while_the_pages_shift(before: list[str], after: list[str]) -> None:
    present = {page.metadata.name: page for page in decided(before)}
    writes, _ = plan(one_group(after), list(present.values()))
    staying = set(before) & set(after)
    for write in writes:
        present[write.page.metadata.name] = write.page
        assert staying <= {name for page in present.values() for name in names(page)}


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
