"""ManifestWorks with a time to live, on a real hub; their agent is played."""

from __future__ import annotations

import datetime
import uuid
from collections import Counter

import pytest

import manifestwork.wiring
from controllers.api import keys
from controllers.api.kinds import MANIFEST_WORK, NAMESPACE, WORKFLOW
from controllers.api.meta import timestamp
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from controllers.runtime.events import Recorder
from controllers.runtime.group import Group
from controllers.runtime.informers import Informers
from controllers.runtime.lease import LeaseTiming
from controllers.runtime.manager import Manager
from controllers.runtime.sharding import Sharding
from controllers.runtime.shards import shard_of
from hack.fleet.provider import Cluster
from manifestwork.expiry.wiring import add_to
from tests.eventually import eventually
from tests.integration.agent.mortal import gated
from tests.integration.bodies import config_map, of, workflow
from tests.integration.played_agent import PlayedAgent
from tests.integration.running import managing, running


async def create(
    client: Client,
    namespace: str,
    name: str = "w",
    *,
    ttl: int | None,
    labels: dict[str, str] | None = None,
    finalizers: list[str] | None = None,
) -> Object:
    option = {} if ttl is None else {"deleteOption": {"ttlSecondsAfterFinished": ttl}}
    body = of(MANIFEST_WORK, name, spec={"workload": {"manifests": [config_map("c")]}, **option})
    body["metadata"] |= {"labels": labels or {}, "finalizers": finalizers or []}
    return await client.create(MANIFEST_WORK, body, namespace=namespace)


async def say(
    client: Client, work: Object, status: str = "True", *, ago: float = 0.0, kind: str = "Complete"
) -> None:
    """What an agent says of the work."""
    moment = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=ago)
    one = {"type": kind, "status": status, "reason": "Played", "message": ""}
    patch = merge_patch({"status": {"conditions": [{**one, "lastTransitionTime": timestamp(moment)}]}})
    meta = work.metadata
    await client.patch(MANIFEST_WORK, meta.name, patch, namespace=meta.namespace, subresource="status")


async def find(client: Client, work: Object) -> Object | None:
    return await client.find(MANIFEST_WORK, work.metadata.name, namespace=work.metadata.namespace)


async def gone(client: Client, *works: Object) -> None:
    async def so() -> bool:
        left = [work.metadata.name for work in works if await find(client, work) is not None]
        assert left == []
        return True

    await eventually(so, what="works gone")


async def test_those_go_whose_time_has_come_and_no_others(client: Client, namespace: str) -> None:
    """The last one to go shows that all before it were looked at."""
    stay: list[Object] = []
    async with running(client, add_to):
        stay.append(await create(client, namespace, "unset", ttl=None))
        stay.append(await create(client, namespace, "later", ttl=3600))
        for work in stay:
            await say(client, work, ago=600)
        stay.append(await create(client, namespace, "not-complete", ttl=0))
        stay.append(await create(client, namespace, "applied", ttl=0))
        await say(client, stay[-1], kind="Applied")
        stay.append(await create(client, namespace, "failing", ttl=0))
        await say(client, stay[-1], "False", ago=600)
        at_once = await create(client, namespace, "at-once", ttl=0)
        long_ago = await create(client, namespace, "long-ago", ttl=60)
        await say(client, at_once)
        await say(client, long_ago, ago=61)
        await gone(client, at_once, long_ago)
        for work in stay:
            assert await find(client, work) is not None


async def test_it_goes_when_its_time_comes_and_not_before(client: Client, namespace: str) -> None:
    async with running(client, add_to):
        work = await create(client, namespace, ttl=3)
        before = datetime.datetime.now(datetime.UTC)
        await say(client, work)
        await gone(client, work)
        # lastTransitionTime has whole seconds: up to one has passed already when it is said.
        assert datetime.datetime.now(datetime.UTC) - before >= datetime.timedelta(seconds=2)


async def test_what_is_there_already_when_the_controllers_start_goes_too(
    client: Client, namespace: str
) -> None:
    work = await create(client, namespace, ttl=60)
    await say(client, work, ago=61)
    async with running(client, add_to):
        await gone(client, work)


async def test_one_that_is_not_complete_any_more_stays(client: Client, namespace: str) -> None:
    async with running(client, add_to):
        work, other = [await create(client, namespace, name, ttl=2) for name in ("w", "other")]
        await say(client, work)
        await say(client, work, "False")
        await say(client, other)
        await gone(client, other)
        assert await find(client, work) is not None
        await say(client, work)
        await gone(client, work)


async def test_a_lifetime_that_comes_later_counts_from_the_completion(client: Client, namespace: str) -> None:
    async with running(client, add_to):
        work = await create(client, namespace, ttl=None)
        await say(client, work, ago=600)
        patch = merge_patch({"spec": {"deleteOption": {"ttlSecondsAfterFinished": 300}}})
        await client.patch(MANIFEST_WORK, "w", patch, namespace=namespace)
        await gone(client, work)


async def test_its_agent_has_the_last_word_and_it_is_deleted_once(
    hub: Cluster, client: Client, namespace: str
) -> None:
    own = await Client.connect(hub.kubeconfig)
    asked: Counter[str] = Counter()
    own.on_request = lambda method, _: asked.update([method])
    try:
        async with running(own, add_to):
            work = await create(client, namespace, ttl=0, finalizers=[keys.MANIFEST_WORK_FINALIZER])
            await say(client, work)

            async def going() -> Object | None:
                found = await find(client, work)
                return found if found is not None and found.metadata.deletion_timestamp else None

            await eventually(going, what="the work being deleted")
            for number in range(3):
                note = merge_patch({"metadata": {"annotations": {"n": str(number)}}})
                await client.patch(MANIFEST_WORK, "w", note, namespace=namespace)
            await PlayedAgent(client, namespace).let_go(work)
            await gone(client, work)
            later = await create(client, namespace, "later", ttl=0)
            await say(client, later)
            await gone(client, later)
        assert asked["DELETE"] == 2
    finally:
        await own.close()


async def test_the_works_of_workflows_and_of_replica_sets_are_not_its_business(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    """Without its ManifestWork a Workflow would be sent to its cluster anew."""
    agent = PlayedAgent(client, clusters[0])
    async with running(client, add_to, manifestwork.wiring.add_to):
        await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
        ours = await agent.work()
        patch = merge_patch({"spec": {"deleteOption": {"ttlSecondsAfterFinished": 0}}})
        await client.patch(MANIFEST_WORK, ours.metadata.name, patch, namespace=clusters[0])
        label = {"work.open-cluster-management.io/manifestworkreplicaset": "x.y"}
        replica = await create(client, namespace, "replica", ttl=0, labels=label)
        users = await create(client, namespace, "users", ttl=0)
        for work in (ours, replica, users):
            await say(client, work)
        await gone(client, users)
        for work in (ours, replica):
            found = await find(client, work)
            assert found is not None
            assert found.metadata.deletion_timestamp is None


# -- replicas that share the work ------------------------------------------------------------------------
SHARDS = 3
TIMING = LeaseTiming(duration=4.0, renew_deadline=2.5, retry=0.4)


@pytest.fixture
async def spaces(client: Client) -> list[str]:
    """Clusters' namespaces in all of the shards."""
    names: list[str] = []
    while len({shard_of(name, SHARDS) for name in names}) < SHARDS:
        names = [f"expiry-{uuid.uuid4().hex[:8]}" for _ in range(6)]
    for name in names:
        await client.create(NAMESPACE, of(NAMESPACE, name))
    return names


async def test_replicas_delete_each_work_once_and_one_that_leaves_forgets_none(
    hub: Cluster, client: Client, namespace: str, spaces: list[str]
) -> None:
    deleted: list[str] = []

    async def note(method: str, path: str) -> None:
        if method == "DELETE":
            deleted.append(path)

    own = await gated(note).connect(hub.kubeconfig)

    def replica(name: str) -> tuple[Manager, Sharding]:
        sharding = Sharding(Group(own, "test-expiry", namespace, name, SHARDS, TIMING))
        manager = Manager(sharding=sharding)
        add_to(manager, own, Informers(own, manager), Recorder(own, "argosy"))
        return manager, sharding

    (one, shards_of_one), (two, shards_of_two) = replica("one"), replica("two")
    try:
        async with managing(one) as first, managing(two):

            def balanced() -> bool:
                return bool(shards_of_one.owned) and len(shards_of_one.owned | shards_of_two.owned) == SHARDS

            await eventually(balanced, what="all shards are held, by both")
            at_once = [await create(client, space, "at-once", ttl=0) for space in spaces]
            later = [await create(client, space, "later", ttl=4) for space in spaces]
            for work in (*at_once, *later):
                await say(client, work)
            await gone(client, *at_once)
            one.stop()
            await first
            await gone(client, *later)
        works = [MANIFEST_WORK.path(*work.key) for work in (*at_once, *later)]
        assert sorted(path for path in deleted if "manifestworks" in path) == sorted(works)
    finally:
        await own.close()
