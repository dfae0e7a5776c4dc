"""What makes the placement controller look at a Workflow: the Workflow, its Placement, the decisions."""

from __future__ import annotations

from collections.abc import Iterable

from controllers import hub_informers
from controllers.api import keys
from controllers.api.kinds import PLACEMENT, PLACEMENT_DECISION
from controllers.hub import WORKFLOWS, Waiting
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime.cache import Change
from controllers.runtime.controller import Controller
from controllers.runtime.events import Recorder
from controllers.runtime.informers import Informers
from controllers.runtime.manager import Manager
from controllers.runtime.reconcile import Request
from controllers.runtime.watch import Scope
from placement.decisions import BY_PLACEMENT, decides_for
from placement.load import ClusterLoad
from placement.reconciler import PlacementReconciler, needs_cluster

# Index of WORKFLOWS: "<namespace>/<placement>" of those that have no cluster yet.
_WAITS_FOR = "waits-for"


def add_to(manager: Manager, client: Client, informers: Informers, recorder: Recorder) -> Controller:
    """Adds the placement controller to `manager`."""
    workflows = hub_informers.workflows(informers)
    placements = informers.of(Scope(PLACEMENT))
    decisions = informers.of(Scope(PLACEMENT_DECISION))
    workflows.store.add_index(_WAITS_FOR, _waits_for)
    decisions.store.add_index(BY_PLACEMENT, decides_for)
    view = informers.view(WORKFLOWS)
    reconciler = PlacementReconciler(
        client,
        workflows=view,
        placements=placements.store,
        decisions=decisions.store,
        load=ClusterLoad(workflows),
        waiting=Waiting(client, view, recorder),
        recorder=recorder,
    )
    controller = Controller("placement", reconciler, recorder=recorder)

    def unplaced(change: Change) -> Iterable[Request]:
        return (Request(*change.object.key),) if needs_cluster(change.object) else ()

    def of_placement(change: Change) -> Iterable[Request]:
        return waiting_for("/".join(change.object.key))

    def of_decision(change: Change) -> Iterable[Request]:
        return (request for key in decides_for(change.object) for request in waiting_for(key))

    def waiting_for(placement: str) -> Iterable[Request]:
        return (Request(*item.key) for item in workflows.store.by_index(_WAITS_FOR, placement))

    controller.watch(workflows, unplaced)
    controller.watch(placements, of_placement)
    controller.watch(decisions, of_decision)
    return manager.add_controller(controller)


def _waits_for(workflow: Object) -> Iterable[str]:
    if needs_cluster(workflow):
        name = workflow.metadata.annotations.get(keys.PLACEMENT_ANNOTATION)
        if name:
            yield f"{workflow.metadata.namespace}/{name}"
