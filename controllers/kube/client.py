"""The one HTTP client of a process and cluster.

Configuration, authentication and the connection pool are kubernetes-asyncio's; requests and answers are bytes
of our own codec. It never retries and never throttles: callers have a workqueue with backoff. Watches have
a pool of their own, so that a hundred of them never starve a write.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

import aiohttp
import msgspec
import yaml
import yarl
from kubernetes_asyncio import config as kube_config
from kubernetes_asyncio.client import Configuration
from kubernetes_asyncio.config.config_exception import ConfigException

from controllers.api.kinds import Kind
from controllers.api.model import Model
from controllers.kube.errors import (
    ApiError,
    Conflict,
    Invalid,
    NotFound,
    TooLarge,
    Unavailable,
    from_status,
)
from controllers.kube.object import Object, decode_list
from controllers.kube.patch import JSON_PATCH, Patch
from controllers.kube.pool import Pool

Body = Mapping[str, Any] | Model | bytes
RequestObserver = Callable[[str, int], None]
# A file, or what one holds.
Kubeconfig = Path | str | Mapping[str, Any]

FIELD_MANAGER = "argosy"
_JSON = "application/json"
# As kubectl and client-go's metadata informers ask; a server that can't answers with the whole objects.
_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
_METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
_LIST_PAGE = 500
_ONE_PIECE = 2**20
# etcd stores 1.5 MiB at most. The API server hands its refusal on as an internal error without a reason, so the
# size of what was sent has to tell; a little is left for what the server adds.
_STORABLE = 3 * 2**19 - 2**14
_REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=10)
_GLANCE_TIMEOUT = aiohttp.ClientTimeout(total=10)


class ConfigError(Exception):
    """No usable kubeconfig. The message says where was looked and what to do."""


class Page(NamedTuple):
    """A part of a list, consistent at `version`. `token` stands for the next page; "" when this is the last one."""

    objects: list[Object]
    version: str
    token: str


class Client:
    """Reads and writes objects of one API server. Use `await Client.connect(...)`, then `close()`.

    `compress`: whether the server may compress what it lists. Good across a thin line; within a data center it
    only costs both sides time.
    """

    def __init__(self, configuration: Configuration, *, compress: bool = True) -> None:
        self._encoding = {} if compress else {"Accept-Encoding": "identity"}
        self._watching: set[aiohttp.ClientResponse] = set()
        self._use(configuration)
        # Called with (method, status) after each answer; the metrics module hangs itself in here.
        self.on_request: RequestObserver | None = None

    def _use(self, configuration: Configuration) -> None:
        # One SSL context each costs 25-30 ms: two pools a process, made here and again only by `renew`.
        pools = Pool(configuration, maxsize=64), Pool(configuration, maxsize=0)
        self._configuration = configuration
        self._base = str(configuration.host).rstrip("/")
        self._pool, self._watch_pool = pools

    @classmethod
    async def connect(
        cls,
        kubeconfig: Kubeconfig | None = None,
        context: str | None = None,
        *,
        compress: bool = True,
    ) -> Self:
        """A client for `kubeconfig` (a file, or what one holds), else $KUBECONFIG, else the pod's service account,
        else ~/.kube/config.

        Raises ConfigError when none of them is usable. Does not talk to the server yet.
        """
        with _config_errors(kubeconfig):
            return cls(await _configured(kubeconfig, context), compress=compress)

    async def renew(self, kubeconfig: Kubeconfig) -> None:
        """Goes on with the credentials in `kubeconfig`, on new connections: a server takes a client for who it was
        when it connected. Requests under way are answered; watches end, and are taken up again by whoever watches.
        Raises ConfigError."""
        old, watches = self._pool, self._watch_pool
        with _config_errors(kubeconfig):
            self._use(await _configured(kubeconfig, None))
        for response in self._watching:
            response.content.feed_eof()  # a reader is not told when its pool is closed
        await watches.close()
        await old.drain()

    @property
    def host(self) -> str:
        """URL of the API server as the kubeconfig has it."""
        return self._base

    async def close(self) -> None:
        await self._pool.close()
        await self._watch_pool.close()

    # -- objects ----------------------------------------------------------------------------------------

    async def get(self, kind: Kind, name: str, *, namespace: str = "") -> Object:
        return Object(await self.request("GET", kind.path(namespace, name)))

    async def find(self, kind: Kind, name: str, *, namespace: str = "") -> Object | None:
        """Like get, None when there is no such object."""
        try:
            return await self.get(kind, name, namespace=namespace)
        except NotFound:
            return None

    async def create(self, kind: Kind, body: Body, *, namespace: str = "", subresource: str = "") -> Object:
        path = kind.path(namespace) if not subresource else f"{kind.path(namespace)}/{subresource}"
        query = (("fieldManager", FIELD_MANAGER),)
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
        accept = _METADATA_LIST if metadata_only else _JSON
        return Page(*decode_list(await self.request("GET", kind.path(namespace), query=query, accept=accept)))

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

        For after a watch has broken: not by one of the connections that may have died with it.
        """
        query = [*_selectors(label_selector, field_selector), ("limit", "1")]
        with _transport_errors():
            response = await self._send(
                self._watch_pool,
                "GET",
                kind.path(namespace),
                query=query,
                accept=_METADATA_LIST,
                timeout=_GLANCE_TIMEOUT,
            )
            async with response:
                answer = await response.read()
        if response.status != 200:
            raise from_status(response.status, answer, response.headers.get("Retry-After"))
        return decode_list(answer)[1]

    @contextlib.asynccontextmanager
    async def watch(
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
    ) -> AsyncIterator[AsyncIterator[bytes]]:
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
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=inactivity_seconds)
        with _transport_errors():
            response = await self._send(
                self._watch_pool,
                "GET",
                kind.path(namespace),
                query=query,
                accept=_METADATA if metadata_only else _JSON,
                timeout=timeout,
            )
            try:
                if response.status != 200:
                    retry_after = response.headers.get("Retry-After")
                    raise from_status(response.status, await response.read(), retry_after)
                self._watching.add(response)
                yield _lines(response)
            finally:
                self._watching.discard(response)
                response.close()

    # -- one request ------------------------------------------------------------------------------------

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        query: Sequence[tuple[str, str]] = (),
        content_type: str = _JSON,
        accept: str = _JSON,
        impersonate: str = "",
    ) -> bytes:
        """One request; the answer's bytes. Raises ApiError (see errors). `impersonate`: the user to make it as."""
        pool = self._pool
        with _transport_errors(), pool.engaged():
            response = await self._send(
                pool,
                method,
                path,
                body=body,
                query=query,
                content_type=content_type,
                accept=accept,
                impersonate=impersonate,
            )
            async with response:
                answer: bytes = await response.read()
        if 200 <= response.status <= 299:
            return answer
        error = from_status(response.status, answer, response.headers.get("Retry-After"))
        if response.status == 500 and body is not None and len(body) > _STORABLE:
            raise TooLarge(error.message, status=error.status) from error
        raise error

    async def _send(
        self,
        pool: Pool,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        query: Sequence[tuple[str, str]] = (),
        content_type: str = _JSON,
        accept: str = _JSON,
        impersonate: str = "",
        timeout: aiohttp.ClientTimeout = _REQUEST_TIMEOUT,
    ) -> aiohttp.ClientResponse:
        headers = await self._headers(content_type, accept)
        if impersonate:
            headers["Impersonate-User"] = impersonate
        arguments: dict[str, Any] = {"headers": headers, "timeout": timeout}
        if body is not None:
            # Large bytes are sent piece by piece: aiohttp would put them on the wire at once, with a warning.
            arguments["data"] = body if len(body) <= _ONE_PIECE else io.BytesIO(body)
        # `encoded`: yarl would otherwise undo the escapes of a label selector.
        url = yarl.URL(self._base + path + (f"?{urlencode(query)}" if query else ""), encoded=True)
        response = await pool.request(method, url, **arguments)
        if self.on_request is not None:
            self.on_request(method, response.status)
        return response

    async def _headers(self, content_type: str, accept: str) -> dict[str, str]:
        headers = {"Accept": accept, "Content-Type": content_type, "User-Agent": "argosy", **self._encoding}
        # auth_settings runs the refresh hook: in-cluster tokens are read anew, exec plugins run again.
        for setting in (await self._configuration.auth_settings()).values():
            # A token file's trailing newline is kept by the library and refused by aiohttp.
            headers["Authorization"] = str(setting["value"]).strip()
        return headers


@contextlib.contextmanager
def _transport_errors() -> Iterator[None]:
    """No answer is Unavailable, whatever layer noticed it."""
    try:
        yield
    except ApiError:
        raise
    except TimeoutError as error:
        raise Unavailable(f"no answer in time ({type(error).__name__})") from error
    except (aiohttp.ClientError, OSError) as error:
        raise Unavailable(f"{type(error).__name__}: {error}") from error


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The newline-separated events of a watch, of any length (StreamReader.readline stops at its limit)."""
    pending = bytearray()
    async for chunk in response.content.iter_any():
        start = len(pending)
        pending += chunk
        while (end := pending.find(b"\n", start)) >= 0:
            line = bytes(pending[:end])
            del pending[: end + 1]
            start = 0
            if line:
                yield line


def _encode(body: Body) -> bytes:
    return body if isinstance(body, bytes) else msgspec.json.encode(body)


def _selectors(label_selector: str, field_selector: str) -> list[tuple[str, str]]:
    pairs = (("labelSelector", label_selector), ("fieldSelector", field_selector))
    return [(key, value) for key, value in pairs if value]


async def _configured(kubeconfig: Kubeconfig | None, context: str | None) -> Configuration:
    configuration = Configuration()
    if isinstance(kubeconfig, Mapping):
        await kube_config.load_kube_config_from_dict(
            dict(kubeconfig), context=context, client_configuration=configuration
        )
    elif kubeconfig is None and _in_cluster():
        kube_config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    else:
        if kubeconfig is not None:
            _must_exist(kubeconfig)  # or the library would find fault with an empty configuration
        await kube_config.load_kube_config(
            config_file=str(kubeconfig) if kubeconfig else None,
            context=context,
            client_configuration=configuration,
            persist_config=False,
        )
    return configuration


@contextlib.contextmanager
def _config_errors(kubeconfig: Kubeconfig | None) -> Iterator[None]:
    """What is wrong with a kubeconfig is a ConfigError, whatever noticed it."""
    try:
        yield
    except (ConfigException, yaml.YAMLError, OSError, ValueError, KeyError, TypeError) as error:
        # OSError: no file, or (SSLError) nothing in it that is a certificate. ValueError: no base64.
        given = "what was given" if isinstance(kubeconfig, Mapping) else kubeconfig
        where = given or "$KUBECONFIG or ~/.kube/config"
        raise ConfigError(f"cannot load a kubeconfig from {where}: {error}") from error


def _must_exist(path: Path | str) -> None:
    Path(path).stat()


def _in_cluster() -> bool:
    return "KUBERNETES_SERVICE_HOST" in os.environ and "KUBECONFIG" not in os.environ
