"""Requests to one API server, and their answers, as bytes.

Configuration, authentication and the connection pool are kubernetes-asyncio's. It never retries and never throttles:
callers have a workqueue with backoff. Watches have a pool of their own, so that a hundred of them never starve a write.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, Final, Self
from urllib.parse import urlencode

import aiohttp
import yarl
from kubernetes_asyncio.client import Configuration

from controllers.kube.configuration import Kubeconfig, config_errors, configured, spelled_server
from controllers.kube.errors import ApiError, TooLarge, Unavailable, from_status
from controllers.kube.pool import Pool

RequestObserver = Callable[[str, int], None]
Query = Sequence[tuple[str, str]]

JSON: Final = "application/json"

_ONE_PIECE = 2**20
# etcd stores 1.5 MiB at most. The API server hands its refusal on as an internal error without a reason, so the
# size of what was sent has to tell; a little is left for what the server adds.
_STORABLE = 3 * 2**19 - 2**14
_REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=10)
_GLANCE_TIMEOUT = aiohttp.ClientTimeout(total=10)


class Transport:
    """`compress`: whether the server may compress its answers. Good across a thin line; within a data center it only
    costs both sides time. `server`: its URL as the kubeconfig spells it. Make it inside the event loop; then `close()`
    it.
    """

    def __init__(self, configuration: Configuration, *, compress: bool = True, server: str = "") -> None:
        self.server = server or str(configuration.host)
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
        """To the server of `kubeconfig` (a file, or what one holds), else $KUBECONFIG, else the pod's service account,
        else ~/.kube/config.

        Raises ConfigError when none of them is usable. Does not talk to the server yet.
        """
        with config_errors(kubeconfig):
            configuration = await configured(kubeconfig, context)
            return cls(configuration, compress=compress, server=spelled_server(kubeconfig, context))

    async def renew(self, kubeconfig: Kubeconfig) -> None:
        """Goes on with the credentials in `kubeconfig`, on new connections: a server takes a client for who it was
        when it connected. Requests under way are answered; watches end, and are taken up again by whoever watches.
        Raises ConfigError."""
        old, watches = self._pool, self._watch_pool
        with config_errors(kubeconfig):
            self._use(await configured(kubeconfig))
        for response in self._watching:
            response.content.feed_eof()  # a reader is not told when its pool is closed
        await watches.close()
        await old.drain()

    @property
    def host(self) -> str:
        """URL of the API server, without a slash at its end."""
        return self._base

    async def close(self) -> None:
        await self._pool.close()
        await self._watch_pool.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        query: Query = (),
        content_type: str = JSON,
        accept: str = JSON,
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
            try:
                return await _answer(response)
            except ApiError as error:
                if error.status == 500 and body is not None and len(body) > _STORABLE:
                    raise TooLarge(error.message, status=error.status) from error
                raise

    async def glance(self, path: str, *, query: Query, accept: str = JSON) -> bytes:
        """A GET for after a watch has broken: not by one of the connections that may have died with it."""
        with _transport_errors():
            response = await self._send(
                self._watch_pool, "GET", path, query=query, accept=accept, timeout=_GLANCE_TIMEOUT
            )
            return await _answer(response)

    @contextlib.asynccontextmanager
    async def lines(
        self, path: str, *, query: Query, accept: str = JSON, inactivity_seconds: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """A GET whose answer is taken line by line, until the server ends it. `inactivity_seconds` without a byte raise
        Unavailable."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=inactivity_seconds)
        with _transport_errors():
            response = await self._send(
                self._watch_pool, "GET", path, query=query, accept=accept, timeout=timeout
            )
            try:
                if response.status != 200:
                    raise _refusal(response, await response.read())
                self._watching.add(response)
                yield _lines(response)
            finally:
                self._watching.discard(response)
                response.close()

    async def _send(
        self,
        pool: Pool,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        query: Query = (),
        content_type: str = JSON,
        accept: str = JSON,
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


async def _answer(response: aiohttp.ClientResponse) -> bytes:
    """All of it. Raises ApiError unless the request has succeeded."""
    async with response:
        answer: bytes = await response.read()
    if 200 <= response.status <= 299:
        return answer
    raise _refusal(response, answer)


def _refusal(response: aiohttp.ClientResponse, answer: bytes) -> ApiError:
    return from_status(response.status, answer, response.headers.get("Retry-After"))


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
