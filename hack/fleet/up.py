"""Bringing a fleet up, keeping it up, and taking it down: what lies behind `up` and `down`."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from hack.fleet import lock, ours, process, readiness, state
from hack.fleet.api import Api
from hack.fleet.argo_kinds import USUAL, Form
from hack.fleet.errors import FleetError
from hack.fleet.layout import HUB, Layout
from hack.fleet.local import LocalFleet, LocalProvider
from hack.fleet.progress import Progress
from hack.fleet.state import Process, State
from hack.fleet.supervisor import Supervisor, stop_all


@dataclass(frozen=True)
class Wanted:
    """What a fleet shall consist of. `bare`: nothing of Argosy; without `argo`: no Argo controllers. `argo_crds`: in
    which form managed clusters have Argo's kinds."""

    clusters: int = 2
    bare: bool = False
    argo: bool = True
    argo_crds: Form = USUAL

    @property
    def managed(self) -> list[str]:
        return [f"cluster{number}" for number in range(1, self.clusters + 1)]


def is_up(layout: Layout) -> bool:
    """Whether a fleet that was started completely runs here, or at least some of it."""
    known = state.load(layout.state)
    return known is not None and known.complete and any(map(process.is_alive, known.processes))


def up(layout: Layout, wanted: Wanted, progress: Progress) -> LocalFleet:
    """The wanted fleet, running: the one that is there already, that one mended, or a new one.

    What a new fleet has started is stopped again if its start fails or is interrupted.
    """
    with lock.exclusive(layout):
        known = state.load(layout.state)
        alive = [p for p in known.processes if process.is_alive(p)] if known else []
        if known and known.complete and alive:
            _check_same(known, wanted)
            return _mend(layout, known, alive, wanted, progress)
        if known and alive:
            progress.say("an earlier `up` was killed halfway; stopping what it left")
            stop_all(alive)
        elif known:
            progress.say("the fleet that was here no longer runs; starting a new one")
        return _start(layout, wanted, progress)


def _start(layout: Layout, wanted: Wanted, progress: Progress) -> LocalFleet:
    provider = LocalProvider(progress, argo_crds=wanted.argo_crds)
    try:
        fleet = provider.start(layout.root, wanted.managed, argo=wanted.argo, bare=wanted.bare)
        if not wanted.bare:
            ours.start(fleet, progress)
            _wait(fleet, wanted, progress)
        fleet.supervisor.finish()
    except BaseException:
        left = state.load(layout.state)
        if left:
            stop_all(left.processes)
            layout.state.unlink()
        _clear(layout)
        raise
    return fleet


def _wait(fleet: LocalFleet, wanted: Wanted, progress: Progress) -> None:
    """For what is there only when Argosy's parts have talked to each other."""
    if not wanted.bare:
        readiness.wait_available(Api(fleet.hub.kubeconfig), wanted.managed, progress)


def _check_same(known: State, wanted: Wanted) -> None:
    managed = sorted(cluster.name for cluster in known.clusters if cluster.name != HUB)
    there = (managed, known.bare, known.argo, known.argo_crds)
    if there != (sorted(wanted.managed), wanted.bare, wanted.argo, wanted.argo_crds):
        raise FleetError(
            f"a fleet with {', '.join(managed) or 'no managed cluster'}"
            f"{', bare' if known.bare else ''}{'' if known.argo else ', without Argo'}"
            f"{'' if known.argo_crds is USUAL else f', with CRDs {known.argo_crds}'} is up here; "
            "take it down before starting a different one"
        )


def _mend(
    layout: Layout, known: State, alive: Sequence[Process], wanted: Wanted, progress: Progress
) -> LocalFleet:
    fleet = LocalFleet(layout, Supervisor(layout, known))
    dead = sorted((p for p in known.processes if p not in alive), key=_start_order)
    if not dead:
        progress.say("the fleet is up already")
    for gone in dead:
        with progress.step(f"starting {gone.part.title} again, which had ended"):
            fleet.supervisor.launch(gone.part)
    if dead:
        _wait(fleet, wanted, progress)
    return fleet


def _start_order(running: Process) -> tuple[bool, int]:
    first = ("etcd", "apiserver")
    name = running.part.name
    return running.part.ours, first.index(name) if name in first else len(first)


def down(layout: Layout, progress: Progress) -> bool:
    """Stop everything of the fleet; whether there was anything. Logs stay, everything else is removed."""
    with lock.exclusive(layout):
        known = state.load(layout.state)
        if known is None:
            return False
        with progress.step("stopping the fleet"):
            stop_all(known.processes)
        layout.state.unlink()
        _clear(layout)
        return True


def _clear(layout: Layout) -> None:
    """Remove what is of no use without the processes. The logs are."""
    shutil.rmtree(layout.data, ignore_errors=True)
    for path in layout.root.glob("*.kubeconfig"):
        path.unlink()
