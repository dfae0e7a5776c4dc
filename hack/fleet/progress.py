"""Telling a person what is going on: live on a terminal, line by line in a log."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.progress import Progress as RichProgress
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

_HEARTBEAT = 30.0


class Step(Protocol):
    """One thing under way."""

    def note(self, text: str) -> None:
        """Say what the step is at now, in a few words."""


class Progress(Protocol):
    """Where steps are shown. Steps may run at the same time, in several threads."""

    def step(self, title: str, usually: float = 0) -> contextlib.AbstractContextManager[Step]:
        """Show a step while the block runs. `usually` is how many seconds it takes, if that is long."""

    def say(self, text: str) -> None:
        """A line that stays."""

    def __enter__(self) -> Progress: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


def choose(console: Console) -> Progress:
    """A live display if a person looks at the console, plain lines otherwise."""
    return Terminal(console) if console.is_terminal else Lines(console)


def duration(seconds: float) -> str:
    """`8 s`, `~4 min` rounded the way one says it."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


class Silent:
    """Shows nothing; for tests."""

    def step(self, title: str, usually: float = 0) -> contextlib.AbstractContextManager[Step]:
        return contextlib.nullcontext(_SilentStep())

    def say(self, text: str) -> None:
        pass

    def __enter__(self) -> Silent:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass


class _SilentStep:
    def note(self, text: str) -> None:
        pass


class Terminal:
    """A spinner and a clock per step under way; finished steps leave one line each."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rich = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=console,
            transient=True,
        )

    @contextlib.contextmanager
    def step(self, title: str, usually: float = 0) -> Iterator[Step]:
        expected = f"usually takes {duration(usually)}" if usually else ""
        task = self._rich.add_task(title, total=None, note=expected)
        begin = time.monotonic()
        try:
            yield _TerminalStep(self._rich, task, expected)
        except BaseException:
            self.say(f"[red]✗[/red] {title}")
            raise
        else:
            self.say(f"[green]✓[/green] {title} [dim]{duration(time.monotonic() - begin)}[/dim]")
        finally:
            self._rich.remove_task(task)

    def say(self, text: str) -> None:
        self._console.print(text, highlight=False)

    def __enter__(self) -> Terminal:
        self._rich.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._rich.stop()


class _TerminalStep:
    def __init__(self, rich: RichProgress, task: TaskID, expected: str) -> None:
        self._rich, self._task, self._expected = rich, task, expected

    def note(self, text: str) -> None:
        self._rich.update(self._task, note=" · ".join(filter(None, (text, self._expected))))


class Lines:
    """A line when a step begins and when it ends, and one every half minute so that no log falls silent."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._active: dict[str, float] = {}
        self._done = threading.Event()
        self._heart = threading.Thread(target=self._beat, daemon=True)

    @contextlib.contextmanager
    def step(self, title: str, usually: float = 0) -> Iterator[Step]:
        expected = f" (usually takes {duration(usually)})" if usually else ""
        self.say(f"… {title}{expected}")
        begin = self._active[title] = time.monotonic()
        try:
            yield _LinesStep(self, title)
        except BaseException:
            self.say(f"✗ {title}")
            raise
        else:
            self.say(f"✓ {title} {duration(time.monotonic() - begin)}")
        finally:
            self._active.pop(title, None)

    def say(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)

    def _beat(self) -> None:
        while not self._done.wait(_HEARTBEAT):
            for title, begin in list(self._active.items()):
                if time.monotonic() - begin > _HEARTBEAT:
                    self.say(f"… {title}: {duration(time.monotonic() - begin)} so far")

    def __enter__(self) -> Lines:
        self._heart.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._done.set()


class _LinesStep:
    def __init__(self, lines: Lines, title: str) -> None:
        self._lines, self._title = lines, title

    def note(self, text: str) -> None:
        pass  # the log has the step's beginning and end; what lies between would only be noise
