"""Starting Argosy itself on a fleet: the controllers on the hub, and the agent of each managed cluster."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hack.fleet import plan
from hack.fleet.layout import Layout
from hack.fleet.local import LocalFleet, wait_all
from hack.fleet.ports import Reservation
from hack.fleet.progress import Progress
from hack.fleet.provider import Cluster


def start(fleet: LocalFleet, progress: Progress, shards: int = 1) -> None:
    """Register every managed cluster and start everything of ours; returns when all of it is ready.

    With `shards` more processes of controllers may join the one that is started here: `start_controllers`.
    """
    with Reservation() as ports, ThreadPoolExecutor(len(fleet.managed) + 1) as pool:
        futures = [
            pool.submit(_controllers, fleet, ports, progress, 1, shards),
            *(pool.submit(_agent, fleet, cluster, ports, progress) for cluster in fleet.managed.values()),
        ]
        wait_all(futures, fleet.supervisor)


def start_controllers(fleet: LocalFleet, progress: Progress, number: int, shards: int) -> None:
    """Start the `number`th process of the controllers, which shares the work with the others."""
    with Reservation() as ports:
        _controllers(fleet, ports, progress, number, shards)


def _controllers(fleet: LocalFleet, ports: Reservation, progress: Progress, number: int, shards: int) -> None:
    part = plan.controllers(fleet.layout, fleet.hub.kubeconfig, ports, number, shards)
    title = "starting Argosy's controllers" + (f" ({number})" if number > 1 else "")
    with progress.step(title):
        fleet.supervisor.launch(part)


def _agent(fleet: LocalFleet, cluster: Cluster, ports: Reservation, progress: Progress) -> None:
    layout: Layout = fleet.layout
    with progress.step(f"starting {cluster.name}'s agent") as step:
        step.note("joining the hub")
        fleet.supervisor.run(plan.agent_join(layout, cluster.name, fleet.hub.kubeconfig))
        step.note("starting")
        fleet.supervisor.launch(plan.agent(layout, cluster.name, cluster.kubeconfig, ports))
