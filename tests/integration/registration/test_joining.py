"""Joining with credentials that can only ask, on a real API server that signs certificates."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent.__main__ import main
from agent.credentials import FileKeep
from agent.join import JoinError
from controllers.acceptance import approve
from controllers.api.keys import MANAGED_CLUSTER_FINALIZER
from controllers.api.kinds import CERTIFICATE_SIGNING_REQUEST, MANAGED_CLUSTER, NAMESPACE, ROLE_BINDING
from controllers.api.membership import Owned, group, membership, user
from controllers.api.signing import SigningRequest
from controllers.kube.client import Client
from controllers.kube.errors import Forbidden
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from registration.judge import key_of
from tests.eventually import eventually
from tests.integration.registration.joining import (
    TRUSTED,
    as_admin,
    asking,
    connected,
    is_accepted,
    joined,
    registering,
    requests_of,
    whoami,
)
from tests.integration.told import event
from tests.joining import say_available


async def conditions(client: Client, cluster: str) -> list[list[str]]:
    """Of each of its requests."""
    found = [item.to_dict() for item in await requests_of(client, cluster)]
    return [[item["type"] for item in body.get("status", {}).get("conditions") or []] for body in found]


async def asked(client: Client, cluster: str, number: int = 1) -> Object:
    """Its newest request, once there are so many."""

    async def probe() -> bool:
        return len(await requests_of(client, cluster)) == number

    await eventually(probe, what=f"{number} requests")
    return (await requests_of(client, cluster))[-1]


async def test_a_trusted_identity_brings_a_cluster_in_without_a_person(
    client: Client, bootstrap: Path, cluster: str, tmp_path: Path
) -> None:
    out = tmp_path / "agent.kubeconfig"
    async with registering(client, TRUSTED):
        await asyncio.wait_for(joined(bootstrap, cluster, out), 30)
    async with connected(out) as agent:
        name, groups, credential = await whoami(agent)
        assert name == user(cluster)
        assert group(cluster) in groups
        assert credential.startswith("X509SHA256=")
        assert (await agent.get(MANAGED_CLUSTER, cluster)).metadata.labels["name"] == cluster
    assert out.stat().st_mode & 0o777 == 0o600
    assert not out.with_name(f"{out.name}.pending.key").exists()
    found = await client.get(MANAGED_CLUSTER, cluster)
    assert MANAGED_CLUSTER_FINALIZER in found.metadata.finalizers
    assert found.to_dict()["spec"]["leaseDurationSeconds"] == 1


async def test_a_person_lets_a_cluster_in_that_has_asked(
    client: Client, kubeconfig: Path, bootstrap: Path, cluster: str, tmp_path: Path
) -> None:
    async with registering(client), asking(bootstrap, cluster, tmp_path / "out") as task:
        told = (await event(client, "default", "AsksToJoin", cluster))["message"]
        assert f"python -m registration accept {cluster}" in told
        assert await conditions(client, cluster) == [[]]
        assert not task.done()
        status, printed = await as_admin(kubeconfig, "accept", cluster)
        assert status == 0
        assert f"{cluster}: accepted, certificate requests approved: 1\n" in printed
        await asyncio.wait_for(task, 30)
    async with connected(tmp_path / "out") as agent:
        assert (await whoami(agent))[0] == user(cluster)


async def test_kubectl_alone_lets_a_cluster_in_too(
    client: Client, bootstrap: Path, cluster: str, tmp_path: Path
) -> None:
    """`kubectl certificate approve`, and `hubAcceptsClient`: the rights follow."""
    async with registering(client), asking(bootstrap, cluster, tmp_path / "out") as task:
        await approve(client, await asked(client, cluster), "KubectlApprove", "")
        await eventually((tmp_path / "out").exists, what="a certificate")
        assert not task.done(), "a certificate alone gives no rights"
        async with connected(tmp_path / "out") as agent:
            with pytest.raises(Forbidden):
                await agent.get(MANAGED_CLUSTER, cluster)
        assert await client.find(NAMESPACE, cluster) is None
        await client.patch(MANAGED_CLUSTER, cluster, merge_patch({"spec": {"hubAcceptsClient": True}}))
        await asyncio.wait_for(task, 30)


async def test_without_anything_of_argosy_on_the_hub_an_administrator_joins_at_once(
    client: Client, kubeconfig: Path, cluster: str, tmp_path: Path
) -> None:
    arguments = ["join", "--cluster", cluster, "--hub-kubeconfig", str(kubeconfig), "--accept"]
    status = await asyncio.to_thread(main, [*arguments, "--out", str(tmp_path / "out")])
    assert status == 0
    async with connected(tmp_path / "out") as agent:
        assert (await whoami(agent))[0] == user(cluster)
        assert (await agent.get(MANAGED_CLUSTER, cluster)).to_dict()["spec"]["hubAcceptsClient"] is True


async def test_a_service_account_stands_in_where_no_certificates_are_issued(
    client: Client, kubeconfig: Path, cluster: str, tmp_path: Path
) -> None:
    arguments = ["join", "--cluster", cluster, "--hub-kubeconfig", str(kubeconfig), "--accept"]
    status = await asyncio.to_thread(main, [*arguments, "--service-account", "--out", str(tmp_path / "out")])
    assert status == 0
    async with connected(tmp_path / "out") as agent:
        assert (await whoami(agent))[0] == f"system:serviceaccount:{cluster}:argosy-agent"
        await agent.get(MANAGED_CLUSTER, cluster)


async def test_an_agent_that_was_killed_while_it_waited_goes_on_with_its_request(
    client: Client, bootstrap: Path, cluster: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    names = set()
    for _ in range(3):
        async with asking(bootstrap, cluster, out):
            names.add((await asked(client, cluster)).metadata.name)
    async with registering(client, TRUSTED):
        await asyncio.wait_for(joined(bootstrap, cluster, out), 30)
    assert {item.metadata.name for item in await requests_of(client, cluster)} == names
    certificate = out.read_bytes()
    await asyncio.wait_for(joined(bootstrap, cluster, out), 30)
    assert out.read_bytes() == certificate, "one that is good is kept"


async def test_a_denied_request_ends_the_join_and_says_so(
    client: Client, bootstrap: Path, cluster: str, tmp_path: Path
) -> None:
    async with asking(bootstrap, cluster, tmp_path / "out") as task:
        request = (await asked(client, cluster)).metadata.name
        denied = {"type": "Denied", "status": "True", "reason": "No", "message": "not this one"}
        patch = merge_patch({"status": {"conditions": [denied]}})
        await client.patch(CERTIFICATE_SIGNING_REQUEST, request, patch, subresource="approval")
        with pytest.raises(JoinError, match=f"{request}: Denied \\(not this one\\)"):
            await asyncio.wait_for(task, 30)
    async with asking(bootstrap, cluster, tmp_path / "out"):
        another = await asked(client, cluster, 2)
        assert key_of(another.decode(SigningRequest)) != key_of(
            (await client.get(CERTIFICATE_SIGNING_REQUEST, request)).decode(SigningRequest)
        )


async def test_trust_does_not_take_the_place_of_an_agent_that_lives(
    client: Client, bootstrap: Path, cluster: str, tmp_path: Path
) -> None:
    async with registering(client, TRUSTED):
        await asyncio.wait_for(joined(bootstrap, cluster, tmp_path / "first"), 30)
        await say_available(client, cluster, "True")
        async with asking(bootstrap, cluster, tmp_path / "second") as task:
            told = (await event(client, "default", "AsksToJoin", cluster))["message"]
            assert "has an agent that lives" in told
            assert not task.done()


async def test_what_the_bootstrap_credentials_may(client: Client, bootstrap: Path, cluster: str) -> None:
    """Ask, and see what became of it."""
    async with connected(bootstrap) as asker:
        for kind in (ROLE_BINDING, NAMESPACE):
            with pytest.raises(Forbidden):
                await asker.list(kind)
        with pytest.raises(Forbidden):
            await asker.patch(MANAGED_CLUSTER, cluster, merge_patch({"spec": {"hubAcceptsClient": True}}))
        with pytest.raises(Forbidden):
            await asker.list(MANAGED_CLUSTER)
        with pytest.raises(Forbidden):
            await asker.get(MANAGED_CLUSTER, cluster)
        with pytest.raises(Forbidden):
            await asker.delete(MANAGED_CLUSTER, cluster)


async def test_rights_that_somebody_changed_are_made_again(
    client: Client, bootstrap: Path, cluster: str, tmp_path: Path
) -> None:
    async with registering(client, TRUSTED):
        await asyncio.wait_for(joined(bootstrap, cluster, tmp_path / "out"), 30)
        for item in membership(cluster):
            if item.kind == NAMESPACE:
                continue
            await client.delete(item.kind, item.name, namespace=item.namespace)

            async def is_back(item: Owned = item) -> bool:
                return await client.find(item.kind, item.name, namespace=item.namespace) is not None

            await eventually(is_back, what=f"{item.kind} {item.name}")


async def test_a_cluster_that_is_denied_has_no_rights_until_it_is_accepted_again(
    client: Client, bootstrap: Path, cluster: str, tmp_path: Path
) -> None:
    async with registering(client, TRUSTED, health=True):
        await asyncio.wait_for(joined(bootstrap, cluster, tmp_path / "out"), 30)
        async with connected(tmp_path / "out") as agent:

            async def may(expected: bool) -> bool:
                try:
                    await agent.get(MANAGED_CLUSTER, cluster)
                except Forbidden:
                    return not expected
                return expected

            await client.patch(MANAGED_CLUSTER, cluster, merge_patch({"spec": {"hubAcceptsClient": False}}))
            await eventually(lambda: may(False), what="no rights")
            assert not await is_accepted(client, cluster)
            await client.patch(MANAGED_CLUSTER, cluster, merge_patch({"spec": {"hubAcceptsClient": True}}))
            await eventually(lambda: may(True), what="rights")


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (["accept", "never-asked"], 1, "it has not asked yet (python -m agent join)"),
        (["remove", "never-asked"], 1, "there is no ManagedCluster never-asked"),
        (["invite", "--hours", "0.001"], 1, "may not specify a duration less than 10 minutes"),
    ],
)
async def test_what_an_administrator_asks_in_vain_is_explained(
    kubeconfig: Path, tmp_path: Path, arguments: list[str], status: int, text: str
) -> None:
    out = ["--out", str(tmp_path / "b")] if arguments[0] == "invite" else []
    found, printed = await as_admin(kubeconfig, *arguments, *out)
    assert (found, text in printed) == (status, True), printed


async def test_an_invitation_says_how_to_go_on(kubeconfig: Path, tmp_path: Path) -> None:
    out = tmp_path / "bootstrap.kubeconfig"
    status, printed = await as_admin(kubeconfig, "invite", "--out", str(out))
    assert status == 0
    assert f"--hub-kubeconfig {out}" in printed
    assert f"--auto-accept {TRUSTED}" in printed
    assert out.stat().st_mode & 0o777 == 0o600
    async with connected(out) as guest:
        assert (await whoami(guest))[0] == TRUSTED


async def test_a_file_that_cannot_be_read_as_credentials_is_no_reason_to_fail(
    client: Client, bootstrap: Path, cluster: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.write_text("{")
    async with registering(client, TRUSTED):
        await asyncio.wait_for(joined(bootstrap, cluster, out), 30)
    assert await FileKeep(out).load() is not None
