"""Replicas that share the work by shards: every namespace has one of them at every time, and never two."""

from __future__ import annotations

import asyncio
import random
import re
import time
import uuid
from collections.abc import AsyncIterator

import pytest

from controllers.api.kinds import LEASE, NAMESPACE
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from controllers.runtime.group import Group
from controllers.runtime.leader import LeaderElector
from controllers.runtime.lease import LeaseLock, LeaseTiming
from controllers.runtime.manager import Manager, PartFailed
from controllers.runtime.membership import Agreement, ShardCountError
from controllers.runtime.shards import shard_of
from tests.eventually import eventually
from tests.integration.bodies import of
from tests.integration.running import managing
from tests.integration.runtime.replicas import TIMING, Crew
from tests.integration.tcp_proxy import TcpProxy

SHARDS = 5
OBJECTS = ("a", "b", "c")


@pytest.fixture(scope="module")
async def namespaces(client: Client) -> list[str]:
    """A dozen, in all of the shards."""
    names: list[str] = []
    while len({shard_of(name, SHARDS) for name in names}) < SHARDS:
        names = [f"shards-{uuid.uuid4().hex[:8]}" for _ in range(12)]
    for name in names:
        await client.create(NAMESPACE, of(NAMESPACE, name))
    return names


@pytest.fixture
async def crew(client: Client, namespace: str, namespaces: list[str]) -> AsyncIterator[Crew]:
    made = Crew(
        client, lease_namespace=namespace, namespaces=namespaces, label=f"test-{namespace}", shards=SHARDS
    )
    yield made
    await made.end()
    assert made.witness.overlaps == []


async def test_three_share_all_namespaces_evenly(client: Client, namespace: str, crew: Crew) -> None:
    await crew.create("a")
    for _ in range(3):
        crew.join()
    await crew.balanced()
    await crew.all_handled()
    assert sorted(len(replica.owned) for replica in crew.replicas) == [1, 2, 2]
    for replica in crew.replicas:
        assert replica.manager.readiness() == {
            "cache:leases.coordination.k8s.io": True,
            "cache:configmaps": True,
        }
    leases, _ = await client.list(LEASE, namespace=namespace)
    holders = {item.metadata.name: item.to_dict()["spec"]["holderIdentity"] for item in leases}
    assert holders == {
        **{f"test-{replica.name}": replica.name for replica in crew.replicas},
        **{f"test-shard-{number}": item.name for item in crew.replicas for number in item.owned},
    }
    assert {item.metadata.annotations["argosy.io/shards"] for item in leases} == {"5"}


async def test_one_that_comes_gets_its_share_and_no_change_is_lost(crew: Crew) -> None:
    for name in OBJECTS:
        await crew.create(name)
    crew.join()
    await crew.balanced()
    changing = asyncio.create_task(crew.change(OBJECTS, random.Random(1)))
    for _ in range(3):
        crew.join()
        await crew.balanced()
    changing.cancel()
    await crew.all_handled()
    assert {len(replica.owned) for replica in crew.replicas} == {1, 2}


async def test_one_that_leaves_is_replaced_at_once_and_no_change_is_lost(crew: Crew) -> None:
    crew.timing = LeaseTiming(duration=60.0, renew_deadline=40.0, retry=0.4)
    for name in OBJECTS:
        await crew.create(name)
    for _ in range(3):
        crew.join()
    await crew.balanced()
    changing = asyncio.create_task(crew.change(OBJECTS, random.Random(2)))
    for leaver in crew.replicas[:2]:
        await leaver.leave()
        await crew.balanced(within=crew.timing.duration / 2)  # long before its leases would have run out
    changing.cancel()
    await crew.all_handled()
    assert crew.replicas[2].owned == set(range(SHARDS))


async def test_one_that_crashes_is_replaced_after_the_leases_duration(crew: Crew) -> None:
    for name in OBJECTS:
        await crew.create(name)
    for _ in range(3):
        crew.join()
    await crew.balanced()
    changing = asyncio.create_task(crew.change(OBJECTS, random.Random(3)))
    victim = crew.replicas[0]
    orphaned = victim.owned
    await victim.crash()
    since = time.monotonic()

    def taken() -> bool:
        return any(replica.owned & orphaned for replica in crew.alive)

    await eventually(taken, what="the first of its shards taken")
    assert time.monotonic() - since >= TIMING.duration - TIMING.retry - 0.1, "too early: it might still work"
    await crew.balanced()
    changing.cancel()
    await crew.all_handled()


async def test_what_a_crash_has_left_is_not_counted_with_by_one_that_comes(crew: Crew) -> None:
    """Or shards that the others let go would wait for somebody who never takes them."""
    crew.join()
    crew.join()
    await crew.balanced()
    await crew.replicas[0].crash()
    await crew.balanced()
    crew.join()
    await crew.balanced()


async def test_a_shard_is_not_let_go_while_one_of_its_objects_is_worked_on(crew: Crew) -> None:
    await crew.create("a")
    first = crew.join()
    await crew.balanced()
    await crew.all_handled()
    first.gate.clear()
    await crew.create("b")
    await eventually(lambda: all(crew.witness.working[name]["r0"] for name in crew.namespaces))
    second = crew.join()
    await eventually(lambda: len(first.owned) == 3)
    await asyncio.sleep(TIMING.duration + TIMING.retry)  # the leases are renewed all that time
    assert second.owned == frozenset()
    assert crew.witness.overlaps == []
    first.gate.set()
    await crew.balanced()
    await crew.all_handled()


async def test_whoever_comes_leaves_or_crashes_no_two_work_on_a_namespace_and_no_change_is_lost(
    crew: Crew,
) -> None:
    for name in OBJECTS:
        await crew.create(name)
    chance = random.Random(4)
    changing = asyncio.create_task(crew.change(OBJECTS, chance))
    for _ in range(12):
        alive = crew.alive
        what = chance.choice(["join", "leave", "crash"]) if len(alive) > 1 else "join"
        if what == "join" and len(alive) < 5:
            crew.join()
        elif what == "leave":
            await chance.choice(alive).leave()
        elif alive:
            await chance.choice(alive).crash()
        await asyncio.sleep(chance.uniform(0, 1.5))
    if not crew.alive:
        crew.join()
    await crew.balanced()
    changing.cancel()
    await crew.all_handled()


async def test_one_that_is_cut_off_ends_before_another_takes_its_shards(
    crew: Crew, proxied: Client, proxy: TcpProxy
) -> None:
    for name in OBJECTS:
        await crew.create(name)
    cut_off = crew.join(client=proxied)
    crew.join()
    await crew.balanced()
    orphaned = cut_off.owned
    changing = asyncio.create_task(crew.change(OBJECTS, random.Random(5)))
    proxy.refuse()
    with pytest.raises(PartFailed, match=r"lease ended: test-(shard-\d|r0)"):
        await asyncio.wait_for(asyncio.shield(cut_off.task), 15)
    assert not any(replica.owned & orphaned for replica in crew.alive), "taken before it had ended"
    await crew.balanced()
    changing.cancel()
    await crew.all_handled()


async def test_a_shard_that_another_took_by_force_ends_the_process(
    client: Client, namespace: str, crew: Crew
) -> None:
    replica = crew.join()
    await crew.balanced()
    patch = merge_patch({"spec": {"holderIdentity": "usurper"}})
    await client.patch(LEASE, "test-shard-3", patch, namespace=namespace)
    with pytest.raises(PartFailed, match="lease ended: test-shard-3"):
        await asyncio.wait_for(asyncio.shield(replica.task), 10)
    lease = await client.get(LEASE, "test-shard-3", namespace=namespace)
    assert lease.to_dict()["spec"]["holderIdentity"] == "usurper"


async def test_the_lease_of_one_that_died_long_ago_is_removed(
    client: Client, namespace: str, crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controllers.runtime.membership._FORGOTTEN_AFTER", 1.5)
    victim = crew.join()
    await crew.balanced()
    await victim.crash()
    crew.join()

    async def removed() -> bool:
        return await client.find(LEASE, "test-r0", namespace=namespace) is None

    await eventually(removed)
    await crew.balanced()


def group(client: Client, namespace: str, identity: str, shards: int) -> Group:
    return Group(client, "test", namespace, identity, shards, TIMING)


async def test_one_with_another_number_of_shards_is_refused_and_says_why(
    client: Client, namespace: str, crew: Crew
) -> None:
    crew.join()
    await crew.balanced()
    stranger = crew.join(shards=4)
    words = (
        "--shards 4 does not fit: r0 works with --shards 5 (Lease NS/test-r0). All replicas must use the same "
        "number: stop all of them, then start them anew with it"
    ).replace("NS", namespace)
    # Whichever of its Leases has been renewed first is named.
    with pytest.raises(ShardCountError, match=re.escape(words).replace("test\\-r0", r"test\-[\w-]+")):
        await asyncio.wait_for(asyncio.shield(stranger.task), 10)
    assert stranger.owned == frozenset()
    with pytest.raises(ShardCountError, match="--shards 1 does not fit"):
        await Agreement(group(client, namespace, "leader", 1)).check()
    assert crew.replicas[0].owned == set(range(SHARDS))


async def test_beside_a_leader_that_does_everything_shards_are_refused(
    client: Client, namespace: str, crew: Crew
) -> None:
    elector = LeaderElector(
        LeaseLock(client, name="test", namespace=namespace, identity="leader", timing=TIMING)
    )
    async with managing(Manager(elector=elector)):

        async def leading() -> bool:
            return await client.find(LEASE, "test", namespace=namespace) is not None

        await eventually(leading)
        stranger = crew.join()
        with pytest.raises(ShardCountError, match="leader works with --shards 1"):
            await asyncio.wait_for(asyncio.shield(stranger.task), 10)


async def test_what_a_crash_left_of_another_number_is_waited_out_once(
    client: Client, namespace: str, crew: Crew
) -> None:
    left = crew.join(shards=3)
    await eventually(lambda: len(left.owned) == 3)
    await left.crash()
    replica = crew.join()
    since = time.monotonic()
    await eventually(lambda: len(replica.owned) == SHARDS)
    assert TIMING.duration <= time.monotonic() - since < TIMING.duration * 2


async def test_leases_are_renewed_without_being_read(client: Client, namespace: str, crew: Crew) -> None:
    crew.join()
    await crew.balanced()
    asked: list[str] = []
    before = client.on_request
    client.on_request = lambda method, status: asked.append(method)
    try:
        await eventually(lambda: asked.count("PUT") >= 3 * (SHARDS + 1))
    finally:
        client.on_request = before
    assert set(asked) == {"PUT"}
