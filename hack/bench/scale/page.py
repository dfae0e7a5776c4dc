"""docs/placement-at-scale.md, from a result. Everything that is a figure in it comes from the result."""

from __future__ import annotations

from hack.bench import tables as common
from hack.bench.machine import measured
from hack.bench.scale import tables
from hack.bench.scale.figures import Figures, ScaleResult
from hack.bench.scale.objects import PRIORITIZERS, SELECTED
from hack.bench.tables import markdown
from hack.fleet.progress import duration

_INTRODUCTION = """\
# Placement at scale

What [placement](placement.md) costs a hub of many clusters: which changes are looked at, what is written, how long it
takes. Written by `make bench-scale` from [the result file](../benchmarks/scale.json); changes by hand are lost with
the next run.
"""

_METHOD = """\
## What is measured

A real API server and etcd, and the controllers as one process with their default settings. Their own metrics tell how
many evaluations there were, the API server's which requests it has served; both are read before and after.

- **evaluations**: reconciles of the evaluator, whatever came of them; **repeated** ones ended in a conflict or an
  error and come again.
- **decision writes**: requests that create, change or remove PlacementDecisions; a new page takes two, one for its
  status. **other writes**: conditions of clusters, sets and bindings.
- **idle**: from the start of the process until all its queues are empty; seen every 100 ms.
- **all evaluated after**: from sending the change until the last evaluation has ended; seen every 20 ms. Changes of
  clusters gather for 50 ms first.
- **ten labels of one cluster at once**: ten requests for one object, which the API server takes one after the other;
  that lasts longer than for ten objects, **sent after** says how long.
- **off all decisions after**: from sending the taint until no PlacementDecision lists the cluster; seen every 20 ms.
- **from create to cluster**: from sending the create until a watch shows the cluster's annotation. The client creates
  as fast as it can, so this is mostly a place in the queue.
- **Events**: Kubernetes Events that the controllers have written meanwhile; they write few of them at a time.

That nothing comes of a change cannot be waited for: behind it one more cluster changes, the marker, which is the only
one of its set and is seen by a single Placement. Informers tell of changes in their order, so once that Placement was
evaluated the earlier change was taken note of. The marker's evaluation is not in the table.
"""

_NOISE = """\
## How far to trust the figures

- Everything shares one machine: API server, etcd, controllers, and the program that creates and watches. Times vary
  from run to run by 10 to 15 %, and would be shorter on machines of their own. Counts vary only by what coalesces.
- etcd does not force its writes to disk here.
- Nobody is behind the clusters: no agents, no leases, and so none of what heartbeats cost.
- The controllers' CPU of single changes contains the reading of their metrics, fifty times a second.
"""

_GATHERING = f"""\
Changes gather as long as each comes within {tables.GATHER_MS:.0f} ms of the one before, up to {tables.LONGEST_MS:.0f}
ms after the first.
"""

_EVENNESS = """\
A Workflow goes to the decided cluster that has the fewest Workflows, of whatever Placements: even is what all
Placements together have sent, as far as the clusters of a Placement are shared with few others. How many Workflows
more the busiest cluster of a Placement has than its idlest:
"""


def text(result: ScaleResult) -> str:
    """The page."""
    figures = result.figures
    starts = {"all undecided": figures.decided, "all decided": figures.restarted}
    parts = [
        _INTRODUCTION,
        _setting(result),
        *_problems(result),
        markdown(common.targets(tables.claims(figures))),
        _GATHERING,
        "## The controllers start\n",
        markdown(tables.starts(starts, result.size)),
        "## One cluster changes\n",
        markdown(tables.changes(figures.changes)),
        "## Workflows are placed\n",
        *_placing(figures),
        "## Request by request\n",
        markdown(tables.requests(figures)),
        _METHOD,
    ]
    return "\n".join([*parts, _NOISE])


def _setting(result: ScaleResult) -> str:
    size = result.size
    return (
        f"{size.clusters:,} clusters in {size.sets} sets, each set bound to one namespace; {size.placements:,} "
        f"Placements in these namespaces, each for {SELECTED} clusters by {', '.join(PRIORITIZERS)}. The "
        f"controllers run with `--controllers {result.figures.controllers}`: they decide and place, and deliver "
        "nothing.\n\n"
        f"{measured(result)} The run took {duration(60 * result.minutes)}.\n"
    )


def _problems(result: ScaleResult) -> list[str]:
    if not result.problems:
        return []
    return ["**Not all went well:**\n", *(f"- {problem}" for problem in result.problems), ""]


def _placing(figures: Figures) -> list[str]:
    found = figures.placed
    words = (
        f"{found.workflows:,} Workflows, created by one client with up to {found.in_flight} requests at a time; each "
        "names one of the Placements, which take turns.\n"
    )
    return [
        words,
        markdown(tables.placed(found)),
        markdown(tables.processes(found.processes, found.workflows)),
        _EVENNESS,
        markdown(tables.evenness(found.evenness)),
    ]
