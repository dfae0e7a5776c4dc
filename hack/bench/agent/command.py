"""`python -m hack.bench agent`: its arguments, and where what it finds goes."""

from __future__ import annotations

import argparse

import msgspec
from rich.console import Console

from hack.bench import tables as common
from hack.bench.agent import figures, page, run, tables
from hack.bench.agent.figures import AgentResult
from hack.bench.agent.objects import QUICK, Size
from hack.bench.publication import Publication
from hack.bench.study.command import Command
from hack.bench.terminal import show_each

_HELP = "the agent on a cluster of 200 kinds and 20,000 objects: memory, drift, feedback; two minutes"
_DESCRIPTION = """\
The agent on a real cluster of many kinds and objects: its memory as they come, the time to deliver them and to start
with them there, how soon drift is repaired and a status reaches the hub, and a kind that is installed late.
"""
_EPILOG = """\
examples:
  python -m hack.bench agent                        everything; writes benchmarks/agent.json and docs/agent-at-scale.md
  python -m hack.bench agent --quick                a small one in half a minute; writes below .local/bench
  python -m hack.bench agent --out DIR              DIR/agent.json and DIR/agent-at-scale.md
  python -m hack.bench agent --from benchmarks/agent.json
                                                    measures nothing: the page anew from an earlier result
"""


def _add_sizes(parser: argparse.ArgumentParser) -> None:
    size = Size()
    parser.add_argument("--quick", action="store_true", help="a small cluster and few changes")
    for name, number, what in (
        ("kinds", size.kinds, "kinds"),
        ("objects", size.objects, "objects in all"),
        ("ours", size.ours, "objects that works deliver"),
    ):
        parser.add_argument(
            f"--{name}", type=int, metavar="N", help=f"{what} (default: {number:,}; not with --quick)"
        )


def _size(options: argparse.Namespace) -> Size:
    if options.quick:
        return QUICK
    full = Size()
    size = Size(options.kinds or full.kinds, options.objects or full.objects, options.ours or full.ours)
    return msgspec.structs.replace(
        size, samples=min(size.samples, size.works), burst=min(size.burst, size.works)
    )


def _show(result: AgentResult, console: Console) -> None:
    found = result.figures
    shown = (
        common.targets(tables.claims(found)),
        tables.footprints(found.footprints, page.restarted(result)),
        tables.costs(found),
        tables.restart(found.restart),
        tables.reactions(found),
        tables.late(found.late),
    )
    show_each(shown, console)


COMMAND = Command(
    name="agent",
    help=_HELP,
    description=_DESCRIPTION,
    epilog=_EPILOG,
    publication=Publication("agent.json", "agent-at-scale.md"),
    full=Size(),
    add_sizes=_add_sizes,
    size=_size,
    load=figures.load,
    measure=run.measure,
    show=_show,
    text=page.text,
)
