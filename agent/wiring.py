"""The agent's parts and what triggers them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import Final

import agent.work.wiring
from agent import argo, scores
from agent.heartbeat import Heartbeat
from agent.past import past_of, regarding
from agent.pods import UNFINISHED, only_claimed, takes_otherwise
from agent.registration import RegistrationReconciler
from agent.work.discovery import Discovery
from controllers.api.cluster import DEFAULT_LEASE_SECONDS, ManagedCluster
from controllers.api.kinds import CLUSTER_CLAIM, MANAGED_CLUSTER, NODE
from controllers.kube.client import Client
from controllers.kube.object import Object, readable
from controllers.runtime.aside import SetAside
from controllers.runtime.cache import Change
from controllers.runtime.clock import now
from controllers.runtime.controller import Controller, Mapper
from controllers.runtime.events import Recorder
from controllers.runtime.informer import Informer
from controllers.runtime.informers import Informers
from controllers.runtime.manager import Manager
from controllers.runtime.process import elector_for, lease_namespace
from controllers.runtime.reconcile import Request
from controllers.runtime.scope import Scope

LEASE_NAME = "argosy-agent"
_CLAIMS: Final = Scope(CLUSTER_CLAIM)
# Seconds in which changes of pods gather: they come by the dozen, and what is free is of interest in the end only.
_GATHER_PODS: Final = 5.0


def build(hub: Client, managed: Client, options: argparse.Namespace) -> Manager:
    """The agent of `options.cluster`; the leader's Lease is on the managed cluster."""
    recorder = Recorder(hub, LEASE_NAME)
    elector = elector_for(options, managed, LEASE_NAME)
    manager = Manager(listen=options.listen, elector=elector, recorder=recorder)
    cluster: str = options.cluster

    def of_cluster(kind: str, item: Object) -> Object:
        """The agent may write Events nowhere but in its cluster's namespace on the hub."""
        return regarding(registered) or item

    def of_hub(kind: str, item: Object) -> Object:
        return of_cluster(kind, item) if kind == MANAGED_CLUSTER.kind else item

    at_hub = Informers(hub, manager, aside=SetAside(recorder, of_hub))
    here = Informers(managed, manager, aside=SetAside(recorder, of_cluster))
    registered = at_hub.of(Scope(MANAGED_CLUSTER, field_selector=f"metadata.name={cluster}"))
    _add_registration(manager, hub, managed, cluster, registered, here, free=options.free)
    _add_argo(manager, managed, cluster, here)
    past = past_of(manager, hub, managed, recorder, registered, options)
    agent_id = options.agent_id or f"{lease_namespace(options)}/{LEASE_NAME}"
    agent.work.wiring.add_to(manager, hub, managed, at_hub, here, past, options, agent_id=agent_id)

    def interval() -> float:
        """Whatever the ManagedCluster says, or can't be read to say: its agent neither ends nor runs hot by it."""
        found = next(readable(registered.store.all(), ManagedCluster), None)
        wanted = found.spec.lease_duration_seconds if found is not None else 0
        return float(wanted if wanted > 0 else DEFAULT_LEASE_SECONDS)

    heartbeat = Heartbeat(hub, cluster, interval, past.history, past.line)
    past.history.ask = heartbeat.renew
    past.line.ask = heartbeat.nudge
    registered.add_handler(lambda _: heartbeat.nudge())
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
