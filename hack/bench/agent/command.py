"""`python -m hack.bench agent`: its arguments, and where what it finds goes."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

import msgspec
from rich.console import Console

from hack.bench import results
from hack.bench import tables as common
from hack.bench.agent import figures, page, run, tables
from hack.bench.agent.figures import AgentResult
from hack.bench.agent.objects import QUICK, Size
from hack.bench.terminal import show
from hack.fleet import progress
from hack.fleet.layout import DEFAULT_DIRECTORY, REPOSITORY

COMMITTED = REPOSITORY / "benchmarks" / "agent.json"
PAGE = REPOSITORY / "docs" / "agent-at-scale.md"
SCRATCH = DEFAULT_DIRECTORY / "bench"

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


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command; what it sets as `run` takes the options and a console, and returns the exit status."""
    size = Size()
    parser = commands.add_parser(
        "agent",
        help=_HELP,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="a small cluster and few changes")
    for name, number, what in (
        ("kinds", size.kinds, "kinds"),
        ("objects", size.objects, "objects in all"),
        ("ours", size.ours, "objects that works deliver"),
    ):
        parser.add_argument(
            f"--{name}", type=int, metavar="N", help=f"{what} (default: {number:,}; not with --quick)"
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
        _write_page(figures.load(options.earlier), options.out, console)
        return 0
    size = _size(options)
    with progress.choose(console) as shown:
        result = run.measure(size, options.date, shown)
    _show(result, console)
    # What is committed is of the full size.
    out = options.out or (None if size == Size() else SCRATCH)
    path = out / COMMITTED.name if out else COMMITTED
    results.save(path, result)
    console.print(f"result: {path}", highlight=False)
    _write_page(result, out, console)
    return 0


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
    for table in (
        common.targets(tables.claims(found)),
        tables.footprints(found.footprints, page.restarted(result)),
        tables.costs(found),
        tables.restart(found.restart),
        tables.reactions(found),
        tables.late(found.late),
    ):
        show(table, console)
        console.print()


def _write_page(result: AgentResult, out: Path | None, console: Console) -> None:
    path = out / PAGE.name if out else PAGE
    page.write(result, path)
    console.print(f"page: {path}", highlight=False)
