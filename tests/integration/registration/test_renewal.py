"""An agent whose certificate comes to its end, on a real API server."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
from prometheus_client import REGISTRY

from agent.credentials import FileKeep
from agent.entry import Entry
from agent.hub_kubeconfig import certificate_of
from agent.join import JoinError, Wish
from agent.renewal import Renewal
from controllers.api.kinds import MANAGED_CLUSTER, MANIFEST_WORK
from controllers.api.membership import user
from controllers.kube.client import Client
from controllers.kube.configuration import ConfigError
from controllers.kube.patch import merge_patch
from controllers.runtime.informer import Informer
from controllers.runtime.scope import Scope
from tests.eventually import eventually
from tests.integration.bodies import of
from tests.integration.registration.joining import TRUSTED, joined, registering, whoami


class Member(NamedTuple):
    cluster: str
    agent: Client
    keep: FileKeep

    async def renewal(self, after: datetime.timedelta, entry: Entry | None = None) -> Renewal:
        """Of an agent whose clock is ahead by so much."""
        kubeconfig = await self.keep.load()
        assert kubeconfig is not None
        return Renewal(
            self.agent,
            self.cluster,
            self.keep,
            kubeconfig,
            rejoin=entry.rejoin if entry else None,
            now=lambda: datetime.datetime.now(datetime.UTC) + after,
        )

    async def lifetime(self) -> datetime.timedelta:
        certificate = certificate_of(await self.keep.load() or {})
        assert certificate is not None
        return certificate.ends - certificate.begins


@pytest.fixture
async def member(client: Client, bootstrap: Path, cluster: str, tmp_path: Path) -> AsyncIterator[Member]:
    keep = FileKeep(tmp_path / "agent.kubeconfig")
    async with registering(client, TRUSTED):
        await asyncio.wait_for(joined(bootstrap, cluster, tmp_path / "agent.kubeconfig"), 30)
        agent = await Client.connect(await keep.load())
        try:
            yield Member(cluster, agent, keep)
        finally:
            await agent.close()


async def test_a_fresh_certificate_is_left_alone(member: Member) -> None:
    before = await whoami(member.agent)
    wait = await (await member.renewal(datetime.timedelta())).look()
    assert wait > 0
    assert await whoami(member.agent) == before


async def test_it_is_renewed_before_it_ends_and_used_at_once(member: Member) -> None:
    before = await whoami(member.agent)
    kept = await member.keep.load()
    late = 0.81 * await member.lifetime()
    await (await member.renewal(late)).look()
    after = await whoami(member.agent)
    assert (before[0], after[0]) == (user(member.cluster), user(member.cluster))
    assert before[2] != after[2], "another certificate, as the API server sees it"
    assert await member.keep.load() != kept
    again = await Client.connect(await member.keep.load())
    try:
        assert (await whoami(again))[2] == after[2]
    finally:
        await again.close()


async def test_nothing_is_lost_on_the_way(client: Client, member: Member) -> None:
    """Watches end and go on where they were, without a list; requests under way are answered."""
    informer = Informer(member.agent, Scope(MANIFEST_WORK, namespace=member.cluster))
    task = asyncio.create_task(informer.run())
    failures: list[int] = []
    try:
        await asyncio.wait_for(informer.wait_synced(), 30)
        member.agent.on_request = lambda _, status: failures.append(status) if status >= 400 else None
        lists = relists()
        renewal = await member.renewal(0.81 * await member.lifetime())
        busy = [asyncio.create_task(member.agent.get(MANAGED_CLUSTER, member.cluster)) for _ in range(20)]
        await renewal.look()
        assert {item.metadata.name for item in await asyncio.gather(*busy)} == {member.cluster}
        work = of(MANIFEST_WORK, "after") | {"spec": {"workload": {"manifests": []}}}
        await client.create(MANIFEST_WORK, work, namespace=member.cluster)
        await eventually(
            lambda: informer.store.get(member.cluster, "after") is not None, what="seen by the watch"
        )
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert relists() == lists
    assert set(failures) <= {409}, "the name of its first request is taken, and nothing else failed"


def relists() -> float:
    """How often ManifestWorks were listed by this process."""
    return REGISTRY.get_sample_value("argosy_informer_relists_total", {"kind": str(MANIFEST_WORK)}) or 0.0


async def test_what_another_replica_has_renewed_is_taken_over(member: Member) -> None:
    late = 0.81 * await member.lifetime()
    stands_by = await member.renewal(datetime.timedelta())
    works = Member(member.cluster, await Client.connect(await member.keep.load()), member.keep)
    try:
        await (await works.renewal(late)).look()
        await stands_by.look()
        assert (await whoami(member.agent))[2] == (await whoami(works.agent))[2]
    finally:
        await works.agent.close()


async def test_a_cluster_that_is_denied_gets_no_new_certificate(client: Client, member: Member) -> None:
    denied = merge_patch({"spec": {"hubAcceptsClient": False}})
    await client.patch(MANAGED_CLUSTER, member.cluster, denied)
    before = await member.keep.load()
    renewal = await member.renewal(0.81 * await member.lifetime())
    task = asyncio.create_task(renewal.run())
    try:
        await eventually(
            lambda: any(
                item.name.endswith("pending.key") for item in Path(str(member.keep)).parent.iterdir()
            ),
            what="it asks",
        )
        assert await member.keep.load() == before
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_after_its_end_the_cluster_joins_again_if_it_can(member: Member, bootstrap: Path) -> None:
    too_late = 1.1 * await member.lifetime()
    with pytest.raises(JoinError, match=r"has ended at .*: join again"):
        await (await member.renewal(too_late)).look()
    before = await whoami(member.agent)
    await member.keep.save({"nothing": "usable"})
    entry = Entry(member.keep, Wish(member.cluster, {}), bootstrap)
    renewal = Renewal(
        member.agent,
        member.cluster,
        member.keep,
        {"nothing": "usable"},
        rejoin=entry.rejoin,
        now=lambda: datetime.datetime.now(datetime.UTC),
    )
    assert renewal is not None
    await member.agent.renew(await entry.credentials())
    after = await whoami(member.agent)
    assert (after[0], after[2] != before[2]) == (before[0], True)


async def test_an_agent_without_credentials_says_how_to_get_some(tmp_path: Path) -> None:
    entry = Entry(FileKeep(tmp_path / "none"), Wish("c1", {}), None)
    with pytest.raises(
        ConfigError, match=r"no usable hub kubeconfig in .*none: there is none; make one with"
    ):
        await entry.credentials()
