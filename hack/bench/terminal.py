"""Figures on a person's terminal. Measures nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table as RichTable

from hack.bench.tables import Table


def show(table: Table, console: Console) -> None:
    """A table, the first column to the left, the others to the right."""
    shown = RichTable(box=None, pad_edge=False)
    for number, title in enumerate(table.head):
        shown.add_column(title, justify="left" if number == 0 else "right", no_wrap=True)
    for row in table.rows:
        shown.add_row(*row)
    # Wide tables are for reading in a file or with `less -S`: cells are never cut.
    Console(file=sys.stdout, width=max(console.width, 200), soft_wrap=True).print(shown)


def show_each(tables: Iterable[Table], console: Console) -> None:
    """Several tables, each with an empty line behind it."""
    for table in tables:
        show(table, console)
        console.print()


def verdict(problems: Sequence[str], console: Console) -> int:
    """Shows what went wrong; the exit status."""
    for problem in problems:
        console.print(problem, style="red", markup=False)
    return 1 if problems else 0
