"""The result file of this benchmark: its figures, and what would make them worth nothing. Owns the format."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from controllers.api.kinds import APPLIED_MANIFEST_WORK, MANIFEST_WORK
from hack.bench import results
from hack.bench.agent.objects import Size
from hack.bench.apimetrics import WRITES, ByOwner
from hack.bench.distribution import Distribution
from hack.bench.results import Restart
from hack.bench.study.result import StudyResult

FORMAT = 2

# By their resources: those of the benchmark's kinds begin alike.
_WRITTEN: Final = (MANIFEST_WORK.plural, APPLIED_MANIFEST_WORK.plural, "sample")


class Footprint(msgspec.Struct, frozen=True):
    """The agent's process at rest, with so much on its cluster. `ours`: objects of its works, `others`: anybody else's.

    `rss` and `peak_rss` (the highest since its start) in MiB. `seconds`, `cpu_seconds`: how long it took to get there
    from the step before, for the agent's steps; 0 for those of others. `connections`: to the API server.
    """

    name: str
    kinds: int
    ours: int
    others: int
    rss: float
    peak_rss: float
    connections: int
    seconds: float = 0.0
    cpu_seconds: float = 0.0


class Reaction(msgspec.Struct, frozen=True):
    """`single`: one change after the other; `burst`: all at the same moment."""

    single: Distribution
    burst: Distribution


class Late(msgspec.Struct, frozen=True):
    """A CRD that was installed `waited` seconds after the hub was told that the kind is missing. Milliseconds from its
    creation: `served`, until the API server serves the kind, `there`, until the work's object exists."""

    waited: float
    served: float
    there: float


class Figures(msgspec.Struct, frozen=True):
    """All that is measured. `footprints` in their order; `restart`: the agent started anew with all of it there.
    `written`: reports as many as in the burst of `feedback`, written without the agent."""

    footprints: list[Footprint]
    restart: Restart
    drift: Reaction
    feedback: Reaction
    written: Distribution
    late: Late


class AgentResult(StudyResult[Size, Figures], frozen=True, kw_only=True):
    """A run."""

    format: int = FORMAT


def footprint(figures: Figures, name: str) -> Footprint:
    """Raises KeyError for a name that there is none of."""
    return {item.name: item for item in figures.footprints}[name]


def writes(requests: ByOwner) -> int:
    """How many of them were writes of works, the agent's notes of them, and the objects of this benchmark's kinds."""
    return round(
        sum(
            number
            for found in requests.values()
            for request, number in found.items()
            if request.split()[-1] in WRITES and request.startswith(_WRITTEN)
        )
    )


def load(path: Path) -> AgentResult:
    """Raises FleetError for a file that is missing, or is no result of this format."""
    return results.read(path, AgentResult, FORMAT)
