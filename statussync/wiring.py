"""What makes the statussync controller look at a Workflow: its ManifestWork's status, its result, its appearance."""

from __future__ import annotations

from collections.abc import Iterable

from controllers.api.kinds import WORKFLOW_STATUS_RESULT
from controllers.hub import BY_WORKFLOW, WORKFLOWS, WORKS, Waiting, index_by_workflow, workflow_key
from controllers.kube.client import Client
from controllers.runtime.cache import Change
from controllers.runtime.controller import Controller
from controllers.runtime.events import Recorder
from controllers.runtime.informers import Informers
from controllers.runtime.manager import Manager
from controllers.runtime.reconcile import Request
from controllers.runtime.watch import Scope
from statussync.reconciler import StatusSyncReconciler

RESULTS = Scope(WORKFLOW_STATUS_RESULT)


def add_to(manager: Manager, client: Client, informers: Informers, recorder: Recorder) -> Controller:
    """Adds the statussync controller to `manager`."""
    works = informers.of(WORKS)
    works.store.add_index(BY_WORKFLOW, index_by_workflow)
    results = informers.of(RESULTS)
    workflows = informers.of(WORKFLOWS)
    view = informers.view(WORKFLOWS)
    reconciler = StatusSyncReconciler(
        client,
        workflows=view,
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

    controller.watch(works, _reported)
    controller.watch(results, result)
    controller.watch(workflows, _appeared)
    return manager.add_controller(controller)


def _appeared(change: Change) -> Iterable[Request]:
    """What was reported before this process knew of the Workflow has found nobody: the last word may be among it."""
    if change.old is None and change.new is not None:
        yield Request(*change.new.key)


def _reported(change: Change) -> Iterable[Request]:
    key = workflow_key(change.object)
    if key is not None and change.new is not None:
        yield Request(*key)
