"""docs/performance.md, from a result. Everything that is a figure in it comes from the result."""

from __future__ import annotations

from pathlib import Path

from hack.bench import plots, reference, series_tables, tables
from hack.bench.machine import measured
from hack.bench.results import Growth, Result
from hack.bench.scenario import GROWTH_CLUSTERS, GROWTH_FINISHED, GROWTH_LOAD, REPLICAS_LOAD
from hack.bench.tables import markdown
from hack.bench.targets import targets

_INTRODUCTION = """\
# Performance

How long it takes from "created on the hub" to "seen as finished on the hub", how much that costs, and how it grows.
Written by `make bench` from [the result file](../benchmarks/result.json); changes by hand are lost with the next run.
"""

_METHOD = """\
## What is measured

Real API servers and etcd, Argosy's controllers and agents as processes of their own with their default settings, and
in place of Argo a simulated executor on each managed cluster. It says Running at once, changes one node half-way and
says Succeeded after 0.4 s, three patches in all, so that what is measured is the way there and back.

- **dispatch**: from sending the create on the hub until a watch on the cluster shows the copy.
- **status**: from just before the executor sends the copy's final state until a watch on the hub shows it. The
  executor's own write is in it.
- **end to end**: from sending the create until a watch on the hub shows the end; the 0.4 s of the run are in it.
- **Workflows/s**: from the first create to the last end that the hub's Workflow shows. What agents put off until
  then, the ManifestWork's own status and the copy's last patch, is in the writes and in the CPU, and not in this rate.
- **ceiling**: what one client reaches on the same API servers with the fewest writes that a round trip needs (6 on the
  hub, 3 on the cluster), with no controllers, nothing watched and nothing made safe. 1.0 is out of reach.
- **lean ceiling**: the same requests, but the first patch of each object clears its `metadata.managedFields`, after
  which the API servers no longer track who has set which field. Argosy does so with objects of its own on the hub,
  which the plain ceiling does not, so both fractions are given.
- **hub writes**: write requests to the hub per Workflow from Argosy's side, as the hub's API server counts them. The
  user's create, Events and leases are counted apart.
- **CPU**: of everything that runs, API servers and etcd included, per Workflow.
- **etcd**: changes of keys, and bytes of etcd's log. One etcd serves hub and clusters, so these are of both together;
  the sizes of stored objects are told apart by their keys.
- **clean-up**: from the first delete of all Workflows until nothing of them is left, hub and clusters.

After each load every Workflow's status on the hub is compared with its copy's.
"""

_NOISE = """\
## How far to trust the figures

- Everything shares one machine: API servers, etcd, Argosy, executors, and the program that creates and watches. In
  a burst all of them compete for its cores, so a latency is mostly a place in a queue, and Argosy on machines of its
  own would be faster than this. The ceiling is measured on the same machine, so the fraction says more than the rate.
- Times vary from run to run by 10 to 15 %, tails by more; virtual machines with noisy neighbours are worse. Counts
  (writes per Workflow) vary only by what coalesces: a slower machine writes less often.
- etcd does not force its writes to disk here. On real disks each write costs more, for the ceiling as well.
- CPU seconds of the API servers contain the reading of their metrics, a few times per scenario.
- The series of clusters has simulated agents, all in one process, without clusters behind them: it tells what a fleet
  costs the hub, and nothing about the agents.
- The series of finished Workflows is not run but copied, object by object and byte by byte, in etcd, from one real
  run.

## What is left out

- Bursts of 2,000 with 100 KB: all versions of such a Workflow's objects take 1.4 MB in etcd until it is compacted, and
  2,000 of them at once are more than etcd's default quota of 2 GB. Steady loads of 100 KB are shorter for that reason.
- Steady loads of 2/s and 20/s with 100 KB on 4 clusters: 10/s and the burst show what 4 clusters change there.
- Growth at 100 KB: 20,000 Workflows would need more than 6 GB in etcd; sizes scale with the status there.
- Growth on 4 clusters, several processes on more than one cluster: each of them asks one question at a time.
"""

_REFERENCE = """\
Its figures were not measured in this run but earlier, on a machine of the same kind and with the same loads, with the
agents of Open Cluster Management.
"""

_NAMES = """\
A name says the load, the managed clusters and the size of a status: `steady-10-4c-100k` is 10 Workflows/s on 4
clusters with 100 KB each. Where it ends in `4s` the executor works that long instead of 0.4 s: then no two changes are
reported together, and a Workflow costs the most writes.
"""


def write(result: Result, page: Path) -> None:
    """Writes the page, and its plots into img/ beside it."""
    drawn = plots.draw(result, page.parent / "img")
    links = {
        path.stem.removeprefix("performance-"): path.relative_to(page.parent).as_posix() for path in drawn
    }
    page.write_text(text(result, links))


def text(result: Result, links: dict[str, str]) -> str:
    """The page. `links` are the plots that there are, by name."""
    parts = [_INTRODUCTION, _machine(result), _verdict(result), *_targets(result), _METHOD]
    if result.trips:
        parts += _round_trip(result, links)
    if result.growth:
        parts += _growth(result, links)
    if result.replicas:
        parts += _replicas(result, links)
    return "\n".join([*parts, _NOISE])


def _machine(result: Result) -> str:
    return f"{measured(result)} The run took {result.minutes:.0f} minutes.\n"


def _verdict(result: Result) -> str:
    if result.problems:
        return "\n".join(["**Not all went well:**\n", *(f"- {problem}" for problem in result.problems), ""])
    everything = sum(trip.workflows for trip in result.measured)
    return f"All {everything:,} Workflows ended on the hub with the status of their copies, and left nothing behind.\n"


def _targets(result: Result) -> list[str]:
    parts = []
    found = targets(result)
    if found:
        parts += ["## Targets\n", markdown(tables.targets(found))]
    beside = reference.comparison(result)
    if beside:
        parts += ["Beside the reference implementation:\n", markdown(beside), _REFERENCE]
    return parts


def _round_trip(result: Result, links: dict[str, str]) -> list[str]:
    parts = [
        "## The round trip\n",
        _NAMES,
        markdown(tables.trips(result.trips)),
        *_image(links, "latency", "Latencies: grey from best to worst, blue the middle 90 %; dashed: 100 ms"),
        "### The ceiling\n",
        markdown(tables.ceilings(result)),
        *_image(links, "throughput", "Workflows per second in bursts, and the ceiling"),
        "### What one Workflow costs the API servers\n",
        *_image(links, "requests", "Writes on the hub per Workflow, by kind and verb"),
    ]
    example = result.trips[0]
    burst = next((trip for trip in result.trips if trip.of_ceiling is not None), example)
    return [
        *parts,
        f"In `{example.name}`, request by request:\n",
        markdown(tables.requests(example)),
        "### What it costs the processes\n",
        f"In `{burst.name}`:\n",
        markdown(tables.processes(burst)),
    ]


def _growth(result: Result, links: dict[str, str]) -> list[str]:
    parts = ["## Growth\n", *_image(links, "growth", "Memory, restart and latency as a hub fills")]
    words = f"`settled`: every object that is there has been looked at. Latencies: {GROWTH_LOAD}.\n"
    for axis, title, unit in (
        (GROWTH_FINISHED, "### With finished Workflows on the hub\n", "finished"),
        (GROWTH_CLUSTERS, "### With many clusters\n", "clusters"),
    ):
        items: list[Growth] = [item for item in result.growth if item.axis == axis]
        if items:
            parts += [title, words, markdown(series_tables.growth(items, unit))]
        if any(item.storage for item in items):
            parts += _storage(items, links)
    return parts


def _storage(items: list[Growth], links: dict[str, str]) -> list[str]:
    return [
        "What it costs in etcd, compacted and defragmented, hub and cluster together:\n",
        markdown(series_tables.storage(items)),
        "Object by object:\n",
        markdown(series_tables.objects(items)),
        *_image(links, "storage", "What one finished Workflow keeps in etcd"),
    ]


def _replicas(result: Result, links: dict[str, str]) -> list[str]:
    first = result.replicas[0]
    words = (
        f"A {REPLICAS_LOAD} over {first.namespaces} namespaces, which the controllers' processes share by "
        f"{first.shards} shards. All of them run on the same {result.machine.cores} cores as everything else, so more "
        "processes cannot be faster here: it is shown what each of them takes, and what sharing costs. "
        "`watched`: what the hub's watches carry per Workflow, to all who watch.\n"
    )
    return [
        "## Several processes\n",
        words,
        markdown(series_tables.replicas(result.replicas)),
        *_image(links, "replicas", "One, two and four processes; each piece of a bar is one of them"),
    ]


def _image(links: dict[str, str], name: str, caption: str) -> list[str]:
    return [f"![{caption}]({links[name]})\n", f"*{caption}*\n"] if name in links else []
