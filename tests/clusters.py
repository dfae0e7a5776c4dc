"""Where tests get their clusters from. TEST_CLUSTERS chooses: local (default), containers, k3s."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from hack.fleet.local import LocalProvider
from hack.fleet.provider import Fleet, Provider


def provider() -> Provider:
    """The provider that TEST_CLUSTERS names. Raises ValueError for another name."""
    # What talks to Docker is imported only where it is wanted: it takes its time.
    match os.environ.get("TEST_CLUSTERS", "local"):
        case "local":
            return LocalProvider()
        case "containers":
            from hack.fleet.containers import ContainersProvider

            return ContainersProvider()
        case "k3s":
            from hack.fleet.k3s import K3sProvider

            return K3sProvider()
        case name:
            raise ValueError(f"TEST_CLUSTERS={name}: choose local, containers or k3s")


@contextlib.contextmanager
def running_fleet(directory: Path, managed: Sequence[str], *, argo: bool) -> Iterator[Fleet]:
    """As `Provider.start` makes it; stopped at the end of the block."""
    started = provider().start(directory, managed, argo=argo)
    try:
        yield started
    finally:
        started.stop()
