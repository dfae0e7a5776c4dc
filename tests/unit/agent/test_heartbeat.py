"""The lease of a cluster: renewed in time, and sooner again when a renewal failed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import msgspec
import pytest

from agent.heartbeat import Heartbeat
from agent.history import HubHistory
from agent.line import HubLine
from controllers.api.keys import CLUSTER_LEASE_NAME
from controllers.kube.client import Client
from controllers.kube.errors import Conflict, Forbidden, NotFound, TooManyRequests, Unavailable
from controllers.kube.object import Object
from controllers.kube.patch import Patch
from controllers.runtime.clock import now
from tests.eventually import eventually


class Hub:
    """Has a lease or none, and may be away."""

    def __init__(self, *errors: Exception, has_lease: bool = True, updates: bool = False) -> None:
        self.errors = list(errors)
        self.updates = updates
        self.lease: dict[str, Any] | None = {} if has_lease else None
        self.version = 10
        self.renewals: list[float] = []

    async def find(self, _: object, name: str, *, namespace: str) -> Object | None:
        assert (name, namespace) == (CLUSTER_LEASE_NAME, "c1")
        return self._object() if self.lease is not None else None

    async def patch(self, _: object, name: str, patch: Patch, *, namespace: str) -> Object:
        assert (name, namespace) == (CLUSTER_LEASE_NAME, "c1")
        if self.errors:
            raise self.errors.pop(0)
        if self.lease is None:
            raise NotFound("no lease", status=404)
        body = msgspec.json.decode(patch.body)
        if body.get("metadata", {}).get("resourceVersion", str(self.version)) != str(self.version):
            raise Conflict("changed", status=409)
        return self._renew(body["spec"])

    async def get(self, _: object, name: str, *, namespace: str) -> Object:
        assert (name, namespace) == (CLUSTER_LEASE_NAME, "c1")
        if not self.updates:
            raise Forbidden("nor that", status=403)
        return self._object()

    async def update(self, _: object, name: str, body: dict[str, Any], *, namespace: str) -> Object:
        assert (name, namespace) == (CLUSTER_LEASE_NAME, "c1")
        if body["metadata"]["resourceVersion"] != str(self.version):
            raise Conflict("changed", status=409)
        return self._renew(body["spec"])

    async def create(self, _: object, body: dict[str, Any], *, namespace: str) -> Object:
        assert (body["metadata"]["name"], namespace) == (CLUSTER_LEASE_NAME, "c1")
        return self._renew(body["spec"])

    def _renew(self, spec: dict[str, Any]) -> Object:
        self.lease = spec
        self.version += 1
        self.renewals.append(time.monotonic())
        return self._object()

    def _object(self) -> Object:
        metadata = {"name": CLUSTER_LEASE_NAME, "resourceVersion": str(self.version)}
        return Object(msgspec.json.encode({"metadata": metadata, "spec": self.lease}))


class Memory:
    """The managed cluster, as far as the history of the hub is kept there: one ConfigMap, and may be away."""

    def __init__(self, **data: str) -> None:
        self.data = data
        self.away = False

    async def find(self, *_: object, **__: object) -> Object:
        if self.away:
            raise Unavailable("away")
        return Object(msgspec.json.encode({"metadata": {"name": "m"}, "data": self.data}))

    async def patch(self, _: object, __: str, patch: Patch, **___: object) -> None:
        if self.away:
            raise Unavailable("away")
        self.data |= msgspec.json.decode(patch.body)["data"]


def history_in(memory: Memory) -> HubHistory:
    return HubHistory(cast("Client", memory), "f" * 64, namespace="n", now=now)


@contextlib.asynccontextmanager
async def beating(
    hub: Hub,
    interval: float | Callable[[], float],
    history: HubHistory | None = None,
    line: HubLine | None = None,
) -> AsyncIterator[Heartbeat]:
    asked = interval if callable(interval) else lambda: interval
    line = line or HubLine()
    heartbeat = Heartbeat(cast("Client", hub), "c1", asked, history or history_in(Memory()), line)
    line.ask = heartbeat.nudge
    task = asyncio.create_task(heartbeat.run())
    try:
        yield heartbeat
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_lease_is_made_and_renewed() -> None:
    hub = Hub(has_lease=False)
    async with beating(hub, 0.05) as heartbeat:
        await eventually(lambda: len(hub.renewals) >= 3)
        assert heartbeat.beating
    assert hub.lease is not None
    assert hub.lease["leaseDurationSeconds"] == 1
    assert hub.lease["renewTime"].endswith("Z")
    assert hub.renewals[1] - hub.renewals[0] >= 0.04


async def test_a_failed_renewal_is_repeated_long_before_the_next_one_is_due() -> None:
    hub = Hub(Unavailable("away"), Forbidden("not yet", status=403))
    async with beating(hub, 3600) as heartbeat:
        await eventually(lambda: len(hub.errors) == 1)
        assert not heartbeat.beating
        await eventually(lambda: heartbeat.beating, within=5)
    assert hub.lease is not None
    assert hub.lease["leaseDurationSeconds"] == 3600


async def test_where_a_lease_may_be_updated_only_it_is_updated() -> None:
    """As OCM's hub has it."""
    hub = Hub(Forbidden("no patch", status=403), updates=True)
    hub.lease = {"holderIdentity": "kept"}
    async with beating(hub, 0.05) as heartbeat:
        await eventually(lambda: len(hub.renewals) >= 3)
        assert heartbeat.beating
    assert hub.lease is not None
    assert hub.lease["holderIdentity"] == "kept"
    assert hub.lease["leaseDurationSeconds"] == 1


async def test_a_duration_that_is_made_shorter_counts_at_once() -> None:
    hub, interval = Hub(), [3600.0]
    async with beating(hub, lambda: interval[0]) as heartbeat:
        await eventually(lambda: len(hub.renewals) == 1)
        interval[0] = 0.05
        heartbeat.nudge()
        await eventually(lambda: len(hub.renewals) >= 3, within=5)


# -- a hub that went back --------------------------------------------------------------------------------
async def test_a_lease_that_somebody_else_has_written_is_no_sign_of_a_backup() -> None:
    hub, memory = Hub(), Memory()
    history = history_in(memory)
    async with beating(hub, 0.05, history):
        await eventually(lambda: len(hub.renewals) == 1)
        hub.version += 5
        await eventually(lambda: len(hub.renewals) >= 3)
    assert history.went_back_at is None


async def test_a_lease_older_than_one_that_was_written_means_that_the_hub_went_back() -> None:
    hub, memory, told = Hub(), Memory(), list[str]()
    history = history_in(memory)
    history.on_return = lambda: told.append("back")
    async with beating(hub, 0.05, history):
        await eventually(lambda: len(hub.renewals) >= 3)
        hub.version = 4
        await eventually(lambda: history.went_back_at is not None)
        seen = len(hub.renewals)
        await eventually(lambda: len(hub.renewals) >= seen + 3, what="renewed as ever")
    assert told == ["back"]
    assert memory.data["wentBackAt"]
    assert int(memory.data["leaseVersion"]) < 10


@pytest.mark.parametrize(
    ("remembered", "expected"),
    [
        ({"leaseVersion": "11"}, True),
        ({"leaseVersion": "10"}, False),
        ({}, False),
        ({"leaseVersion": "what?", "wentBackAt": "when?"}, False),
        ({"leaseVersion": "9" * 5000}, True),
        ({"leaseVersion": "3", "wentBackAt": "2026-01-01T00:00:00Z"}, True),
    ],
)
async def test_an_agent_that_was_down_meanwhile_finds_out_from_what_it_remembers(
    remembered: dict[str, str], *, expected: bool
) -> None:
    hub, history = Hub(), history_in(Memory(**remembered))
    async with beating(hub, 3600, history):
        await eventually(lambda: len(hub.renewals) == 1)
        assert (history.went_back_at is not None) is expected


async def test_a_lease_is_renewed_while_the_memory_is_away_and_compared_when_it_is_back() -> None:
    hub, memory = Hub(), Memory(leaseVersion="900")
    memory.away = True
    history = HubHistory(cast("Client", memory), "f" * 64, namespace="n", now=now, clock=lambda: 1e9)
    async with beating(hub, 0.05, history):
        await eventually(lambda: len(hub.renewals) >= 3)
        assert history.went_back_at is None
        memory.away = False
        await history.look(hub._object())
        assert history.went_back_at is not None


async def test_a_hub_that_did_not_answer_a_work_is_asked_at_once_and_the_work_is_called() -> None:
    hub, line, called = Hub(), HubLine(), list[str]()
    line.call = called.append
    async with beating(hub, 3600, line=line):
        await eventually(lambda: len(hub.renewals) == 1)
        with pytest.raises(Unavailable):
            async with line.use("w"):
                raise Unavailable("no answer in time")
        with pytest.raises(Unavailable):
            async with line.use("v"):
                raise AssertionError("asked in vain")
        await eventually(lambda: sorted(called) == ["v", "w"], within=5)
    async with line.use("w"):
        assert not line.is_silent


async def test_a_hub_that_asks_for_patience_is_left_alone_for_so_long() -> None:
    time_now = [0.0]
    line = HubLine(lambda: time_now[0])
    with pytest.raises(TooManyRequests):
        async with line.use("w"):
            raise TooManyRequests("later", status=429, retry_after=7.0)
    time_now[0] = 5.0
    with pytest.raises(Unavailable) as refused:
        async with line.use("v"):
            raise AssertionError("asked too early")
    assert refused.value.retry_after == 2.0
    time_now[0] = 7.0
    async with line.use("v"):
        assert not line.is_silent


async def test_what_is_known_from_before_a_watch_broke_is_not_told() -> None:
    line, doubts, called = HubLine(), [True], list[str]()
    line.is_doubtful, line.call = lambda: bool(doubts), called.append
    with pytest.raises(Unavailable):
        async with line.use("w"):
            raise AssertionError("told too early")
    line.answers()
    assert called == []
    doubts.clear()
    line.resume()
    assert called == ["w"]


async def test_who_waits_for_a_hub_that_answers_nobody_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.line._QUIET", 0.2)
    line = HubLine()
    began = time.monotonic()
    with pytest.raises(Unavailable, match="answered nobody"):
        async with line.use("w"):
            await asyncio.Event().wait()
    assert time.monotonic() - began < 5
    assert line.is_silent


async def test_who_waits_goes_on_waiting_while_others_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.line._QUIET", 1.0)
    line = HubLine()
    answered = 0

    async def big() -> None:
        async with line.use("big"):
            await eventually(lambda: answered >= 15, within=20)

    task = asyncio.create_task(big())
    while not task.done():
        await asyncio.sleep(0.1)
        async with line.use("small"):
            answered += 1
    await task
    assert not line.is_silent
