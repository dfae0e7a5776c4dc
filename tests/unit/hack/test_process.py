"""Processes: outliving their starter's terminal, recognised for sure, stopped for sure."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from hack.fleet import process
from hack.fleet.errors import FleetError
from hack.fleet.state import Part, Process
from tests.unit.hack.parts import IGNORES_TERM, SLEEPS, python_part


class Started:
    """Starts parts, waits until they said `ready`, and leaves none behind."""

    def __init__(self) -> None:
        self.processes: list[Process] = []

    def __call__(self, part: Part) -> Process:
        running = process.spawn(part)
        self.processes.append(running)
        deadline = time.monotonic() + 20
        while "ready" not in Path(part.log).read_text():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return running


@pytest.fixture
def started() -> Iterator[Started]:
    starter = Started()
    yield starter
    process.stop(starter.processes, grace=0)


def test_a_part_has_a_session_of_its_own_and_writes_its_log(tmp_path: Path, started: Started) -> None:
    code = (
        "import os, sys; print(os.environ['GREETING']); print('ready', file=sys.stderr); sys.stdin.read(); "
        + SLEEPS
    )
    part = msgspec.structs.replace(python_part(tmp_path, code), environment={"GREETING": "hello"})
    running = started(part)
    assert os.getsid(running.pid) == running.pid
    assert Path(part.log).read_text().startswith("hello\nready\n")
    assert process.is_alive(running)


def test_stop_ends_what_listens_to_sigterm_and_kills_what_does_not(tmp_path: Path, started: Started) -> None:
    good = started(python_part(tmp_path, SLEEPS, name="good"))
    deaf = started(python_part(tmp_path, IGNORES_TERM, name="deaf"))
    process.stop([good], grace=10)
    assert not process.is_alive(good)
    process.stop([deaf], grace=0.2)
    assert not process.is_alive(deaf)
    assert not psutil.pid_exists(good.pid)
    assert not psutil.pid_exists(deaf.pid)


def test_a_pid_that_belongs_to_somebody_else_now_is_left_alone(tmp_path: Path, started: Started) -> None:
    somebody = started(python_part(tmp_path, SLEEPS))
    other = msgspec.structs.replace(somebody.part, argv=["/bin/other"])
    recorded = Process(other, somebody.pid, somebody.created - 100)
    assert not process.is_alive(recorded)
    process.stop([recorded], grace=0)
    process.kill(recorded)
    assert process.is_alive(somebody)


def test_a_process_is_recognised_after_the_clock_was_set(tmp_path: Path, started: Started) -> None:
    running = started(python_part(tmp_path, SLEEPS))
    moved = msgspec.structs.replace(running, created=running.created - 3600)
    assert process.is_alive(moved)


def test_a_process_that_ended_is_not_alive_and_not_a_zombie(tmp_path: Path, started: Started) -> None:
    running = started(python_part(tmp_path, "print('ready')"))
    deadline = time.monotonic() + 20
    while process.is_alive(running):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not psutil.pid_exists(running.pid)


def test_kill_returns_when_the_process_is_gone(tmp_path: Path, started: Started) -> None:
    running = started(python_part(tmp_path, IGNORES_TERM))
    process.kill(running)
    assert not process.is_alive(running)


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    part = msgspec.structs.replace(python_part(tmp_path, ""), argv=["/nowhere/etcd"])
    with pytest.raises(FleetError, match="cannot start c/part: /nowhere/etcd: No such file"):
        process.spawn(part)


def test_stopping_nothing_is_fine() -> None:
    process.stop([], grace=0)
