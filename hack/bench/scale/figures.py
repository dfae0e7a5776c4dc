"""The result file of this benchmark: its figures, and what would make them worth nothing. Owns the format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from controllers.api.kinds import PLACEMENT, PLACEMENT_DECISION
from hack.bench import results
from hack.bench.distribution import Distribution
from hack.bench.process_usage import Usage
from hack.bench.scale.objects import Size
from hack.bench.study.result import StudyResult

FORMAT = 1

# Requests by what they ask for: {"placementdecisions/status PATCH": 1000}.
Requests = Mapping[str, int]


class Evaluations(msgspec.Struct, frozen=True):
    """Reconciles of the evaluator that have ended; `repeated` are those that ended in a conflict or an error."""

    all: int
    repeated: int = 0


class Start(msgspec.Struct, frozen=True):
    """The controllers' process started, on a hub where all objects are there.

    Seconds from its start until /readyz answers 200, and until its queues are empty. Memory in MiB. `writes`: of
    Placements, decisions, clusters, sets and bindings. `changed`: Placements that then had other clusters than before:
    each decision is a reason for Balance to look at others differently.
    """

    ready_seconds: float
    idle_seconds: float
    cpu_seconds: float
    rss: float
    peak_rss: float
    evaluations: Evaluations
    writes: Requests
    changed: int = 0


class Change(msgspec.Struct, frozen=True):
    """What something that happens to one cluster has set off.

    `requests`: how many the client has sent for it. `seen_by`: Placements that can see the cluster, and have to look;
    0 if there is nothing to see. Milliseconds from when the first request was sent: `sent` when the last one was
    answered, `evaluated` when the last evaluation had ended (seen every 20 ms; None without any), `gone` when no
    decision listed the cluster any more (None if that was not asked). `controllers`: their CPU seconds meanwhile,
    which contain the reading of their metrics fifty times a second.
    """

    name: str
    requests: int
    seen_by: int
    evaluations: Evaluations
    writes: Requests
    controllers: Usage
    sent: float
    evaluated: float | None
    gone: float | None = None
    listed_by: int = 0


class Evenness(msgspec.Struct, frozen=True):
    """How many Workflows more the busiest cluster of a Placement has than its idlest: how many Placements (values) show
    which difference (keys, in their order). `own`: of the Placement's own Workflows; `all`: of those of all Placements
    together, by which a cluster is chosen. Placements without Workflows are left out."""

    own: dict[int, int]
    all: dict[int, int]


class Placed(msgspec.Struct, frozen=True):
    """Workflows that were created by one client and got their clusters.

    `placed` of `workflows` have a cluster, `strayed` of them one that was not decided for their Placement. `seconds`
    from the first create to the last cluster that a watch on the hub has shown; `latency` from one's create to that.
    `writes` are those of the controllers, without `events`: Kubernetes Events, which they have written until then.
    """

    workflows: int
    in_flight: int
    placed: int
    strayed: int
    seconds: float
    latency: Distribution
    writes: Requests
    events: int
    processes: dict[str, Usage]
    evenness: Evenness

    @property
    def per_second(self) -> float:
        return self.placed / self.seconds if self.seconds else 0.0


class Figures(msgspec.Struct, frozen=True):
    """All that is measured. `controllers`: what the process was told to run."""

    controllers: str
    decided: Start
    restarted: Start
    changes: list[Change]
    placed: Placed


class ScaleResult(StudyResult[Size, Figures], frozen=True, kw_only=True):
    """A run."""

    format: int = FORMAT

    @property
    def problems(self) -> list[str]:
        """What went wrong, in words."""
        placed = self.figures.placed
        found = {
            f"{placed.workflows - placed.placed} Workflows got no cluster": placed.workflows - placed.placed,
            f"{placed.strayed} Workflows got a cluster that was not decided": placed.strayed,
        }
        said = [text for text, number in found.items() if number]
        said += [
            f"{item.name}: {item.evaluations.all} evaluations, though {item.seen_by} Placements can see it"
            for item in self.figures.changes
            if item.evaluations.all < item.seen_by
        ]
        return said


def decision_writes(writes: Requests) -> int:
    """Of PlacementDecisions, their statuses included."""
    return _of(writes, PLACEMENT_DECISION.plural)


def status_writes(writes: Requests) -> int:
    """Of Placements, which are all of their status."""
    return _of(writes, PLACEMENT.plural)


def other_writes(writes: Requests) -> int:
    return sum(writes.values()) - decision_writes(writes) - status_writes(writes)


def _of(writes: Requests, plural: str) -> int:
    return sum(number for key, number in writes.items() if key.split()[0].partition("/")[0] == plural)


def load(path: Path) -> ScaleResult:
    """Raises FleetError for a file that is missing, or is no result of this format."""
    return results.read(path, ScaleResult, FORMAT)
