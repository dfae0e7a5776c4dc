"""What makes the controllers of sets and bindings look: these themselves, and clusters that come, go or change sets."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from controllers.api.cluster_set import ManagedClusterSetBinding
from controllers.api.kinds import MANAGED_CLUSTER, MANAGED_CLUSTER_SET, MANAGED_CLUSTER_SET_BINDING
from controllers.kube.client import Client
from controllers.kube.errors import Conflict
from controllers.kube.object import Object
from controllers.runtime.cache import Change
from controllers.runtime.clock import now
from controllers.runtime.controller import Controller
from controllers.runtime.events import Recorder
from controllers.runtime.informers import Informers
from controllers.runtime.manager import Manager
from controllers.runtime.reconcile import Request
from controllers.runtime.scope import Scope
from placement.sets.decide import STANDARD
from placement.sets.reconcilers import BindingReconciler, SetReconciler, create_standard

# Index of bindings: the set they name.
_BY_SET = "set"
# Seconds in which changes of clusters gather.
_GATHER = 0.2


def add_to(manager: Manager, client: Client, informers: Informers, recorder: Recorder) -> None:
    """Adds both controllers to `manager`."""
    clusters = informers.of(Scope(MANAGED_CLUSTER))
    sets = informers.of(Scope(MANAGED_CLUSTER_SET))
    bindings = informers.of(Scope(MANAGED_CLUSTER_SET_BINDING))
    bindings.store.add_index(_BY_SET, _set_of)
    of_sets = Controller(
        "clusterset",
        SetReconciler(client, sets=sets.store, clusters=clusters.store, now=now),
        recorder=recorder,
        concurrency=1,
    )
    of_bindings = Controller(
        "clustersetbinding",
        BindingReconciler(client, bindings=bindings.store, sets=sets.store, now=now),
        recorder=recorder,
        concurrency=1,
    )

    def every_set(change: Change) -> Iterable[Request]:
        old, new = change
        if old is None or new is None or old.metadata.labels != new.metadata.labels:
            return (Request(*item.key) for item in sets.store.all())
        return ()

    def of_set(change: Change) -> Iterable[Request]:
        if change.old is not None and change.new is not None:
            return ()
        return (Request(*item.key) for item in bindings.store.by_index(_BY_SET, change.object.metadata.name))

    of_sets.watch(sets)
    of_sets.watch(clusters, every_set, gather=_GATHER)
    of_bindings.watch(bindings)
    of_bindings.watch(sets, of_set)
    manager.add_startup("default cluster sets", lambda: ensure_standard_sets(client))
    manager.add_controller(of_sets)
    manager.add_controller(of_bindings)


async def ensure_standard_sets(client: Client) -> None:
    """Makes those that are not there, since what is not there triggers nothing. Raises ApiError."""
    for name in STANDARD:
        if await client.find(MANAGED_CLUSTER_SET, name) is None:
            with contextlib.suppress(Conflict):
                await create_standard(client, name)


def _set_of(binding: Object) -> Iterable[str]:
    yield binding.decode(ManagedClusterSetBinding).spec.cluster_set
