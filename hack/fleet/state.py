"""What a fleet remembers in its directory: which processes it started, as what, and on which ports.

Owns the format of state.json. It never looks at processes; `hack.fleet.process` does.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from hack.fleet.argo_kinds import USUAL, Form
from hack.fleet.errors import FleetError


class Probe(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one sees that a part is ready: a URL that answers 200, or a text that its log contains.

    `ca` is the file that an https URL's certificate is verified with.
    """

    url: str = ""
    ca: str = ""
    log_text: str = ""


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """One process of a fleet, before it is started. `cluster` is "" for what belongs to no cluster.

    `ours` marks what Argosy itself is made of, as opposed to the clusters it runs on.
    """

    cluster: str
    name: str
    argv: list[str]
    log: str
    ready: Probe
    port: int = 0
    environment: dict[str, str] = {}
    deadline: float = 60.0
    ours: bool = False

    @property
    def title(self) -> str:
        return f"{self.cluster}/{self.name}" if self.cluster else self.name


class Process(msgspec.Struct, frozen=True):
    """A started part. `created` is the kernel's start time: with the pid it names a process for good."""

    part: Part
    pid: int
    created: float


class ClusterState(msgspec.Struct, frozen=True):
    """One cluster of the fleet and where its administrator's kubeconfig is."""

    name: str
    kubeconfig: str
    server: str


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """state.json. `complete` is false while `up` works, and stays so if it was killed."""

    clusters: list[ClusterState] = []
    processes: list[Process] = []
    bare: bool = True
    argo: bool = True
    argo_crds: Form = USUAL
    complete: bool = False


def load(path: Path) -> State | None:
    """The fleet's state, or None if there is no fleet in this directory."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        message = f"{path} is not readable ({error}); if nothing of this fleet runs any more, delete it"
        raise FleetError(message) from error


def save(path: Path, state: State) -> None:
    """Replace state.json, so that a reader sees the old or the new one and never a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=1))
    temporary.replace(path)
