"""A client that remembers what it was not allowed to do."""

from __future__ import annotations

from typing import Any, ClassVar

import aiohttp

from controllers.kube.client import Client
from controllers.kube.pool import Pool


class Watchful(Client):
    """`refused`: method and path of each request that the server has forbidden to any of these clients."""

    refused: ClassVar[list[str]] = []

    async def _send(self, pool: Pool, method: str, path: str, **more: Any) -> aiohttp.ClientResponse:
        response = await super()._send(pool, method, path, **more)
        if response.status in (401, 403):
            self.refused.append(f"{method} {path}")
        return response
