"""The result file: every figure of a run, and the machine it ran on. Owns the format, measures nothing."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from hack.bench.apimetrics import ByOwner
from hack.bench.distribution import Distribution
from hack.bench.process_usage import Usage
from hack.fleet.errors import FleetError

FORMAT = 1

T = TypeVar("T")


class Formatted(Protocol):
    """What tells by which format it was written."""

    @property
    def format(self) -> int: ...


FormattedT = TypeVar("FormattedT", bound=Formatted)


class Machine(msgspec.Struct, frozen=True):
    """Memory in GiB."""

    processor: str
    cores: int
    memory: float
    system: str


# The two ceilings: the least writes, and the same ones without the API servers' tracking of fields.
PLAIN, LEAN = "plain", "lean"


class Ceiling(msgspec.Struct, frozen=True):
    """What the API servers can do for one client that writes the least. `in_flight`: Workflows at a time.

    `cpu`: CPU seconds of everything that runs, per Workflow.
    """

    shape: str
    workflows: int
    in_flight: int
    workflows_per_second: float
    hub_writes: int
    managed_writes: int
    cpu: float
    variant: str = PLAIN


class Trip(msgspec.Struct, frozen=True):
    """One load, there and back.

    `requests`: per Workflow, by server ("hub", "managed"), owner, and resource with verb. `wrong`: Workflows whose
    status on the hub is not the copy's. `refused`: hub writes per Workflow that met a conflict, which are in the
    other counts too. `hub_bytes`: what the hub was sent per Workflow, by resource; `hub_watch_bytes`: what its watches
    have brought to whoever watches, the observer among them. `etcd_puts`, `etcd_bytes`: changes and bytes of etcd's
    log per Workflow, of all clusters together. `left`: how many Workflows, copies, ManifestWorks and results were
    still there when the clean-up was given up. `ended`: processes that did not live to see it. `of_ceiling` and
    `of_lean_ceiling`: Workflows per second as a fraction of what the two ceilings reach, for bursts. `rounds`:
    if there were several, what they were compared by, Workflows per second of a burst, else the p99 of dispatch; this
    is the median one.
    """

    name: str
    load: str
    clusters: int
    status_bytes: int
    workflows: int
    finished: int
    wrong: int
    dispatch: Distribution
    status: Distribution
    end_to_end: Distribution
    workflows_per_second: float
    hub_writes: float
    refused: float
    requests: dict[str, ByOwner]
    hub_bytes: dict[str, float]
    processes: dict[str, Usage]
    cleanup_seconds: float
    cleanup_hub_writes: float
    left: int = 0
    ended: list[str] = []
    of_ceiling: float | None = None
    of_lean_ceiling: float | None = None
    rounds: list[float] = []
    hub_watch_bytes: dict[str, float] = {}
    etcd_puts: float = 0.0
    etcd_bytes: float = 0.0

    @property
    def cpu(self) -> float:
        """CPU seconds of everything that runs, per Workflow: what other load on the machine changes least."""
        return sum(usage.cpu_seconds for usage in self.processes.values()) / self.workflows

    @property
    def problems(self) -> list[str]:
        """What went wrong, in words; such a trip's figures are worth nothing."""
        lost = self.workflows - self.finished
        found = {
            f"{lost} Workflows have not finished": lost,
            f"{self.wrong} Workflows have another status than their copy": self.wrong,
            f"{self.left} objects were left behind": self.left,
        }
        said = [text for text, number in found.items() if number]
        said += [f"{process} ended by itself" for process in self.ended]
        return [f"{self.name}: {text}" for text in said]


class Restart(msgspec.Struct, frozen=True):
    """One process started anew: seconds from its start until /readyz answers 200, and until its queues are empty.

    Memory in MiB; `requests` are all that its API servers have served meanwhile, by owner.
    """

    ready_seconds: float
    settled_seconds: float
    cpu_seconds: float
    rss: float
    peak_rss: float
    requests: ByOwner


class Stored(msgspec.Struct, frozen=True):
    """The objects of one kind that a cluster ("hub", "cluster1") has in etcd; `bytes` is their mean size there."""

    cluster: str
    resource: str
    objects: int
    bytes: int


class Storage(msgspec.Struct, frozen=True):
    """What etcd needs after compaction and defragmentation, in bytes, for hub and cluster together.

    `per_workflow`: what each finished Workflow has added to it; None while there are none.
    """

    in_use: int
    per_workflow: int | None
    kinds: list[Stored]


class Growth(msgspec.Struct, frozen=True):
    """How it goes with `size` finished Workflows, or `size` clusters (`axis`).

    `decided_seconds`: from the creation of a Placement to its decisions on all clusters.
    """

    axis: str
    size: int
    restarts: dict[str, Restart]
    trip: Trip
    decided_seconds: float | None = None
    storage: Storage | None = None


class Replicas(msgspec.Struct, frozen=True):
    """A load on so many processes of the controllers, which share the namespaces by shards.

    `balanced_seconds`: from the start of the processes that were added until each held its share of the shards.
    """

    processes: int
    shards: int
    namespaces: int
    balanced_seconds: float
    trip: Trip


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """All of a run. `date` is what the person who started it says it is.

    `failures`: what could not be measured, in words, and why. `minutes`: how long all of it took.
    """

    format: int = FORMAT
    date: str
    revision: str
    machine: Machine
    versions: dict[str, str]
    ceilings: list[Ceiling] = []
    trips: list[Trip] = []
    growth: list[Growth] = []
    replicas: list[Replicas] = []
    failures: list[str] = []
    minutes: float = 0.0

    @property
    def measured(self) -> list[Trip]:
        """The trips of all scenarios and series."""
        return [*self.trips, *(item.trip for item in self.growth), *(item.trip for item in self.replicas)]

    @property
    def problems(self) -> list[str]:
        """All that went wrong, in words."""
        return [*self.failures, *(problem for trip in self.measured for problem in trip.problems)]


def with_fractions(trip: Trip, shape: str, ceilings: Sequence[Ceiling]) -> Trip:
    """The trip with its speed as fractions of the ceilings of its shape of fleet; unchanged if there are none."""
    limits = {item.variant: item.workflows_per_second for item in ceilings if item.shape == shape}
    plain, lean = (
        round(trip.workflows_per_second / limits[variant], 3) if variant in limits else None
        for variant in (PLAIN, LEAN)
    )
    return msgspec.structs.replace(trip, of_ceiling=plain, of_lean_ceiling=lean)


def merged(old: Result, new: Result) -> Result:
    """`old` with the figures of `new` in the place of those of the same name; what `new` says of itself counts, and its
    `revision` names both where they differ."""

    def replaced(before: Sequence[T], after: Sequence[T], key: Callable[[T], Hashable]) -> list[T]:
        fresh = {key(item): item for item in after}
        kept = [fresh.pop(key(item), item) for item in before]
        return [*kept, *fresh.values()]

    return msgspec.structs.replace(
        new,
        revision=new.revision if new.revision == old.revision else f"{old.revision} and {new.revision}",
        ceilings=replaced(old.ceilings, new.ceilings, lambda item: (item.shape, item.variant)),
        trips=replaced(old.trips, new.trips, lambda item: item.name),
        growth=replaced(old.growth, new.growth, lambda item: (item.axis, item.size)),
        replicas=replaced(old.replicas, new.replicas, lambda item: item.processes),
        failures=[*old.failures, *new.failures],
        minutes=round(old.minutes + new.minutes, 1),
    )


def load(path: Path) -> Result:
    """Raises FleetError for a file that is missing, or is no result of this format."""
    return read(path, Result, FORMAT)


def read(path: Path, kind: type[FormattedT], known: int) -> FormattedT:
    """What a file has in it. Raises FleetError for one that is missing, holds something else, or has another format
    than the one that is known."""
    try:
        result = msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise FleetError(f"cannot read {path}: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise FleetError(f"{path} is not a result of this benchmark: {error}") from error
    if result.format != known:
        raise FleetError(f"{path} has format {result.format}; this program writes and reads {known}")
    return result


def save(path: Path, result: msgspec.Struct) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
