"""What makes the manifestwork controller look at a Workflow: the Workflow, its ManifestWork, its cluster's arrival."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from controllers import hub_informers
from controllers.api import keys
from controllers.api.kinds import (
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    NAMESPACE,
    WORKFLOW,
)
from controllers.grants import (
    BY_NAMESPACE,
    CLUSTER_NOT_BOUND,
    NAMESPACE_NOT_ALLOWED,
    Grants,
    index_by_namespace,
)
from controllers.hub import (
    WORKFLOWS,
    WORKS,
    Waiting,
    is_finished,
    workflow_key,
)
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.ownership import placed_cluster
from controllers.runtime.cache import Change, Key
from controllers.runtime.controller import Controller
from controllers.runtime.events import Recorder
from controllers.runtime.informers import Informers
from controllers.runtime.manager import Manager
from controllers.runtime.reconcile import Request
from controllers.runtime.scope import Scope
from manifestwork import held
from manifestwork.cleanup import Cleanup
from manifestwork.dispatch import Dispatch
from manifestwork.liveness import Agents
from manifestwork.reconciler import ManifestWorkReconciler
from manifestwork.restore import Restore

# Index of WORKFLOWS: the cluster of those that are not finished.
_BOUND_FOR = "bound-for"
# Index of WORKFLOWS: the namespace of those that may not go where they are bound for; and, for all of them, _ANYWHERE.
_REFUSED = "refused"
_ANYWHERE = ""


def add_to(manager: Manager, client: Client, informers: Informers, recorder: Recorder) -> Controller:
    """Adds the manifestwork controller to `manager`."""
    workflows = hub_informers.workflows(informers)
    works = hub_informers.works(informers)
    clusters = informers.of(Scope(MANAGED_CLUSTER))
    workflows.store.add_index(_BOUND_FOR, _bound_for)
    cluster_sets = informers.of(Scope(MANAGED_CLUSTER_SET))
    bindings = informers.of(Scope(MANAGED_CLUSTER_SET_BINDING))
    namespaces = informers.of(Scope(NAMESPACE, metadata_only=True))
    workflows.store.add_index(_REFUSED, _refused)
    bindings.store.add_index(BY_NAMESPACE, index_by_namespace)
    view = informers.view(WORKFLOWS)
    waiting = Waiting(client, view, recorder)
    restore = Restore(client, workflows=view, recorder=recorder)
    dispatch = Dispatch(
        client,
        workflows=view,
        works=informers.view(WORKS),
        clusters=clusters.store,
        grants=Grants(cluster_sets=cluster_sets.store, bindings=bindings.store, namespaces=namespaces.store),
        agents=Agents(works=works, results=hub_informers.results(informers)),
        waiting=waiting,
        recorder=recorder,
    )
    cleanup = Cleanup(
        client,
        workflows=workflows.store,
        works=informers.view(WORKS),
        known_works=works.store,
        clusters=clusters.store,
        restore=restore,
        waiting=waiting,
    )
    reconciler = ManifestWorkReconciler(
        workflows=view, known_works=works.store, dispatch=dispatch, cleanup=cleanup, restore=restore
    )
    controller = Controller("manifestwork", reconciler, recorder=recorder)

    def bound_for_new_cluster(change: Change) -> Iterable[Request]:
        """One that has come, or has gone, or may be in other sets, is what those bound for it wait for."""
        old, new = change
        if old is not None and new is not None and old.metadata.labels == new.metadata.labels:
            return ()
        return (
            Request(*item.key) for item in workflows.store.by_index(_BOUND_FOR, change.object.metadata.name)
        )

    def refused_in(namespace: str) -> Iterable[Request]:
        return (Request(*item.key) for item in workflows.store.by_index(_REFUSED, namespace))

    def of_binding(change: Change) -> Iterable[Request]:
        return refused_in(change.object.metadata.namespace)

    def of_namespace(change: Change) -> Iterable[Request]:
        return refused_in(change.object.metadata.name)

    def of_set(change: Change) -> Iterable[Request]:
        return refused_in(_ANYWHERE)

    async def find_unlabelled() -> None:
        """Those whose label was taken away, after they were placed, while no controller ran."""
        async for key in _placed_without_label(client):
            controller.queue.add(Request(*key))

    controller.watch(workflows)
    controller.watch(bindings, of_binding)
    controller.watch(namespaces, of_namespace)
    controller.watch(cluster_sets, of_set)
    manager.add_startup("Workflows without their label", find_unlabelled)
    controller.watch(works, _work_came_or_went)
    controller.watch(clusters, bound_for_new_cluster)
    return manager.add_controller(controller)


def _work_came_or_went(change: Change) -> Iterable[Request]:
    """Not each status that a cluster reports: only works that appear, go, or say what they wait for with it, or whose
    spec somebody changed."""
    old, new = change
    is_same = old is not None and new is not None and old.metadata.generation == new.metadata.generation
    if is_same and not held.says_otherwise(change):
        return
    key = workflow_key(change.object)
    if key is not None:
        yield Request(*key)


async def _placed_without_label(client: Client) -> AsyncIterator[Key]:
    token = ""
    while True:
        page = await client.page(
            WORKFLOW, label_selector=f"{keys.ENABLE_LABEL}!=true", token=token, metadata_only=True
        )
        for item in page.objects:
            if keys.CLEANUP_FINALIZER in item.metadata.finalizers:
                yield item.key
        token = page.token
        if not token:
            return


def _refused(workflow: Object) -> Iterable[str]:
    if Waiting.cause(workflow) in (CLUSTER_NOT_BOUND, NAMESPACE_NOT_ALLOWED):
        yield workflow.metadata.namespace
        yield _ANYWHERE


def _bound_for(workflow: Object) -> Iterable[str]:
    cluster = placed_cluster(workflow)
    if cluster and (not is_finished(workflow) or workflow.metadata.deletion_timestamp is not None):
        yield cluster
