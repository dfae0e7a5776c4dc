"""One cluster in one container: started, followed, disturbed, removed."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import docker.errors
from testcontainers.core.container import DockerContainer

from hack.fleet.argv import LOOPBACK
from hack.fleet.cancel import Cancellation
from hack.fleet.containers_engine import OWNER_LABEL, owner
from hack.fleet.containers_plan import SETTINGS, ContainerPlan
from hack.fleet.errors import FleetError, PartFailed

_NETWORK = "bridge"
_DEADLINE = 90.0


class ClusterContainer:
    """A cluster's container; its output is copied to the cluster's log file while it runs."""

    def __init__(self, plan: ContainerPlan, image: str, cancellation: Cancellation) -> None:
        self.plan = plan
        self.log: Path = plan.cluster.layout.logs / f"{plan.name}.log"
        self._cancellation = cancellation
        self._container = _container(plan, image)
        self._follower: threading.Thread | None = None
        self._partitioned = False

    def start(self) -> None:
        """FleetError if the engine refuses."""
        try:
            self._container.start()
        except docker.errors.DockerException as error:
            raise FleetError(f"the Docker engine did not start {self.plan.name}: {error}") from error
        self.log.touch(mode=0o600)
        self._follower = threading.Thread(target=self._follow, name=f"log of {self.plan.name}", daemon=True)
        self._follower.start()

    def wait_program(self, name: str) -> None:
        """Return when a program of the cluster has answered; PartFailed if that does not happen."""
        self.wait_until(lambda: self._says(f"{name} is ready"), f"{name} is ready")

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something that the cluster brings about; PartFailed naming `what` and its log if not."""
        deadline = time.monotonic() + _DEADLINE
        while not condition():
            if self._ended():
                raise PartFailed(self.plan.name, "ended while it started", self.log)
            if time.monotonic() > deadline:
                raise PartFailed(self.plan.name, f"{what}: not after {_DEADLINE:.0f} s", self.log)
            self._cancellation.pause()

    def stop(self) -> None:
        """Remove the container; nothing happens if it is gone."""
        with contextlib.suppress(docker.errors.NotFound):
            self._container.stop()
        if self._follower:
            self._follower.join(5)

    def pause(self) -> None:
        if self._status() != "paused":
            self._wrapped().pause()

    def unpause(self) -> None:
        if self._status() == "paused":
            self._wrapped().unpause()

    def partition(self) -> None:
        if not self._partitioned:
            self._network().disconnect(self._wrapped())
            self._partitioned = True

    def heal(self) -> None:
        if self._partitioned:
            self._network().connect(self._wrapped())
            self._partitioned = False

    def _says(self, text: str) -> bool:
        return f"supervisor | {text}\n".encode() in self.log.read_bytes()

    def _ended(self) -> bool:
        if self._status() == "running":
            return False
        if self._follower:
            self._follower.join(5)  # so that the log tells why
        return True

    def _follow(self) -> None:
        # The stream breaks off when the container is removed while it is read.
        with self.log.open("ab", buffering=0) as file, contextlib.suppress(docker.errors.APIError, OSError):
            for piece in self._wrapped().logs(stream=True, follow=True):
                file.write(piece)

    def _status(self) -> str:
        container = self._wrapped()
        container.reload()
        return str(container.status)

    def _wrapped(self) -> Any:
        return self._container.get_wrapped_container()

    def _network(self) -> Any:
        return self._container.get_docker_client().client.networks.get(_NETWORK)


def _container(plan: ContainerPlan, image: str) -> DockerContainer:
    port = plan.cluster.port
    container = DockerContainer(image, name=f"argosy-{plan.name}-{port}")
    container.with_kwargs(network=_NETWORK, labels={OWNER_LABEL: owner()})
    # With an address in front, which the Docker library takes and testcontainers' types don't know of.
    cast("dict[str, Any]", container.ports)[f"{port}/tcp"] = (LOOPBACK, port)
    container.with_copy_into_container(plan.settings, str(SETTINGS), 0o600)
    for path in plan.files:
        # A folder is copied into the named one, a file to the named one.
        target = path.parent if path.is_dir() else path
        container.with_copy_into_container(path, str(target), 0o600)
    return container
