"""A queue of keys with client-go's guarantees: each key once, never twice at a time, none lost.

Beyond those: keys fall into lanes, one for each namespace, that take turns. Whoever has a thousand keys ready holds up
who has one by one key, not by a thousand.

`Schedule` is the rule, without a clock or a task: time is passed in. `WorkQueue` lets one consumer wait on it.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Callable, Collection, Hashable
from typing import Generic, TypeVar

from controllers.runtime import metrics
from controllers.runtime.backoff import RECONCILE, Backoff

K = TypeVar("K", bound=Hashable)


def _one_lane(key: Hashable) -> Hashable:
    return None


class _Ready(Generic[K]):
    """Keys that may run: first come, first served within a lane, and the lanes take turns."""

    def __init__(self, lane: Callable[[K], Hashable]) -> None:
        self._lane = lane
        self._lanes: dict[Hashable, deque[K]] = {}  # none of them empty
        self._turns: deque[Hashable] = deque()  # each lane once
        self._count = 0

    def append(self, key: K) -> None:
        lane = self._lane(key)
        waiting = self._lanes.get(lane)
        if waiting is None:
            waiting = self._lanes[lane] = deque()
            self._turns.append(lane)
        waiting.append(key)
        self._count += 1

    def popleft(self) -> K:
        """The first of the lane whose turn it is. IndexError when there is none."""
        lane = self._turns.popleft()
        waiting = self._lanes[lane]
        key = waiting.popleft()
        self._count -= 1
        if waiting:
            self._turns.append(lane)
        else:
            del self._lanes[lane]
        return key

    def drop(self, unwanted: Collection[K]) -> None:
        kept = {lane: deque(key for key in keys if key not in unwanted) for lane, keys in self._lanes.items()}
        self._lanes = {lane: keys for lane, keys in kept.items() if keys}
        self._turns = deque(lane for lane in self._turns if lane in self._lanes)
        self._count = sum(map(len, self._lanes.values()))

    def __len__(self) -> int:
        return self._count


class Schedule(Generic[K]):
    """Which key may run next. A key is ready, delayed, running, or running and wanted again; times in seconds.

    - added while ready: still once
    - added while running: runs once more after `done`
    - added later than an earlier delay of the same key: the earlier time stands
    - added to gather: each time anew pushes it off, up to a limit
    - added for an idle moment: a delayed key that also runs earlier, once nothing is ready or running
    - of keys that are ready, those of one `lane` run in the order in which they became so, and the lanes in turn
    """

    def __init__(self, lane: Callable[[K], Hashable] = _one_lane) -> None:
        self._ready: _Ready[K] = _Ready(lane)
        self._dirty: set[K] = set()  # ready, or to be made ready by done()
        self._running: set[K] = set()
        self._due: dict[K, float] = {}
        self._idle: dict[
            K, None
        ] = {}  # those of _due that an idle moment is enough for, longest waiting first
        self._gathered: dict[K, float] = {}  # those of _due that may be pushed off, and since when they wait
        self._heap: list[tuple[float, int, K]] = []
        self._sequence = 0  # breaks ties in the heap, since keys need not be ordered

    def add(self, key: K) -> bool:
        """Wants `key` now. Returns whether it was not wanted already."""
        self._forget_delay(key)
        if key in self._dirty:
            return False
        self._dirty.add(key)
        if key not in self._running:
            self._ready.append(key)
        return True

    def add_at(self, key: K, when: float) -> None:
        """Wants `key` at `when`, unless it is wanted sooner."""
        if key in self._dirty or self._due.get(key, float("inf")) <= when:
            return
        self._gathered.pop(key, None)
        self._due[key] = when
        self._sequence += 1
        heapq.heappush(self._heap, (when, self._sequence, key))

    def add_gathered(self, key: K, now: float, quiet: float, longest: float) -> None:
        """Wants `key` once it was not added so for `quiet`, and `longest` after the first time in any case, unless it
        is wanted sooner."""
        if key in self._due and key not in self._gathered:
            self.add_at(key, now + quiet)
            return
        since = self._gathered.get(key, now)
        self._due.pop(key, None)
        self.add_at(key, min(now + quiet, since + longest))
        if key in self._due:
            self._gathered[key] = since

    def add_idle(self, key: K, latest: float) -> None:
        """Wants `key` once nothing is ready or running, and at `latest` in any case, unless it is wanted sooner."""
        if key not in self._dirty and key not in self._due:
            self._idle[key] = None
        self.add_at(key, latest)

    def pop(self, now: float) -> K | None:
        """The next ready key, marked as running; None when there is none at `now`."""
        self._promote(now)
        if not self._ready and not self._running and self._idle:
            self.add(next(iter(self._idle)))
        if not self._ready:
            return None
        key = self._ready.popleft()
        self._dirty.discard(key)
        self._running.add(key)
        return key

    def done(self, key: K) -> None:
        """`key` has stopped running; it becomes ready again if it was added meanwhile."""
        self._running.discard(key)
        if key in self._dirty:
            self._ready.append(key)

    def drop(self, unwanted: Callable[[K], bool]) -> int:
        """Forgets that the keys which `unwanted` names are wanted, now or later; a running one goes on running.

        Returns how many were wanted.
        """
        dropped = {key for key in self._dirty if unwanted(key)}
        self._dirty -= dropped
        self._ready.drop(dropped)
        delayed = [key for key in self._due if unwanted(key)]
        for key in delayed:
            self._forget_delay(key)
        return len(dropped.union(delayed))

    def next_due(self) -> float | None:
        """When the earliest delayed key becomes ready; None when nothing is delayed."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def is_idle(self) -> bool:
        """Whether at most one key runs, that of who asks, and none is ready."""
        return len(self._running) <= 1 and not self._ready

    def __len__(self) -> int:
        return len(self._ready)

    def _forget_delay(self, key: K) -> None:
        self._due.pop(key, None)
        self._idle.pop(key, None)
        self._gathered.pop(key, None)

    def _promote(self, now: float) -> None:
        while (due := self.next_due()) is not None and due <= now:
            key = heapq.heappop(self._heap)[2]
            self.add(key)


class WorkQueue(Generic[K]):
    """`Schedule` for one asynchronous consumer, with per-key failure counts and the workqueue_* metrics.

    `lane` says which keys stand in one line; by default all of them.
    """

    def __init__(
        self,
        name: str,
        *,
        lane: Callable[[K], Hashable] = _one_lane,
        backoff: Backoff = RECONCILE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._schedule: Schedule[K] = Schedule(lane)
        self._backoff = backoff
        self._clock = clock
        self._failures: dict[K, int] = {}
        self._added: dict[K, float] = {}
        self._wake = asyncio.Event()
        self._closed = False
        self._metrics = metrics.QueueMetrics(name)

    def add(self, key: K) -> None:
        if self._closed:
            return
        if self._schedule.add(key):
            self._added[key] = self._clock()
            self._metrics.added(len(self._schedule))
            self._wake.set()

    def add_after(self, key: K, delay: float) -> None:
        if not self._closed:
            self._schedule.add_at(key, self._clock() + delay)
            self._wake.set()

    def add_gathered(self, key: K, quiet: float, longest: float) -> None:
        """Adds `key` once it was not added so for `quiet` seconds, and `longest` after the first time in any case."""
        if not self._closed:
            self._schedule.add_gathered(key, self._clock(), quiet, longest)
            self._wake.set()

    def add_when_idle(self, key: K, within: float) -> None:
        """Adds `key` once nothing else is to be done, and after `within` seconds in any case."""
        if not self._closed:
            self._schedule.add_idle(key, self._clock() + within)
            self._wake.set()

    def is_idle(self) -> bool:
        """Asked while a key is handled: whether it is the only one, and none waits for its turn."""
        return self._schedule.is_idle()

    def retry(self, key: K, *, not_before: float = 0.0) -> float:
        """Adds `key` after its backoff, which doubles with each retry until `forget`, and which begins in `not_before`
        seconds. Returns the delay."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = not_before + self._backoff.delay(failures)
        self._metrics.retries.inc()
        self.add_after(key, delay)
        return delay

    def forget(self, key: K) -> None:
        """`key` is well again: the next retry starts with the shortest delay."""
        self._failures.pop(key, None)

    def drop(self, unwanted: Callable[[K], bool]) -> int:
        """Forgets the keys that `unwanted` names, with their failures, as if they had never been added.

        One that is handled just now must still be `done`, and may add itself again. Returns how many were queued
        or delayed.
        """
        dropped = self._schedule.drop(unwanted)
        for record in (self._failures, self._added):
            for key in [key for key in record if unwanted(key)]:
                del record[key]
        self._metrics.dropped(len(self._schedule))
        return dropped

    async def get(self) -> K | None:
        """Waits for the next key; None once the queue is closed. Call `done` when it has been handled."""
        while not self._closed:
            now = self._clock()
            key = self._schedule.pop(now)
            if key is not None:
                self._metrics.taken(now - self._added.pop(key, now), len(self._schedule))
                return key
            self._wake.clear()
            await self._wait(self._schedule.next_due())
        return None

    def done(self, key: K) -> None:
        self._schedule.done(key)
        self._wake.set()

    def close(self) -> None:
        """Hands out nothing more; keys still queued are dropped, since a restart lists everything anew."""
        self._closed = True
        self._wake.set()

    def __len__(self) -> int:
        return len(self._schedule)

    async def _wait(self, due: float | None) -> None:
        timeout = None if due is None else max(0.0, due - self._clock())
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            return
