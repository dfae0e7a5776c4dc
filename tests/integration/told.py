"""What a user is told about a Workflow: the Events on it and the annotation that says why it waits."""

from __future__ import annotations

from typing import Any

from controllers.api import keys
from controllers.api.kinds import EVENT, WORKFLOW
from controllers.kube.client import Client
from tests.eventually import eventually


async def waiting(client: Client, namespace: str, name: str = "a") -> str:
    """The annotation's text, "" when the Workflow does not wait."""
    found = await client.get(WORKFLOW, name, namespace=namespace)
    return found.metadata.annotations.get(keys.WAITING_ANNOTATION, "")


async def waits_because(
    client: Client, namespace: str, reason: str, name: str = "a", *, saying: str = ""
) -> str:
    """The annotation's text, once it is about `reason` and has `saying` in it."""

    async def text() -> str | None:
        found = await waiting(client, namespace, name)
        assert found.startswith(f"{reason}: "), found
        assert saying in found
        return found

    return await eventually(text, what=f"{name} waits because of {reason}")


async def waits_no_more(client: Client, namespace: str, name: str = "a") -> None:
    async def moves() -> bool:
        assert await waiting(client, namespace, name) == ""
        return True

    await eventually(moves, what=f"{name} waits no more")


async def event(client: Client, namespace: str, reason: str, name: str = "a") -> dict[str, Any]:
    """The one Event with this reason on the Workflow, once it is there."""
    selector = f"reason={reason},involvedObject.name={name}"

    async def one() -> dict[str, Any] | None:
        found, _ = await client.list(EVENT, namespace=namespace, field_selector=selector)
        assert len(found) <= 1, [item.to_dict()["message"] for item in found]
        return found[0].to_dict() if found else None

    return await eventually(one, what=f"Event {reason} on {name}")
