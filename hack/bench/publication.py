"""Where the result of a benchmark and its page go: to where they are committed, or into a folder of their own."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console

from hack.bench import results
from hack.fleet.layout import DEFAULT_DIRECTORY, REPOSITORY

# For what is not to be committed.
SCRATCH = DEFAULT_DIRECTORY / "bench"


@dataclass(frozen=True)
class Publication:
    """The names of a file in benchmarks/ and of one in docs/. `out` is a folder that gets both of them instead."""

    result: str
    page: str

    @property
    def committed(self) -> Path:
        """The result file of the repository."""
        return REPOSITORY / "benchmarks" / self.result

    def save(self, result: msgspec.Struct, out: Path | None, console: Console) -> None:
        path = out / self.result if out else self.committed
        results.save(path, result)
        console.print(f"result: {path}", highlight=False)

    def write_page(self, write: Callable[[Path], object], out: Path | None, console: Console) -> None:
        """`write` is told where the page goes; the folder is there."""
        path = (out or REPOSITORY / "docs") / self.page
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)
        console.print(f"page: {path}", highlight=False)


def add_date(parser: argparse.ArgumentParser) -> None:
    """The option `--date`: what measures is told the day, it does not look."""
    parser.add_argument(
        "--date",
        default=datetime.datetime.now(datetime.UTC).date().isoformat(),
        help="the date that the result bears (default: today)",
    )
