"""What makes the health controller look at a cluster: the cluster, its lease when it moves again, and time."""

from __future__ import annotations

from collections.abc import Iterable

from controllers.api.keys import CLUSTER_LEASE_NAME
from controllers.api.kinds import LEASE, MANAGED_CLUSTER
from controllers.kube.client import Client
from controllers.runtime.cache import Change
from controllers.runtime.clock import now
from controllers.runtime.controller import Controller
from controllers.runtime.events import Recorder
from controllers.runtime.informers import Informers
from controllers.runtime.manager import Manager
from controllers.runtime.reconcile import Request
from controllers.runtime.scope import Scope
from registration.health.pulses import Pulses, is_available
from registration.health.reconciler import HealthReconciler


def add_to(manager: Manager, client: Client, informers: Informers, recorder: Recorder) -> Controller:
    """Adds the health controller to `manager`."""
    clusters = informers.of(Scope(MANAGED_CLUSTER))
    leases = informers.of(Scope(LEASE, field_selector=f"metadata.name={CLUSTER_LEASE_NAME}"))
    pulses = Pulses(leases, clusters, now)
    reconciler = HealthReconciler(client, clusters=clusters.store, pulses=pulses, recorder=recorder, now=now)
    controller = Controller("health", reconciler, recorder=recorder, concurrency=4)

    def on_lease(change: Change) -> Iterable[Request]:
        """A lease that goes on moving needs nobody: the time at which the cluster dies is looked at then."""
        cluster = clusters.store.get("", change.object.metadata.namespace)
        if cluster is not None and (change.old is None or not is_available(cluster)):
            yield Request(*cluster.key)

    controller.watch(clusters)
    controller.watch(leases, on_lease)
    return manager.add_controller(controller)
