"""What makes the evaluator look at a Placement, and whether this hub needs an evaluator at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import structlog

from controllers.api.cluster import AddOnPlacementScore, ManagedCluster
from controllers.api.cluster_set import ManagedClusterSet
from controllers.api.kinds import (
    ADDON_PLACEMENT_SCORE,
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    PLACEMENT,
    PLACEMENT_DECISION,
)
from controllers.kube.client import Client
from controllers.ocm import is_ocm_hub
from controllers.runtime.cache import Change
from controllers.runtime.controller import Controller, by_own_key
from controllers.runtime.events import Recorder
from controllers.runtime.informers import Informers
from controllers.runtime.manager import Manager
from controllers.runtime.reconcile import Request
from controllers.runtime.scope import Scope
from placement.decisions import BY_PLACEMENT, decides_for
from placement.evaluator.echoes import Echoes
from placement.evaluator.hub import Hub
from placement.evaluator.reconciler import EvaluatorReconciler
from placement.evaluator.sight import Aspect, changed, concerned, sets_of

log = structlog.get_logger(__name__)

M = TypeVar("M")

# Seconds in which changes of clusters gather, and as long as more of them come: a rack that goes away costs each
# Placement one evaluation.
GATHER = 0.05
GATHER_LONGEST = 0.25


async def is_wanted(client: Client, mode: str) -> bool:
    """`on` and `off` say it; `auto` asks the hub whether Open Cluster Management is installed there."""
    if mode != "auto":
        return mode == "on"
    if not await is_ocm_hub(client):
        return True
    log.info("evaluator_off", why="Open Cluster Management is installed on this hub")
    return False


def add_to(manager: Manager, client: Client, informers: Informers, recorder: Recorder) -> Controller:
    """Adds the evaluator to `manager`."""
    placements = informers.of(Scope(PLACEMENT))
    decisions = informers.of(Scope(PLACEMENT_DECISION))
    decisions.store.add_index(BY_PLACEMENT, decides_for)
    hub = Hub.of(informers)
    echoes = Echoes()
    reconciler = EvaluatorReconciler(
        client, hub, placements=placements.store, decisions=decisions.store, echoes=echoes
    )
    controller = Controller("evaluator", reconciler, recorder=recorder, concurrency=4)
    sight = _Sight(hub)

    def of_placement(change: Change) -> Iterable[Request]:
        """Not its status as it was written here; as somebody else writes it, it is repaired."""
        return () if echoes.has_made_placement(change) else by_own_key(change)

    def of_decision(change: Change) -> Iterable[Request]:
        """A page that somebody else changed or removed is repaired."""
        return () if echoes.has_made_page(change) else _decided(change)

    controller.watch(placements, of_placement)
    controller.watch(decisions, of_decision)
    controller.watch(
        informers.of(Scope(MANAGED_CLUSTER)), sight.of_cluster, gather=GATHER, longest=GATHER_LONGEST
    )
    controller.watch(
        informers.of(Scope(ADDON_PLACEMENT_SCORE)), sight.of_score, gather=GATHER, longest=GATHER_LONGEST
    )
    controller.watch(
        informers.of(Scope(MANAGED_CLUSTER_SET)), sight.of_set, gather=GATHER, longest=GATHER_LONGEST
    )
    controller.watch(
        informers.of(Scope(MANAGED_CLUSTER_SET_BINDING)),
        sight.of_binding,
        gather=GATHER,
        longest=GATHER_LONGEST,
    )
    manager.add_background("expressions", hub.expressions.evaluator.run)
    return manager.add_controller(controller)


class _Sight:
    """Which Placements are to be evaluated after a change."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def of_cluster(self, change: Change) -> Iterable[Request]:
        old, new = _models(change, ManagedCluster)
        return self._seeing([old, new], changed(old, new))

    def of_score(self, change: Change) -> Iterable[Request]:
        """An AddOnPlacementScore; it lives in its cluster's namespace."""
        old, new = _models(change, AddOnPlacementScore)
        if old is not None and new is not None and old.status == new.status:
            return ()
        return self._seeing(
            [self._hub.clusters.by_key.get(("", change.object.metadata.namespace))], Aspect.SCORES
        )

    def of_set(self, change: Change) -> Iterable[Request]:
        old, new = _models(change, ManagedClusterSet)
        if old is not None and new is not None and old.spec == new.spec:
            return ()
        return self._bound_to({change.object.metadata.name}, ~Aspect(0))

    def of_binding(self, change: Change) -> Iterable[Request]:
        old, new = change
        if old is not None and new is not None and old.metadata.generation == new.metadata.generation:
            return ()
        return self._in({change.object.metadata.namespace}, {change.object.metadata.name}, ~Aspect(0))

    def _seeing(self, clusters: Iterable[ManagedCluster | None], aspect: Aspect) -> Iterable[Request]:
        if not aspect:
            return ()
        return self._bound_to(sets_of(clusters, self._hub.cluster_sets.by_key.values()), aspect)

    def _bound_to(self, sets: set[str], aspect: Aspect) -> Iterable[Request]:
        namespaces = {
            item.metadata.namespace
            for item in self._hub.bindings.by_key.values()
            if item.metadata.name in sets
        }
        return self._in(namespaces, sets, aspect)

    def _in(self, namespaces: set[str], sets: set[str], aspect: Aspect) -> Iterable[Request]:
        keys = concerned(self._hub.placements.by_key, namespaces, sets, aspect)
        return (Request(*key) for key in keys)


def _models(change: Change, model: type[M]) -> tuple[M | None, M | None]:
    old, new = (None if item is None else item.decode(model) for item in change)
    return old, new


def _decided(change: Change) -> Iterable[Request]:
    return (Request(*key.split("/", 1)) for key in decides_for(change.object))
