"""The admission policies of deploy/hub on a real API server: what they refuse to whom, and what they let pass."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from controllers.api.keys import CLUSTER_SET_LABEL
from controllers.api.kinds import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET_BINDING,
    MANIFEST_WORK,
    NAMESPACE,
    Kind,
)
from controllers.api.membership import name_fault
from controllers.kube.client import Client
from controllers.kube.errors import ApiError, Forbidden
from controllers.kube.patch import merge_patch
from hack.deploy.kubectl import Kubectl
from hack.fleet import admission
from tests.deployed import granted, program, rendered
from tests.e2e.ocm.components import ensure
from tests.eventually import eventually
from tests.integration.bodies import of, set_binding

Json = dict[str, Any]

ALICE = "alice"
HOME = "admission"
_WRITE = ["get", "create", "update", "patch", "delete"]


@pytest.fixture(scope="module", autouse=True)
async def installed(client: Client, kubeconfig: Path) -> AsyncIterator[None]:
    """The policies, for this module only; alice, who may write clusters and works; a bad work of before."""
    await client.create(NAMESPACE, of(NAMESPACE, HOME))
    await client.create(MANIFEST_WORK, work("of-before", config_map("a"), config_map("a")), namespace=HOME)
    for kind in (MANAGED_CLUSTER, MANAGED_CLUSTER_SET_BINDING, MANIFEST_WORK):
        rule = {"apiGroups": [kind.group], "resources": [kind.plural], "verbs": _WRITE}
        await allow(client, f"alice-{kind.plural}", [rule])
    policies = [
        body for body in await asyncio.to_thread(rendered, "hub") if "ValidatingAdmission" in body["kind"]
    ]
    assert {(body["kind"], body["metadata"]["name"]) for body in policies} == {
        (body["kind"], body["metadata"]["name"]) for body in admission.load()
    }
    # The hub of the tests has those about clusters already, as a local fleet has.
    objects = admission.load(admission.WORKS)
    kubectl = Kubectl(str(await asyncio.to_thread(program, "kubectl")), kubeconfig)
    await asyncio.to_thread(kubectl.apply, objects)
    executed = work("probe", config_map("a"), executor=executor("default"))
    refused = [
        (MANAGED_CLUSTER, cluster("probe", True)),
        (MANIFEST_WORK, work("probe")),
        (MANIFEST_WORK, executed),
    ]

    async def all_are_refused() -> bool:
        return not any([await is_created(client, kind, body) for kind, body in refused])

    await eventually(all_are_refused, what="the policies at work")
    yield
    await asyncio.to_thread(kubectl.delete, objects)
    await eventually(lambda: is_created(client, MANIFEST_WORK, executed), what="the policies gone")


# -- bodies ----------------------------------------------------------------------------------------------
def cluster(name: str, accepted: bool) -> Json:
    return of(MANAGED_CLUSTER, name, spec={"hubAcceptsClient": accepted})


def work(name: str, *manifests: Json, **spec: Any) -> Json:
    return of(MANIFEST_WORK, name, spec={"workload": {"manifests": list(manifests)}, **spec})


def config_map(name: str, **metadata: str) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "n", **metadata}}


def executor(name: str) -> Json:
    return {"subject": {"type": "ServiceAccount", "serviceAccount": {"namespace": "n", "name": name}}}


# -- as alice --------------------------------------------------------------------------------------------
async def create(client: Client, kind: Kind, body: Json, *, dry: bool = False) -> None:
    """Raises ApiError as the server answers her."""
    path = kind.path(HOME if kind.namespaced else "")
    query = (("dryRun", "All"),) if dry else ()
    await client.request("POST", path, body=msgspec.json.encode(body), query=query, impersonate=ALICE)


async def change(client: Client, kind: Kind, name: str, body: Json) -> None:
    """Raises ApiError as the server answers her."""
    patch = merge_patch(body)
    path = kind.path(HOME if kind.namespaced else "", name)
    await client.request("PATCH", path, body=patch.body, content_type=patch.content_type, impersonate=ALICE)


async def is_created(client: Client, kind: Kind, body: Json) -> bool:
    try:
        await create(client, kind, body, dry=True)
    except ApiError:
        return False
    return True


async def allow(client: Client, name: str, rules: list[Json]) -> None:
    """Gives alice a role, and waits until the server knows."""
    role = of(CLUSTER_ROLE, name, rules=rules)
    binding = of(
        CLUSTER_ROLE_BINDING,
        name,
        roleRef={"apiGroup": CLUSTER_ROLE.group, "kind": CLUSTER_ROLE.kind, "name": name},
        subjects=[{"apiGroup": CLUSTER_ROLE.group, "kind": "User", "name": ALICE}],
    )
    await ensure(client, CLUSTER_ROLE, role)
    await ensure(client, CLUSTER_ROLE_BINDING, binding)
    await granted(client, ALICE, [role])


# -- clusters --------------------------------------------------------------------------------------------
async def test_a_cluster_is_accepted_by_those_who_may(client: Client) -> None:
    for name in ("mine", "other"):
        await create(client, MANAGED_CLUSTER, cluster(name, False))
    with pytest.raises(Forbidden, match='user "alice" may not set hubAcceptsClient'):
        await change(client, MANAGED_CLUSTER, "mine", cluster("mine", True))
    rule = {
        "apiGroups": ["register.open-cluster-management.io"],
        "resources": ["managedclusters/accept"],
        "resourceNames": ["mine"],
        "verbs": ["update"],
    }
    await allow(client, "alice-accepts", [rule])
    await change(client, MANAGED_CLUSTER, "mine", cluster("mine", True))
    with pytest.raises(Forbidden, match="may not set hubAcceptsClient"):
        await change(client, MANAGED_CLUSTER, "other", cluster("other", True))
    for name in ("mine", "other"):
        await client.delete(MANAGED_CLUSTER, name)


async def test_an_accepted_cluster_may_be_changed_by_all_who_may_write_it(client: Client) -> None:
    await client.create(MANAGED_CLUSTER, cluster("theirs", True))
    await change(client, MANAGED_CLUSTER, "theirs", {"metadata": {"labels": {"a": "b"}}})
    await change(client, MANAGED_CLUSTER, "theirs", cluster("theirs", False))
    with pytest.raises(Forbidden, match="may not set hubAcceptsClient"):
        await change(client, MANAGED_CLUSTER, "theirs", cluster("theirs", True))
    await client.delete(MANAGED_CLUSTER, "theirs")


@pytest.mark.parametrize(
    "name",
    ["default", "kube-system", "kube-x", "openshift-etcd", "open-cluster-management-hub", "a.b", "a" * 64],
)
async def test_a_cluster_is_not_called_as_what_belongs_to_the_hub(client: Client, name: str) -> None:
    """Nor as no namespace can be called. An administrator neither: it is no question of rights."""
    with pytest.raises(ApiError, match=r"must be one for a namespace|belongs to the hub itself"):
        await client.create(MANAGED_CLUSTER, cluster(name, False))
    assert name_fault(name) != ""
    for allowed in ("kubernetes", "defaults", "a" * 63, "1"):
        await create(client, MANAGED_CLUSTER, cluster(allowed, False), dry=True)
        assert name_fault(allowed) == ""


def in_set(name: str, cluster_set: str | None) -> Json:
    body = cluster(name, False)
    body["metadata"]["labels"] = {CLUSTER_SET_LABEL: cluster_set}
    return body


async def test_a_cluster_is_put_into_a_set_and_taken_out_by_those_who_may(client: Client) -> None:
    for name in ("north", "south"):
        with pytest.raises(Forbidden, match=f'user "alice" may not put a cluster into the set {name}'):
            await create(client, MANAGED_CLUSTER, in_set("joins", name))
    await allow(client, "alice-joins", [_may("join", "north")])
    await create(client, MANAGED_CLUSTER, in_set("joins", "north"))
    await change(client, MANAGED_CLUSTER, "joins", {"metadata": {"labels": {"a": "b"}}})
    with pytest.raises(Forbidden, match="may not put a cluster into the set south"):
        await change(client, MANAGED_CLUSTER, "joins", in_set("joins", "south"))
    await change(client, MANAGED_CLUSTER, "joins", in_set("joins", None))
    await client.patch(MANAGED_CLUSTER, "joins", merge_patch(in_set("joins", "south")))
    for other in (None, "north"):
        with pytest.raises(Forbidden, match="may not take a cluster out of the set south"):
            await change(client, MANAGED_CLUSTER, "joins", in_set("joins", other))
    await client.delete(MANAGED_CLUSTER, "joins")


async def test_a_set_is_bound_to_a_namespace_by_those_who_may(client: Client) -> None:
    with pytest.raises(Forbidden, match='user "alice" may not bind the set east'):
        await create(client, MANAGED_CLUSTER_SET_BINDING, set_binding("east"))
    await allow(client, "alice-binds", [_may("bind", "east")])
    await create(client, MANAGED_CLUSTER_SET_BINDING, set_binding("east"))
    await change(client, MANAGED_CLUSTER_SET_BINDING, "east", {"metadata": {"labels": {"a": "b"}}})
    with pytest.raises(ApiError, match="must have the name of its set"):
        await change(client, MANAGED_CLUSTER_SET_BINDING, "east", {"spec": {"clusterSet": "west"}})
    await client.delete(MANAGED_CLUSTER_SET_BINDING, "east", namespace=HOME)


def _may(what: str, name: str) -> Json:
    return {
        "apiGroups": [MANAGED_CLUSTER.group],
        "resources": [f"managedclustersets/{what}"],
        "resourceNames": [name],
        "verbs": ["create"],
    }


# -- manifests -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("manifests", "why"),
    [
        ([], "must have manifests"),
        ([config_map("")], "name must be set"),
        ([{"apiVersion": "v1", "kind": "ConfigMap"}], "name must be set"),
        ([config_map("a", generateName="a-")], "generateName must not be set"),
        ([config_map("a"), config_map("b"), config_map("a")], "two manifests are for the same object"),
    ],
)
async def test_manifests_that_name_no_object_are_refused(
    client: Client, manifests: list[Json], why: str
) -> None:
    with pytest.raises(ApiError, match=why):
        await create(client, MANIFEST_WORK, work("bad", *manifests), dry=True)


@pytest.mark.parametrize(
    "manifests",
    [
        [config_map("a"), config_map("a", namespace="m"), {**config_map("a"), "kind": "Secret"}],
        [config_map(f"c-{number}") for number in range(100)],
        [config_map(f"c-{number}") for number in range(2000)],
    ],
    ids=["alike", "a hundred", "very many"],
)
async def test_manifests_of_different_objects_pass(client: Client, manifests: list[Json]) -> None:
    await create(client, MANIFEST_WORK, work("good", *manifests), dry=True)


async def test_a_bad_work_of_before_can_still_be_let_go(client: Client) -> None:
    await change(client, MANIFEST_WORK, "of-before", {"metadata": {"finalizers": ["example.org/a"]}})
    with pytest.raises(ApiError, match="two manifests are for the same object"):
        await change(client, MANIFEST_WORK, "of-before", work("of-before", config_map("b"), config_map("b")))
    await change(client, MANIFEST_WORK, "of-before", {"metadata": {"finalizers": None}})


# -- executors -------------------------------------------------------------------------------------------
async def test_a_work_is_executed_as_an_account_for_those_who_may(client: Client) -> None:
    rule = {
        "apiGroups": [MANIFEST_WORK.group],
        "resources": [MANIFEST_WORK.plural],
        "resourceNames": ["system:serviceaccount:n:granted"],
        "verbs": ["execute-as"],
    }
    await allow(client, "alice-executes", [rule])
    for name in ("granted", "other"):
        body = work(f"as-{name}", config_map("a"), executor=executor(name))
        if name == "granted":
            await create(client, MANIFEST_WORK, body)
            continue
        with pytest.raises(Forbidden, match=r'user "alice" may not have works executed as .*:n:other'):
            await create(client, MANIFEST_WORK, body)
    await create(client, MANIFEST_WORK, work("as-nobody", config_map("a")))
    with pytest.raises(Forbidden, match="may not have works executed as"):
        await change(client, MANIFEST_WORK, "as-nobody", {"spec": {"executor": executor("other")}})


async def test_an_executor_that_stays_is_not_asked_about(client: Client) -> None:
    body = work("theirs", config_map("a"), executor=executor("other"))
    await client.create(MANIFEST_WORK, body, namespace=HOME)
    await change(client, MANIFEST_WORK, "theirs", work("theirs", config_map("b")))
    await change(client, MANIFEST_WORK, "theirs", {"spec": {"executor": None}})


async def test_an_executor_that_names_no_account_is_refused(client: Client) -> None:
    body = work("no-account", config_map("a"), executor={"subject": {"type": "ServiceAccount"}})
    with pytest.raises(ApiError, match="must name a service account"):
        await create(client, MANIFEST_WORK, body)
