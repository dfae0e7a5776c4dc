"""The agent's parts and what triggers them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import Final

from agent import argo, scores
from agent.decide.allow import Allowed
from agent.decide.naming import hub_hash, work_name
from agent.heartbeat import Heartbeat
from agent.past import Past, past_of
from agent.pods import UNFINISHED, only_claimed, takes_otherwise
from agent.registration import RegistrationReconciler
from agent.work.apply import Applier
from agent.work.claim import Claims
from agent.work.cleanup import Cleanup
from agent.work.discovery import Discovery
from agent.work.eviction import Eviction
from agent.work.executors import Executors
from agent.work.kinds import KindsReconciler
from agent.work.lacking import Lacking, MissingNamespace
from agent.work.managed import ManagedObjects
from agent.work.other_hubs import OtherHubs
from agent.work.reconciler import WorkReconciler
from agent.work.report import Reporter
from agent.work.results import StatusResults
from agent.work.workflows import Workflows
from controllers.api.cluster import DEFAULT_LEASE_SECONDS, ManagedCluster
from controllers.api.kinds import (
    APPLIED_MANIFEST_WORK,
    CLUSTER_CLAIM,
    CRD,
    MANAGED_CLUSTER,
    MANIFEST_WORK,
    NAMESPACE,
    NODE,
    WORKFLOW_STATUS_RESULT,
)
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime.cache import Change
from controllers.runtime.clock import now
from controllers.runtime.controller import Controller, Mapper
from controllers.runtime.events import Recorder
from controllers.runtime.informer import Informer
from controllers.runtime.informers import Informers
from controllers.runtime.manager import Manager
from controllers.runtime.process import elector_for, lease_namespace
from controllers.runtime.reconcile import Request
from controllers.runtime.watch import Scope

LEASE_NAME = "argosy-agent"
_CLAIMS: Final = Scope(CLUSTER_CLAIM)
# Seconds in which changes of pods gather: they come by the dozen, and what is free is of interest in the end only.
_GATHER_PODS: Final = 5.0


def build(hub: Client, managed: Client, options: argparse.Namespace) -> Manager:
    """The agent of `options.cluster`; the leader's Lease is on the managed cluster."""
    recorder = Recorder(hub, LEASE_NAME)
    elector = elector_for(options, managed, LEASE_NAME)
    manager = Manager(listen=options.listen, elector=elector, recorder=recorder)
    at_hub, here = Informers(hub, manager), Informers(managed, manager)
    cluster: str = options.cluster
    registered = at_hub.of(Scope(MANAGED_CLUSTER, field_selector=f"metadata.name={cluster}"))
    _add_registration(manager, hub, managed, cluster, registered, here, free=options.free)
    _add_argo(manager, managed, cluster, here)
    past = past_of(manager, hub, managed, recorder, registered, options)
    _add_works(manager, hub, managed, at_hub, here, past, options)

    def interval() -> float:
        found = registered.store.get("", cluster)
        spec = found.decode(ManagedCluster).spec if found is not None else None
        return float((spec.lease_duration_seconds if spec else 0) or DEFAULT_LEASE_SECONDS)

    heartbeat = Heartbeat(hub, cluster, interval, past.history, past.line)
    past.history.ask = heartbeat.renew
    manager.add_background("heartbeat", heartbeat.run)
    return manager


def _add_registration(
    manager: Manager,
    hub: Client,
    managed: Client,
    cluster: str,
    registered: Informer,
    here: Informers,
    *,
    free: bool,
) -> None:
    nodes = here.of(Scope(NODE))
    claims = here.of(_CLAIMS, optional=True)
    pods = here.of(UNFINISHED, keep=only_claimed, optional=True) if free else None
    reconciler = RegistrationReconciler(
        hub, managed, cluster=registered.store, nodes=nodes.store, claims=claims.store, pods=pods
    )
    controller = Controller("registration", reconciler, concurrency=1)

    def this_cluster(change: Change) -> Iterable[Request]:
        return (Request("", cluster),)

    for informer in (registered, nodes, claims):
        controller.watch(informer, this_cluster)
    if pods is not None:
        controller.watch(pods, _if(takes_otherwise, this_cluster), gather=_GATHER_PODS)
    controller.queue.add(Request("", cluster))
    manager.add_controller(controller)
    _add_scores(manager, hub, cluster, nodes, pods, here)


def _add_scores(
    manager: Manager, hub: Client, cluster: str, nodes: Informer, pods: Informer | None, here: Informers
) -> None:
    workflows = here.of(scores.UNFINISHED, keep=scores.only_phase, optional=True)
    reconciler = scores.ScoresReconciler(hub, nodes=nodes.store, pods=pods, workflows=workflows, now=now)
    controller = Controller("scores", reconciler, concurrency=1)

    def this_cluster(change: Change) -> Iterable[Request]:
        return (Request(cluster, scores.NAME),)

    controller.watch(nodes, this_cluster, gather=_GATHER_PODS)
    controller.watch(workflows, _if(scores.counts_otherwise, this_cluster), gather=_GATHER_PODS)
    if pods is not None:
        controller.watch(pods, _if(takes_otherwise, this_cluster), gather=_GATHER_PODS)
    controller.queue.add(Request(cluster, scores.NAME))
    manager.add_controller(controller)


def _add_argo(manager: Manager, managed: Client, cluster: str, here: Informers) -> None:
    definition = here.of(argo.DEFINITION, optional=True)
    deployments = [here.of(scope, optional=True) for scope in argo.DEPLOYMENTS]
    claimed = here.of(_CLAIMS, optional=True)
    reconciler = argo.ArgoReconciler(
        managed,
        Discovery(managed),
        definition=definition,
        deployments=deployments,
        claimed=claimed,
        claims=here.view(_CLAIMS),
    )
    controller = Controller("argo", reconciler, concurrency=1)

    def this_cluster(change: Change) -> Iterable[Request]:
        return (Request("", cluster),)

    controller.watch(definition, this_cluster)
    controller.watch(claimed, _if(argo.is_about_argo, this_cluster))
    for informer in deployments:
        controller.watch(informer, _if(argo.runs_otherwise, this_cluster))
    controller.queue.add(Request("", cluster))
    manager.add_controller(controller)


def _if(matters: Callable[[Change], bool], mapper: Mapper) -> Mapper:
    """`mapper`, for changes that matter only."""
    return lambda change: mapper(change) if matters(change) else ()


def _add_works(
    manager: Manager,
    hub: Client,
    managed: Client,
    at_hub: Informers,
    here: Informers,
    past: Past,
    options: argparse.Namespace,
) -> None:
    cluster: str = options.cluster
    works = Scope(MANIFEST_WORK, namespace=cluster)
    applied = Scope(APPLIED_MANIFEST_WORK)
    hub_id = hub_hash(hub.host)
    applier = Applier(managed)
    agent_id = options.agent_id or f"{lease_namespace(options)}/{LEASE_NAME}"
    claims = Claims(hub, managed, hub_id, agent_id, works=at_hub.view(works), applied=here.view(applied))
    results = StatusResults(hub, at_hub.view(Scope(WORKFLOW_STATUS_RESULT, namespace=cluster)))
    cleanup = Cleanup(hub, managed, claims, applier, results, past.ledger, works=at_hub.view(works), now=now)
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

    objects = ManagedObjects(managed, hub_id, wake)
    discovery, lacking = Discovery(managed), Lacking(wake)
    executors = Executors(managed)
    workflows = Workflows(
        hub,
        works=at_hub.view(works),
        applier=applier,
        managed=objects,
        results=results,
        executors=executors,
        ledger=past.ledger,
        now=now,
    )
    reporter = Reporter(
        hub,
        works=at_hub.view(works),
        claims=claims,
        cleanup=cleanup,
        applier=applier,
        managed=objects,
        results=results,
        ledger=past.ledger,
        line=past.line,
        now=now,
        is_idle=lambda: controller.queue.is_idle(),
    )
    reconciler = WorkReconciler(
        works=at_hub.view(works),
        claims=claims,
        cleanup=cleanup,
        eviction=eviction,
        applier=applier,
        discovery=discovery,
        managed=objects,
        workflows=workflows,
        reporter=reporter,
        executors=executors,
        lacking=lacking,
        allowed=Allowed(tuple(options.allow_namespace), tuple(options.allow_kind)),
        limit=options.max_manifests_bytes,
    )
    controller = Controller("work", reconciler)
    traces = here.of(applied)
    controller.watch(at_hub.of(works), _asked_for)
    controller.watch(traces, _forgotten(cluster, hub_id))
    watched = [at_hub.of(works), at_hub.of(Scope(WORKFLOW_STATUS_RESULT, namespace=cluster))]

    def look_again() -> None:
        """The hub has gone back: what it has lost is not to be removed as what it has forgotten."""
        for trace in traces.store.all():
            for request in _work_of(cluster, hub_id, trace):
                controller.queue.add(request)

    past.connect(watched, wake, look_again)
    other_hubs = OtherHubs(eviction, hub_id, agent_id)
    others = Controller("other-hubs", other_hubs, concurrency=1)
    others.watch(traces, other_hubs.left)
    manager.add_controller(others)
    _add_arrivals(manager, here, KindsReconciler(discovery, lacking, objects, wake), lacking)
    manager.add_background("managed-objects", objects.run)
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
    return tuple(getattr(meta, name) for name in ("uid", "generation", "deletion_timestamp", "finalizers"))


def _forgotten(cluster: str, hub_id: str) -> Mapper:
    def applied(change: Change) -> Iterable[Request]:
        """At the start each AppliedManifestWork is compared with the hub; later only when one goes."""
        if change.old is None or change.new is None or _is_going(change):
            yield from _work_of(cluster, hub_id, change.object)

    return applied


def _work_of(cluster: str, hub_id: str, trace: Object) -> Iterable[Request]:
    """The work that an AppliedManifestWork stands for, if it is one of this hub."""
    name = work_name(hub_id, trace.metadata.name)
    return () if name is None else (Request(cluster, name),)


def _is_going(change: Change) -> bool:
    old, new = change
    return bool(old and new and new.metadata.deletion_timestamp and not old.metadata.deletion_timestamp)
