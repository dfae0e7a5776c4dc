"""What the hub's Workflow should show, from what its cluster has reported so far. Pure.

Two reports exist. The feedback in the ManifestWork's status holds five fields and comes with every agent; the
WorkflowStatusResult holds the whole status, from our agent or OCM's status add-on. They travel apart, so one may
be ahead of the other. Whatever order they arrive in, the hub never moves backwards and ends at the final state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from controllers.kube.patch import merge_diff

JsonObject = dict[str, Any]

# How far a run is. An unknown phase of a later Argo counts as running: it is shown, and is never the end.
_RANKS: Final = {"": 0, "Pending": 1, "Running": 2, "Succeeded": 3, "Failed": 3, "Error": 3}
FINAL_RANK: Final = 3

_MAX_DIGITS: Final = 9

FEEDBACK_FIELDS: Final = ("phase", "message", "progress", "startedAt", "finishedAt")


def rank(phase: str) -> int:
    """0 not seen, 1 pending, 2 running, 3 final."""
    return _RANKS.get(phase, 2)


def is_final(phase: str) -> bool:
    return rank(phase) == FINAL_RANK


class News(NamedTuple):
    """`status` is what the hub should have, `patch` the merge patch that brings it there."""

    status: JsonObject
    patch: JsonObject


def desired_status(
    hub: JsonObject, feedback: Mapping[str, str] | None, full: JsonObject | None, *, is_latest: bool = False
) -> News | None:
    """The status that the hub should have; None when neither report says anything new.

    `hub` is the status there now ({} for none), `feedback` the values of the feedback rules by name, `full`
    the status of the WorkflowStatusResult.

    - the report that is further along decides; at the same phase the full one does
    - feedback alone adds its fields and takes nothing away: nodes that the hub has stay
    - a report that is behind the hub's phase, or at the same phase behind its progress, is stale and ignored
    - a final phase is changed only by a full report with another final phase
    - `is_latest`: both were read from the server just now, so nothing is stale: the hub was edited, or the run was
      retried on its cluster
    """
    reported = feedback.get("phase", "") if feedback else ""
    if full is not None:
        status = dict(full)
        if rank(reported) > rank(_phase(full)):
            status |= _fields(feedback or {})
        behind = rank(_phase(status)) < rank(_phase(hub))
    elif feedback and reported:
        status = {**hub, **_fields(feedback)}
        behind = is_stale(feedback, hub)
    else:
        return None
    if behind and not is_latest:
        return None
    # Argo writes nulls (`finishedAt: null`), which a merge patch cannot carry and the hub therefore never has:
    # whether something differs is asked of the patch, or every report would look new for ever.
    patch = merge_diff(hub, status)
    return None if patch is None else News(status, patch)


def is_contradicted(hub: JsonObject, feedback: Mapping[str, str] | None, full: JsonObject | None) -> bool:
    """Whether the hub shows a phase that neither report has, and that both are behind, or other than at the end.

    Then the reports are older than what another process has written, or somebody has edited the hub's status.
    """
    phases = {_phase(full) if full is not None else "", feedback.get("phase", "") if feedback else ""} - {""}
    shown = _phase(hub)
    return bool(phases) and shown not in phases and all(rank(phase) <= rank(shown) for phase in phases)


def is_stale(feedback: Mapping[str, str], hub: JsonObject) -> bool:
    """Whether feedback is from before what the hub shows.

    Needed only for feedback that comes alone: status results arrive in the order in which they were written.
    """
    new, old = rank(feedback.get("phase", "")), rank(_phase(hub))
    if new != old or old == FINAL_RANK:
        return new <= old
    return done_of(feedback.get("progress", "")) < done_of(str(hub.get("progress") or ""))


def done_of(progress: str) -> int:
    """N of Argo's progress `N/M`, which never falls within one run; 0 when it says nothing."""
    head, separator, _ = progress.partition("/")
    return int(head) if separator and head.isdecimal() and len(head) <= _MAX_DIGITS else 0


def labels_for(
    phase: str, labels: Mapping[str, str], phase_label: str, completed_label: str
) -> dict[str, str]:
    """Those of Argo's two labels that have to change so that `argo list` finds the Workflow."""
    if not phase:
        return {}
    wanted = {phase_label: phase, completed_label: "true" if is_final(phase) else "false"}
    return {key: value for key, value in wanted.items() if labels.get(key) != value}


def _phase(status: Mapping[str, Any]) -> str:
    return str(status.get("phase") or "")


def _fields(feedback: Mapping[str, str]) -> JsonObject:
    return {name: feedback[name] for name in FEEDBACK_FIELDS if feedback.get(name)}
