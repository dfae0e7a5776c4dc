"""The command line: `python -m hack.bench <command>`. Reads arguments, shows results, maps errors to exits."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from hack.bench import (
    evaluation,
    evaluation_tables,
    limits,
    profile,
    report,
    results,
    run,
    series_tables,
    tables,
)
from hack.bench.agent.command import COMMAND as AGENT
from hack.bench.compare import compare
from hack.bench.publication import SCRATCH, Publication, add_date
from hack.bench.results import Result
from hack.bench.scale.command import COMMAND as SCALE
from hack.bench.scenario import FULL, GROWTH_CLUSTERS, GROWTH_FINISHED, SERIES, is_chosen
from hack.bench.terminal import show, verdict
from hack.fleet import progress
from hack.fleet.errors import FleetError
from hack.fleet.interrupt import as_keyboard_interrupt
from hack.fleet.layout import REPOSITORY

LIMITS = REPOSITORY / "benchmarks" / "quick.json"
PUBLICATION = Publication("result.json", "performance.md")

_DESCRIPTION = """\
The benchmark of the whole round trip, on clusters of its own: real API servers, Argosy's processes, a simulated
executor in place of Argo.
"""

_EPILOG = """\
examples:
  python -m hack.bench run                          everything; writes benchmarks/result.json and docs/performance.md
  python -m hack.bench run --only 'burst-300-*'     some scenarios; writes below .local/bench
  python -m hack.bench run --only replicas --into benchmarks/result.json --out DIR
                                                    one anew, the others as they were
  python -m hack.bench run --quick                  one minute; status 1 if a Workflow costs the hub more writes
                                                    than benchmarks/quick.json allows
  python -m hack.bench compare benchmarks/result.json .local/bench/result.json
  python -m hack.bench report                       docs/performance.md anew from benchmarks/result.json
  python -m hack.bench profile burst-300-1c-2k      where the time goes, in our processes and in the API servers
  python -m hack.bench placement                    CPU time of the evaluator, by the size of the fleet
  python -m hack.bench scale                        placement on a real hub of 1,000 clusters: evaluations and writes
  python -m hack.bench agent                        an agent on a cluster of 20,000 objects: memory, drift, feedback
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0, 1 for a failure that was explained, 130 if interrupted."""
    options = _parser().parse_args(arguments)
    # Local servers are never to be asked through a proxy.
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1,localhost")))
    console = Console(soft_wrap=True)
    try:
        with as_keyboard_interrupt():
            return int(options.run(options, console))
    except FleetError as error:
        Console(stderr=True, soft_wrap=True).print(f"error: {error}", markup=False, highlight=False)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hack.bench",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    running = commands.add_parser("run", help="measure")
    running.add_argument("--quick", action="store_true", help="the one-minute version, with its limits")
    running.add_argument(
        "--only",
        action="extend",
        nargs="+",
        default=[],
        metavar="NAME",
        help="scenarios by name; wildcards are fine, and so is giving it several times",
    )
    running.add_argument("--out", type=Path, metavar="DIR", help="where result, page and plots go")
    running.add_argument(
        "--into",
        type=Path,
        metavar="RESULT",
        help="an earlier result, of which all that is not measured now stays",
    )
    add_date(running)
    running.set_defaults(run=_run)
    comparing = commands.add_parser("compare", help="two result files, as ratios")
    comparing.add_argument("old", type=Path, metavar="OLD")
    comparing.add_argument("new", type=Path, metavar="NEW")
    comparing.set_defaults(run=_compare)
    reporting = commands.add_parser("report", help="write the page and its plots from a result file")
    reporting.add_argument("result", type=Path, nargs="?", default=PUBLICATION.committed, metavar="RESULT")
    reporting.add_argument("--out", type=Path, metavar="DIR", help="where page and plots go")
    reporting.set_defaults(run=_report)
    evaluating = commands.add_parser(
        "placement", help="what evaluating a Placement costs on a hub of 100 to 10,000 clusters; ten seconds"
    )
    evaluating.add_argument("--plot", type=Path, metavar="PNG", help="where a plot of it goes")
    evaluating.set_defaults(run=_placement)
    SCALE.add_to(commands)
    AGENT.add_to(commands)
    profiling = commands.add_parser("profile", help="one scenario under py-spy and the API servers' profiler")
    profiling.add_argument("scenario", metavar="SCENARIO")
    profiling.add_argument("--out", type=Path, default=SCRATCH / "profile", metavar="DIR")
    profiling.add_argument("--top", type=int, default=40, metavar="N", help="functions to show (default: 40)")
    profiling.set_defaults(run=_profile)
    return parser


def _run(options: argparse.Namespace, console: Console) -> int:
    if options.quick:
        return _quick(options, console)
    names = [*(scenario.name for scenario in FULL), *SERIES]
    for pattern in options.only:
        if not any(is_chosen(name, [pattern]) for name in names):
            raise FleetError(f"no scenario is called {pattern}; there are {', '.join(names)}")
    before = results.load(options.into) if options.into else None
    # What is committed is only replaced by a run that came to its end.
    under_way = (options.out or SCRATCH) / PUBLICATION.result
    with progress.choose(console) as shown:
        result = run.full(options.date, options.only, shown, under_way)
    _show(result, console)
    if before is not None:
        result = results.merged(before, result)
    out = options.out or (SCRATCH if options.only else None)
    PUBLICATION.save(result, out, console)
    _write_page(result, out, console)
    return verdict(result.problems, console)


def _quick(options: argparse.Namespace, console: Console) -> int:
    allowed = limits.load(LIMITS)
    with progress.choose(console) as shown:
        result = run.quick(options.date, shown)
    _show(result, console)
    if options.out:
        PUBLICATION.save(result, options.out, console)
    return verdict([*result.failures, *limits.exceeded(result.trips, allowed)], console)


def _show(result: Result, console: Console) -> None:
    if result.ceilings:
        show(tables.ceilings(result), console)
    if result.trips:
        show(tables.trips(result.trips), console)
        for trip in result.trips:
            console.print(f"{trip.name}: {trip.hub_writes:g} hub writes per Workflow", highlight=False)
    for axis, unit in ((GROWTH_FINISHED, "finished"), (GROWTH_CLUSTERS, "clusters")):
        found = [item for item in result.growth if item.axis == axis]
        if found:
            show(series_tables.growth(found, unit), console)
    if result.replicas:
        show(series_tables.replicas(result.replicas), console)


def _compare(options: argparse.Namespace, console: Console) -> int:
    rows = compare(results.load(options.old), results.load(options.new))
    if not rows:
        raise FleetError("the two results have no figure in common")
    show(tables.comparison(rows), console)
    return 0


def _report(options: argparse.Namespace, console: Console) -> int:
    _write_page(results.load(options.result), options.out, console)
    return 0


def _placement(options: argparse.Namespace, console: Console) -> int:
    found = evaluation.costs()
    show(evaluation_tables.costs(found), console)
    placements = 1_000
    spent = evaluation.sight(placements, clusters=1_000)
    console.print(
        f"\nwhich of {placements:,} Placements see a change of one of 1,000 clusters: {spent:.2f} ms",
        highlight=False,
    )
    if options.plot:
        evaluation_tables.plot(found, options.plot)
        console.print(f"plot: {options.plot}", highlight=False)
    return 0


def _profile(options: argparse.Namespace, console: Console) -> int:
    scenario = next((item for item in FULL if item.name == options.scenario), None)
    if scenario is None:
        names = ", ".join(item.name for item in FULL)
        raise FleetError(f"no scenario is called {options.scenario}; there are {names}")
    with progress.choose(console) as shown:
        taken = profile.take(scenario, options.out, shown)
    show(tables.trips([taken.trip]), console)
    for title, raw in taken.raw.items():
        console.print(f"\n{title}: {raw}", highlight=False)
        show(tables.shares(profile.shares(raw.read_text())[: options.top]), console)
    console.print(f"\nAPI servers, for `go tool pprof`: {options.out}/*.pprof", highlight=False)
    return verdict(taken.trip.problems, console)


def _write_page(result: Result, out: Path | None, console: Console) -> None:
    PUBLICATION.write_page(partial(report.write, result), out, console)
