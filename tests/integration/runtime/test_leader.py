"""Leader election on a real Lease: never two at once, and soon another one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controllers.api.kinds import LEASE
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from controllers.runtime.leader import LeaderElector
from controllers.runtime.lease import LeaseLock, LeaseTiming
from controllers.runtime.manager import Manager, PartFailed
from tests.eventually import eventually
from tests.integration.running import managing
from tests.integration.tcp_proxy import TcpProxy

TIMING = LeaseTiming(duration=4.0, renew_deadline=2.5, retry=0.5)


def elector(client: Client, namespace: str, identity: str, timing: LeaseTiming = TIMING) -> LeaderElector:
    return LeaderElector(
        LeaseLock(client, name="lock", namespace=namespace, identity=identity, timing=timing)
    )


async def lease(client: Client, namespace: str) -> dict[str, Any]:
    spec: dict[str, Any] = (await client.get(LEASE, "lock", namespace=namespace)).to_dict()["spec"]
    return spec


class Candidate:
    """A process in small: it works while it leads, and counts who works at the same time."""

    working: set[str]
    most_at_once: int

    def __init__(
        self,
        client: Client,
        namespace: str,
        name: str,
        working: set[str],
        timing: LeaseTiming = TIMING,
    ) -> None:
        self.name = name
        self.terms = 0
        self.working = working
        self.most_at_once = 0
        self.manager = Manager(elector=elector(client, namespace, name, timing))
        self.manager.add_background("work", self._work)

    async def _work(self) -> None:
        self.terms += 1
        self.working.add(self.name)
        self.most_at_once = max(self.most_at_once, len(self.working))
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)  # work takes a moment to end, and counts until it has
            self.working.discard(self.name)


async def test_of_two_only_one_works_and_the_other_follows_at_once_when_it_stops(
    client: Client, namespace: str
) -> None:
    working: set[str] = set()
    timing = LeaseTiming(duration=120.0, renew_deadline=60.0, retry=0.5)
    first, second = (Candidate(client, namespace, name, working, timing) for name in ("first", "second"))
    async with managing(first.manager) as task:
        await eventually(lambda: working == {"first"})
        async with managing(second.manager):
            assert (await lease(client, namespace))["holderIdentity"] == "first"
            first.manager.stop()
            await task
            assert working == set(), "the lease went before the work had ended"
            await eventually(
                lambda: working == {"second"}, what="followed, before the lease would have run out"
            )
    assert max(first.most_at_once, second.most_at_once) == 1
    spec = await lease(client, namespace)
    assert spec["leaseTransitions"] >= 1


async def test_a_holder_that_crashed_is_replaced_after_the_leases_duration(
    client: Client, namespace: str
) -> None:
    crashed = elector(client, namespace, "crashed")
    await crashed.acquire()  # and never heard of again
    since = asyncio.get_running_loop().time()
    successor = elector(client, namespace, "successor")
    async with asyncio.timeout(30):
        await successor.acquire()
    waited = asyncio.get_running_loop().time() - since
    assert waited >= TIMING.duration - 0.1
    assert (await lease(client, namespace))["holderIdentity"] == "successor"


async def test_many_candidates_at_once_give_one_holder(client: Client, namespace: str) -> None:
    """They all find no lease, and all try to make it."""
    electors = [elector(client, namespace, f"e{number}") for number in range(8)]
    tasks = [asyncio.create_task(item.acquire()) for item in electors]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    try:
        await asyncio.sleep(TIMING.retry * 2)  # time enough for each to try again
        assert len([task for task in tasks if task.done()]) == len(done) == 1
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_leader_that_cannot_reach_the_server_stops_working_before_another_may_begin(
    client: Client, proxied: Client, proxy: TcpProxy, namespace: str
) -> None:
    working: set[str] = set()
    cut_off = Candidate(proxied, namespace, "cut off", working)
    other = Candidate(client, namespace, "other", working)
    async with managing(cut_off.manager) as lost:
        await eventually(lambda: working == {"cut off"})
        async with managing(other.manager):
            proxy.refuse()
            with pytest.raises(PartFailed, match="lease"):
                await asyncio.wait_for(lost, 15)
            assert "cut off" not in working
            await eventually(lambda: working == {"other"})
    assert max(cut_off.most_at_once, other.most_at_once) == 1


async def test_a_server_that_answers_slowly_costs_nobody_the_lease(
    proxied: Client, proxy: TcpProxy, namespace: str
) -> None:
    """A hub under load takes seconds for an answer. To stop working then would add a restart to its load."""
    holder = elector(proxied, namespace, "holder")
    await holder.acquire()
    proxy.slow(TIMING.retry * 1.6)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(holder.hold(), TIMING.duration * 1.5)
    assert (await lease(proxied, namespace))["holderIdentity"] == "holder"


async def test_a_server_that_never_answers_is_no_reason_to_hold_on(
    client: Client, proxied: Client, proxy: TcpProxy, namespace: str
) -> None:
    """The connection stands, nothing comes back: each request has less time than the lease."""
    holder = elector(proxied, namespace, "holder")
    await holder.acquire()
    since = asyncio.get_running_loop().time()
    frozen = asyncio.create_task(keep_frozen(proxy))
    try:
        await asyncio.wait_for(holder.hold(), 15)
    finally:
        frozen.cancel()
    assert asyncio.get_running_loop().time() - since <= TIMING.duration


async def keep_frozen(proxy: TcpProxy) -> None:
    while True:
        proxy.freeze()
        await asyncio.sleep(0)


async def test_a_lease_that_another_took_is_given_up(client: Client, namespace: str) -> None:
    holder = elector(client, namespace, "holder")
    await holder.acquire()
    patch = merge_patch({"spec": {"holderIdentity": "usurper"}})
    await client.patch(LEASE, "lock", patch, namespace=namespace)
    await asyncio.wait_for(holder.hold(), 10)
    await holder.release()
    assert (await lease(client, namespace))["holderIdentity"] == "usurper"


async def test_a_release_works_although_somebody_touched_the_lease(client: Client, namespace: str) -> None:
    holder = elector(client, namespace, "holder")
    await holder.acquire()
    patch = merge_patch({"metadata": {"annotations": {"looked": "at it"}}})
    await client.patch(LEASE, "lock", patch, namespace=namespace)
    await holder.release()
    assert not (await lease(client, namespace)).get("holderIdentity")


async def test_a_lease_that_was_deleted_is_made_anew_by_its_holder(client: Client, namespace: str) -> None:
    holder = elector(client, namespace, "holder")
    await holder.acquire()
    hold = asyncio.create_task(holder.hold())
    await client.delete(LEASE, "lock", namespace=namespace)

    async def held() -> bool:
        found = await client.find(LEASE, "lock", namespace=namespace)
        return found is not None and found.to_dict()["spec"]["holderIdentity"] == "holder"

    await eventually(held)
    assert not hold.done()
    hold.cancel()
    await asyncio.gather(hold, return_exceptions=True)
