"""The hub's status never moves backwards, and ends right whatever order reports arrive in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.kube.patch import merge_diff
from statussync.decide import desired_status, done_of, is_final, labels_for, rank

RUNNING = {"phase": "Running", "progress": "1/3", "nodes": {"a": {"phase": "Running"}}}
DONE = {"phase": "Succeeded", "progress": "3/3", "nodes": {"a": {"phase": "Succeeded"}}}

FIVE = {"phase": "Failed", "message": "m", "progress": "1/3", "startedAt": "then", "finishedAt": "now"}


@pytest.mark.parametrize(
    ("hub", "feedback", "full", "expected"),
    [
        ({}, None, None, None),
        ({}, {}, None, None),
        ({}, {"phase": "Running"}, None, {"phase": "Running"}),
        ({}, {"phase": "Running"}, RUNNING, RUNNING),
        # at the same phase the full one decides
        ({}, {"phase": "Running", "progress": "0/3", "message": "old"}, RUNNING, RUNNING),
        # all five fields, and no others
        ({}, {**FIVE, "other": "x"}, None, FIVE),
        (RUNNING, {"phase": "Running", "progress": "1/3"}, RUNNING, None),
        # the five fields alone take nothing away
        (RUNNING, {"phase": "Succeeded"}, None, {**RUNNING, "phase": "Succeeded"}),
        # feedback that is ahead of the full status is shown at once
        (
            RUNNING,
            {"phase": "Failed", "message": "m"},
            RUNNING,
            {**RUNNING, "phase": "Failed", "message": "m"},
        ),
        # ... and the full status completes it
        ({**RUNNING, "phase": "Succeeded"}, {"phase": "Succeeded"}, DONE, DONE),
        # nulls, which the hub cannot hold, are no news
        (RUNNING, None, {**RUNNING, "finishedAt": None}, None),
        (DONE, {"phase": "Succeeded"}, {**DONE, "nodes": {"a": {"phase": "Succeeded", "x": None}}}, None),
        # stale reports
        (DONE, {"phase": "Running"}, RUNNING, None),
        (DONE, {"phase": "Running"}, None, None),
        (RUNNING, {"phase": "Pending"}, None, None),
        (RUNNING, None, {"nodes": {}}, None),
        (RUNNING, None, {"phase": None, "nodes": {}}, None),
        ({"phase": "Running"}, {"phase": "Pending"}, None, None),
        ({"phase": "Running"}, None, {"phase": "Pending"}, None),
        ({"phase": "Pending"}, None, {"phase": ""}, None),
        (RUNNING, {"phase": "Running", "progress": "0/3"}, None, None),
        (RUNNING, {"phase": "Running", "progress": "2/3"}, None, {**RUNNING, "progress": "2/3"}),
        # news at the same progress
        (
            RUNNING,
            {"phase": "Running", "progress": "1/3", "message": "m"},
            None,
            {**RUNNING, "message": "m"},
        ),
        # a final phase is changed by feedback alone never
        ({"phase": "Error"}, {"phase": "Succeeded"}, None, None),
        ({"phase": "Error"}, {"phase": "Succeeded"}, DONE, DONE),
    ],
)
def test_desired_status(
    hub: dict[str, Any], feedback: dict[str, str] | None, full: dict[str, Any] | None, expected: Any
) -> None:
    news = desired_status(hub, feedback, full)
    assert (news and news.status) == expected
    if news is not None:
        assert news.patch == merge_diff(hub, news.status)


# The order of a run, written down once more: measured by the code's own table, a wrong one would pass.
ORDER = ["", "Pending", "Running", "Succeeded", "Failed", "Error"]
PHASES = ["", "Pending", "Running", "Running", "Running"]


def step(phase: str) -> int:
    return min(ORDER.index(phase), ORDER.index("Succeeded"))


def far(status: dict[str, Any]) -> tuple[int, int]:
    """How far a run is: by its phase, then by N of its progress `N/9`."""
    return step(status.get("phase", "")), int(status.get("progress", "0/9").removesuffix("/9"))


HISTORIES = st.builds(
    lambda middle, last, told: [
        {"phase": phase} | ({"progress": f"{n}/9"} if told else {})
        for n, phase in enumerate([*sorted(middle, key=step), last])
    ],
    st.lists(st.sampled_from(PHASES), max_size=5),
    st.sampled_from(["Succeeded", "Failed", "Error"]),
    st.booleans(),
)


@given(history=HISTORIES, feedback_next=st.lists(st.booleans(), max_size=14))
def test_any_delivery_ends_at_the_final_state_without_going_back(
    history: list[dict[str, str]], feedback_next: list[bool]
) -> None:
    """Feedback and full status each move on through the same history, at their own pace, with repeats."""
    hub: dict[str, Any] = {}
    feedback = full = -1
    rest = [True, False] * len(history)
    for is_feedback in [*feedback_next, *rest]:
        if is_feedback:
            feedback = min(feedback + 1, len(history) - 1)
        else:
            full = min(full + 1, len(history) - 1)
        news = desired_status(
            hub, history[feedback] if feedback >= 0 else None, history[full] if full >= 0 else None
        )
        if news is not None:
            assert step(news.status.get("phase", "")) >= step(hub.get("phase", ""))
            hub = news.status
    assert hub == history[-1]


@given(history=HISTORIES, order=st.randoms(use_true_random=False))
def test_feedback_alone_in_any_order_never_goes_back(history: list[dict[str, str]], order: Any) -> None:
    reports = [*history]
    order.shuffle(reports)
    hub: dict[str, Any] = {}
    for report in reports:
        news = desired_status(hub, report, None)
        if news is not None:
            assert far(news.status) >= far(hub)
            hub = news.status
    assert hub["phase"] == history[-1]["phase"]


@pytest.mark.parametrize(("progress", "done"), [("0/1", 0), ("12/40", 12), ("", 0), ("half", 0), ("x/2", 0)])
def test_progress(progress: str, done: int) -> None:
    assert done_of(progress) == done


def test_labels_follow_the_phase_and_are_written_only_when_they_differ() -> None:
    assert labels_for("", {}, "p", "c") == {}
    assert labels_for("Running", {}, "p", "c") == {"p": "Running", "c": "false"}
    assert labels_for("Succeeded", {"p": "Running", "c": "false"}, "p", "c") == {
        "p": "Succeeded",
        "c": "true",
    }
    assert labels_for("Succeeded", {"p": "Succeeded", "c": "true"}, "p", "c") == {}


def test_a_phase_of_a_later_argo_is_not_taken_for_the_end() -> None:
    assert not is_final("Hibernating")
    assert rank("Hibernating") == rank("Running")
