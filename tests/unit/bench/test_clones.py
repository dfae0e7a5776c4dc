"""Copies of a finished Workflow's objects: names and uids replaced wherever they stand."""

from __future__ import annotations

import msgspec

from controllers.kube.object import Object
from hack.bench.clones import renamed

OLD_UID, NEW_UID = "aaaaa111-0000-0000-0000-000000000000", "bbbbb222-0000-0000-0000-000000000000"


def test_renamed() -> None:
    work = Object(
        msgspec.json.encode(
            {
                "metadata": {
                    "name": "model-0-aaaaa",
                    "namespace": "cluster1",
                    "uid": "work-uid",
                    "resourceVersion": "77",
                    "creationTimestamp": "2026-01-01T00:00:00Z",
                    "generation": 3,
                    "managedFields": [{"manager": "argosy"}],
                    "annotations": {"name": "model-0", "uid": OLD_UID},
                    "finalizers": ["keep"],
                },
                "spec": {"nodes": {"model-0-100": {"id": "model-0-100"}}},
            }
        )
    )
    words = {"model-0-aaaaa": "model-1-bbbbb", OLD_UID: NEW_UID, "model-0": "model-1"}
    assert renamed(work, words) == {
        "metadata": {
            "name": "model-1-bbbbb",
            "namespace": "cluster1",
            "annotations": {"name": "model-1", "uid": NEW_UID},
            "finalizers": ["keep"],
        },
        "spec": {"nodes": {"model-1-100": {"id": "model-1-100"}}},
    }
