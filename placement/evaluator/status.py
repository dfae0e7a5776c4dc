"""Evaluation -> the Placement's status. Pure: the time comes in as text."""

from __future__ import annotations

from collections.abc import Sequence

from controllers.api.meta import Condition
from controllers.api.placement import DecisionGroupStatus, Placement, PlacementDecision, PlacementStatus
from placement.evaluator.evaluate import Evaluation, Verdict


def placement_status(
    placement: Placement, evaluation: Evaluation, pages: Sequence[PlacementDecision], now: str
) -> PlacementStatus:
    """The status that `placement` shall have with these `pages`; equal to the present one when nothing changed.

    `now` is RFC 3339. Conditions of other types stay. Evaluation without clusters: counts and groups stay.
    """
    conditions = list(placement.status.conditions)
    for verdict in (evaluation.misconfigured, evaluation.satisfied):
        conditions = _with(conditions, verdict, placement.metadata.generation, now)
    if evaluation.clusters is None:
        before = placement.status
        return PlacementStatus(
            number_of_selected_clusters=before.number_of_selected_clusters,
            decision_groups=before.decision_groups,
            conditions=conditions,
        )
    count = len(evaluation.clusters)
    group = DecisionGroupStatus(decisions=[page.metadata.name for page in pages], cluster_count=count)
    return PlacementStatus(number_of_selected_clusters=count, decision_groups=[group], conditions=conditions)


def _with(conditions: list[Condition], verdict: Verdict, generation: int, now: str) -> list[Condition]:
    """`conditions` with the verdict's in its place; its transition time moves only when the status does."""
    before = next((item for item in conditions if item.type == verdict.type), None)
    same = before is not None and before.status == verdict.status
    fresh = Condition(
        type=verdict.type,
        status=verdict.status,
        reason=verdict.reason,
        message=verdict.message,
        last_transition_time=before.last_transition_time if before and same else now,
        observed_generation=generation or None,
    )
    if before is None:
        return [*conditions, fresh]
    return [fresh if item is before else item for item in conditions]
