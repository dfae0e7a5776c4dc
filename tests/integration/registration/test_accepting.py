"""`python -m registration accept`: what it shows, and what it does not sign without being told which key."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from agent.certificates import key_fingerprint, new_key
from agent.join import JoinError
from agent.signing import ask
from controllers.api.keys import CLUSTER_LEASE_NAME, CLUSTER_NAME_LABEL
from controllers.api.kinds import (
    ADMISSION_POLICY_BINDING,
    CERTIFICATE_SIGNING_REQUEST,
    LEASE,
    MANAGED_CLUSTER,
    NAMESPACE,
    ROLE_BINDING,
)
from controllers.api.membership import joining_names, role_name
from controllers.api.signing import SigningRequest
from controllers.kube.client import Client
from controllers.kube.errors import Forbidden
from controllers.kube.patch import merge_patch
from controllers.runtime.clock import now
from registration.judge import key_of
from tests.eventually import eventually
from tests.integration.bodies import of
from tests.integration.registration.joining import (
    TRUSTED,
    as_admin,
    asking,
    connected,
    is_accepted,
    joined,
    registering,
    requests_of,
)
from tests.integration.told import event
from tests.joining import let_in, say_available


class Other(NamedTuple):
    """Another cluster, which is a member: its name and its agent's client."""

    cluster: str
    agent: Client


@pytest.fixture
async def other(client: Client, kubeconfig: Path, cluster: str, tmp_path: Path) -> AsyncIterator[Other]:
    name, out = f"{cluster}-x", tmp_path / "other.kubeconfig"
    await let_in(client, kubeconfig, name, out, labels={})
    async with connected(out) as agent:
        yield Other(name, agent)
    await client.delete(MANAGED_CLUSTER, name)
    for request in await requests_of(client, name):
        await client.delete(CERTIFICATE_SIGNING_REQUEST, request.metadata.name)


@pytest.fixture
async def unguarded(client: Client) -> AsyncIterator[None]:
    """A hub whose API server has no such policies: agents may ask for whatever they like."""
    policy = "argosy-agent-requests"
    binding = (await client.get(ADMISSION_POLICY_BINDING, policy)).to_dict()
    await client.delete(ADMISSION_POLICY_BINDING, policy)
    yield
    again = of(ADMISSION_POLICY_BINDING, policy, spec=binding["spec"])
    again["metadata"]["labels"] = binding["metadata"]["labels"]
    await client.create(ADMISSION_POLICY_BINDING, again)


async def registered(client: Client, cluster: str, **labels: str) -> None:
    body = of(MANAGED_CLUSTER, cluster, spec={})
    body["metadata"]["labels"] = labels
    await client.create(MANAGED_CLUSTER, body)


async def asked(asker: Client, cluster: str) -> str:
    """Asks to be the cluster's agent; returns the fingerprint of the key."""
    key = new_key()
    await ask(asker, cluster, key, joining_names(cluster, key_fingerprint(key)))
    return key_fingerprint(key)


async def forged(agent: Client, cluster: str) -> str:
    """The same as the agent of another cluster, once the server has noticed that no policy keeps it from that."""

    async def passes() -> str:
        try:
            return await asked(agent, cluster)
        except Forbidden as error:
            raise AssertionError(error.message) from error

    return await eventually(passes, what="the request of another cluster's agent")


async def answers(client: Client, cluster: str) -> dict[str, list[str]]:
    """Conditions of the cluster's requests, by fingerprint."""
    found = [item.decode(SigningRequest) for item in await requests_of(client, cluster)]
    return {key_of(item): [one.type for one in item.status.conditions] for item in found}


async def test_it_shows_who_asks_for_what(
    client: Client, kubeconfig: Path, bootstrap: Path, cluster: str
) -> None:
    await registered(client, cluster, tier="gold", name=cluster)
    async with connected(bootstrap) as guest:
        key = await asked(guest, cluster)
    status, printed = await as_admin(kubeconfig, "accept", cluster, "--dry-run")
    assert status == 0, printed
    (request,) = await requests_of(client, cluster)
    for text in (
        "not accepted yet",
        "cluster set  default, as it has no label for one",
        f"labels       name={cluster}, tier=gold",
        f"request      {request.metadata.name}, made ",
        f"asked by   {TRUSTED}",
        "groups     system:serviceaccounts, system:serviceaccounts:argosy, system:authenticated",
        f"key        {key}",
        "holds for  30 days",
        f"{cluster}: nothing was accepted (--dry-run)",
    ):
        assert text in printed
    assert not await is_accepted(client, cluster)
    assert await answers(client, cluster) == {key: []}


@pytest.mark.usefixtures("unguarded")
async def test_another_clusters_agent_gets_no_certificate_of_this_one(
    client: Client, kubeconfig: Path, bootstrap: Path, cluster: str, other: Other
) -> None:
    """H4: whoever accepts a cluster signed whatever bore its label."""
    await registered(client, cluster)
    theirs = await forged(other.agent, cluster)
    status, printed = await as_admin(kubeconfig, "accept", cluster)
    assert (status, f"is the agent of another cluster, {other.cluster}" in printed) == (1, True), printed
    assert "repeat this with --fingerprint KEY" in printed
    async with connected(bootstrap) as guest:
        ours = await asked(guest, cluster)
    status, printed = await as_admin(kubeconfig, "accept", cluster)
    assert (status, "2 requests with different keys wait" in printed) == (1, True), printed
    assert await answers(client, cluster) == {theirs: [], ours: []}
    assert not await is_accepted(client, cluster)
    status, printed = await as_admin(kubeconfig, "accept", cluster, "--fingerprint", f"SHA256:{ours.upper()}")
    assert status == 0, printed
    assert await answers(client, cluster) == {theirs: [], ours: ["Approved"]}
    assert await is_accepted(client, cluster)


async def test_an_agent_that_lives_is_not_replaced_without_its_successors_key(
    client: Client, kubeconfig: Path, bootstrap: Path, cluster: str, tmp_path: Path
) -> None:
    """By its lease alone: nobody has said yet that the cluster is available."""
    await let_in(client, kubeconfig, cluster, tmp_path / "first", labels={})
    lease = of(LEASE, CLUSTER_LEASE_NAME, spec={"renewTime": now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")})
    await client.create(LEASE, lease, namespace=cluster)
    async with connected(bootstrap) as guest:
        key = await asked(guest, cluster)
    status, printed = await as_admin(kubeconfig, "accept", cluster)
    assert (status, f"{cluster} has an agent that lives, whose place this would take" in printed) == (1, True)
    assert (await answers(client, cluster))[key] == []
    status, printed = await as_admin(kubeconfig, "accept", cluster, "--fingerprint", key)
    assert status == 0, printed
    assert (await answers(client, cluster))[key] == ["Approved"]


async def test_a_key_that_nobody_asks_with_accepts_nothing(
    client: Client, kubeconfig: Path, cluster: str
) -> None:
    await registered(client, cluster)
    status, printed = await as_admin(kubeconfig, "accept", cluster, "--fingerprint", "0" * 64)
    assert (status, "no request waits with the key" in printed) == (1, True)
    assert not await is_accepted(client, cluster)
    status, printed = await as_admin(kubeconfig, "accept", cluster, "b", "--fingerprint", "0" * 64)
    assert (status, "one cluster at a time" in printed) == (1, True)


# -- what can't be accepted at all -----------------------------------------------------------------------
async def test_a_cluster_that_leaves_is_neither_accepted_nor_joined(
    client: Client, kubeconfig: Path, cluster: str, tmp_path: Path
) -> None:
    """It said `joined`, and the agent was without a cluster a moment later."""
    body = of(MANAGED_CLUSTER, cluster, spec={})
    body["metadata"]["finalizers"] = ["example.org/a"]
    await client.create(MANAGED_CLUSTER, body)
    await client.delete(MANAGED_CLUSTER, cluster)
    status, printed = await as_admin(kubeconfig, "accept", cluster)
    assert (status, f"{cluster} is leaving the hub" in printed) == (1, True)
    with pytest.raises(JoinError, match=f"{cluster} is leaving the hub .*: join again when it is gone"):
        await asyncio.wait_for(let_in(client, kubeconfig, cluster, tmp_path / "out", labels={"a": "b"}), 30)
    assert not (tmp_path / "out").exists()
    assert (await client.get(MANAGED_CLUSTER, cluster)).metadata.labels == {}
    assert not await is_accepted(client, cluster)
    with pytest.raises(JoinError, match="is leaving the hub"):
        await asyncio.wait_for(joined(kubeconfig, cluster, tmp_path / "out"), 30)


async def test_a_namespace_of_somebody_else_is_not_taken(
    client: Client, kubeconfig: Path, bootstrap: Path, cluster: str, tmp_path: Path
) -> None:
    """Neither by a person, nor by join, nor by trust, nor where the cluster was accepted by other means."""
    await client.create(NAMESPACE, of(NAMESPACE, cluster))
    with pytest.raises(JoinError, match=f"the hub has a namespace {cluster} that is somebody else's"):
        await asyncio.wait_for(let_in(client, kubeconfig, cluster, tmp_path / "out", labels={}), 30)
    status, printed = await as_admin(kubeconfig, "accept", cluster)
    assert (status, f"kubectl label namespace {cluster} {CLUSTER_NAME_LABEL}={cluster}" in printed) == (
        1,
        True,
    )
    async with registering(client, TRUSTED), asking(bootstrap, cluster, tmp_path / "other"):
        assert "is somebody else's" in (await event(client, "default", "NotAccepted", cluster))["message"]
        assert not await is_accepted(client, cluster)
        accepted = merge_patch({"spec": {"hubAcceptsClient": True}, "metadata": {"labels": {"a": "b"}}})
        await client.patch(MANAGED_CLUSTER, cluster, accepted)
        label = merge_patch({"metadata": {"labels": {"seen": "too"}}})
        await client.patch(MANAGED_CLUSTER, cluster, label)
        assert await client.find(ROLE_BINDING, role_name(cluster), namespace=cluster) is None
        await client.patch(
            NAMESPACE, cluster, merge_patch({"metadata": {"labels": {CLUSTER_NAME_LABEL: cluster}}})
        )
        await client.patch(MANAGED_CLUSTER, cluster, merge_patch({"spec": {"leaseDurationSeconds": 7}}))

        async def has_rights() -> bool:
            return await client.find(ROLE_BINDING, role_name(cluster), namespace=cluster) is not None

        await eventually(has_rights, what="rights in the namespace that was given to it")


@pytest.mark.parametrize("name", ["kube-system", "default", "openshift-etcd"])
async def test_the_hubs_own_namespaces_are_no_clusters(
    client: Client, kubeconfig: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(JoinError, match=f"no cluster may be called {name}"):
        await asyncio.wait_for(let_in(client, kubeconfig, name, tmp_path / "out", labels={}), 30)
    assert await client.find(MANAGED_CLUSTER, name) is None


# -- trust -----------------------------------------------------------------------------------------------
async def test_trust_gives_the_place_of_a_lost_cluster_to_its_own_agent_alone(
    client: Client, bootstrap: Path, cluster: str, tmp_path: Path
) -> None:
    """M5: the certificates of clusters that were merely not available were given to whoever asked. The agent itself
    comes back without a person, by the key of its certificate, also when that has ended."""
    async with registering(client, TRUSTED):
        await asyncio.wait_for(joined(bootstrap, cluster, tmp_path / "mine"), 30)
        await say_available(client, cluster, "Unknown")
        (first,) = await answers(client, cluster)
        async with connected(bootstrap) as thief:
            stolen = await asked(thief, cluster)
            told = (await event(client, "default", "AsksToJoin", cluster))["message"]
            assert "has joined already, with another key" in told
            assert await answers(client, cluster) == {first: ["Approved"], stolen: []}
        for request in await requests_of(client, cluster):
            await client.delete(CERTIFICATE_SIGNING_REQUEST, request.metadata.name)
        late = datetime.timedelta(days=40)  # when its certificate has ended
        await asyncio.wait_for(joined(bootstrap, cluster, tmp_path / "mine", late=late), 30)
        assert await answers(client, cluster) == {first: ["Approved"]}


async def test_of_two_who_are_trusted_and_ask_for_one_cluster_a_person_chooses(
    client: Client, bootstrap: Path, cluster: str
) -> None:
    await registered(client, cluster)
    async with connected(bootstrap) as guest:
        keys = {await asked(guest, cluster), await asked(guest, cluster)}
    async with registering(client, TRUSTED):
        told = (await event(client, "default", "AsksToJoin", cluster))["message"]
        assert "2 requests with different keys wait" in told
    assert await answers(client, cluster) == {key: [] for key in keys}
    assert not await is_accepted(client, cluster)


@pytest.mark.usefixtures("unguarded")
async def test_trust_in_all_who_are_known_is_no_trust_in_the_agents_of_other_clusters(
    client: Client, cluster: str, other: Other
) -> None:
    await registered(client, cluster)
    key = await forged(other.agent, cluster)
    async with registering(client, "system:authenticated"):
        told = (await event(client, "default", "AsksToJoin", cluster))["message"]
        assert f"is the agent of another cluster, {other.cluster}" in told
    assert await answers(client, cluster) == {key: []}
