"""What makes the statussync controller look at a Workflow: its ManifestWork's status, its result, its appearance."""

from __future__ import annotations

from collections.abc import Iterable

from controllers import hub_informers
from controllers.hub import WORKFLOWS, Waiting, workflow_key
from controllers.kube.client import Client
from controllers.ownership import placed_cluster
from controllers.runtime.cache import Change
from controllers.runtime.controller import Controller
from controllers.runtime.events import Recorder
from controllers.runtime.informers import Informers
from controllers.runtime.manager import Manager
from controllers.runtime.reconcile import Request
from statussync.reconciler import StatusSyncReconciler


def add_to(manager: Manager, client: Client, informers: Informers, recorder: Recorder) -> Controller:
    """Adds the statussync controller to `manager`."""
    works = hub_informers.works(informers)
    results = hub_informers.results(informers)
    workflows = hub_informers.workflows(informers)
    view = informers.view(WORKFLOWS)
    reconciler = StatusSyncReconciler(
        client,
        workflows=view,
        known=workflows.store,
        works=works.store,
        results=results.store,
        waiting=Waiting(client, view, recorder),
        recorder=recorder,
    )
    controller = Controller("statussync", reconciler, recorder=recorder)

    def result(change: Change) -> Iterable[Request]:
        """OCM's status add-on does not annotate its results; they are named after the ManifestWork."""
        key = workflow_key(change.object)
        if key is None:
            work = works.store.get(*change.object.key)
            key = workflow_key(work) if work is not None else None
        return () if key is None or change.new is None else (Request(*key),)

    def is_settled(key: tuple[str, str]) -> bool:
        """Of those nothing is expected but another result."""
        return workflows.store.settled_uid(*key) is not None

    def reported(change: Change) -> Iterable[Request]:
        key = workflow_key(change.object)
        if key is not None and change.new is not None and not is_settled(key):
            yield Request(*key)

    def edited(change: Change) -> Iterable[Request]:
        """What was reported before this process knew of the Workflow found nobody: the last word may be among it. And
        what somebody else writes on it may not be so."""
        old, new = change
        if new is not None and not is_settled(new.key) and (old is None or not view.is_own(new)):
            yield Request(*new.key)

    def placed(change: Change) -> Iterable[Request]:
        """Its cluster was written back, and may have reported before."""
        old, new = change
        if old is not None and new is not None and placed_cluster(old) != placed_cluster(new):
            yield Request(*new.key)

    controller.watch(works, reported)
    controller.watch(results, result)
    controller.watch(workflows, edited)
    controller.watch(workflows, placed)
    return manager.add_controller(controller)
