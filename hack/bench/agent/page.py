"""docs/agent-at-scale.md, from a result. Everything that is a figure in it comes from the result."""

from __future__ import annotations

from hack.bench import tables as common
from hack.bench.agent import tables
from hack.bench.agent.figures import AgentResult, Footprint
from hack.bench.agent.objects import PER_WORK
from hack.bench.agent.steps import RESTARTED
from hack.bench.machine import measured
from hack.bench.tables import markdown
from hack.fleet.progress import duration

_INTRODUCTION = """\
# The agent at scale

What an agent takes of memory on a cluster of many kinds and objects, and how soon it reacts to changes. Written by
`make bench-agent` from [the result file](../benchmarks/agent.json); changes by hand are lost with the next run.
"""

_MEMORY = """\
The agent keeps what its works have delivered, as the bytes that the API server has sent. Of what others have of the
same kinds it reads the metadata once, page by page, and forgets it; later it hears of their changes and drops them.
Each kind costs one watch, and that one connection. **took** is from creating the first work to the hub's having been
told of the last one that it is applied.
"""

_METHOD = """\
## What is measured

One real API server and etcd stand for hub and managed cluster; the agent is a process of its own with its default
settings. What others do is done by the program that measures, whose memory is not the agent's.

- **memory**: the agent's resident set, once neither it nor the servers have anything more to do.
- **all looked at**: from the start of the process until its queues are empty.
- **drift**: somebody sets a field of an applied object to something else. From sending that until a watch shows the
  object as the work wants it.
- **a status**: the status of an applied object changes, and the work has a feedback rule for it. From sending that
  until a watch of the ManifestWork shows the new value.
- **at once**: changes of as many works at the same moment. The last one waits for all the others.
- **written by the load**: reports of the same works, written by the program that measures, as many at a time as the
  agent writes. What is left between the two is the agent, and the changes themselves.
- **CRD comes after**: so long after the hub was told that the kind of a manifest is missing, its CRD is installed. Of
  what it takes then two seconds are the API server's: it answers the first create of a kind that was established just
  now after two seconds, in case it has replicas that have not heard of it yet.
"""

_NOISE = """\
## How far to trust the figures

Everything shares one machine: API server, etcd, the agent, and the program that changes and watches. Latencies contain
both ways to the API server, and vary from run to run by 10 to 20 %. etcd does not force its writes to disk here.
"""


def text(result: AgentResult) -> str:
    """The page."""
    found = result.figures
    parts = [
        _INTRODUCTION,
        _setting(result),
        markdown(common.targets(tables.claims(found))),
        "## Memory\n",
        markdown(tables.footprints(found.footprints, restarted(result))),
        markdown(tables.costs(found)),
        _MEMORY,
        "## The agent starts with all of it there\n",
        markdown(tables.restart(found.restart)),
        "## Reactions\n",
        markdown(tables.reactions(found)),
        "## A kind that is installed late\n",
        markdown(tables.late(found.late)),
        _METHOD,
    ]
    return "\n".join([*parts, _NOISE])


def restarted(result: AgentResult) -> Footprint:
    """The restart, as a row beside the others."""
    last, found = result.figures.footprints[-1], result.figures.restart
    return Footprint(
        name=RESTARTED,
        kinds=last.kinds,
        ours=last.ours,
        others=last.others,
        rss=found.rss,
        peak_rss=found.peak_rss,
        connections=last.connections,
        seconds=found.settled_seconds,
        cpu_seconds=found.cpu_seconds,
    )


def _setting(result: AgentResult) -> str:
    size = result.size
    return (
        f"{size.kinds:,} kinds and {size.objects:,} objects of 1.5 KB on the cluster; {size.ours:,} of these delivered "
        f"by {size.works:,} works of {PER_WORK} each.\n\n"
        f"{measured(result)} The run took {duration(60 * result.minutes)}.\n"
    )
