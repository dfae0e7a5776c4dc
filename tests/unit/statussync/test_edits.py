"""What the user is advised whose edit of a status is undone."""

from __future__ import annotations

from typing import Any

import pytest

from statussync.edits import advice

RUNNING = {
    "phase": "Running",
    "nodes": {
        "wait": {"type": "Suspend", "phase": "Running"},
        "pod": {"type": "Pod", "phase": "Running"},
    },
}
FAILED = {"phase": "Failed", "nodes": {"pod": {"type": "Pod", "phase": "Failed"}}}


def node(name: str, **fields: Any) -> dict[str, Any]:
    nodes: dict[str, Any] = RUNNING["nodes"]  # type: ignore[assignment]
    return {**RUNNING, "nodes": {**nodes, name: nodes[name] | fields}}


@pytest.mark.parametrize(
    ("hub", "reported", "verb"),
    [
        ({"phase": "Running", "nodes": {}}, FAILED, "argo retry a -n there"),
        ({}, FAILED, "argo retry a -n there"),
        (node("wait", phase="Succeeded"), RUNNING, "argo resume a -n there"),
        (
            node("wait", phase="Failed"),
            RUNNING,
            "argo node set or argo stop --node-field-selector, for a -n there",
        ),
        (
            node("pod", phase="Failed"),
            RUNNING,
            "argo node set or argo stop --node-field-selector, for a -n there",
        ),
        (node("pod", phase="Succeeded"), RUNNING, "the status was edited on the hub"),
        ({"phase": "Succeeded"}, FAILED, "the status was edited on the hub"),
        ({}, RUNNING, "the status was edited on the hub"),
        ({"phase": "Running", "nodes": ["odd"]}, RUNNING, "the status was edited on the hub"),
        (
            {"phase": "Running", "nodes": {"wait": "odd", "new": {}}},
            RUNNING,
            "the status was edited on the hub",
        ),
        ({"phase": ["odd"]}, {"phase": {"odd": 1}, "nodes": 3}, "the status was edited on the hub"),
    ],
)
def test_the_verb_is_named(hub: dict[str, Any], reported: dict[str, Any], verb: str) -> None:
    words = advice(hub, reported, name="a", namespace="there", cluster="c1")
    assert verb in words
    assert "cluster c1" in words
    assert "set back" in words
