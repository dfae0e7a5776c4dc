"""What the evaluator has done so far, by the controllers' own metrics; and waiting until it has nothing more to do."""

from __future__ import annotations

import asyncio
import time
from typing import Final, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from hack.bench.restart import is_idle, metrics_of
from hack.bench.scale.figures import Evaluations

_ENDED: Final = "controller_runtime_reconcile_total"
_FAILED: Final = frozenset({"conflict", "error"})
_INTERVAL: Final = 0.02
# Half a second of looks, ten times as long as changes gather: a key that waits for that is in no queue.
_QUIET_LOOKS: Final = 25


class Tally(NamedTuple):
    """Evaluations since the process's start, and whether any controller has something to do."""

    ended: int
    failed: int
    is_idle: bool

    def since(self, earlier: Tally) -> Evaluations:
        return Evaluations(self.ended - earlier.ended, self.failed - earlier.failed)


class Quiet(NamedTuple):
    """The tally once nothing happens any more, and the monotonic time when the last evaluation was seen to be over."""

    tally: Tally
    last: float


async def read(port: int) -> Tally:
    return parse(await asyncio.to_thread(metrics_of, port))


def parse(text: str) -> Tally:
    """From Prometheus's text format. Pure."""
    lines = [line for line in text.splitlines() if line.startswith(_ENDED)]
    ended = {
        sample.labels["result"]: int(sample.value)
        for family in text_string_to_metric_families("\n".join([*lines, ""]))
        for sample in family.samples
        if sample.name == _ENDED and sample.labels["controller"] == "evaluator"
    }
    failed = sum(number for result, number in ended.items() if result in _FAILED)
    return Tally(sum(ended.values()), failed, is_idle(text))


async def quiet(port: int, before: Tally, at_least: int, within: float) -> Quiet:
    """Waits until there were `at_least` evaluations since `before`, and then half a second without any; at most
    `within` seconds."""
    now, last = before, time.monotonic()
    deadline = last + within
    looks = 0
    while looks < _QUIET_LOOKS and time.monotonic() < deadline:
        found = await read(port)
        if found.ended != now.ended:
            last = time.monotonic()
        still = found.is_idle and found.ended == now.ended and found.ended - before.ended >= at_least
        looks = looks + 1 if still else 0
        now = found
        await asyncio.sleep(_INTERVAL)
    return Quiet(now, last)
