"""Which REST resource serves a kind on the managed cluster. Cached; asked anew for what is not known yet."""

from __future__ import annotations

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


class Discovery:
    """Reads /api and /apis of one cluster."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._kinds: dict[tuple[str, str, str], Kind] = {}

    async def resolve(self, group: str, version: str, kind: str) -> Kind:
        """Raises UnknownKind when the cluster does not serve it."""
        found = self._kinds.get((group, version, kind))
        if found is None:
            await self._load(group, version)
            found = self._kinds.get((group, version, kind))
        if found is None:
            served = f"{group}/{version}" if group else version
            raise UnknownKind(
                f'no matches for kind "{kind}" in version "{served}": install its CRD on the managed cluster'
            )
        return found

    async def _load(self, group: str, version: str) -> None:
        path = f"/apis/{group}/{version}" if group else f"/api/{version}"
        try:
            answer = await self._client.request("GET", path)
        except NotFound:
            return
        for item in msgspec.json.decode(answer, type=_ResourceList).resources:
            if "/" not in item.name:  # a subresource
                self._kinds[group, version, item.kind] = Kind(
                    group, version, item.kind, item.name, item.namespaced
                )
