"""Whose a ManifestWork is, and which annotations of a Workflow are about that very Workflow."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from controllers.api import keys
from controllers.kube.object import Object
from controllers.ownership import carries, is_copied, is_fenced, placed_cluster

NOTHING: Mapping[str, str] = {}
UID = "12345678-aaaa"
STAMPED = {keys.PLACED_UID_ANNOTATION: UID}
FOREIGN = {keys.PLACED_UID_ANNOTATION: "another"}
CHOSEN = {keys.CHOICE_ANNOTATION: "spread: the only cluster"}


def workflow(cluster: str = "", said: Mapping[str, str] = NOTHING, *, finalizer: bool = True) -> Object:
    metadata = {
        "name": "a",
        "namespace": "n",
        "uid": UID,
        "annotations": {**said, **({keys.CLUSTER_ANNOTATION: cluster} if cluster else {})},
        "finalizers": [keys.CLEANUP_FINALIZER] if finalizer else [],
    }
    return Object(json.dumps({"metadata": metadata}).encode())


def work(said: Mapping[str, str] = NOTHING, *, name: str = "a-12345", namespace: str = "c1") -> Object:
    metadata = {"name": name, "namespace": namespace, "uid": "w", "annotations": dict(said)}
    return Object(json.dumps({"metadata": metadata}).encode())


def attempts(*clusters: str) -> dict[str, str]:
    return {keys.ATTEMPTS_ANNOTATION: ",".join(clusters)}


@pytest.mark.parametrize(
    ("found", "copied", "cluster"),
    [
        (workflow(finalizer=False), False, ""),
        (workflow("c1", finalizer=False), False, "c1"),  # its user's own choice
        (workflow("c1", {**STAMPED, **CHOSEN}), False, "c1"),
        (workflow("c1", {**STAMPED, **CHOSEN}, finalizer=False), False, "c1"),
        (workflow("c1", {**FOREIGN, **CHOSEN}), True, ""),
        (workflow("c1", FOREIGN), True, ""),
        (workflow("c1", CHOSEN), False, "c1"),  # placed by a version without the stamp
        (workflow("c1", CHOSEN, finalizer=False), True, ""),
        (workflow("", STAMPED), False, ""),
    ],
)
def test_what_was_written_on_another_workflow_counts_for_nothing(
    found: Object, copied: bool, cluster: str
) -> None:
    assert is_copied(found) is copied
    assert placed_cluster(found) == cluster


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (work({keys.HUB_UID_ANNOTATION: UID}), True),
        (work(), True),  # the reference implementation writes no uid
        (work({keys.HUB_UID_ANNOTATION: "another"}), False),
        # An agent may write any annotation on a work of its own, but cannot rename it.
        (work({keys.HUB_UID_ANNOTATION: UID, keys.HUB_NAME_ANNOTATION: "a"}, name="b-99999"), False),
        (work({keys.HUB_UID_ANNOTATION: UID}, name="a-54321"), False),
    ],
)
def test_the_name_says_whose_a_work_is(found: Object, expected: bool) -> None:
    assert carries(found, workflow("c1")) is expected


@pytest.mark.parametrize(
    ("placed", "found", "expected"),
    [
        (workflow("c1", STAMPED), work(), False),
        (workflow("c2", {**STAMPED, **attempts("c1", "c2")}), work(), True),
        # Whatever number the lost cluster's agent writes.
        (
            workflow("c2", {**STAMPED, **attempts("c1", "c2")}),
            work({keys.ATTEMPT_ANNOTATION: "2"}),
            True,
        ),
        (
            workflow("c2", {**STAMPED, **attempts("c1", "c2")}),
            work({keys.ATTEMPT_ANNOTATION: "2"}, namespace="c2"),
            False,
        ),
        # Back on a cluster where something of the first attempt is left.
        (workflow("c1", {**STAMPED, **attempts("c1", "c2", "c1")}), work(), True),
        (
            workflow("c1", {**STAMPED, **attempts("c1", "c2", "c1")}),
            work({keys.ATTEMPT_ANNOTATION: "3"}),
            False,
        ),
        # A cluster that the Workflow was never sent to by its own list: its user changed the annotation.
        (workflow("c2", STAMPED), work(), False),
        (workflow("c2", {**STAMPED, **attempts("c1", "c2")}), work(name="x-12345"), False),
    ],
)
def test_works_of_earlier_attempts_are_fenced(placed: Object, found: Object, expected: bool) -> None:
    assert is_fenced(found, placed) is expected
