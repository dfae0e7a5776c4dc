"""The content of a scope at a moment, page by page, and no more of it than somebody wants."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from controllers.kube.client import Client, Page
from controllers.kube.object import Object
from controllers.runtime.scope import Interest, InterestFunction, Keep, Scope

# So many objects of a page are read one by one; for more of them the page is read again.
_ONE_BY_ONE = 25


@dataclass(frozen=True)
class Listed:
    """The whole content of the scope: the objects that are wanted in full, and the uids of settled ones by key.

    `rewound`: the server was at a later version before, so that what was seen of it since then never was.
    """

    objects: list[Object]
    settled: dict[tuple[str, str], str] = field(default_factory=dict)
    rewound: bool = False


async def listing(
    client: Client, scope: Scope, interest: InterestFunction | None, keep: Keep
) -> tuple[Listed, str]:
    """All of it, and the resourceVersion that it is consistent at. Raises ApiError.

    With an interest, metadata first, and in full only what is wanted so: of tens of thousands of objects that have
    finished nothing else is transferred, encoded and decoded.
    """
    listed = Listed([])
    token = ""
    while True:
        page = await _page(client, scope, token=token, metadata_only=interest is not None)
        if interest is None:
            listed.objects.extend(map(keep, page.objects))
        else:
            wanted = []
            for item in page.objects:
                much = interest(item)
                if much is Interest.FULL:
                    wanted.append(item.key)
                elif much is Interest.UID:
                    listed.settled[item.key] = item.metadata.uid
            full = await _in_full(client, scope, wanted, token, page.version)
            listed.objects.extend(map(keep, full))
        token = page.token
        if not token:
            return listed, page.version


async def _in_full(
    client: Client, scope: Scope, wanted: Sequence[tuple[str, str]], token: str, version: str
) -> list[Object]:
    """The objects of these keys, of a page that was read at `version`. One by one they may be newer, or gone: the watch
    tells of that as well."""
    if len(wanted) > _ONE_BY_ONE:
        keys = set(wanted)
        page = await _page(client, scope, token=token, version=version)
        return [item for item in page.objects if item.key in keys]
    read = (client.find(scope.kind, name, namespace=namespace) for namespace, name in wanted)
    return [item for item in await asyncio.gather(*read) if item is not None]


async def _page(
    client: Client, scope: Scope, *, token: str, version: str = "", metadata_only: bool = False
) -> Page:
    return await client.page(
        scope.kind,
        namespace=scope.namespace,
        label_selector=scope.label_selector,
        field_selector=scope.field_selector,
        token=token,
        version=version,
        metadata_only=metadata_only or scope.metadata_only,
    )
