"""An agent whose certificate comes to its end, on a real API server."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import functools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
from prometheus_client import REGISTRY

from agent.certificates import new_key, signing_request
from agent.credentials import FileKeep
from agent.entry import Entry
from agent.hub_kubeconfig import certificate_of
from agent.join import JoinError, Wish
from agent.renewal import Renewal
from agent.signing import SigningError, ask
from controllers.api.keys import CLUSTER_NAME_LABEL
from controllers.api.kinds import CERTIFICATE_SIGNING_REQUEST, MANAGED_CLUSTER, MANIFEST_WORK
from controllers.api.membership import CERTIFICATE_SECONDS, SIGNER, renewal_names, user
from controllers.kube.client import Client
from controllers.kube.configuration import ConfigError
from controllers.kube.errors import Forbidden
from controllers.kube.patch import merge_patch
from controllers.runtime.informer import Informer
from controllers.runtime.scope import Scope
from tests.eventually import eventually
from tests.integration.bodies import of
from tests.integration.registration.joining import (
    TRUSTED,
    connected,
    joined,
    registering,
    requests_of,
    whoami,
)
from tests.joining import let_in


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


async def test_it_holds_for_weeks_and_not_for_as_long_as_the_hub_would_sign(member: Member) -> None:
    """A certificate can't be taken back: it outlives the membership."""
    assert await member.lifetime() <= datetime.timedelta(seconds=CERTIFICATE_SECONDS, hours=1)


async def test_nobody_else_takes_the_names_that_an_agent_renews_by(
    client: Client, kubeconfig: Path, bootstrap: Path, member: Member, tmp_path: Path
) -> None:
    """M2: there were eight, which anybody could guess. Even who knows them can't use them, and an agent no others."""
    name = f"{member.cluster}-x"
    await let_in(client, kubeconfig, name, tmp_path / "other", labels={})
    uid = (await client.get(MANAGED_CLUSTER, member.cluster)).metadata.uid
    async with connected(tmp_path / "other") as other:
        with pytest.raises(Forbidden):
            await other.get(MANAGED_CLUSTER, member.cluster)
        numbers = [str(number) for number in range(8)]
        guesses = [f"argosy-{member.cluster}-{number}" for number in numbers]
        guesses += [f"argosy-renew-{member.cluster}-{number}" for number in numbers]
        guesses += renewal_names(member.cluster, "") + renewal_names(member.cluster, member.cluster)
        assert not set(guesses) & set(renewal_names(member.cluster, uid))
        for guess in (*guesses, *renewal_names(member.cluster, uid)):
            with pytest.raises(Forbidden, match="is the agent of another cluster"):
                await ask(other, member.cluster, new_key(), [guess])
        for guess in ("argosy-other-0", f"argosy-join-{name}-0", "any"):
            with pytest.raises(Forbidden, match="may not make a request of this name"):
                await ask(other, name, new_key(), [guess])
    async with connected(bootstrap) as guest:
        for guess in renewal_names(member.cluster, uid):
            with pytest.raises(Forbidden, match="are for the requests of agents that renew"):
                await ask(guest, member.cluster, new_key(), [guess])
    before = await whoami(member.agent)
    await asyncio.wait_for((await member.renewal(0.81 * await member.lifetime())).look(), 30)
    assert (await whoami(member.agent))[2] != before[2]
    await client.delete(MANAGED_CLUSTER, name)


async def test_requests_that_nobody_answers_do_not_pile_up(client: Client, member: Member) -> None:
    denied = merge_patch({"spec": {"hubAcceptsClient": False}})
    uid = (await member.agent.get(MANAGED_CLUSTER, member.cluster)).metadata.uid
    names = renewal_names(member.cluster, uid)
    await client.patch(MANAGED_CLUSTER, member.cluster, denied)
    for name in names:
        body = {
            "apiVersion": CERTIFICATE_SIGNING_REQUEST.api_version,
            "kind": CERTIFICATE_SIGNING_REQUEST.kind,
            "metadata": {"name": name, "labels": {CLUSTER_NAME_LABEL: member.cluster}},
            "spec": {
                "request": base64.b64encode(signing_request(new_key(), member.cluster)).decode(),
                "signerName": SIGNER,
                "usages": ["client auth"],
            },
        }
        await client.create(CERTIFICATE_SIGNING_REQUEST, body)
    with pytest.raises(SigningError, match="delete those that nobody waits for"):
        await ask(client, member.cluster, new_key(), names)


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
    assert failures == []


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

    async def has_no_rights() -> bool:
        with contextlib.suppress(Forbidden):
            await member.agent.get(MANAGED_CLUSTER, member.cluster)
            return False
        return True

    await eventually(has_no_rights, what="denied")
    renewal = await member.renewal(0.81 * await member.lifetime())
    with pytest.raises(Forbidden):
        await renewal.look()
    assert await member.keep.load() == before


async def test_after_its_end_the_cluster_joins_again_if_it_can(
    client: Client, member: Member, bootstrap: Path
) -> None:
    """Without a person: the hub knows it by its key."""
    too_late = 1.1 * await member.lifetime()
    with pytest.raises(JoinError, match=r"has ended at .*: join again"):
        await (await member.renewal(too_late)).look()
    before = await whoami(member.agent)
    for request in await requests_of(client, member.cluster):  # as the hub does after an hour
        await client.delete(CERTIFICATE_SIGNING_REQUEST, request.metadata.name)
    clock = functools.partial(later, too_late)
    entry = Entry(member.keep, Wish(member.cluster, {}), bootstrap, clock=clock)
    await asyncio.wait_for((await member.renewal(too_late, entry)).look(), 30)
    after = await whoami(member.agent)
    assert (after[0], after[2] != before[2]) == (before[0], True)


def later(delta: datetime.timedelta) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) + delta


async def test_an_agent_without_credentials_says_how_to_get_some(tmp_path: Path) -> None:
    entry = Entry(FileKeep(tmp_path / "none"), Wish("c1", {}), None)
    with pytest.raises(
        ConfigError, match=r"no usable hub kubeconfig in .*none: there is none; make one with"
    ):
        await entry.credentials()
