"""What has been decided for a Placement, as a user would look it up."""

from __future__ import annotations

from controllers.api import keys
from controllers.api.kinds import PLACEMENT, PLACEMENT_DECISION
from controllers.kube.client import Client
from tests.eventually import eventually
from tests.integration.bodies import Body


async def pages(client: Client, namespace: str, name: str = "p") -> list[Body]:
    selector = f"{keys.PLACEMENT_LABEL}={name}"
    found, _ = await client.list(PLACEMENT_DECISION, namespace=namespace, label_selector=selector)
    return [item.to_dict() for item in found]


async def decided(client: Client, namespace: str, name: str = "p") -> list[str]:
    found = await pages(client, namespace, name)
    return [item["clusterName"] for page in found for item in page.get("status", {}).get("decisions", [])]


async def decides(client: Client, namespace: str, expected: list[str], name: str = "p") -> None:
    async def so() -> bool:
        assert await decided(client, namespace, name) == expected
        return True

    await eventually(so, what=f"{name} selects {expected}")


async def status(client: Client, namespace: str, reason: str, name: str = "p") -> Body:
    """The Placement's status once PlacementSatisfied has this reason."""

    async def found() -> Body | None:
        body = (await client.get(PLACEMENT, name, namespace=namespace)).to_dict().get("status", {})
        given = {item["type"]: item["reason"] for item in body.get("conditions", [])}
        assert given.get("PlacementSatisfied") == reason
        return dict(body)

    return await eventually(found, what=reason)
