"""The queue's guarantees, for any order of additions, delays and completions."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from controllers.runtime.backoff import Backoff
from controllers.runtime.workqueue import Schedule, WorkQueue

KEYS = st.sampled_from(["a1", "a2", "a3", "b1", "b2", "c1"])


def lane_of(key: str) -> str:
    return key[0]


class ScheduleMachine(RuleBasedStateMachine):
    """Against a model: for each key when it is wanted at the latest, which an idle moment is enough for, which run."""

    def __init__(self) -> None:
        super().__init__()
        self.schedule: Schedule[str] = Schedule(lane_of)
        self.now = 0.0
        self.passed: dict[str, set[str]] = {}  # lanes with ready keys, and which have had a turn since
        self.wanted: dict[str, float] = {}
        self.idle: set[str] = set()
        self.gathered: dict[str, float] = {}
        self.running: set[str] = set()

    @rule(key=KEYS)
    def add(self, key: str) -> None:
        fresh = self.schedule.add(key)
        assert fresh == (self.wanted.get(key, float("inf")) > self.promoted)
        self.wanted[key] = min(self.now, self.promoted)
        self.idle.discard(key)
        self.gathered.pop(key, None)

    promoted = 0.0

    @rule(key=KEYS, delay=st.floats(0.1, 5))
    def add_later(self, key: str, delay: float) -> None:
        self.schedule.add_at(key, self.now + delay)
        self._want(key, self.now + delay)

    def _want(self, key: str, when: float) -> None:
        if when < self.wanted.get(key, float("inf")):
            self.wanted[key] = when
            self.gathered.pop(key, None)

    @rule(key=KEYS, quiet=st.floats(0.1, 5), more=st.floats(0, 5))
    def add_gathered(self, key: str, quiet: float, more: float) -> None:
        self.schedule.add_gathered(key, self.now, quiet, quiet + more)
        if key in self.wanted and key not in self.gathered:
            self._want(key, self.now + quiet)
            return
        since = self.gathered.setdefault(key, self.now)
        self.wanted[key] = min(self.now + quiet, since + (quiet + more))

    @rule(key=KEYS, within=st.floats(0.1, 5))
    def add_when_idle(self, key: str, within: float) -> None:
        self.schedule.add_idle(key, self.now + within)
        if key not in self.wanted:
            self.idle.add(key)
        self._want(key, self.now + within)

    @rule(seconds=st.floats(0.1, 5))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def pop(self) -> None:
        key = self.schedule.pop(self.now)
        self.promoted = self.now
        for name in [name for name in self.gathered if self.wanted[name] <= self.now]:
            del self.gathered[name]
        due = {name for name, when in self.wanted.items() if when <= self.now}
        self.idle -= due
        if key is None:
            assert due <= self.running, "a key that is due and not running was kept back"
            assert not self.idle or self.running, "nothing was to be done and a key waited for just that"
            return
        if key in self.idle:
            assert not due, "a key that may wait went before one that is due"
            assert not self.running, "a key came that was to wait for others"
        else:
            assert key in due, "a key came before its time, or was not wanted"
            self._take_turn(key, {lane_of(name) for name in due - self.running})
        assert key not in self.running, "a key runs twice at once"
        del self.wanted[key]
        self.idle.discard(key)
        self.running.add(key)
        assert self.schedule.is_idle() == (self.running == {key} and not due - {key})

    def _take_turn(self, key: str, waiting: set[str]) -> None:
        """`waiting`: the lanes that had ready keys when `key` was taken."""
        lane = lane_of(key)
        self.passed = {name: self.passed.get(name, set()) for name in waiting - {lane}}
        for name, before in self.passed.items():
            assert lane not in before, f"{lane} had two turns while {name} waited"
            before.add(lane)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.running)))
        self.schedule.done(key)
        self.running.discard(key)

    @rule(keys=st.sets(KEYS))
    def drop(self, keys: set[str]) -> None:
        dropped = self.schedule.drop(lambda key: key in keys)
        assert dropped == len(keys & self.wanted.keys())
        for key in keys:
            self.wanted.pop(key, None)
            self.gathered.pop(key, None)
        self.idle -= keys
        left = {lane_of(name) for name, when in self.wanted.items() if when <= self.promoted}
        self.passed = {name: before for name, before in self.passed.items() if name in left}

    @invariant()
    def nothing_is_lost(self) -> None:
        delayed = [when for when in self.wanted.values() if when > self.promoted]
        if delayed:
            due = self.schedule.next_due()
            assert due is not None
            assert due <= min(delayed)

    def teardown(self) -> None:
        """Left alone, every wanted key comes out exactly once."""
        for key in list(self.running):
            self.schedule.done(key)
        out = []
        while (found := self.schedule.pop(self.now + 1000)) is not None:
            out.append(found)
            self.schedule.done(found)
        assert sorted(out) == sorted(self.wanted)


TestSchedule = ScheduleMachine.TestCase


@given(st.lists(KEYS, unique=True))
def test_each_lane_is_a_line(keys: list[str]) -> None:
    schedule: Schedule[str] = Schedule(lane_of)
    for key in keys:
        schedule.add(key)
    out = [schedule.pop(0.0) for _ in keys]
    for lane in "abc":
        assert [key for key in out if key and lane_of(key) == lane] == [
            key for key in keys if lane_of(key) == lane
        ]


def test_one_who_has_a_thousand_keys_ready_holds_up_another_by_one() -> None:
    schedule: Schedule[tuple[str, int]] = Schedule(lambda key: key[0])
    for number in range(1000):
        schedule.add(("many", number))
    taken = [schedule.pop(0.0) for _ in range(10)]
    for number in range(3):
        schedule.add(("few", number))
    taken += [schedule.pop(0.0) for _ in range(6)]
    assert [key[0] for key in taken[10:] if key] == ["many", "few"] * 3
    assert [key[1] for key in taken if key and key[0] == "many"] == list(range(13))
    assert schedule.drop(lambda key: key[0] == "many") == 987
    assert (len(schedule), schedule.pop(0.0)) == (0, None)


def test_a_key_that_gathers_is_pushed_off_up_to_a_limit() -> None:
    schedule: Schedule[str] = Schedule()
    for now in (0.0, 0.8, 1.6, 2.4):
        schedule.add_gathered("a", now, 1.0, 3.0)
        assert schedule.pop(now) is None
    assert schedule.pop(2.9) is None
    assert schedule.pop(3.0) == "a"
    schedule.done("a")
    schedule.add_gathered("a", 10.0, 1.0, 3.0)
    assert schedule.pop(11.0) == "a"


async def test_a_key_added_while_it_runs_runs_once_more() -> None:
    queue: WorkQueue[str] = WorkQueue("test")
    queue.add("a")
    assert await queue.get() == "a"
    queue.add("a")
    queue.add("a")
    assert len(queue) == 0
    queue.done("a")
    assert await queue.get() == "a"
    queue.done("a")
    assert len(queue) == 0


async def test_a_waiting_consumer_is_woken_by_an_addition() -> None:
    queue: WorkQueue[str] = WorkQueue("test")
    consumer = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add("a")
    assert await asyncio.wait_for(consumer, 1) == "a"


async def test_a_key_that_may_wait_comes_when_the_last_one_is_done() -> None:
    queue: WorkQueue[str] = WorkQueue("test")
    for key in ("a", "b"):
        queue.add(key)
    assert [await queue.get(), await queue.get()] == ["a", "b"]
    queue.add_when_idle("later", 60)
    consumer = asyncio.create_task(queue.get())
    queue.done("a")
    await asyncio.sleep(0)
    assert not consumer.done()
    queue.done("b")
    assert await asyncio.wait_for(consumer, 1) == "later"
    assert queue.is_idle()


async def test_a_key_that_may_wait_does_not_wait_for_ever() -> None:
    queue: WorkQueue[str] = WorkQueue("test")
    queue.add("endless")
    assert await queue.get() == "endless"
    queue.add_when_idle("later", 0.01)
    assert await asyncio.wait_for(queue.get(), 5) == "later"
    assert not queue.is_idle()


async def test_a_key_that_gathers_comes_once_it_was_quiet_or_after_the_longest_time() -> None:
    now = 100.0
    queue: WorkQueue[str] = WorkQueue("test", clock=lambda: now)

    async def taken() -> list[str]:
        """What is handed out now, without waiting."""
        found: list[str] = []
        while True:
            consumer = asyncio.create_task(queue.get())
            await asyncio.sleep(0)
            if not consumer.done():
                consumer.cancel()
                return found
            key = consumer.result()
            assert key is not None
            found.append(key)
            queue.done(key)

    queue.add_gathered("a", quiet=2, longest=5)
    now = 101.5
    queue.add_gathered("a", quiet=2, longest=5)
    now = 103.0
    assert await taken() == [], "it was added again 1.5 seconds ago"
    now = 103.5
    assert await taken() == ["a"]
    for moment in (200.0, 201.5, 203.0, 204.5):
        now = moment
        queue.add_gathered("b", quiet=2, longest=5)
        assert await taken() == []
    now = 205.0
    assert await taken() == ["b"], "five seconds after the first time"


async def test_retries_wait_longer_each_time_until_forgotten() -> None:
    queue: WorkQueue[str] = WorkQueue("test", backoff=Backoff(base=1, cap=5, jitter=0))
    assert [queue.retry("a") for _ in range(5)] == [1, 2, 4, 5, 5]
    queue.forget("a")
    assert queue.retry("a") == 1


async def test_a_dropped_key_is_as_if_it_had_never_been_added() -> None:
    queue: WorkQueue[str] = WorkQueue("test", backoff=Backoff(base=0.01, cap=5, jitter=0))
    for key in ("lost", "kept", "running"):
        queue.add(key)
    assert [await queue.get(), await queue.get(), await queue.get()] == ["lost", "kept", "running"]
    for key in ("lost", "kept"):
        queue.done(key)
        assert [queue.retry(key) for _ in range(2)] == [0.01, 0.02]
    queue.add("running")
    assert queue.drop(lambda key: key != "kept") == 2
    queue.done("running")
    assert await asyncio.wait_for(queue.get(), 1) == "kept"
    assert queue.retry("lost") == 0.01, "its failures are forgotten"
    assert queue.drop(lambda key: True) == 1
    assert len(queue) == 0


async def test_a_closed_queue_ends_its_consumer() -> None:
    queue: WorkQueue[str] = WorkQueue("test")
    consumer = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.close()
    assert await asyncio.wait_for(consumer, 1) is None


@given(failures=st.integers(0, 10_000), unit=st.floats(0, 1))
def test_backoff_stays_within_its_bounds(failures: int, unit: float) -> None:
    backoff = Backoff(base=0.005, cap=30, jitter=0.2)
    delay = backoff.delay(failures, uniform=lambda low, high: low + unit * (high - low))
    assert 0.005 * 0.8 <= delay <= 30 * 1.2 + 1e-9
