"""Where an evaluator runs at all."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from controllers.api.kinds import CRD
from controllers.kube.client import Client
from controllers.kube.errors import NotFound
from placement.evaluator.wiring import is_wanted
from tests.eventually import eventually
from tests.integration.bodies import of

OPERATOR = "operator.open-cluster-management.io"


@contextlib.asynccontextmanager
async def installed(client: Client, kind: str) -> AsyncIterator[None]:
    """A kind of OCM's operator is served while the block lasts."""
    plural = f"{kind.lower()}s"
    names = {"plural": plural, "kind": kind, "singular": kind.lower(), "listKind": f"{kind}List"}
    schema = {"openAPIV3Schema": {"type": "object"}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    spec = {"group": OPERATOR, "scope": "Cluster", "names": names, "versions": [version]}
    await client.create(CRD, of(CRD, f"{plural}.{OPERATOR}", spec=spec))

    async def served() -> bool:
        try:
            document = await client.request("GET", f"/apis/{OPERATOR}/v1")
        except NotFound:
            return False
        return f'"{plural}"'.encode() in document

    try:
        await eventually(served)
        yield
    finally:
        await client.delete(CRD, f"{plural}.{OPERATOR}")

    async def not_served() -> bool:
        return not await served()

    await eventually(not_served)


async def test_an_evaluator_is_wanted_only_where_nobody_else_evaluates(client: Client) -> None:
    assert await is_wanted(client, "auto")
    async with installed(client, "ClusterManager"):
        assert not await is_wanted(client, "auto")
        assert await is_wanted(client, "on")
    assert await is_wanted(client, "auto")
    assert not await is_wanted(client, "off")


async def test_a_managed_cluster_of_another_ocm_hub_may_be_a_hub_of_ours(client: Client) -> None:
    async with installed(client, "Klusterlet"):
        assert await is_wanted(client, "auto")
