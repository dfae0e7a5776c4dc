"""Bringing up one cluster on this machine, its parts in the order in which they need each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hack.fleet import bootstrap, certs, kubeconfig
from hack.fleet.api import Api
from hack.fleet.layout import Layout
from hack.fleet.plan import ClusterPlan
from hack.fleet.ports import Reservation
from hack.fleet.progress import Progress
from hack.fleet.state import ClusterState, Part, Process
from hack.fleet.supervisor import Supervisor

Definitions = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Context:
    """What all clusters of a fleet are started with."""

    etcd: Part
    ours: Definitions
    argo_kinds: Definitions
    supervisor: Supervisor
    progress: Progress


def prepare(name: str, layout: Layout, binaries: Mapping[str, Path], ports: Reservation) -> ClusterPlan:
    """Keys, a port and the kubeconfig of a cluster that does not run yet."""
    pki = certs.create(layout.cluster(name), name)
    bootstrap.write_pod_logs(layout.pod_logs(name), name)
    plan = ClusterPlan(name, layout, binaries, ports, pki, ports.take())
    config = kubeconfig.content(name, plan.server, pki.ca.read_bytes(), pki.admin_token())
    kubeconfig.write(plan.kubeconfig, config)
    return plan


def start_hub(plan: ClusterPlan, context: Context) -> None:
    """A hub is an API server and a controller manager: it keeps objects and runs nothing."""
    with context.progress.step(f"starting {plan.name}") as step:
        api = _start_apiserver(plan, context)
        step.note("installing CustomResourceDefinitions")
        bootstrap.hub(api, context.ours)
        step.note("starting the controller manager")
        _finish(plan, api, context.supervisor, [context.supervisor.start(plan.controller_manager())])


def start_managed(plan: ClusterPlan, context: Context, *, argo: bool) -> None:
    """A managed cluster also schedules pods, runs them on fake nodes, and (if `argo`) runs Workflows."""
    supervisor = context.supervisor
    with context.progress.step(f"starting {plan.name}") as step:
        api = _start_apiserver(plan, context)
        parts = [supervisor.start(plan.scheduler()), supervisor.start(plan.kwok())]
        step.note("installing CustomResourceDefinitions")
        bootstrap.managed(api, plan.name, context.ours, context.argo_kinds)
        step.note("starting the controllers")
        # Only now: its garbage collector looks for new kinds every 30 s, and until it knows a kind, objects
        # owned by one of that kind are not deleted with their owner.
        parts.append(supervisor.start(plan.controller_manager()))
        if argo:
            parts.append(supervisor.start(plan.workflow_controller()))
        _finish(plan, api, supervisor, parts)


def _start_apiserver(plan: ClusterPlan, context: Context) -> Api:
    """The API server, ready; the cluster is known to the fleet from here on."""
    context.supervisor.launch(plan.apiserver(context.etcd))
    context.supervisor.add_cluster(ClusterState(plan.name, str(plan.kubeconfig), plan.server))
    return Api(plan.kubeconfig)


def _finish(plan: ClusterPlan, api: Api, supervisor: Supervisor, parts: Sequence[Process]) -> None:
    for running in parts:
        supervisor.wait_ready(running)
    supervisor.wait_until(
        lambda: bootstrap.is_usable(api),
        f"{plan.name}: the service account `default` in the namespace `argo`",
        60,
        plan.layout.log(plan.name, "controller-manager"),
    )
