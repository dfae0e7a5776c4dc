"""Evaluation -> the Placement's status. Pure: the time comes in as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from controllers.api import keys
from controllers.api.conditions import condition, with_condition
from controllers.api.meta import Condition
from controllers.api.placement import DecisionGroupStatus, Placement, PlacementDecision, PlacementStatus
from placement.evaluator.evaluate import Evaluation, Verdict


def placement_status(
    placement: Placement, evaluation: Evaluation, pages: Sequence[PlacementDecision], now: datetime
) -> PlacementStatus:
    """The status that `placement` shall have with these `pages`; equal to the present one when nothing changed.

    `now` is an aware time. Conditions of other types stay. Evaluation without groups: counts and groups stay.
    """
    conditions = list(placement.status.conditions)
    for verdict in (evaluation.misconfigured, evaluation.satisfied):
        conditions = with_condition(conditions, _condition(verdict, placement, now))
    if evaluation.groups is None:
        before = placement.status
        return PlacementStatus(
            number_of_selected_clusters=before.number_of_selected_clusters,
            decision_groups=before.decision_groups,
            conditions=conditions,
        )
    groups = [
        DecisionGroupStatus(
            decision_group_index=index,
            decision_group_name=group.name,
            decisions=[page.metadata.name for page in pages if _group_of(page) == str(index)],
            cluster_count=len(group.clusters),
        )
        for index, group in enumerate(evaluation.groups)
    ]
    return PlacementStatus(
        number_of_selected_clusters=sum(group.cluster_count for group in groups),
        decision_groups=groups,
        conditions=conditions,
    )


def _group_of(page: PlacementDecision) -> str:
    return page.metadata.labels[keys.DECISION_GROUP_INDEX_LABEL]


def _condition(verdict: Verdict, placement: Placement, now: datetime) -> Condition:
    generation = placement.metadata.generation or None
    return condition(verdict.type, verdict.status == "True", verdict.reason, verdict.message, now, generation)
