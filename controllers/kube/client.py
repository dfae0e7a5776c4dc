"""The one client of a process and cluster: objects of one API server, read and written in bytes of our own codec."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple

import msgspec

from controllers.api.kinds import Kind
from controllers.api.model import Model
from controllers.kube.errors import Conflict, Invalid, NotFound, Unavailable
from controllers.kube.object import Object, decode_deep_list, decode_list
from controllers.kube.patch import JSON_PATCH, Patch
from controllers.kube.transport import JSON, Transport

Body = Mapping[str, Any] | Model | bytes

FIELD_MANAGER = "argosy"
# As kubectl and client-go's metadata informers ask; a server that can't answers with the whole objects.
_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
_METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
_LIST_PAGE = 500


class Page(NamedTuple):
    """A part of a list, consistent at `version`. `token` stands for the next page; "" when this is the last one."""

    objects: list[Object]
    version: str
    token: str


class Client(Transport):
    """Use `await Client.connect(...)`, then `close()`."""

    async def get(self, kind: Kind, name: str, *, namespace: str = "") -> Object:
        return Object(await self.request("GET", kind.path(namespace, name)))

    async def find(self, kind: Kind, name: str, *, namespace: str = "") -> Object | None:
        """Like get, None when there is no such object."""
        try:
            return await self.get(kind, name, namespace=namespace)
        except NotFound:
            return None

    async def create(
        self,
        kind: Kind,
        body: Body,
        *,
        namespace: str = "",
        subresource: str = "",
        field_manager: str = FIELD_MANAGER,
    ) -> Object:
        path = kind.path(namespace) if not subresource else f"{kind.path(namespace)}/{subresource}"
        query = (("fieldManager", field_manager),)
        return Object(await self.request("POST", path, body=_encode(body), query=query))

    async def update(self, kind: Kind, name: str, body: Body, *, namespace: str = "") -> Object:
        """PUT. Only for objects that we own whole (Leases); everything else is patched."""
        query = (("fieldManager", FIELD_MANAGER),)
        return Object(await self.request("PUT", kind.path(namespace, name), body=_encode(body), query=query))

    async def patch(
        self, kind: Kind, name: str, patch: Patch, *, namespace: str = "", subresource: str = ""
    ) -> Object:
        """Raises Conflict also for a JSON patch whose `test` failed."""
        path = kind.path(namespace, name) + (f"/{subresource}" if subresource else "")
        query = patch.query or (("fieldManager", FIELD_MANAGER),)
        try:
            answer = await self.request(
                "PATCH", path, body=patch.body, query=query, content_type=patch.content_type
            )
        except Invalid as error:
            # A failed `test` is answered with 422 as a broken rule is, but names no field.
            if patch.content_type == JSON_PATCH and not error.details.get("causes"):
                raise Conflict(error.message, status=error.status, reason=error.reason) from error
            raise
        return Object(answer)

    async def delete(
        self,
        kind: Kind,
        name: str,
        *,
        namespace: str = "",
        uid: str | None = None,
        resource_version: str | None = None,
        propagation: str | None = None,
    ) -> None:
        """Deletes; with `uid` only that very object, with `resource_version` only that state of it (else Conflict).

        Raises NotFound when it is gone already.
        """
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if guards := {
            name: value for name, value in (("uid", uid), ("resourceVersion", resource_version)) if value
        }:
            options["preconditions"] = guards
        if propagation:
            options["propagationPolicy"] = propagation
        await self.request("DELETE", kind.path(namespace, name), body=msgspec.json.encode(options))

    async def page(
        self,
        kind: Kind,
        *,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
        token: str = "",
        version: str = "",
        metadata_only: bool = False,
    ) -> Page:
        """One page of a list: the first, or the one that `token` of the page before it stands for.

        `version`: the first page as it was then; raises Expired when the server does not know any more. With
        `metadata_only` the objects have nothing but apiVersion, kind and metadata, which costs both sides a fraction.
        """
        query = [*_selectors(label_selector, field_selector), ("limit", str(_LIST_PAGE))]
        if token:
            query.append(("continue", token))
        elif version:
            query += [("resourceVersion", version), ("resourceVersionMatch", "Exact")]
        accept = _METADATA_LIST if metadata_only else JSON
        body = await self.request("GET", kind.path(namespace), query=query, accept=accept)
        try:
            return Page(*decode_list(body))
        except RecursionError:  # rare, and slow enough that others want to continue meanwhile
            return Page(*await asyncio.to_thread(decode_deep_list, body))
        except (msgspec.DecodeError, ValueError) as error:
            raise Unavailable(f"the answer is no list: {error}") from error

    async def list(
        self, kind: Kind, *, namespace: str = "", label_selector: str = "", field_selector: str = ""
    ) -> tuple[list[Object], str]:
        """All objects and the resourceVersion that they are consistent at, read in pages."""
        objects: list[Object] = []
        token = ""
        while True:
            page = await self.page(
                kind,
                namespace=namespace,
                label_selector=label_selector,
                field_selector=field_selector,
                token=token,
            )
            objects += page.objects
            token = page.token
            if not token:
                return objects, page.version

    async def version(
        self, kind: Kind, *, namespace: str = "", label_selector: str = "", field_selector: str = ""
    ) -> str:
        """The resourceVersion that a list would have now, for the price of a single object's metadata.

        For after a watch has broken.
        """
        query = [*_selectors(label_selector, field_selector), ("limit", "1")]
        return decode_list(await self.glance(kind.path(namespace), query=query, accept=_METADATA_LIST))[1]

    def watch(
        self,
        kind: Kind,
        *,
        resource_version: str,
        timeout_seconds: int,
        inactivity_seconds: float,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Opens a watch; the context's value yields one JSON line per event until the server ends it.

        `inactivity_seconds` without a byte raises Unavailable: bookmarks come about once a minute, so a
        silent connection is a dead one.
        """
        query = [
            *_selectors(label_selector, field_selector),
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", resource_version),
            ("timeoutSeconds", str(timeout_seconds)),
        ]
        accept = _METADATA if metadata_only else JSON
        path = kind.path(namespace)
        return self.lines(path, query=query, accept=accept, inactivity_seconds=inactivity_seconds)


def _encode(body: Body) -> bytes:
    return body if isinstance(body, bytes) else msgspec.json.encode(body)


def _selectors(label_selector: str, field_selector: str) -> list[tuple[str, str]]:
    pairs = (("labelSelector", label_selector), ("fieldSelector", field_selector))
    return [(key, value) for key, value in pairs if value]
