"""What makes the evaluator look at a Placement, and whether this hub needs an evaluator at all."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import structlog

from controllers.api.cluster import ManagedCluster
from controllers.api.kinds import (
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    PLACEMENT,
    PLACEMENT_DECISION,
)
from controllers.api.model import Model
from controllers.kube.client import Client
from controllers.kube.errors import AlreadyExists, NotFound
from controllers.kube.object import Object
from controllers.runtime.cache import Change
from controllers.runtime.controller import Controller
from controllers.runtime.events import Recorder
from controllers.runtime.informers import Informers
from controllers.runtime.manager import Manager
from controllers.runtime.reconcile import Request
from controllers.runtime.watch import Scope
from placement.decisions import BY_PLACEMENT, decides_for
from placement.evaluator.reconciler import BY_NAMESPACE, EvaluatorReconciler

log = structlog.get_logger(__name__)

# Where OCM's operator is installed. ClusterManager is the kind that makes a hub, with a placement controller; a
# managed cluster, of some other hub, has Klusterlet.
_OCM_OPERATOR = "/apis/operator.open-cluster-management.io/v1"
_OCM_HUB = "clustermanagers"


class _Resource(Model):
    name: str


class _Discovery(Model):
    resources: list[_Resource]


async def is_wanted(client: Client, mode: str) -> bool:
    """`on` and `off` say it; `auto` asks the hub whether Open Cluster Management is installed there."""
    if mode != "auto":
        return mode == "on"
    try:
        served = msgspec.json.decode(await client.request("GET", _OCM_OPERATOR), type=_Discovery)
    except NotFound:
        return True
    if all(item.name != _OCM_HUB for item in served.resources):
        return True
    log.info("evaluator_off", why="Open Cluster Management is installed on this hub")
    return False


def add_to(manager: Manager, client: Client, informers: Informers, recorder: Recorder) -> Controller:
    """Adds the evaluator to `manager`."""
    placements = informers.of(Scope(PLACEMENT))
    decisions = informers.of(Scope(PLACEMENT_DECISION))
    clusters = informers.of(Scope(MANAGED_CLUSTER))
    cluster_sets = informers.of(Scope(MANAGED_CLUSTER_SET))
    bindings = informers.of(Scope(MANAGED_CLUSTER_SET_BINDING))
    placements.store.add_index(BY_NAMESPACE, _namespace)
    bindings.store.add_index(BY_NAMESPACE, _namespace)
    decisions.store.add_index(BY_PLACEMENT, decides_for)
    reconciler = EvaluatorReconciler(
        client,
        placements=placements.store,
        decisions=decisions.store,
        clusters=clusters.store,
        cluster_sets=cluster_sets.store,
        bindings=bindings.store,
    )
    controller = Controller("evaluator", reconciler, recorder=recorder, concurrency=4)

    def every(change: Change) -> Iterable[Request]:
        return (Request(*item.key) for item in placements.store.all())

    def on_cluster(change: Change) -> Iterable[Request]:
        return every(change) if matters(change) else ()

    def on_binding(change: Change) -> Iterable[Request]:
        namespace = change.object.metadata.namespace
        return (Request(*item.key) for item in placements.store.by_index(BY_NAMESPACE, namespace))

    controller.watch(placements)
    controller.watch(clusters, on_cluster)
    controller.watch(cluster_sets, every)
    controller.watch(bindings, on_binding)
    controller.watch(decisions, _decided)
    manager.add_startup("default cluster sets", lambda: ensure_default_sets(client))
    return manager.add_controller(controller)


async def ensure_default_sets(client: Client) -> None:
    """Makes the sets that every OCM hub has: `default` for clusters without a set, `global` for all."""
    selectors = {
        "default": {"selectorType": "ExclusiveClusterSetLabel"},
        "global": {"selectorType": "LabelSelector", "labelSelector": {}},
    }
    for name, selector in selectors.items():
        body = {
            "apiVersion": MANAGED_CLUSTER_SET.api_version,
            "kind": MANAGED_CLUSTER_SET.kind,
            "metadata": {"name": name},
            "spec": {"clusterSelector": selector},
        }
        if await client.find(MANAGED_CLUSTER_SET, name) is None:
            try:
                await client.create(MANAGED_CLUSTER_SET, body)
            except AlreadyExists:
                continue


def matters(change: Change) -> bool:
    """Whether a change of a ManagedCluster can change a decision: not its heartbeat, nor its free resources."""
    old, new = change
    return old is None or new is None or _seen(old) != _seen(new)


def _seen(cluster: Object) -> tuple[object, ...]:
    meta = cluster.metadata
    claims = cluster.decode(ManagedCluster).status.cluster_claims
    return (meta.uid, meta.labels, meta.annotations, meta.deletion_timestamp, claims)


def _decided(change: Change) -> Iterable[Request]:
    """A page that somebody else changed or removed is repaired."""
    return (Request(*key.split("/", 1)) for key in decides_for(change.object))


def _namespace(item: Object) -> Iterable[str]:
    yield item.metadata.namespace
