"""Tenants take turns: one with many Workflows does not hold up another."""

from __future__ import annotations

import asyncio

from controllers.api import keys
from controllers.api.kinds import MANAGED_CLUSTER_SET_BINDING, MANIFEST_WORK, NAMESPACE, WORKFLOW
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from manifestwork.wiring import add_to
from tests.eventually import eventually
from tests.integration.bodies import of, set_binding, workflow
from tests.integration.running import running

MANY = 200
_FREE = merge_patch({"metadata": {"finalizers": None}})
# Reconciles that run at once, and those that the queue has given out before.
IN_FLIGHT = 40


async def test_the_first_of_one_tenant_does_not_wait_for_all_of_another(
    client: Client, namespace: str, clusters: list[str], bound_set: str
) -> None:
    """All are there at the start; of the tenant that comes last in the list the first is sent among the first."""
    few = f"{namespace}z"
    await client.create(NAMESPACE, of(NAMESPACE, few))
    await client.create(MANAGED_CLUSTER_SET_BINDING, set_binding(bound_set), namespace=few)
    for begun in range(0, MANY, 20):
        await asyncio.gather(
            *(
                client.create(WORKFLOW, workflow(f"many-{number}", cluster=clusters[0]), namespace=namespace)
                for number in range(begun, begun + 20)
            )
        )
    for number in range(2):
        await client.create(WORKFLOW, workflow(f"few-{number}", cluster=clusters[0]), namespace=few)

    async def sent() -> list[str]:
        works, _ = await client.list(MANIFEST_WORK, namespace=clusters[0])
        assert len(works) == MANY + 2
        works.sort(key=lambda work: int(work.metadata.resource_version))
        return [work.metadata.annotations[keys.HUB_NAME_ANNOTATION] for work in works]

    async with running(client, add_to):
        order = await eventually(sent, within=60)
    assert max(order.index(f"few-{number}") for number in range(2)) < IN_FLIGHT
    for number in range(2):
        await client.patch(WORKFLOW, f"few-{number}", _FREE, namespace=few)
        await client.delete(WORKFLOW, f"few-{number}", namespace=few)
