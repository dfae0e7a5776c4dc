"""What an agent's certificate lets it do on the hub, by the API server's own authorizer: everything else is tried."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from controllers.api.keys import CLUSTER_LEASE_NAME
from controllers.api.kinds import MANAGED_CLUSTER
from controllers.api.membership import renewal_names
from controllers.kube.client import Client
from tests.integration.registration.joining import TRUSTED, connected, joined, registering

_VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
_READ = {"get", "list", "watch"}


@pytest.fixture(scope="module")
async def member(
    client: Client, bootstrap: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[str, Client]]:
    """(the cluster's name, its agent)."""
    name, out = "rights", tmp_path_factory.mktemp("rights") / "agent.kubeconfig"
    async with registering(client, TRUSTED):
        await asyncio.wait_for(joined(bootstrap, name, out), 30)
        async with connected(out) as agent:
            yield name, agent


async def may(client: Client, **attributes: str) -> bool:
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = await client.request(
        "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body=msgspec.json.encode(body)
    )
    return bool(msgspec.json.decode(answer)["status"]["allowed"])


async def resources(client: Client) -> list[tuple[str, str, bool]]:
    """(group, resource or resource/subresource, whether namespaced) of all that the hub serves."""
    groups = msgspec.json.decode(await client.request("GET", "/apis"))["groups"]
    versions = ["/api/v1"] + [f"/apis/{item['preferredVersion']['groupVersion']}" for item in groups]
    found = []
    for path in versions:
        group = path.split("/")[2] if path.startswith("/apis") else ""
        listed: list[dict[str, Any]] = msgspec.json.decode(await client.request("GET", path))["resources"]
        found += [(group, item["name"], bool(item["namespaced"])) for item in listed]
    return found


def own(cluster: str, uid: str) -> dict[tuple[str, str, str, str], set[str]]:
    """(group, resource, namespace, name) -> verbs: all that the agent may do. Name "": any."""
    work, scores = "work.open-cluster-management.io", "cluster.open-cluster-management.io"
    change = _READ | {"update", "patch"}
    certificates, requests = "certificates.k8s.io", "certificatesigningrequests"
    score = {"get", "create", "update", "patch"}
    return {
        (work, "manifestworks", cluster, ""): change,
        (work, "manifestworks/status", cluster, ""): change,
        ("argoproj.io", "workflowstatusresults", cluster, ""): change | {"create", "delete"},
        (scores, "addonplacementscores", cluster, ""): score,
        (scores, "addonplacementscores/status", cluster, ""): score,
        ("coordination.k8s.io", "leases", cluster, ""): {"create"},
        ("coordination.k8s.io", "leases", cluster, CLUSTER_LEASE_NAME): {"create", "get", "update", "patch"},
        ("", "events", cluster, ""): {"create", "patch", "get"},
        (scores, "managedclusters", "", cluster): _READ,
        (scores, "managedclusters/status", "", cluster): {"update", "patch"},
        (certificates, requests, "", ""): {"create"},
        **{(certificates, requests, "", name): _READ | {"create"} for name in renewal_names(cluster, uid)},
    }


# What the API server lets everybody do: ask who and what they are.
_EVERYBODY = {
    ("authorization.k8s.io", "selfsubjectaccessreviews"): {"create"},
    ("authorization.k8s.io", "selfsubjectrulesreviews"): {"create"},
    ("authentication.k8s.io", "selfsubjectreviews"): {"create"},
}


async def test_of_all_that_the_hub_serves_it_may_do_this_and_no_more(member: tuple[str, Client]) -> None:
    """Every verb on every resource: in its namespace, in others, in all; on objects of its own name and of others."""
    cluster, agent = member
    uid = (await agent.get(MANAGED_CLUSTER, cluster)).metadata.uid
    allowed = own(cluster, uid)
    wrong: list[str] = []

    async def check(group: str, resource: str, namespace: str, name: str, verb: str) -> None:
        base, _, subresource = resource.partition("/")
        expected = verb in (
            allowed.get((group, resource, namespace, name), set())
            | allowed.get((group, resource, namespace, ""), set())
            | _EVERYBODY.get((group, resource), set())
        )
        found = await may(
            agent,
            group=group, resource=base, subresource=subresource, namespace=namespace, name=name, verb=verb,
        )  # fmt: skip
        if found is not expected:
            wrong.append(f"{verb} {resource}.{group} {namespace}/{name}: {found}")

    checks = []
    for group, resource, namespaced in await resources(agent):
        namespaces = (cluster, "default", "") if namespaced else ("",)
        names = ["", cluster, "another"]
        names += [CLUSTER_LEASE_NAME] if resource == "leases" else []
        names += renewal_names(cluster, uid)[:1] if resource == "certificatesigningrequests" else []
        checks += [
            check(group, resource, namespace, name, verb)
            for namespace in namespaces
            for name in names
            for verb in _VERBS
        ]
    assert len(checks) > 3000
    for start in range(0, len(checks), 64):
        await asyncio.gather(*checks[start : start + 64])
    assert wrong == []


@pytest.mark.parametrize(
    "verb", ["renew", "accept", "approve", "sign", "bind", "escalate", "impersonate", "execute-as"]
)
async def test_verbs_that_are_no_rest_verbs_are_refused_but_for_renewing(
    member: tuple[str, Client], verb: str
) -> None:
    cluster, agent = member
    register, certificates = "register.open-cluster-management.io", "certificates.k8s.io"
    tries = [
        (register, "managedclusters", "clientcertificates", cluster),
        (register, "managedclusters", "accept", cluster),
        (certificates, "signers", "", "kubernetes.io/kube-apiserver-client"),
        ("rbac.authorization.k8s.io", "clusterroles", "", "cluster-admin"),
        ("", "users", "", "system:admin"),
        ("", "groups", "", "system:masters"),
        ("work.open-cluster-management.io", "manifestworks", "", "any"),
    ]
    allowed = [
        item
        for item in tries
        if await may(agent, group=item[0], resource=item[1], subresource=item[2], name=item[3], verb=verb)
    ]
    assert allowed == ([tries[0]] if verb == "renew" else [])
    assert not await may(
        agent,
        group=register,
        resource="managedclusters",
        subresource="clientcertificates",
        name="other",
        verb=verb,
    )
