"""Which cluster a Workflow goes to, from what its Placement has decided. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controllers.api import keys


@dataclass(frozen=True)
class Place:
    """Run it on `cluster`."""

    cluster: str


@dataclass(frozen=True)
class Wait:
    """It cannot be placed yet. `reason` is one CamelCase word; `message` says what is wrong and what to do."""

    reason: str
    message: str


@dataclass(frozen=True)
class PlacementState:
    """What is known of the Placement that a Workflow names.

    `clusters`: the decided clusters of all PlacementDecision pages, in page order. `why`: the message of its
    PlacementSatisfied condition, "" when it has none.
    """

    exists: bool
    clusters: Sequence[str] = ()
    why: str = ""


def choose(
    namespace: str, placement: str | None, state: PlacementState, active: Mapping[str, int]
) -> Place | Wait:
    """The decided cluster with the fewest active Workflows; among equals the first by name.

    `placement` is the Workflow's annotation; `active` counts unfinished Workflows by cluster, absent means 0.
    Decisions come sorted by name, so "the first decision" would send every Workflow to the same cluster.
    """
    if not placement:
        return Wait(
            "PlacementNotNamed",
            f"annotation {keys.PLACEMENT_ANNOTATION} is missing: set it to the name of a Placement in "
            f"namespace {namespace}",
        )
    if not state.exists:
        return Wait(
            "PlacementNotFound",
            f"there is no Placement {placement} in namespace {namespace}: create it, or correct annotation "
            f"{keys.PLACEMENT_ANNOTATION}",
        )
    if not state.clusters:
        why = f" ({state.why})" if state.why else ""
        return Wait(
            "NoDecision",
            f"Placement {placement} has selected no cluster yet{why}: see "
            f"kubectl -n {namespace} describe placement {placement}",
        )
    return Place(min(state.clusters, key=lambda cluster: (active.get(cluster, 0), cluster)))
