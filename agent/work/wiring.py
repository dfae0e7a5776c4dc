"""What makes works be looked at: what the hub wants, what becomes of applied objects, and what was waited for."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable

from agent.decide.allow import Allowed
from agent.decide.naming import Hub
from agent.past import Past
from agent.work.apply import Applier
from agent.work.claim import Claims
from agent.work.cleanup import Cleanup
from agent.work.discovery import Discovery
from agent.work.eviction import Eviction
from agent.work.executors import Executors
from agent.work.finished import Finished
from agent.work.judge import Judge
from agent.work.keeping import Keeping
from agent.work.kinds import KindsReconciler
from agent.work.lacking import Lacking, MissingKind, MissingNamespace
from agent.work.managed import ManagedObjects
from agent.work.manifests import Manifests
from agent.work.orphans import Orphans
from agent.work.other_hubs import OtherHubs
from agent.work.reconciler import WorkReconciler
from agent.work.removal import Removal
from agent.work.report import Reporter
from agent.work.results import StatusResults
from agent.work.sharing import Sharing
from agent.work.targets import Targets
from agent.work.workflows import Workflows
from controllers.api.kinds import (
    APPLIED_MANIFEST_WORK,
    CRD,
    MANIFEST_WORK,
    NAMESPACE,
    WORKFLOW_STATUS_RESULT,
    Kind,
)
from controllers.expressions.evaluator import Evaluator
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime.cache import Change
from controllers.runtime.clock import now
from controllers.runtime.controller import Controller, Mapper
from controllers.runtime.informers import Informers
from controllers.runtime.manager import Manager
from controllers.runtime.reconcile import Request
from controllers.runtime.scope import Scope


def add_to(
    manager: Manager,
    hub: Client,
    managed: Client,
    at_hub: Informers,
    here: Informers,
    past: Past,
    options: argparse.Namespace,
    *,
    agent_id: str,
) -> None:
    """Adds the controllers of works to `manager`. `agent_id`: who applies them, for another agent to tell."""
    cluster: str = options.cluster
    works = Scope(MANIFEST_WORK, namespace=cluster)
    applied = Scope(APPLIED_MANIFEST_WORK)
    name = Hub(hub.server)
    # An agent of OCM's that was given no ID writes the hub's hash; one of ours without an ID continues with its traces.
    agent_ids = (agent_id,) if options.agent_id else (agent_id, name.hash)
    applier = Applier(managed)
    claims = Claims(hub, managed, name, agent_ids, works=at_hub.view(works), applied=here.view(applied))
    results = StatusResults(hub, at_hub.view(Scope(WORKFLOW_STATUS_RESULT, namespace=cluster)))
    cleanup = Cleanup(
        hub,
        managed,
        claims,
        applier,
        results,
        past.ledger,
        works=at_hub.view(works),
        removal=Removal(hub, works=at_hub.view(works), now=now),
        now=now,
    )
    eviction = Eviction(
        hub,
        managed,
        claims,
        cleanup,
        history=past.history,
        held=past.held,
        grace=past.grace,
        now=now,
    )

    def wake(work: str) -> None:
        controller.queue.add(Request(cluster, work))

    discovery, lacking = Discovery(managed), Lacking(wake)

    def watchable(kind: Kind) -> None:
        lacking.arrived(MissingKind.of(kind))

    objects = ManagedObjects(managed, name, wake, watchable, here.aside)
    executors, orphans = Executors(managed), Orphans(applier, objects)
    workflows = Workflows(
        hub,
        works=at_hub.view(works),
        applier=applier,
        managed=objects,
        orphans=orphans,
        results=results,
        executors=executors,
        ledger=past.ledger,
        now=now,
    )
    evaluator = Evaluator("agent.decide.cel:COMPILERS")
    reporter = Reporter(
        hub,
        works=at_hub.view(works),
        claims=claims,
        cleanup=cleanup,
        applier=applier,
        managed=objects,
        results=results,
        judge=Judge(evaluator),
        ledger=past.ledger,
        line=past.line,
        now=now,
        is_idle=lambda: controller.queue.is_idle(),
    )
    manifests = Manifests(
        applier=applier,
        discovery=discovery,
        managed=objects,
        workflows=workflows,
        orphans=orphans,
        executors=executors,
        keeping=Keeping(
            applier,
            Sharing(at_hub.view(works), name),
            Finished(managed, here.view(applied)),
            objects,
            clock=time.monotonic,
        ),
        lacking=lacking,
        allowed=Allowed(tuple(options.allow_namespace), tuple(options.allow_kind)),
    )
    reconciler = WorkReconciler(
        works=at_hub.view(works),
        targets=Targets(discovery, lacking, limit=options.max_manifests_bytes),
        claims=claims,
        cleanup=cleanup,
        eviction=eviction,
        manifests=manifests,
        managed=objects,
        reporter=reporter,
        lacking=lacking,
    )
    controller = Controller("work", reconciler)
    traces = here.of(applied)
    controller.watch(at_hub.of(works), _asked_for)
    controller.watch(traces, _forgotten(cluster, name))
    watched = [at_hub.of(works), at_hub.of(Scope(WORKFLOW_STATUS_RESULT, namespace=cluster))]

    def look_again() -> None:
        """The hub has gone back: what it has lost is not to be removed as what it has forgotten."""
        for trace in traces.store.all():
            for request in _work_of(cluster, name, trace):
                controller.queue.add(request)

    past.connect(watched, wake, look_again)
    other_hubs = OtherHubs(eviction, claims)
    others = Controller("other-hubs", other_hubs, concurrency=1)
    others.watch(traces, other_hubs.left)
    manager.add_controller(others)
    _add_arrivals(manager, here, KindsReconciler(discovery, lacking, objects, wake), lacking)
    manager.add_background("managed-objects", objects.run)
    manager.add_background("expressions", evaluator.run)
    manager.add_controller(controller)


def _add_arrivals(manager: Manager, here: Informers, kinds: KindsReconciler, lacking: Lacking) -> None:
    """Where the agent may not watch definitions or namespaces, works that lack one are tried again by and by."""

    def namespace_came(change: Change) -> None:
        old, new = change
        if new is not None and (old is None or old.metadata.uid != new.metadata.uid):
            lacking.arrived(MissingNamespace(new.metadata.name))

    namespaces = here.of(Scope(NAMESPACE, metadata_only=True), keep=Object.reduced, optional=True)
    namespaces.add_handler(namespace_came)
    controller = Controller("kinds", kinds, concurrency=1)
    controller.watch(here.of(Scope(CRD, metadata_only=True), keep=Object.reduced, optional=True), kinds.heard)
    manager.add_controller(controller)


def _asked_for(change: Change) -> Iterable[Request]:
    """What the hub wants of a work; the status in it is our own."""
    old, new = change
    if old is not None and new is not None and _wish(old.metadata) == _wish(new.metadata):
        return
    yield Request(*change.object.key)


def _wish(meta: object) -> tuple[object, ...]:
    names = ("uid", "generation", "deletion_timestamp", "finalizers", "labels")
    return tuple(getattr(meta, name) for name in names)


def _forgotten(cluster: str, hub: Hub) -> Mapper:
    def applied(change: Change) -> Iterable[Request]:
        """At the start each AppliedManifestWork is compared with the hub; later only when one goes."""
        if change.old is None or change.new is None or _is_going(change):
            yield from _work_of(cluster, hub, change.object)

    return applied


def _work_of(cluster: str, hub: Hub, trace: Object) -> Iterable[Request]:
    """The work that an AppliedManifestWork stands for, if it is one of this hub."""
    name = hub.work_of(trace.metadata.name)
    return () if name is None else (Request(cluster, name),)


def _is_going(change: Change) -> bool:
    old, new = change
    return bool(old and new and new.metadata.deletion_timestamp and not old.metadata.deletion_timestamp)
