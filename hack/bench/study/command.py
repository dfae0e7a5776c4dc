"""A study's command: what its options ask for, and where what it finds goes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from rich.console import Console

from hack.bench.publication import SCRATCH, Publication, add_date
from hack.bench.study.result import StudyResult
from hack.bench.terminal import verdict
from hack.fleet import progress
from hack.fleet.progress import Progress

SizeT = TypeVar("SizeT")
ResultT = TypeVar("ResultT", bound=StudyResult[Any, Any])


@dataclass(frozen=True)
class Command(Generic[SizeT, ResultT]):
    """`name` is what it is called by; `help`, `description` and `epilog` are for people.

    `add_sizes` adds the study's own options, which `size` reads; only results of the size `full` are committed.
    `load` reads an earlier result, `measure` makes one of a size and with a date, `show` puts one on the terminal,
    `text` is its page.
    """

    name: str
    help: str
    description: str
    epilog: str
    publication: Publication
    full: SizeT
    add_sizes: Callable[[argparse.ArgumentParser], None]
    size: Callable[[argparse.Namespace], SizeT]
    load: Callable[[Path], ResultT]
    measure: Callable[[SizeT, str, Progress], ResultT]
    show: Callable[[ResultT, Console], None]
    text: Callable[[ResultT], str]

    def add_to(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        """Adds the command; what it sets as `run` takes the options and a console, and returns the exit status."""
        parser = commands.add_parser(
            self.name,
            help=self.help,
            description=self.description,
            epilog=self.epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.add_sizes(parser)
        parser.add_argument("--out", type=Path, metavar="DIR", help="where result and page go")
        parser.add_argument(
            "--from",
            dest="earlier",
            type=Path,
            metavar="RESULT",
            help="an earlier result, to write its page anew",
        )
        add_date(parser)
        parser.set_defaults(run=self._run)

    def _run(self, options: argparse.Namespace, console: Console) -> int:
        if options.earlier:
            self._write_page(self.load(options.earlier), options.out, console)
            return 0
        size = self.size(options)
        with progress.choose(console) as shown:
            result = self.measure(size, options.date, shown)
        self.show(result, console)
        out = options.out or (None if size == self.full else SCRATCH)
        self.publication.save(result, out, console)
        self._write_page(result, out, console)
        return verdict(result.problems, console)

    def _write_page(self, result: ResultT, out: Path | None, console: Console) -> None:
        text = self.text(result)
        self.publication.write_page(lambda path: path.write_text(text), out, console)
