"""What makes the registration controllers look: clusters, what they have on the hub, and requests for certificates."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from controllers.api.keys import CLUSTER_NAME_LABEL
from controllers.api.kinds import CERTIFICATE_SIGNING_REQUEST, MANAGED_CLUSTER
from controllers.api.membership import LONGEST_CERTIFICATE_SECONDS, is_ours, membership
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime.cache import Change
from controllers.runtime.controller import Controller
from controllers.runtime.events import Recorder
from controllers.runtime.informers import Informers
from controllers.runtime.manager import Manager
from controllers.runtime.reconcile import Request
from controllers.runtime.scope import Interest, Scope
from registration.clusters import ClusterReconciler
from registration.requests import RequestReconciler


def add_to(
    manager: Manager,
    client: Client,
    informers: Informers,
    recorder: Recorder,
    trusted: Collection[str] = (),
    longest: int = LONGEST_CERTIFICATE_SECONDS,
) -> None:
    """Adds both controllers to `manager`. `trusted`: users and groups whose clusters are let in without a person.
    `longest`: for how many seconds a certificate may hold that no person approves; 0: any."""
    _add_clusters(manager, client, informers, recorder)
    requests = informers.of(
        Scope(CERTIFICATE_SIGNING_REQUEST, label_selector=CLUSTER_NAME_LABEL), optional=True
    )
    reconciler = RequestReconciler(
        client, requests=requests.store, recorder=recorder, trusted=trusted, longest=longest
    )
    controller = Controller("certificate", reconciler, recorder=recorder, concurrency=2)
    controller.watch(requests)
    manager.add_controller(controller)


def _add_clusters(manager: Manager, client: Client, informers: Informers, recorder: Recorder) -> None:
    clusters = informers.of(Scope(MANAGED_CLUSTER))
    owned = {
        item.kind: informers.of(
            Scope(item.kind, label_selector=CLUSTER_NAME_LABEL), interest=_ours, optional=True
        )
        for item in membership("any")
    }
    reconciler = ClusterReconciler(
        client,
        clusters=clusters.store,
        owned={kind: informer.store for kind, informer in owned.items()},
        recorder=recorder,
    )
    controller = Controller("registration", reconciler, recorder=recorder, concurrency=4)

    def of_cluster(change: Change) -> Iterable[Request]:
        """Not its status, in which it says ever anew how much is free."""
        old, new = change
        if old is None or new is None or _wish(old) != _wish(new):
            yield Request(*change.object.key)

    def of_owned(change: Change) -> Iterable[Request]:
        """What somebody else has changed or removed is made again."""
        yield Request("", change.object.metadata.labels.get(CLUSTER_NAME_LABEL, ""))

    controller.watch(clusters, of_cluster)
    for informer in owned.values():
        controller.watch(informer, of_owned)
    manager.add_controller(controller)


def _ours(item: Object) -> Interest:
    return Interest.FULL if is_ours(item.metadata.labels) else Interest.NONE


def _wish(cluster: Object) -> tuple[object, ...]:
    meta = cluster.metadata
    return meta.uid, meta.generation, meta.deletion_timestamp, meta.finalizers
