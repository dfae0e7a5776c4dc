"""Clusters in containers, one each: what tests that disturb clusters are run on.

A provider like `hack.fleet.local`, with the same programs and settings, but every cluster with an etcd, a
network and a control group of its own, so that one can be frozen or cut off while the others go on. Needs a
Docker engine on this machine, and pulls nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hack.fleet import argo_kinds, bootstrap, containers_engine, containers_image, containers_plan, crds
from hack.fleet.api import Api
from hack.fleet.cancel import Cancellation
from hack.fleet.cluster import Definitions
from hack.fleet.containers_cluster import ClusterContainer
from hack.fleet.errors import FleetError
from hack.fleet.layout import CRDS, HUB, Layout
from hack.fleet.local import check_names, clear, wait_all
from hack.fleet.ports import Reservation
from hack.fleet.progress import Progress, Silent
from hack.fleet.provider import Cluster


class ContainersFleet:
    """A running fleet, and its faults (`hack.fleet.faults.Faults`)."""

    def __init__(self, layout: Layout, containers: Mapping[str, ClusterContainer]) -> None:
        self._layout = layout
        self._containers = containers

    @property
    def hub(self) -> Cluster:
        return self._cluster(HUB)

    @property
    def managed(self) -> Mapping[str, Cluster]:
        return {name: self._cluster(name) for name in sorted(self._containers) if name != HUB}

    def pause(self, cluster: str) -> None:
        self._container(cluster).pause()

    def unpause(self, cluster: str) -> None:
        self._container(cluster).unpause()

    def partition(self, cluster: str) -> None:
        self._container(cluster).partition()

    def heal(self, cluster: str) -> None:
        self._container(cluster).heal()

    def stop(self) -> None:
        for container in self._containers.values():
            container.stop()

    def _cluster(self, name: str) -> Cluster:
        return Cluster(name, self._layout.kubeconfig(name), self._layout.logs)

    def _container(self, cluster: str) -> ClusterContainer:
        try:
            return self._containers[cluster]
        except KeyError:
            raise FleetError(f"this fleet has no cluster {cluster}") from None


@dataclass(frozen=True)
class _Definitions:
    ours: Definitions
    argo: Definitions


class ContainersProvider:
    """Starts fleets; see `hack.fleet.provider.Provider`."""

    def __init__(self, progress: Progress | None = None, cancellation: Cancellation | None = None) -> None:
        self._progress = progress or Silent()
        self._cancellation = cancellation or Cancellation()

    def start(self, directory: Path, managed: Sequence[str], *, argo: bool) -> ContainersFleet:
        check_names(managed)
        image = self._prepare_engine()
        definitions = _Definitions(
            crds.load_ours(CRDS),
            argo_kinds.load(self._progress, self._cancellation) if managed else [],
        )
        layout = Layout(directory.absolute())
        clear(layout)
        containers: dict[str, ClusterContainer] = {}
        try:
            with Reservation() as ports:
                for name in (HUB, *managed):
                    plan = containers_plan.prepare(name, layout, ports, argo=argo)
                    containers[name] = ClusterContainer(plan, image, self._cancellation)
                with ThreadPoolExecutor(len(containers)) as pool:
                    starts = [pool.submit(self._start_one, one, definitions) for one in containers.values()]
                    wait_all(starts, self._cancellation)
        except BaseException:
            ContainersFleet(layout, containers).stop()
            raise
        return ContainersFleet(layout, containers)

    def _prepare_engine(self) -> str:
        """The image's name, once the engine is found and clean."""
        engine = containers_engine.connect()
        try:
            containers_engine.disable_missing_reaper(engine)
            for name in containers_engine.remove_abandoned(engine):
                self._progress.say(f"removed {name}, a container that an earlier run left behind")
            return containers_image.ensure(engine, self._progress, self._cancellation)
        finally:
            engine.close()

    def _start_one(self, container: ClusterContainer, definitions: _Definitions) -> None:
        name, kubeconfig = container.plan.name, container.plan.cluster.kubeconfig
        with self._progress.step(f"starting {name} in a container") as step:
            container.start()
            container.wait_program("apiserver")
            step.note("installing CustomResourceDefinitions")
            api = Api(kubeconfig)
            if name == HUB:
                bootstrap.hub(api, definitions.ours)
            else:
                bootstrap.managed(api, name, definitions.ours, definitions.argo)
            step.note("waiting for its programs")
            for program in container.plan.programs:
                container.wait_program(program.name)
            container.wait_until(lambda: bootstrap.is_usable(api), "service account `default`")
