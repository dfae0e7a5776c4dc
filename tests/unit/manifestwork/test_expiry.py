"""When a complete ManifestWork is to go, and what is kept of it to know that."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controllers.api.meta import Condition
from controllers.kube.object import Object
from manifestwork.expiry.decide import expires
from manifestwork.expiry.remnant import Remnant, remnant

THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def condition(kind: str = "Complete", status: Any = "True", since: str = "2026-01-02T03:04:05Z") -> Condition:
    return Condition(type=kind, status=status, reason="R", message="", last_transition_time=since)


@pytest.mark.parametrize(
    ("ttl", "conditions", "after"),
    [
        (60, [condition()], timedelta(minutes=1)),
        (0, [condition()], timedelta()),
        (-5, [condition()], timedelta()),
        (60, [condition("Applied"), condition()], timedelta(minutes=1)),
        (10**9, [condition()], timedelta(seconds=10**9)),
        (None, [condition()], None),
        (60, [], None),
        (60, [condition("Applied")], None),
        (60, [condition(status="False")], None),
        (60, [condition(status="Unknown")], None),
        (0, [condition(status="False")], None),
        (2**62, [condition()], None),
        (10**12, [condition()], None),
        (60, [condition(since="soon")], None),
    ],
)
def test_when_a_work_goes(ttl: int | None, conditions: list[Condition], after: timedelta | None) -> None:
    due = expires(ttl, conditions, is_going=False)
    assert due == (None if after is None else THEN + after)
    assert expires(ttl, conditions, is_going=True) is None


def work(spec: dict[str, Any], status: dict[str, Any] | None = None, **metadata: str) -> Object:
    body = {
        "apiVersion": "work.open-cluster-management.io/v1",
        "kind": "ManifestWork",
        "metadata": {"name": "w", "namespace": "c", "uid": "u", "resourceVersion": "7", **metadata},
        "spec": {"workload": {"manifests": [{"x": "y" * 1000}]}, **spec},
        "status": status or {},
    }
    return Object(json.dumps(body).encode())


def test_little_is_kept() -> None:
    done, applied = (
        {
            "type": kind,
            "status": "True",
            "reason": "R",
            "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        for kind in ("Complete", "Applied")
    )
    kept = remnant(work({"deleteOption": {"ttlSecondsAfterFinished": 5}}, {"conditions": [applied, done]}))
    assert (kept.key, kept.metadata.uid, kept.metadata.resource_version) == (("c", "w"), "u", "7")
    found = kept.decode(Remnant)
    assert found.ttl == 5
    assert [item.type for item in found.conditions] == ["Complete"]
    assert len(kept.raw) < 300


def test_a_work_on_its_way_out_is_still_known_as_such() -> None:
    kept = remnant(work({}, deletionTimestamp="2026-01-01T00:00:00Z"))
    assert kept.metadata.deletion_timestamp == "2026-01-01T00:00:00Z"
    assert kept.decode(Remnant) == Remnant()


@pytest.mark.parametrize("spec", [{"deleteOption": {"ttlSecondsAfterFinished": "5"}}, {"deleteOption": 5}])
def test_what_can_not_be_read_has_no_lifetime(spec: dict[str, Any]) -> None:
    assert remnant(work(spec)).decode(Remnant).ttl is None
