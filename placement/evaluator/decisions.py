"""Evaluation -> PlacementDecisions: the pages that shall be, and the writes that turn the present ones into them.

The layout is OCM's: pages of at most 100 clusters by name, numbered from 1 over all groups, at least one page per
group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple

import msgspec

from controllers.api import keys
from controllers.api.kinds import PLACEMENT, PLACEMENT_DECISION
from controllers.api.meta import ObjectMeta, OwnerReference
from controllers.api.placement import (
    MAX_DECISIONS,
    ClusterDecision,
    Placement,
    PlacementDecision,
    PlacementDecisionStatus,
)
from placement.evaluator.groups import Group


class Write(NamedTuple):
    """The writes to one page, in the order of the fields; None: not needed.

    `create`: POST it; the server drops its status, so `status` follows. `metadata`, `status`: merge patches of the
    object and of its status subresource, to be guarded by `resource_version`, or by what the last write of this plan to
    the page has made of it.
    """

    page: PlacementDecision
    resource_version: str
    create: PlacementDecision | None
    metadata: dict[str, Any] | None
    status: dict[str, Any] | None


class Plan(NamedTuple):
    """Do `writes` in this order, then `deletes` (by uid)."""

    writes: tuple[Write, ...]
    deletes: tuple[PlacementDecision, ...]


def pages(placement: Placement, groups: Sequence[Group]) -> list[PlacementDecision]:
    """The PlacementDecisions that list `groups`, in the order of their numbers."""
    found: list[PlacementDecision] = []
    for index, group in enumerate(groups):
        starts = range(0, len(group.clusters), MAX_DECISIONS) or range(1)
        for start in starts:
            names = group.clusters[start : start + MAX_DECISIONS]
            found.append(_page(placement, len(found) + 1, index, group.name, names))
    return found


def plan(desired: Sequence[PlacementDecision], present: Sequence[PlacementDecision]) -> Plan:
    """The writes that make `present` (all pages labelled for the Placement) into `desired`; none when they are so.

    Labels and owners that others have put on a page stay. When a cluster moves from one page to another, it is
    added there before it is taken away here, so that nobody reads a decision without it.
    """
    before = {page.metadata.name: page for page in present if page.metadata.deletion_timestamp is None}
    wanted = {page.metadata.name: page for page in desired}
    widened, order = _order(wanted, before)
    writes = [_write(wanted[name], before.get(name)) for name in order]
    stale = sorted((page for name, page in before.items() if name not in wanted), key=_name)
    return Plan((*widened, *(write for write in writes if any(write[2:]))), tuple(stale))


def _order(
    wanted: Mapping[str, PlacementDecision], before: Mapping[str, PlacementDecision]
) -> tuple[list[Write], list[str]]:
    """The names in `wanted` in an order in which no page gives a cluster away that another one has yet to take.

    Clusters of one group move across the end of a page all in one direction, but across the next one perhaps in the
    other. Two groups may swap clusters: then there is no such order until one page is widened, by the writes that are
    to come first. It lists what it has and what it takes, for a moment maybe more than MAX_DECISIONS.
    """
    held = {name: _clusters(before[name]) if name in before else frozenset() for name in wanted}
    widened: list[Write] = []
    while True:
        takers = {cluster: name for name, page in wanted.items() for cluster in _clusters(page) - held[name]}
        waits = {name: {takers[cluster] for cluster in held[name] & takers.keys()} for name in wanted}
        try:
            return widened, list(TopologicalSorter(waits).static_order())
        except CycleError as error:
            name = min(error.args[1], key=lambda name: len(held[name] | _clusters(wanted[name])))
            held[name] |= _clusters(wanted[name])
            decisions = [ClusterDecision(cluster_name=cluster, reason="") for cluster in sorted(held[name])]
            page = msgspec.structs.replace(before[name], status=PlacementDecisionStatus(decisions=decisions))
            patch = {"status": msgspec.to_builtins(page.status)}
            widened.append(Write(page, page.metadata.resource_version, None, None, patch))


def _clusters(page: PlacementDecision) -> frozenset[str]:
    return frozenset(decision.cluster_name for decision in page.status.decisions)


def _page(
    placement: Placement, number: int, index: int, group: str, clusters: Sequence[str]
) -> PlacementDecision:
    meta = placement.metadata
    owner = OwnerReference(
        api_version=PLACEMENT.api_version,
        kind=PLACEMENT.kind,
        name=meta.name,
        uid=meta.uid,
        controller=True,
        block_owner_deletion=True,
    )
    return PlacementDecision(
        api_version=PLACEMENT_DECISION.api_version,
        kind=PLACEMENT_DECISION.kind,
        metadata=ObjectMeta(
            name=f"{meta.name}-decision-{number}",
            namespace=meta.namespace,
            labels={
                keys.PLACEMENT_LABEL: meta.name,
                keys.DECISION_GROUP_NAME_LABEL: group,
                keys.DECISION_GROUP_INDEX_LABEL: str(index),
            },
            owner_references=[owner],
        ),
        status=PlacementDecisionStatus(
            decisions=[ClusterDecision(cluster_name=name, reason="") for name in clusters]
        ),
    )


def _write(page: PlacementDecision, before: PlacementDecision | None) -> Write:
    status = {"status": msgspec.to_builtins(page.status)}
    if before is None:
        return Write(page, "", page, None, status)
    same = before.status.decisions == page.status.decisions
    return Write(
        page, before.metadata.resource_version, None, _metadata_patch(page, before), None if same else status
    )


def _metadata_patch(page: PlacementDecision, before: PlacementDecision) -> dict[str, Any] | None:
    patch: dict[str, Any] = {}
    labels = {
        key: value for key, value in page.metadata.labels.items() if before.metadata.labels.get(key) != value
    }
    if labels:
        patch["labels"] = labels
    (owner,) = page.metadata.owner_references
    if owner not in before.metadata.owner_references:
        # An object has one controller: one that was there is an earlier Placement of this name.
        others = [other for other in before.metadata.owner_references if not other.controller]
        patch["ownerReferences"] = msgspec.to_builtins([*others, owner])
    return {"metadata": patch} if patch else None


def _name(page: PlacementDecision) -> str:
    return page.metadata.name
