"""Which REST resource serves a kind on the managed cluster. Cached; asked anew for what is not known yet."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable

import msgspec

from controllers.api.kinds import Kind
from controllers.kube.client import Client
from controllers.kube.errors import NotFound


class UnknownKind(Exception):
    """The cluster does not serve the kind (yet)."""


class _Resource(msgspec.Struct):
    name: str
    kind: str
    namespaced: bool


class _ResourceList(msgspec.Struct):
    resources: list[_Resource]


Handler = Callable[[set[Kind], set[Kind]], None]


class Discovery:
    """Reads /api and /apis of one cluster. What was once found holds until `load`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._kinds: dict[tuple[str, str], dict[str, Kind]] = {}
        # Of two answers about one group the later must win.
        self._loading: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._handlers: list[Handler] = []

    def add_handler(self, handler: Handler) -> None:
        """`handler` gets the kinds that have come and those that have gone, whenever an answer differs from the one
        before it. It must not block."""
        self._handlers.append(handler)

    async def resolve(self, group: str, version: str, kind: str) -> Kind:
        """Raises UnknownKind when the cluster does not serve it."""
        if kind not in self._kinds.get((group, version), {}):
            await self.load(group, version)
        found = self._kinds.get((group, version), {}).get(kind)
        if found is None:
            served = f"{group}/{version}" if group else version
            raise UnknownKind(
                f'no matches for kind "{kind}" in version "{served}": install its CRD on the managed cluster'
            )
        return found

    def serves(self, group: str, version: str, kind: str) -> bool:
        """Whether the kind was there when the cluster was asked last."""
        return kind in self._kinds.get((group, version), {})

    def known(self, group: str) -> set[Kind]:
        """All kinds of a group that were found, in the versions that were asked for."""
        return {kind for key, kinds in self._kinds.items() if key[0] == group for kind in kinds.values()}

    async def load(self, group: str, version: str) -> None:
        """Asks the cluster what it serves of the group. Raises ApiError."""
        key = group, version
        async with self._loading[key]:
            after = await self._served(group, version)
            before = self._kinds.pop(key, {})
            if after:
                self._kinds[key] = after
            came, gone = (
                set(after.values()) - set(before.values()),
                set(before.values()) - set(after.values()),
            )
            if came or gone:
                for handler in self._handlers:
                    handler(came, gone)

    async def _served(self, group: str, version: str) -> dict[str, Kind]:
        path = f"/apis/{group}/{version}" if group else f"/api/{version}"
        try:
            answer = await self._client.request("GET", path)
        except NotFound:
            return {}
        return {
            item.kind: Kind(group, version, item.kind, item.name, item.namespaced)
            for item in msgspec.json.decode(answer, type=_ResourceList).resources
            if "/" not in item.name  # a subresource
        }
