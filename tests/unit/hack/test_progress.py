"""Progress: a log gets lines, a terminal gets a display, and a failed step is marked in both."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from hack.fleet import progress
from hack.fleet.progress import Lines, Progress, Terminal, choose, duration


def told(make: Callable[[Console], Progress], *, terminal: bool) -> str:
    """What a good step, a bad step and a line leave on a console."""
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100, color_system=None)
    with make(console) as shown:
        with shown.step("building etcd", usually=45) as step:
            step.note("compiling")
        with pytest.raises(RuntimeError), shown.step("building kwok"):
            raise RuntimeError
        shown.say("and so on")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_log_gets_a_line_per_event() -> None:
    assert told(Lines, terminal=False).splitlines() == [
        "… building etcd (usually takes 45 s)",
        "✓ building etcd 0 s",
        "… building kwok",
        "✗ building kwok",
        "and so on",
    ]


def test_a_terminal_keeps_the_finished_steps() -> None:
    text = told(Terminal, terminal=True)
    assert "✓ building etcd 0 s" in text
    assert "✗ building kwok" in text
    assert "usually takes 45 s" in text


@pytest.mark.parametrize(("terminal", "expected"), [(True, Terminal), (False, Lines)])
def test_the_console_decides(terminal: bool, expected: type[Progress]) -> None:
    assert isinstance(choose(Console(file=io.StringIO(), force_terminal=terminal)), expected)


def test_a_long_step_is_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_HEARTBEAT", 0.01)
    said: list[str] = []
    with Lines(Console(file=io.StringIO())) as shown:
        monkeypatch.setattr(shown, "say", said.append)
        with shown.step("building"):
            while not any("so far" in line for line in said):
                pass
    assert said[0] == "… building"


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.4, "0 s"), (45, "45 s"), (89, "89 s"), (180, "3 min"), (200, "3 min")]
)
def test_duration(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected
