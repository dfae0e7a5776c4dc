"""`python -m hack.bench scale`: its arguments, and where what it finds goes."""

from __future__ import annotations

import argparse

from rich.console import Console

from hack.bench import tables as common
from hack.bench.publication import Publication
from hack.bench.scale import figures, page, run, tables
from hack.bench.scale.figures import ScaleResult
from hack.bench.scale.objects import Size
from hack.bench.study.command import Command
from hack.bench.terminal import show_each

_HELP = "placement on a real hub of 1,000 clusters, 1,000 Placements and 10,000 Workflows; two minutes"
_DESCRIPTION = """\
Placement on a real hub: all Placements decided from nothing, the controllers started again, single clusters changed,
and Workflows placed. Counts evaluations and writes, by the controllers' and the API server's own metrics.
"""
_EPILOG = """\
examples:
  python -m hack.bench scale                        everything; writes benchmarks/scale.json and
                                                    docs/placement-at-scale.md
  python -m hack.bench scale --clusters 40 --placements 40 --workflows 200
                                                    a small one in half a minute; writes below .local/bench
  python -m hack.bench scale --out DIR              DIR/scale.json and DIR/placement-at-scale.md
  python -m hack.bench scale --from benchmarks/scale.json
                                                    measures nothing: the page anew from an earlier result
"""


def _add_sizes(parser: argparse.ArgumentParser) -> None:
    size = Size()
    for name, number in (
        ("clusters", size.clusters),
        ("placements", size.placements),
        ("workflows", size.workflows),
    ):
        parser.add_argument(
            f"--{name}", type=int, default=number, metavar="N", help=f"how many (default: {number:,})"
        )


def _size(options: argparse.Namespace) -> Size:
    return Size(options.clusters, options.placements, options.workflows)


def _show(result: ScaleResult, console: Console) -> None:
    found = result.figures
    shown = (
        common.targets(tables.claims(found)),
        tables.starts({"all undecided": found.decided, "all decided": found.restarted}, result.size),
        tables.changes(found.changes),
        tables.placed(found.placed),
        tables.processes(found.placed.processes, found.placed.workflows),
        tables.evenness(found.placed.evenness),
    )
    show_each(shown, console)
    controllers = found.controllers
    console.print(f"the controllers ran with --controllers {controllers}", highlight=False, markup=False)


COMMAND = Command(
    name="scale",
    help=_HELP,
    description=_DESCRIPTION,
    epilog=_EPILOG,
    publication=Publication("scale.json", "placement-at-scale.md"),
    full=Size(),
    add_sizes=_add_sizes,
    size=_size,
    load=figures.load,
    measure=run.measure,
    show=_show,
    text=page.text,
)
