"""What the demo tells."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from hack.fleet import story
from hack.fleet.comparison import View
from hack.fleet.story import Outcome

SAME = "the hub shows the same status"
CREATED = datetime(2026, 1, 1, tzinfo=UTC)


def seen(name: str, **changes: object) -> View:
    usual: dict[str, object] = {
        "uid": name,
        "namespace": "argo",
        "name": name,
        "cluster": "cluster1",
        "cluster_namespace": "argo",
        "phase": "Succeeded",
        "progress": "1/1",
        "message": "",
        "waiting": "",
        "created": CREATED,
        "finished": CREATED.replace(second=3),
        "nodes": 1,
    }
    return View(**(usual | changes))  # type: ignore[arg-type]


def test_all_well() -> None:
    text = story.finished(
        [Outcome(seen("a")), Outcome(seen("b", phase="Failed", message="child failed", nodes=2))]
    )
    assert text.splitlines()[1:] == [
        "What happened:",
        f"- a was sent to cluster1, ran there and ended Succeeded after 3 s; {SAME}, with 1 node.",
        f"- b was sent to cluster1, ran there and ended Failed after 3 s (child failed); {SAME}, with 2 nodes.",
        "",
        "All 2 Workflows ended on the hub exactly as on their clusters.",
    ]


def test_a_difference_is_shown_and_counted() -> None:
    text = story.finished([Outcome(seen("a"), ["phase differs"]), Outcome(seen("b"))])
    assert "- a was sent" in text
    assert "the hub does NOT show what the cluster shows.\n    phase differs\n" in text
    assert text.endswith("1 of 2 Workflows did not end on the hub as on their cluster.")


def test_what_is_stuck_names_reasons_and_logs() -> None:
    waiting = seen("a", cluster="", phase="", waiting="NotPlaced: no cluster")
    running = seen("b", phase="Running")
    text = story.stuck(
        [waiting, running],
        {"a": ["Warning NotPlaced: none"]},
        [Path("logs/controllers.log")],
        Path("logs"),
        60,
    )
    assert text.splitlines()[1:] == [
        "Not finished after 60 s:",
        "- a: no phase, not placed. NotPlaced: no cluster",
        "    Warning NotPlaced: none",
        "- b: Running, on cluster1.",
        "    no Events",
        "Logs to read first:",
        "  logs/controllers.log",
        "All logs: logs",
    ]
