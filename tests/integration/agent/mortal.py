"""An agent that dies before its n-th write: what SIGKILL does, at a moment that the test chooses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from controllers.kube.client import Client

_COUNTED = ("/manifestworks", "/appliedmanifestworks", "/workflows", "/workflowstatusresults")


class Life:
    """Writes that are left to all clients of one agent together. `over` is set when it wants one more."""

    def __init__(self, writes: int) -> None:
        self._left = writes
        self.over = asyncio.Event()
        self.wrote: list[str] = []

    async def spend(self, method: str, path: str) -> None:
        """Returns if the write may be sent; otherwise never."""
        if self.over.is_set() or not self._left:
            self.over.set()
            await asyncio.Event().wait()
        self._left -= 1
        self.wrote.append(f"{method} {path}")


def gated(gate: Callable[[str, str], Awaitable[None]]) -> type[Client]:
    """A class of clients that await `gate(method, path)` before each write."""

    class Gated(Client):
        async def request(
            self,
            method: str,
            path: str,
            *,
            body: bytes | None = None,
            query: Sequence[tuple[str, str]] = (),
            content_type: str = "application/json",
            accept: str = "application/json",
            impersonate: str = "",
        ) -> bytes:
            if method != "GET":
                await gate(method, path)
            return await super().request(
                method,
                path,
                body=body,
                query=query,
                content_type=content_type,
                accept=accept,
                impersonate=impersonate,
            )

    return Gated


def mortal(life: Life, *also: str) -> type[Client]:
    """A class of clients that share `life`. Leases and the cluster's own status do not count; paths with a part that
    is in `also` do."""

    async def spend(method: str, path: str) -> None:
        if any(part in path for part in (*_COUNTED, *also)):
            await life.spend(method, path)

    return gated(spend)
