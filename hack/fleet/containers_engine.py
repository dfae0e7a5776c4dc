"""The Docker engine: finding it, and removing what dead runs left in it.

Containers carry a label that names the process that started them. `testcontainers` leaves that to a reaper
of its own, whose image has to be pulled; where it can't be, the label does the same one run later.
"""

from __future__ import annotations

import contextlib
import os
import platform
import socket
from typing import Any

import docker
import docker.errors
import psutil
from testcontainers.core.config import testcontainers_config
from testcontainers.core.docker_client import DockerClient, get_docker_host

from hack.fleet import cache
from hack.fleet.errors import FleetError

OWNER_LABEL = "io.argosy.fleet.owner"
_USUAL_HOST = "unix:///var/run/docker.sock"
_NONE = (
    "no Docker engine answers ({why}).\n"
    "  Clusters in containers need one: install Docker (https://docs.docker.com/engine/install), start it,\n"
    "  and see that `docker info` works for your user; or use TEST_CLUSTERS=local, which needs no engine."
)


class Engine:
    """A Docker engine that answers and runs this machine's programs."""

    def __init__(self, client: docker.DockerClient) -> None:
        self.client = client

    def close(self) -> None:
        self.client.close()


def connect() -> Engine:
    """The engine that the user's docker command talks to; FleetError that says what to do if there is none."""
    try:
        _knock(get_docker_host() or _USUAL_HOST)
        client: Any = DockerClient().client
        version = client.version()
    except (docker.errors.DockerException, OSError) as error:
        raise FleetError(_NONE.format(why=error)) from error
    runs, here = f"{version.get('Os')}/{version.get('Arch')}", f"{cache.system()}/{cache.architecture()}"
    if runs != here:
        client.close()
        raise FleetError(
            f"the Docker engine runs {runs} and the clusters' programs on this machine are for {here}: "
            "use TEST_CLUSTERS=local"
        )
    return Engine(client)


def _knock(host: str) -> None:
    """OSError if nobody listens on a local engine's socket."""
    # The Docker library leaves a socket open, for the garbage collector to complain about, that it can't connect.
    if host.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(host.removeprefix("unix://"))


def disable_missing_reaper(engine: Engine) -> None:
    """Do without testcontainers' reaper where its image is not there already; nothing is ever pulled."""
    try:
        engine.client.images.get(testcontainers_config.ryuk_image)
    except docker.errors.ImageNotFound:
        testcontainers_config.ryuk_disabled = True


def owner() -> str:
    """This process, so that no other one is ever taken for it: machine, pid and start time."""
    return f"{platform.node()} {os.getpid()} {psutil.Process().create_time():.0f}"


def remove_abandoned(engine: Engine) -> list[str]:
    """Remove containers whose owner ran on this machine and no longer lives; returns their names."""
    found = engine.client.containers.list(all=True, filters={"label": OWNER_LABEL}, ignore_removed=True)
    abandoned = [container for container in found if is_abandoned(container.labels[OWNER_LABEL])]
    for container in abandoned:
        # Another run may be removing it at the same time.
        with contextlib.suppress(docker.errors.NotFound, docker.errors.APIError):
            container.remove(force=True, v=True)
    return [container.name for container in abandoned]


def is_abandoned(label: str) -> bool:
    """Whether the process that an owner label names ran on this machine and has ended."""
    node, *rest = label.split(" ")
    if node != platform.node() or len(rest) != 2:
        return False
    pid, created = rest
    try:
        # Start times are rounded, and corrected a little when the clock is set.
        return abs(psutil.Process(int(pid)).create_time() - float(created)) > 2
    except psutil.NoSuchProcess:
        return True
