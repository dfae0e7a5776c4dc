"""What a process used while it was watched, also one that ends meanwhile."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from hack.bench.process_usage import Meter, at_rest, highest_rss
from hack.bench.restart import is_idle


async def test_usage_of_this_process_and_of_one_that_ends() -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE
    )
    meter = Meter({"here": os.getpid(), "child": child.pid})
    async with meter.running():
        await child.communicate(b"\n")
        sum(number * number for number in range(300_000))
    found = meter.usage()
    assert found["here"].cpu_seconds > 0
    assert found["here"].peak_rss > 10
    assert found["child"].cpu_seconds >= 0
    assert meter.ended() == ["child"]


@pytest.mark.parametrize(
    ("code", "within", "rests"), [("input()", 60, True), ("while True: pass", 1.5, False)]
)
async def test_processes_are_at_rest_when_they_use_no_cpu(code: str, within: float, rests: bool) -> None:
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdin=asyncio.subprocess.PIPE)
    try:
        assert await at_rest({"child": child.pid}, within) == rests
    finally:
        child.kill()
        await child.wait()


def test_the_highest_memory_is_never_less_than_what_is_seen() -> None:
    assert highest_rss(os.getpid()) > 10
    assert highest_rss(2**22 + 1) == 0


def test_idle_is_no_work_waiting_and_none_under_way() -> None:
    lines = [
        'workqueue_depth{name="placement"} 0.0',
        'controller_runtime_active_workers{controller="placement"} 0.0',
    ]
    assert is_idle("\n".join(lines))
    assert not is_idle("\n".join([*lines, 'workqueue_depth{name="statussync"} 3.0']))
    assert not is_idle("\n".join([*lines, 'controller_runtime_active_workers{controller="statussync"} 1.0']))
    assert not is_idle("")
