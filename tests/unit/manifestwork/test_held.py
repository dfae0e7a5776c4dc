"""What a work that is being deleted says of what holds it, as the hub reads it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from controllers.kube.object import Object
from controllers.runtime.cache import Change
from manifestwork.held import holding, says_otherwise


def work(message: str | None, *, deleted: bool = True, kind: str = "Deleting") -> Object:
    metadata: dict[str, Any] = {"name": "w", "namespace": "c1", "generation": 1}
    if deleted:
        metadata["deletionTimestamp"] = "2026-11-28T09:00:00Z"
    condition = {
        "type": kind,
        "status": "True",
        "reason": "WorkDeleting",
        "message": message,
        "lastTransitionTime": "2026-11-28T09:00:00Z",
    }
    conditions = [] if message is None else [condition]
    return Object(msgspec.json.encode({"metadata": metadata, "status": {"conditions": conditions}}))


HELD = work("ManifestWork is being deleted: Pod a/b is held by finalizer x.y/z: yes")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (HELD, "Pod a/b is held by finalizer x.y/z: yes"),
        (work("ManifestWork is being deleted"), ""),  # OCM's agent says no more
        (work("something else: entirely"), ""),
        (work(None), ""),
        (work("ManifestWork is being deleted: not yet", deleted=False), ""),
        (work("ManifestWork is being deleted: by another name", kind="Applied"), ""),
        (work(f"ManifestWork is being deleted: {'x' * 5000}"), "x" * 1000),
    ],
)
def test_only_what_it_waits_for_is_taken_and_not_too_much(found: Object, expected: str) -> None:
    assert holding(found) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (work(None), HELD, True),
        (None, HELD, True),
        (HELD, HELD, False),
        (HELD, work("ManifestWork is being deleted: another"), True),
        (work(None), work("ManifestWork is being deleted"), False),
        (HELD, None, False),
    ],
)
def test_only_a_change_of_it_matters(old: Object | None, new: Object | None, expected: bool) -> None:
    assert says_otherwise(Change(old, new)) == expected
