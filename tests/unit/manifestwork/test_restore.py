"""What is written back on a Workflow that was sent, from the ManifestWork that carries it."""

from __future__ import annotations

import json

import pytest

from controllers.api import keys
from controllers.kube.object import Object
from manifestwork.restore import recorded_attempts, restoration

UID = "12345678-aaaa"
PLACED = {keys.CLUSTER_ANNOTATION: "c1", keys.PLACED_UID_ANNOTATION: UID}
WRITTEN = {**PLACED, keys.ATTEMPTS_ANNOTATION: None}


def workflow(annotations: dict[str, str], *finalizers: str) -> Object:
    metadata = {"name": "a", "namespace": "n", "uid": UID, "annotations": annotations}
    return Object(json.dumps({"metadata": metadata | {"finalizers": finalizers}}).encode())


def work(**annotations: str) -> Object:
    metadata = {"name": "a-12345", "namespace": "c1", "annotations": annotations}
    return Object(json.dumps({"metadata": metadata}).encode())


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (workflow(PLACED, keys.CLEANUP_FINALIZER), {}),
        (workflow({keys.CLUSTER_ANNOTATION: "c1"}, keys.CLEANUP_FINALIZER), {}),
        (workflow({}, keys.CLEANUP_FINALIZER), {"annotations": WRITTEN}),
        (workflow({keys.CLUSTER_ANNOTATION: "c2"}, keys.CLEANUP_FINALIZER), {"annotations": WRITTEN}),
        (
            workflow({**PLACED, keys.PLACED_UID_ANNOTATION: "x"}, keys.CLEANUP_FINALIZER),
            {"annotations": WRITTEN},
        ),
        (workflow(PLACED, "o/f"), {"finalizers": ["o/f", keys.CLEANUP_FINALIZER]}),
        (workflow({}), {"annotations": WRITTEN, "finalizers": [keys.CLEANUP_FINALIZER]}),
    ],
)
def test_only_what_is_missing_is_written(found: Object, expected: object) -> None:
    assert restoration(found, work()) == expected


def test_the_attempts_come_back() -> None:
    sent = work(**{keys.ATTEMPTS_ANNOTATION: "c2,c1", keys.ATTEMPT_ANNOTATION: "2"})
    metadata = restoration(workflow({}, keys.CLEANUP_FINALIZER), sent)
    assert metadata["annotations"][keys.ATTEMPTS_ANNOTATION] == "c2,c1"


@pytest.mark.parametrize(
    ("recorded", "number", "expected"),
    [
        (None, None, []),
        ("c2,c1", "2", ["c2", "c1"]),
        ("c2,c3,c1", None, ["c2", "c3", "c1"]),
        (None, "3", ["unknown", "unknown", "c1"]),  # of an earlier version
        ("c1,c2", "2", ["unknown", "c1"]),  # it cannot have ended elsewhere than where the work is
        (",".join(["c2"] * 60 + ["c1"]), None, []),
        (None, "9" * 9, ["unknown"] * 49 + ["c1"]),
        (None, "9" * 18, []),
    ],
)
def test_what_the_work_records_counts_if_it_can_be_so(
    recorded: str | None, number: str | None, expected: list[str]
) -> None:
    said = {keys.ATTEMPTS_ANNOTATION: recorded, keys.ATTEMPT_ANNOTATION: number}
    found = work(**{key: value for key, value in said.items() if value is not None})
    assert recorded_attempts(found) == expected
