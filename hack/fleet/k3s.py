"""Clusters made of K3s, each in a privileged container: real nodes that run real images.

For users who have Docker and the internet. This project's CI has no registry to pull K3s from and has never
started it there: the steps around the container are tested on other clusters, the container itself is not.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import docker.errors
import yaml
from testcontainers.community.k3s import K3SContainer
from testcontainers.core.exceptions import ContainerStartException

from hack.fleet import argo_install, argo_kinds, bootstrap, containers_engine, crds, kubeconfig
from hack.fleet.api import Api
from hack.fleet.cancel import Cancellation
from hack.fleet.cluster import Definitions
from hack.fleet.containers_engine import OWNER_LABEL
from hack.fleet.errors import FleetError
from hack.fleet.layout import CRDS, HUB, Layout
from hack.fleet.local import check_names, clear, wait_all
from hack.fleet.progress import Progress, Silent
from hack.fleet.provider import Cluster

# The newest K3s of the Kubernetes version that local clusters have. ARGOSY_K3S_IMAGE names another.
IMAGE = "rancher/k3s:v1.36.1-k3s1"
# Argo's image has to be pulled by the cluster first.
_ARGO_SECONDS = 300.0
_INSIDE = (
    "testcontainers can't tell from inside a container where K3s's ports will be. If the Docker engine runs\n"
    "  beside this process, set TESTCONTAINERS_CONNECTION_MODE=docker_host TESTCONTAINERS_HOST_OVERRIDE=localhost"
)


class Container(Protocol):
    """What is needed of a K3SContainer."""

    def start(self) -> object: ...

    def stop(self) -> None: ...

    def config_yaml(self) -> str: ...

    def get_logs(self) -> tuple[bytes, bytes]: ...


def make_container() -> Container:
    """A K3s container that is not started; FleetError if no Docker engine answers."""
    engine = containers_engine.connect()
    try:
        containers_engine.remove_abandoned(engine)
    finally:
        engine.close()
    try:
        container = K3SContainer(os.environ.get("ARGOSY_K3S_IMAGE", IMAGE))
    except ContainerStartException as error:
        # The constructor asks for the address of a container that does not exist yet.
        raise FleetError(_INSIDE) from error
    # `privileged` is what K3SContainer sets itself; setting anything replaces everything.
    container.with_kwargs(privileged=True, labels={OWNER_LABEL: containers_engine.owner()})
    made: Container = container
    return made


class K3sFleet:
    """A running fleet."""

    def __init__(self, layout: Layout, containers: Mapping[str, Container]) -> None:
        self._layout = layout
        self._containers = containers

    @property
    def hub(self) -> Cluster:
        return self._cluster(HUB)

    @property
    def managed(self) -> Mapping[str, Cluster]:
        return {name: self._cluster(name) for name in sorted(self._containers) if name != HUB}

    def stop(self) -> None:
        """Keep what the containers wrote, and remove them."""
        for name, container in self._containers.items():
            # One that never started, or is gone already, has no logs and can't be removed.
            with contextlib.suppress(docker.errors.DockerException, ContainerStartException):
                self._layout.log(name, "k3s").write_bytes(b"".join(container.get_logs()))
            with contextlib.suppress(docker.errors.NotFound):
                container.stop()

    def _cluster(self, name: str) -> Cluster:
        return Cluster(name, self._layout.kubeconfig(name), self._layout.logs)


@dataclass(frozen=True)
class _Content:
    """What is put into clusters."""

    ours: Definitions
    argo_kinds: Definitions
    argo: list[dict[str, Any]]


class K3sProvider:
    """Starts fleets; see `hack.fleet.provider.Provider`. `make` gives a container to start a cluster in."""

    def __init__(
        self,
        progress: Progress | None = None,
        cancellation: Cancellation | None = None,
        make: Callable[[], Container] = make_container,
    ) -> None:
        self._progress = progress or Silent()
        self._cancellation = cancellation or Cancellation()
        self._make = make

    def start(self, directory: Path, managed: Sequence[str], *, argo: bool) -> K3sFleet:
        check_names(managed)
        containers = {name: self._make() for name in (HUB, *managed)}
        content = _Content(
            crds.load_ours(CRDS),
            argo_kinds.load(self._progress, self._cancellation) if managed else [],
            argo_install.load(self._cancellation) if managed and argo else [],
        )
        layout = Layout(directory.absolute())
        clear(layout)
        fleet = K3sFleet(layout, containers)
        try:
            with ThreadPoolExecutor(len(containers)) as pool:
                futures = [
                    pool.submit(self._start_one, name, container, layout.kubeconfig(name), content)
                    for name, container in containers.items()
                ]
                wait_all(futures, self._cancellation)
        except BaseException:
            fleet.stop()
            raise
        return fleet

    def _start_one(self, name: str, container: Container, path: Path, content: _Content) -> None:
        with self._progress.step(f"starting {name} in K3s", usually=60) as step:
            try:
                container.start()
                kubeconfig.write(path, renamed(container.config_yaml(), name))
            except (docker.errors.DockerException, TimeoutError) as error:
                raise FleetError(f"K3s did not start for {name}: {error}") from error
            api = Api(path)
            step.note("installing CustomResourceDefinitions")
            if name == HUB:
                bootstrap.hub(api, content.ours)
            else:
                bootstrap.workflows(api, content.ours, content.argo_kinds)
            self._wait_usable(name, api)
            if name != HUB and content.argo:
                step.note("installing Argo")
                argo_install.install(path, content.argo, self._cancellation, _ARGO_SECONDS)

    def _wait_usable(self, name: str, api: Api, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not bootstrap.is_usable(api):
            if time.monotonic() > deadline:
                raise FleetError(f"{name} has no service account `default` after {seconds:.0f} s")
            self._cancellation.pause(0.2)


def renamed(config_yaml: str, cluster: str) -> dict[str, Any]:
    """K3s's kubeconfig with names that say which cluster it is: every K3s calls everything `default`."""
    config: dict[str, Any] = yaml.safe_load(config_yaml)
    [server], [user] = config["clusters"], config["users"]
    admin = f"{cluster}-admin"
    context = {"cluster": cluster, "user": admin, "namespace": "argo"}
    return {
        **config,
        "clusters": [{**server, "name": cluster}],
        "users": [{**user, "name": admin}],
        "contexts": [{"name": cluster, "context": context}],
        "current-context": cluster,
    }
