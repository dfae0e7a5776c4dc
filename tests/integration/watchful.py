"""A client that remembers which rights it has used, and what it was not allowed to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar

import aiohttp

from controllers.kube.client import Client
from controllers.kube.pool import Pool
from tests.deployed import Right

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/[^/]+(?:/namespaces/[^/]+(?=/))?"
    r"/(?P<resource>[^/]+)(?:/(?P<name>[^/]+)(?P<subresource>/[^/]+)?)?"
)


class Watchful(Client):
    """`refused`: method and path of each request that the server has forbidden to any of these clients; `used`: what
    it has let them do."""

    refused: ClassVar[list[str]] = []
    used: ClassVar[set[Right]] = set()

    @classmethod
    def begin(cls) -> None:
        """Forgets what was."""
        cls.refused.clear()
        cls.used.clear()

    async def _send(self, pool: Pool, method: str, path: str, **more: Any) -> aiohttp.ClientResponse:
        response = await super()._send(pool, method, path, **more)
        if response.status in (401, 403):
            self.refused.append(f"{method} {path}")
        elif (right := right_for(method, path, more.get("query", ()))) is not None:
            self.used.add(right)
        return response


def right_for(method: str, path: str, query: Iterable[tuple[str, str]] = ()) -> Right | None:
    """The right that a request takes; None for discovery and the like, which everybody may read."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    reading = "get" if found["name"] else "watch" if ("watch", "true") in query else "list"
    resource = found["resource"] + (found["subresource"] or "")
    return found["group"] or "", resource, _VERBS.get(method, reading)
