"""The interface between tests and clusters, whatever the clusters are made of.

`hack.fleet.local` implements it with processes on this machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hack.fleet.errors import FleetError


@dataclass(frozen=True)
class Cluster:
    """A running cluster. `kubeconfig` is its administrator's; logs of its parts are in `log_dir`."""

    name: str
    kubeconfig: Path
    log_dir: Path


class Fleet(Protocol):
    """A hub and managed clusters, all ready. Every one has a namespace `argo` and its CRDs served."""

    @property
    def hub(self) -> Cluster: ...

    @property
    def managed(self) -> Mapping[str, Cluster]: ...

    def stop(self) -> None:
        """Stop everything; returns when nothing of it runs any more. May be called twice."""


class Provider(Protocol):
    """A way of making clusters."""

    def start(self, directory: Path, managed: Sequence[str], *, argo: bool) -> Fleet:
        """Start a hub and one managed cluster per name, without anything of Argosy's own running.

        Blocks until all are ready. With `argo`, the managed clusters run the real Argo controller; without,
        they only serve its kinds. All files go below `directory`, which belongs to this fleet alone.
        Raises FleetError, and leaves nothing running, if that does not work.
        """


__all__ = ["Cluster", "Fleet", "FleetError", "Provider"]
