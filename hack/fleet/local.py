"""Clusters made of processes on this machine: the provider behind `up` and behind the tests."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path
from types import TracebackType

from hack.fleet import argo_kinds, cluster, crds, plan, process
from hack.fleet.binaries import Binaries
from hack.fleet.cancel import Cancellation
from hack.fleet.errors import FleetError
from hack.fleet.layout import CRDS, HUB, Layout
from hack.fleet.ports import Reservation
from hack.fleet.progress import Progress, Silent
from hack.fleet.provider import Cluster
from hack.fleet.state import State
from hack.fleet.supervisor import Supervisor
from hack.fleet.versions import ARGO_BINARIES, HUB_BINARIES, MANAGED_BINARIES


class LocalFleet:
    """A running fleet; a context manager that stops it at the end."""

    def __init__(self, layout: Layout, supervisor: Supervisor) -> None:
        self.layout = layout
        self.supervisor = supervisor

    @property
    def hub(self) -> Cluster:
        return self._cluster(HUB)

    @property
    def managed(self) -> Mapping[str, Cluster]:
        names = sorted(known.name for known in self.supervisor.state.clusters if known.name != HUB)
        return {name: self._cluster(name) for name in names}

    def kill(self, part: str) -> None:
        """End a part (`cluster1/agent`) as a crash would."""
        process.kill(self.supervisor.find(part))

    def restart(self, part: str) -> None:
        """Start a part again as it was started before, and wait until it is ready."""
        running = self.supervisor.find(part)
        process.stop([running], grace=8)
        self.supervisor.launch(running.part)

    def stop(self) -> None:
        self.supervisor.stop()

    def _cluster(self, name: str) -> Cluster:
        return Cluster(name, self.layout.kubeconfig(name), self.layout.logs)

    def __enter__(self) -> LocalFleet:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class LocalProvider:
    """Starts fleets, as many as wanted; they don't know of each other."""

    def __init__(
        self,
        progress: Progress | None = None,
        *,
        profiling: bool = False,
        argo_crds: argo_kinds.Form = argo_kinds.USUAL,
    ) -> None:
        """`profiling`: the API servers serve CPU profiles of themselves. `argo_crds`: in which form managed clusters
        have Argo's kinds."""
        self._progress = progress or Silent()
        self._argo_crds = argo_crds
        self._profiling = profiling

    def start(self, directory: Path, managed: Sequence[str], *, argo: bool, bare: bool = True) -> LocalFleet:
        """A hub and one managed cluster per name; see `hack.fleet.provider.Provider`.

        `bare` only says what state.json tells later commands: starting Argosy itself is not done here.
        """
        check_names(managed)
        names = [*HUB_BINARIES, *(MANAGED_BINARIES if managed else ())]
        if argo and managed:
            names += ARGO_BINARIES
        cancellation = Cancellation()
        ours = crds.load_ours(CRDS)
        binaries = Binaries(self._progress, cancellation).ensure(names)
        argo_definitions = argo_kinds.load(self._progress, cancellation, self._argo_crds) if managed else []
        layout = Layout(directory.absolute())
        clear(layout)
        supervisor = Supervisor(layout, State(bare=bare, argo=argo, argo_crds=self._argo_crds), cancellation)
        try:
            with Reservation() as ports:
                etcd = plan.etcd(layout, binaries, ports)
                prepared = (cluster.prepare(name, layout, binaries, ports) for name in (HUB, *managed))
                plans = [dataclasses.replace(each, profiling=self._profiling) for each in prepared]
                supervisor.launch(etcd)
                with ThreadPoolExecutor(len(plans)) as pool:
                    context = cluster.Context(etcd, ours, argo_definitions, supervisor, self._progress)
                    futures = [
                        pool.submit(cluster.start_hub, plans[0], context),
                        *(pool.submit(cluster.start_managed, each, context, argo=argo) for each in plans[1:]),
                    ]
                    wait_all(futures, supervisor)
        except BaseException:
            supervisor.stop()
            raise
        return LocalFleet(layout, supervisor)


def wait_all(futures: Sequence[Future[None]], waits: Supervisor | Cancellation) -> None:
    """Wait for all; the first failure ends the others' `waits` and is raised."""
    try:
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
    except BaseException:
        waits.cancel()
        raise


def check_names(managed: Sequence[str]) -> None:
    """FleetError unless every cluster of a fleet has a name of its own."""
    if HUB in managed or len(set(managed)) != len(managed):
        raise FleetError(f"names of managed clusters must differ from each other and from {HUB!r}")


def clear(layout: Layout) -> None:
    """Remove what an earlier fleet left in the directory, and nothing else that may be there."""
    layout.root.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(layout.data, ignore_errors=True)
    shutil.rmtree(layout.logs, ignore_errors=True)
    for path in layout.root.glob("*.kubeconfig"):
        path.unlink()
    layout.logs.mkdir()
