"""What is read out of a ManifestWork's status, from whichever agent."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from controllers.kube.object import Object
from statussync.report import Report, read


def work(*manifests: dict[str, Any]) -> Object:
    body = {"metadata": {"name": "w"}, "status": {"resourceStatus": {"manifests": list(manifests)}}}
    return Object(msgspec.json.encode(body))


def manifest(ordinal: int = 0, **fields: Any) -> dict[str, Any]:
    return {"resourceMeta": {"ordinal": ordinal}, "conditions": [], **fields}


def feedback(**values: dict[str, Any]) -> dict[str, Any]:
    return {"values": [{"name": name, "fieldValue": value} for name, value in values.items()]}


def applied(status: str, message: str = "", reason: str = "AppliedManifestFailed") -> list[dict[str, str]]:
    stamp = "2026-01-01T00:00:00Z"
    return [
        {"type": "Available", "status": "False", "reason": "X", "message": "y", "lastTransitionTime": stamp},
        {
            "type": "Applied",
            "status": status,
            "reason": reason,
            "message": message,
            "lastTransitionTime": stamp,
        },
    ]


RUNNING = feedback(phase={"type": "String", "string": "Running"})


@pytest.mark.parametrize(
    ("found", "report"),
    [
        pytest.param(work(), Report({}), id="nothing yet"),
        pytest.param(work(manifest()), Report({}), id="tried, nothing to say"),
        pytest.param(work(manifest(statusFeedback=RUNNING)), Report({"phase": "Running"}), id="a value"),
        pytest.param(
            work(manifest(statusFeedback=feedback(n={"type": "Integer", "integer": 3}))),
            Report({}),
            id="a value that is no text",
        ),
        pytest.param(
            work(manifest(1), manifest(0, statusFeedback=RUNNING)),
            Report({"phase": "Running"}),
            id="the first manifest, wherever it stands",
        ),
        pytest.param(
            work(manifest(conditions=applied("False", "no such namespace"))),
            Report({}, "no such namespace"),
            id="refused",
        ),
        pytest.param(
            work(manifest(conditions=applied("False"))), Report({}, "AppliedManifestFailed"), id="no words"
        ),
        pytest.param(
            work(manifest(conditions=applied("True", "Apply manifest complete"), statusFeedback=RUNNING)),
            Report({"phase": "Running"}),
            id="applied",
        ),
    ],
)
def test_a_report_is_read(found: Object, report: Report) -> None:
    assert read(found) == report


def test_a_work_without_status_has_no_report() -> None:
    assert read(Object(b'{"metadata":{"name":"w"},"spec":{}}')) == Report({})
