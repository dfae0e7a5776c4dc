"""What makes the placement controller look at a Workflow: the Workflow, its Placement, the decisions, the clusters."""

from __future__ import annotations

from collections.abc import Iterable

from controllers import hub_informers
from controllers.api import keys
from controllers.api.cluster import ManagedCluster
from controllers.api.kinds import MANAGED_CLUSTER, PLACEMENT, PLACEMENT_DECISION
from controllers.hub import CLUSTER_LOST, WORKFLOWS, Waiting, workflow_key
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime.cache import Change
from controllers.runtime.controller import Controller
from controllers.runtime.events import Recorder
from controllers.runtime.informers import Informers
from controllers.runtime.manager import Manager
from controllers.runtime.reconcile import Request
from controllers.runtime.scope import Scope
from placement.capacity.backlog import Backlog
from placement.capacity.need import Need
from placement.capacity.promises import Promises
from placement.capacity.room import free
from placement.chooser import Chooser
from placement.decisions import BY_PLACEMENT, decides_for
from placement.dispatched import Dispatched
from placement.evaluator.hub import Hub
from placement.failover.reconciler import Failover
from placement.load import ACTIVE_ON, ClusterLoad
from placement.reconciler import PlacementReconciler, needs_cluster

# Index of WORKFLOWS: "<namespace>/<placement>" of those that have no cluster yet, or have lost theirs.
_WAITS_FOR = "waits-for"


def add_to(manager: Manager, client: Client, informers: Informers, recorder: Recorder) -> Controller:
    """Adds the placement controller to `manager`."""
    workflows = hub_informers.workflows(informers)
    works = hub_informers.works(informers)
    decisions = informers.of(Scope(PLACEMENT_DECISION))
    clusters = informers.of(Scope(MANAGED_CLUSTER))
    workflows.store.add_index(_WAITS_FOR, _waits_for)
    decisions.store.add_index(BY_PLACEMENT, decides_for)
    hub = Hub.of(informers)
    view = informers.view(WORKFLOWS)
    waiting = Waiting(client, view, recorder)
    chooser = Chooser(
        hub,
        decisions=decisions.store,
        load=ClusterLoad(workflows),
        promises=Promises(workflows),
        backlog=Backlog(workflows),
    )
    failover = Failover(
        client,
        hub,
        workflows=view,
        works=works.store,
        chooser=chooser,
        waiting=waiting,
        recorder=recorder,
    )
    reconciler = PlacementReconciler(
        client,
        workflows=view,
        chooser=chooser,
        failover=failover,
        dispatched=Dispatched(client, works.store),
        waiting=waiting,
        recorder=recorder,
    )
    controller = Controller("placement", reconciler, recorder=recorder)

    def concerned(change: Change) -> Iterable[Request]:
        item = change.object
        return (Request(*item.key),) if needs_cluster(item) or failover.is_concerned(item) else ()

    def of_placement(change: Change) -> Iterable[Request]:
        return waiting_for("/".join(change.object.key))

    def of_decision(change: Change) -> Iterable[Request]:
        return (request for key in decides_for(change.object) for request in waiting_for(key))

    def waiting_for(placement: str) -> Iterable[Request]:
        return (Request(*item.key) for item in workflows.store.by_index(_WAITS_FOR, placement))

    def of_cluster(change: Change) -> Iterable[Request]:
        """Those on a cluster that is lost, or found again; and those for which one that has come, or reports otherwise,
        has room."""
        old, new = (None if item is None else item.decode(ManagedCluster) for item in change)
        name = change.object.metadata.name
        if old is None or new is None or _standing(old) != _standing(new):
            for item in workflows.store.by_index(ACTIVE_ON, name):
                if failover.is_concerned(item):
                    yield Request(*item.key)
        if new is not None and (old is None or _free(old) != _free(new)):
            for key in chooser.next_for(name):
                yield Request(*key)

    def of_work(change: Change) -> Iterable[Request]:
        """It was sent to a cluster that is lost; or what an earlier attempt had left is gone, and the cluster may be
        chosen again."""
        came_or_went = change.old is None or change.new is None
        key = workflow_key(change.object) if came_or_went else None
        found = workflows.store.get(*key) if key is not None else None
        return (Request(*found.key),) if found is not None and failover.is_concerned(found) else ()

    controller.watch(workflows, concerned)
    controller.watch(informers.of(Scope(PLACEMENT)), of_placement)
    controller.watch(decisions, of_decision)
    controller.watch(works, of_work)
    controller.watch(clusters, of_cluster)
    return manager.add_controller(controller)


def _standing(cluster: ManagedCluster) -> tuple[object, ...]:
    return cluster.metadata.uid, cluster.metadata.deletion_timestamp, cluster.spec.taints


def _free(cluster: ManagedCluster) -> Need | None:
    return free(cluster.status.allocatable)


def _waits_for(workflow: Object) -> Iterable[str]:
    if needs_cluster(workflow) or Waiting.cause(workflow) == CLUSTER_LOST:
        name = workflow.metadata.annotations.get(keys.PLACEMENT_ANNOTATION)
        if name:
            yield f"{workflow.metadata.namespace}/{name}"
