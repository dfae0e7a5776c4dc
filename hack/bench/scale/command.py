"""`python -m hack.bench scale`: its arguments, and where what it finds goes."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

from rich.console import Console

from hack.bench import results
from hack.bench import tables as common
from hack.bench.scale import figures, page, run, tables
from hack.bench.scale.figures import ScaleResult
from hack.bench.scale.objects import Size
from hack.bench.terminal import show, verdict
from hack.fleet import progress
from hack.fleet.layout import DEFAULT_DIRECTORY, REPOSITORY

COMMITTED = REPOSITORY / "benchmarks" / "scale.json"
PAGE = REPOSITORY / "docs" / "placement-at-scale.md"
SCRATCH = DEFAULT_DIRECTORY / "bench"

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


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command; what it sets as `run` takes the options and a console, and returns the exit status."""
    size = Size()
    parser = commands.add_parser(
        "scale",
        help=_HELP,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, number in (
        ("clusters", size.clusters),
        ("placements", size.placements),
        ("workflows", size.workflows),
    ):
        parser.add_argument(
            f"--{name}", type=int, default=number, metavar="N", help=f"how many (default: {number:,})"
        )
    parser.add_argument("--out", type=Path, metavar="DIR", help="where result and page go")
    parser.add_argument(
        "--from",
        dest="earlier",
        type=Path,
        metavar="RESULT",
        help="an earlier result, to write its page anew",
    )
    parser.add_argument(
        "--date",
        default=datetime.datetime.now(datetime.UTC).date().isoformat(),
        help="the date that the result bears (default: today)",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace, console: Console) -> int:
    if options.earlier:
        result = figures.load(options.earlier)
        _write_page(result, options.out, console)
        return 0
    size = Size(options.clusters, options.placements, options.workflows)
    with progress.choose(console) as shown:
        result = run.measure(size, options.date, shown)
    _show(result, console)
    # What is committed is of the full size.
    out = options.out or (None if size == Size() else SCRATCH)
    path = out / COMMITTED.name if out else COMMITTED
    results.save(path, result)
    console.print(f"result: {path}", highlight=False)
    _write_page(result, out, console)
    return verdict(result.problems, console)


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
    for table in shown:
        show(table, console)
        console.print()
    controllers = found.controllers
    console.print(f"the controllers ran with --controllers {controllers}", highlight=False, markup=False)


def _write_page(result: ScaleResult, out: Path | None, console: Console) -> None:
    path = out / PAGE.name if out else PAGE
    page.write(result, path)
    console.print(f"page: {path}", highlight=False)
